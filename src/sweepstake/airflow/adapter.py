"""The Airflow adapter: what our use cases need to run as tasks, and nothing else."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin
from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import (
    DAG,
    Asset,
    AssetAny,
    AssetOrTimeSchedule,
    AssetWatcher,
    BaseOperatorLink,
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    RetryAction,
    RetryDecision,
    RetryRule,
    get_current_context,
)
from airflow.sdk.exceptions import AirflowRescheduleException
from airflow.sdk.timezone import utcnow

from sweepstake.airflow.bundle import DAG_FILES
from sweepstake.airflow.internals import DecoratedOperator, count_runs, task_decorator_factory
from sweepstake.airflow.timetables import DayPartitions, DayPartitionsOnDemand
from sweepstake.airflow.triggers import GridFolderTrigger, TouchTrigger
from sweepstake.champions import notices
from sweepstake.errors import NotFoundError, PermanentError, SweepstakeError, TransientError
from sweepstake.intake.intake import MOST_STARTED
from sweepstake.processes.death_signal import end_with
from sweepstake.settings import load_settings
from sweepstake.storage.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from airflow.sdk import Context

    from sweepstake.intake.intake import Drop

ROUNDS = Asset("sweepstake_rounds")
"""Updated when the champion DAG has looked at all models; wakes the DAG that notifies."""
MODEL_VERSIONS = Asset("sweepstake_model_versions")
"""Updated by every sweep that closes; wakes the champion DAG."""


def end_with_supervisor(_: Context) -> None:
    """Let Linux end this task when Airflow's supervisor of it is killed.

    Airflow starts another try in its place: the two would train the same trials side by side, and
    the lost one could write when the books are closed.
    """
    end_with(os.getppid())


MOST_RETRIES = 30
"""So often a task is tried again that was killed, or that waits for a server: about an hour."""
MOST_FAILURES = 7
"""Tries after which an error that nobody thought of ends a task: about five minutes."""


class Patience(ExceptionRetryPolicy):
    """Permanent errors fail at once, unforeseen ones after some tries, transient ones at last.

    A task that is killed raises nothing, and the policy is not asked.
    """

    def __init__(self) -> None:
        super().__init__([RetryRule(PermanentError, RetryAction.FAIL)])

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """What becomes of a task that raised; a clear gives it its failures again."""
        decision = super().evaluate(exception, try_number, max_tries, context)
        first = max_tries - MOST_RETRIES  # more than 0 after a clear
        if not isinstance(exception, TransientError) and try_number - first >= MOST_FAILURES:
            return RetryDecision.fail(f"It failed in try {try_number}.")
        return decision


PATIENT = {
    "pre_execute": end_with_supervisor,
    "retries": MOST_RETRIES,
    "retry_delay": timedelta(seconds=5),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=2),
    "retry_policy": Patience(),
}
"""Default arguments of all tasks: permanent errors fail at once, all others retry with back-off."""

POOL = load_settings().pool
"""The pool that training tasks take their slots from."""

AGAIN_AFTER = timedelta(seconds=10)
"""A look costs the start of a process."""

log = logging.getLogger(__name__)


def on_change_or_time(cron: str, *assets: Asset) -> AssetOrTimeSchedule:
    """Run when one of ``assets`` is updated, and on a timer in case an update got lost."""
    timetable = CronTriggerTimetable(cron, timezone="UTC")
    return AssetOrTimeSchedule(timetable=timetable, assets=AssetAny(*assets))


def closed_days(workspace: Workspace) -> Asset:
    """The closed sweeps of days, as an asset that its own trigger updates.

    What a run with a partition key updates wakes only DAGs that have partitions too; the champion
    DAG has none.
    """
    trigger = TouchTrigger(workspace.closed_days)
    watcher = AssetWatcher(name="closed_days", trigger=trigger)
    return Asset("sweepstake_closed_days", watchers=[watcher])


def grid_folder(folder: Path) -> Asset:
    """The watched folder as an asset that its own trigger updates."""
    watcher = AssetWatcher(name="grid_files", trigger=GridFolderTrigger(str(folder)))
    return Asset("sweepstake_grids", watchers=[watcher])


class MlflowLink(BaseOperatorLink):
    """A button on the task instance that opens its runs in MLflow."""

    name = "MLflow"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """The address that the task's use case returned, empty where it failed."""
        return str(operator.mlflow_url)


class PlainText:
    """An operator whose arguments are data: no text among them is rendered as a template.

    Airflow renders what it maps, such as the results of other tasks; and those hold texts of users.
    """

    def render_template(self, content: Any, *args: Any, **kwargs: Any) -> Any:
        """Resolve what stands for another task's result; leave every text as it is."""
        if isinstance(content, str):
            return content
        return super().render_template(content, *args, **kwargs)  # type: ignore[misc]


class StartSweep(PlainText, TriggerDagRunOperator):
    """Starts the run of a sweep whose id no run has yet; the run is told the snapshot's digest."""

    template_fields = ()


start_sweep = partial(
    StartSweep.partial,
    trigger_dag_id="sweep",
    logical_date=None,  # the run id alone identifies a sweep
    skip_when_already_exists=True,
    map_index_template="{{ task.trigger_run_id }}",
)


