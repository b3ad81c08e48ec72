"""The task graph of a sweep, the same in every DAG that runs one."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, TaskGroup, get_current_context, get_parsing_context

from sweepstake.airflow.adapter import (
    MODEL_VERSIONS,
    PATIENT,
    POOL,
    again_later,
    is_asked_for,
    is_live,
    note_run,
    task,
    tracked,
)
from sweepstake.airflow.internals import skip_tasks
from sweepstake.airflow.timetables import KEY_FORMAT, DayPartitions, DayPartitionsOnDemand
from sweepstake.domain.waves import MOST_WAVES
from sweepstake.errors import NotFoundError, OverlapError
from sweepstake.intake.intake import take
from sweepstake.settings import load_settings
from sweepstake.storage.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from sweepstake.intake.daily_files import Daily
    from sweepstake.intake.intake import Drop

LABEL = "{{ outcome | default('') }}{{ task.op_kwargs['batch']['label'] }}"
"""What Airflow calls a task of `train`: its trials, and at its end first how many of them failed.

Airflow cuts a name at its end, and trials have the values of users in theirs.
"""
WAVES = "waves"
"""The group of the tasks of a search after its first wave."""
MIDNIGHT = "0 0 * * *"
RUNS = 4
"""Days of one DAG that are in work at the same time, unless a backfill says otherwise."""

DAILY_DOC = """\
The sweep of `{file}`, one run for each day of its data. {when}

