"""What Airflow does not promise to keep, and the DAGs, triggers and timetables here rest on.

``NAMES`` lists it for a test, which fails with a sentence when a release of Airflow moves one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.bases.decorator import DecoratedOperator, task_decorator_factory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk.types import RuntimeTaskInstanceProtocol

__all__ = ["NAMES", "DecoratedOperator", "count_runs", "skip_tasks", "task_decorator_factory"]

NAMES = (
    "airflow.api_fastapi.app.get_auth_manager",
    "airflow.api_fastapi.common.db.common.SessionDep",
    "airflow.api_fastapi.auth.managers.base_auth_manager.COOKIE_NAME_JWT_TOKEN",
    "airflow.api_fastapi.auth.managers.models.resource_details.DagAccessEntity",
    "airflow.api_fastapi.core_api.security.GetUserDep",
    "airflow.api_fastapi.core_api.security.requires_access_view",
    "airflow.executors.base_executor.BaseExecutor.change_state",
    "airflow.executors.base_executor.BaseExecutor.run_workload",
    "airflow.executors.base_executor.get_execution_api_server_url",
    "airflow.sdk.bases.decorator.DecoratedOperator",
    "airflow.sdk.bases.decorator.task_decorator_factory",
    "airflow.sdk.execution_time.comms.SkipDownstreamTasks",
    "airflow.sdk.execution_time.task_runner.RuntimeTaskInstance.get_dr_count",
    "airflow.timetables.trigger.CronPartitionTimetable._align_to_next",
    "airflow.timetables.trigger.CronPartitionTimetable._format_key",
    "airflow.timetables.trigger.CronPartitionTimetable._get_next",
    "airflow.timetables.trigger.CronPartitionTimetable._get_partition_date",
    "airflow.timetables.trigger.CronPartitionTimetable.iter_partition_dagrun_infos",
    "airflow.timetables.trigger.CronPartitionTimetable.localize_partition_datetime",
)


def count_runs(
    instance: RuntimeTaskInstanceProtocol,
    dag: str,
    runs: Sequence[str],
    states: Sequence[str] | None = None,
) -> int:
    """How many of these runs of a DAG there are, in these states if any are given."""
    wanted = None if states is None else list(states)
    return int(instance.get_dr_count(dag, run_ids=list(runs), states=wanted))


def skip_tasks(task_ids: Sequence[str]) -> None:
    """Let tasks of the run at hand be skipped, from within a task that goes on after it.

    Airflow's own way ends the task, which then can hand nothing on.
    """
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import SkipDownstreamTasks

    if task_ids:
        message = SkipDownstreamTasks(tasks=list(task_ids))
        task_runner.SUPERVISOR_COMMS.send(msg=message)