class PythonTask(PlainText, DecoratedOperator, PythonOperator):
    """A Python function as a task."""

    custom_operator_name = "@task"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Sequence[Any],
        op_kwargs: Mapping[str, Any],
        **kwargs: Any,
    ) -> None:
        upstream: dict[str, Any] = {
            "python_callable": python_callable,
            "op_args": op_args,
            "op_kwargs": op_kwargs,
        }
        super().__init__(kwargs_to_upstream=upstream, **upstream, **kwargs)


class TrackedTask(PythonTask):
    """A Python task whose use case returns the address of its page in MLflow."""

    custom_operator_name = "@tracked"
    operator_extra_links = (MlflowLink(),)
    mlflow_url = ""

    def execute(self, context: Context) -> Any:
        """Run the use case and remember its page for the link."""
        self.mlflow_url = super().execute(context)
        return self.mlflow_url


task = partial(task_decorator_factory, decorated_operator_class=PythonTask)
tracked = partial(task_decorator_factory, decorated_operator_class=TrackedTask)


def is_asked_for(instance: Any) -> bool:
    """Whether somebody wants this attempt (the first one, or after a clear), not a retry of it.

    A clear gives a task as many tries more as its retries are.
    """
    return bool(instance.try_number + instance.task.retries == instance.max_tries + 1)


def note_run(drop: Drop, run: Any) -> None:
    """Note which run of Airflow is at work on a sweep: that of a day has an id of its own.

    Where there are receivers, they are to be told of it, unless somebody backfills a day.
    """
    settings = load_settings()
    workspace = Workspace(settings.workspace)
    workspace.write_record(f"working/{drop.sweep}", [run.dag_id, run.run_id])
    if settings.notifiers and not drop.backfill:
        notices.keep(workspace, notices.of_run(drop.sweep, run.dag_id, run.run_id))


def is_live(sweep: str) -> bool:
    """Whether a sweep is in work, as Airflow has it.

    One that is queued is not: it may wait for the turn of a run that would wait for it.
    """
    try:
        dag, run = Workspace(load_settings().workspace).read_record(f"working/{sweep}")
    except NotFoundError:
        return False
    instance = get_current_context()["ti"]
    return count_runs(instance, dag, [run], ["running"]) > 0


@contextmanager
def again_later(*kinds: type[SweepstakeError]) -> Iterator[None]:
    """Let Airflow do the task once more after a while; until then it holds no slot.

    No try of the task is used up.
    """
    try:
        yield
    except kinds as error:
        log.info("%s", error)
        raise AirflowRescheduleException(utcnow() + AGAIN_AFTER) from None  # type: ignore[no-untyped-call]


def new_sweeps(drops: Sequence[Drop]) -> list[dict[str, Any]]:
    """Of these drops, the arguments to start those that have no DAG run yet, as many as may be.

    They hold ids and digests only: the workspace knows the files' names.
    """
    instance = get_current_context()["ti"]

    def unknown(part: Sequence[Drop]) -> Sequence[Drop]:
        known = count_runs(instance, "sweep", [drop.sweep for drop in part])
        if known == len(part):
            return []
        if known == 0:
            return part
        middle = len(part) // 2
        return [*unknown(part[:middle]), *unknown(part[middle:])]

    pages = [drops[i : i + 50] for i in range(0, len(drops), 50)]
    fresh = [drop for page in pages for drop in unknown(page)]
    return [
        {"trigger_run_id": drop.sweep, "conf": {"snapshot": drop.snapshot}}
        for drop in fresh[:MOST_STARTED]
    ]


def load_dags() -> dict[str, DAG]:
    """Every DAG of Sweepstake by its id, for a DAG file of two lines.

    These are its import and ``globals().update(load_dags())``.
    """
    found = [value for file in sorted(DAG_FILES.glob("*.py")) for value in _execute(file)]
    return {dag.dag_id: dag for dag in found if isinstance(dag, DAG)}


def _execute(file: Path) -> list[Any]:
    """What a DAG file makes now, which may not be what it made when it was last looked at."""
    loader = SourceFileLoader(file.stem, str(file))
    module = module_from_spec(ModuleSpec(file.stem, loader, origin=str(file)))
    loader.exec_module(module)
    return list(vars(module).values())


class Page:
    """The page in Airflow, made when it is first asked for: all components load the plugin."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        from sweepstake.airflow.page import made

        await made()(scope, receive, send)


class SweepstakePlugin(AirflowPlugin):
    """Makes the link, the timetables and the page known to Airflow's components."""

    name = "sweepstake"
    operator_extra_links = [MlflowLink()]  # noqa: RUF012 - Airflow declares it so
    timetables = [DayPartitions, DayPartitionsOnDemand]  # noqa: RUF012
    fastapi_apps = [{"name": "Sweepstake", "app": Page(), "url_prefix": "/sweepstake"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {"name": "Sweeps", "href": "sweepstake/", "destination": "nav", "url_route": "sweeps"},
        {
            "name": "Sweep",
            "href": "sweepstake/runs/{DAG_ID}/{RUN_ID}",
            "destination": "dag_run",
            "url_route": "sweep",
        },
        {
            "name": "Trials",
            "href": "sweepstake/runs/{DAG_ID}/{RUN_ID}?task={TASK_ID}&index={MAP_INDEX}",
            "destination": "task_instance",
            "url_route": "trials",
        },
    ]