Backfill it with `sweepstake backfill {name} --from 2026-01-01 --to 2026-01-07`, with Airflow's own
`airflow backfill create`, or with the button *Trigger*, choosing *Backfill*.
"""


def plan_train_close(drop_of: Callable[[Any], Drop], waves: int = MOST_WAVES) -> None:
    """Add the tasks of a sweep to the DAG at hand; ``drop_of`` a DAG run is what it sweeps.

    A search chooses its first wave in ``plan``; the tasks of the others are in a group that is
    shown closed, and skipped in one step once no wave is left.
    """

    @task()
    def plan(dag_run: Any = None, ti: Any = None) -> list[dict[str, Any]]:
        from dataclasses import asdict

        from sweepstake.sweeps.asking import more_waves
        from sweepstake.sweeps.sweep import plan

        drop = drop_of(dag_run)
        ti.xcom_push("sweep", drop.sweep)
        note_run(drop, dag_run)
        settings = load_settings()
        with again_later(OverlapError):
            batches = plan(drop, settings, is_live, again=is_asked_for(ti))
        skip_tasks(_tasks_from(1 + more_waves(drop.sweep, settings), waves))
        return [asdict(batch) for batch in batches]

    train = tracked(task_id="train", map_index_template=LABEL, pool=POOL)(_train)
    close = tracked(task_id="close", trigger_rule="all_done", outlets=[MODEL_VERSIONS])(_close)
    closed = close()
    trained = train.expand(batch=plan())
    trained >> closed
    if waves > 1 and _may_be_of_waves(get_parsing_context().task_id):
        _later_waves(train, trained, closed, waves)
    # As a teardown it waits for all and decides nothing: how the sweep ended is for close to say.
    closed >> task(task_id="report", trigger_rule="all_done")(_report)().as_teardown()


def _train(batch: dict[str, Any], ti: Any = None) -> str:
    from sweepstake.sweeps.plan import Batch
    from sweepstake.sweeps.sweep import train

    trained = train(Batch(**batch), load_settings(), again=is_asked_for(ti))
    if trained.failed:
        get_current_context()["outcome"] = f"{trained.failed} failed: "  # type: ignore[typeddict-unknown-key]
    return trained.page


def _close(dag_run: Any = None, ti: Any = None) -> str:
    from sweepstake.sweeps.sweep import close

    sweep_id = ti.xcom_pull(task_ids="plan", key="sweep")
    if sweep_id is None:
        message = f"{dag_run.run_id}: must have a plan, but has none. Read the log of plan."
        raise NotFoundError(message)
    try:
        return close(sweep_id, load_settings())
    finally:
        if dag_run.partition_key:
            Workspace(load_settings().workspace).note_closed_day(sweep_id)


def _report(ti: Any = None) -> None:
    from sweepstake.sweeps import reporting

    sweep_id = ti.xcom_pull(task_ids="plan", key="sweep")
    if sweep_id is not None:
        reporting.write(sweep_id, load_settings())


def _may_be_of_waves(task: str | None) -> bool:
    """Whether the group is needed: by whoever reads the whole DAG, and by its own tasks.

    Whoever runs another task builds the DAG for it alone, and is spared thirty more.
    """
    return task is None or task.startswith(WAVES)


def _later_waves(train: Any, trained: Any, closed: Any, waves: int) -> None:
    """Add the tasks of the waves after the first one: each is asked for, then trained."""
    with TaskGroup(WAVES, tooltip="What a search trains after its first wave"):
        for wave in range(1, waves):
            asked = task(task_id=f"ask_{wave}", trigger_rule="all_done")(_ask)(wave, waves)
            trained >> asked
            trained = train.override(task_id=f"train_{wave}").expand(batch=asked)
            trained >> closed


def _ask(wave: int, waves: int, ti: Any = None) -> list[dict[str, Any]]:
    """Choose a wave; where there is none, as without a plan, those after it are skipped too."""
    from dataclasses import asdict

    from sweepstake.sweeps.asking import ask
    from sweepstake.sweeps.progress import is_planned

    sweep_id, settings = ti.xcom_pull(task_ids="plan", key="sweep"), load_settings()
    planned = sweep_id is not None and is_planned(sweep_id, settings)
    with again_later(OverlapError):
        batches = ask(sweep_id, wave, settings, is_live) if planned else None
    if batches is None:
        skip_tasks(_tasks_from(wave + 1, waves))
    return [asdict(batch) for batch in batches or ()]


def _tasks_from(wave: int, waves: int) -> list[str]:
    """The tasks of a wave and of all after it."""
    numbers = range(wave, waves)
    return [f"{WAVES}.{name}_{number}" for number in numbers for name in ("ask", "train")]


def daily_dag(daily: Daily) -> DAG:
    """The DAG of a grid file with data by day: a run is a day, its partition key."""
    kind = DayPartitions if daily.cron else DayPartitionsOnDemand
    when = f"It runs by itself at `{daily.cron}` ({daily.timezone}), on the day before."
    schedule = kind(daily.cron or MIDNIGHT, timezone=daily.timezone, key_format=KEY_FORMAT)
    schedule.validate()  # here, where it hurts no other DAG of the file
    made = DAG(
        daily.dag_id,
        schedule=schedule,
        start_date=_first_tick(daily),
        catchup=False,
        max_active_runs=RUNS,
        default_args=PATIENT,
        tags=["sweepstake", "by day"],
        doc_md=DAILY_DOC.format(
            file=daily.file, name=daily.name, when=when if daily.cron else "It runs on demand only."
        ),
    )
    with made:
        plan_train_close(
            lambda run: _drop_of_day(daily.name, run), MOST_WAVES if daily.in_waves else 1
        )
    return made


def _first_tick(daily: Daily) -> datetime | None:
    """From when ticks count: the first day is over when the next one begins."""
    if not daily.start:
        return None
    first = datetime.combine(date.fromisoformat(daily.start), datetime.min.time())
    return first.replace(tzinfo=ZoneInfo(daily.timezone)) + timedelta(days=1)


def _drop_of_day(name: str, run: Any) -> Drop:
    """The sweep of the day that a DAG run is about; what Airflow did not schedule is a backfill."""
    try:
        day = date.fromisoformat(run.partition_key or "")
    except ValueError:
        message = (
            f"{run.run_id}: must have a day as its partition key, such as 2026-01-15, but has "
            f"{run.partition_key!r}. Trigger it with one, or backfill: sweepstake backfill {name}."
        )
        raise NotFoundError(message) from None
    return take(name, day, load_settings(), backfill=run.run_type != "scheduled")
