"""Backfilling: drive Airflow's backfill of a range of days until each of them is over.

Airflow 3.3.2 has faults that would leave days undone; they are noticed, told, and worked around by
starting the days' runs directly:

- While 20 or more other runs are running, runs of a backfill are never looked at (issue 58554).
- A run of a cancelled backfill that is cleared stays queued forever.
- It counts a backfill as running up to 30 seconds after its last run, and allows one for each DAG.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sweepstake.airflow_client.backfill_api import BackfillApi
from sweepstake.errors import NotFoundError, TransientError
from sweepstake.intake import daily_files, intake
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sweepstake.airflow_client.backfill_api import BackfillRequest, DayRun
    from sweepstake.settings import Settings
    from sweepstake.sweeps.progress import Progress

POLL_SECONDS = 2.0
START_SECONDS = 120.0
"""How long Airflow may take to make the DAG of a file that lies in the watched folder."""
STALL_SECONDS = 60.0
MANY_RUNS = 20
"""Airflow's default of ``[scheduler] max_dagruns_per_loop_to_schedule``."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a backfill; ``state`` is that of its DAG run, or ``skipped`` where one existed."""

    day: str
    state: str = "waiting"
    run_id: str = ""
    sweep: str = ""
    progress: Progress | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in {"success", "failed", "skipped"}


def plan_days(request: BackfillRequest, settings: Settings) -> tuple[str, ...]:
    """The days that a backfill would run now.

    Raises:
        NotFoundError: Airflow knows no DAG of this sweep.
    """
    with BackfillApi.of(settings) as api:
        _await_dag(api, request.dag_id, settings)
        return tuple(api.would_run(request))


def begin(request: BackfillRequest, settings: Settings) -> bool:
    """Start a backfill and leave it to Airflow; whether it began, as no other one is running.

    Raises:
        NotFoundError: Airflow knows no DAG of this sweep, or no day of the range is over.
        StackError: Airflow does not answer, or the DAG is paused.
    """
    with BackfillApi.of(settings) as api:
        api.check_dag(request.dag_id)
        return api.start(request) is not None


def backfill(
    request: BackfillRequest,
    settings: Settings,
    show: Callable[[tuple[Day, ...]], None],
    say: Callable[[str], None],
) -> tuple[Day, ...]:
    """Start a backfill, or join the same one that is running, and follow it to its end.

    Interrupted and called again, it goes on where it was: Airflow goes on meanwhile. ``show`` gets
    the days every two seconds, ``say`` what is out of the ordinary.

    Raises:
        NotFoundError: Airflow knows no DAG of this sweep, or no day of the range is over.
        StackError: Airflow does not answer, or the DAG is paused.
    """
    with BackfillApi.of(settings) as api:
        _await_dag(api, request.dag_id, settings)
        before = api.day_runs(request)
        wanted = sorted({*api.would_run(request), *before})
        own = _start(api, request, say)
        drive = _Drive(api, request, settings, say, before if own else {})
        while True:
            days = drive.look(wanted)
            show(days)
            if all(day.is_over for day in days):
                return days
            drive.rescue(days)
            time.sleep(POLL_SECONDS)


def _await_dag(api: BackfillApi, dag_id: str, settings: Settings) -> None:
    """Hold that the DAG is there; wait for one whose grid file has only just come."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            api.check_dag(dag_id)
        except NotFoundError:
            intake.scan(settings)
            daily_files.find(dag_id.removeprefix(daily_files.PREFIX), Workspace(settings.workspace))
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return


def _start(api: BackfillApi, request: BackfillRequest, say: Callable[[str], None]) -> bool:
    """Start a backfill, waiting for another one's end; whether it is a new one."""
    said = ""
    while api.start(request) is None:
        other = api.active(request.dag_id)
        if other and _is_same(other, request):
            number = other["id"]
            say(f"{request.dag_id}: the same backfill is running (number {number}): following it.")
            return False
        if other and said != (said := f"{other['id']}"):
            say(
                f"{request.dag_id}: Airflow runs one backfill of a DAG at a time and counts number "
                f"{said} ({other['from_date'][:10]} to {other['to_date'][:10]}) as running, up to "
                "30 seconds longer than it does: waiting for it."
            )
        time.sleep(POLL_SECONDS)
    return True


def _is_same(other: Mapping[str, str], request: BackfillRequest) -> bool:
    dates = (other["from_date"][:10], other["to_date"][:10])
    asked = (str(request.first), str(request.last))
    return (*dates, other["reprocess_behavior"]) == (*asked, request.reprocess)


@dataclass(slots=True)
class _Drive:
    """A backfill under way; ``before`` are the runs that were there when it was started."""

    api: BackfillApi
    request: BackfillRequest
    settings: Settings
    say: Callable[[str], None]
    before: Mapping[str, DayRun]
    runs: dict[str, DayRun] = field(default_factory=dict)
    sweeps: dict[str, str] = field(default_factory=dict)
    ended: dict[str, Day] = field(default_factory=dict)
    orphaned: set[str] = field(default_factory=set)
    direct: bool = False
    moved: float = field(default_factory=time.monotonic)
    seen: tuple[object, ...] = ()

    def look(self, wanted: list[str]) -> tuple[Day, ...]:
        """Every day as it is now."""
        self.runs = self.api.day_runs(self.request)
        days = tuple(self._look_at(day) for day in wanted)
        seen = tuple(map(_mark, days))
        if seen != self.seen:
            self.seen, self.moved = seen, time.monotonic()
        return days

    def _look_at(self, day: str) -> Day:
        run = self.runs.get(day)
        if run is None or run.run_id in self.orphaned:
            return Day(day)
        if run.run_id not in self.ended:
            looked = self._with_progress(run)
            if not looked.is_over:
                return looked
            self.ended[run.run_id] = looked
        return self.ended[run.run_id]

    def _with_progress(self, run: DayRun) -> Day:
        old = self.before.get(run.day)
        skipped = old is not None and old.run_id == run.run_id and old.is_over and run.is_over
        sweep = self.sweeps.get(run.run_id) or self.api.sweep_of(self.request.dag_id, run.run_id)
        self.sweeps[run.run_id] = sweep
        state = "skipped" if skipped else run.state
        return Day(run.day, state, run.run_id, sweep, self._progress(sweep) if sweep else None)

    def _progress(self, sweep: str) -> Progress | None:
        try:
            return progress.look(sweep, self.settings)
        except (NotFoundError, TransientError):
            return None  # not planned yet, planned elsewhere, or MLflow is busy

    def rescue(self, days: tuple[Day, ...]) -> None:
        """Start directly what Airflow's backfill would leave undone."""
        self._take_from_dead_backfills()
        if self._is_starving():
            self._leave_backfill()
        left = [day.day for day in days if not day.is_over and self._has_no_run(day.day)]
        if self.direct or self.orphaned:
            free = self.request.parallel - sum(1 for run in self.runs.values() if not run.is_over)
            for day in left[: max(free, 0)]:
                self._start_directly(day)

    def _has_no_run(self, day: str) -> bool:
        run = self.runs.get(day)
        return run is None or run.run_id in self.orphaned

    def _take_from_dead_backfills(self) -> None:
        """Fail the queued runs of backfills that are over: nothing would ever start them."""
        for day, run in self.runs.items():
            old = self.before.get(day)
            queued_before = old is not None and old.run_id == run.run_id and old.state == "queued"
            if queued_before and run.kind == "backfill" and run.state == "queued":
                self._give_up(run, "It was queued for a backfill that is over, forever.")

    def _is_starving(self) -> bool:
        """Whether nothing has moved for long while many other runs are running."""
        if self.direct or time.monotonic() - self.moved < STALL_SECONDS:
            return False
        own = sum(run.state == "running" for run in self.runs.values())
        return self.api.running() - own >= MANY_RUNS

    def _leave_backfill(self) -> None:
        """End the backfill that starves; its days are started directly from now on."""
        self.say(
            f"{self.request.dag_id}: nothing has moved for {STALL_SECONDS:.0f} s while "
            f"{MANY_RUNS} or more other runs are running: Airflow lets "
            "backfills wait then (its issue 58554). "
            "The backfill is cancelled and its days are started directly."
        )
        self.direct = True
        undone = {run.run_id for run in self.runs.values() if not run.is_over}
        active = self.api.active(self.request.dag_id)
        if active:
            self.api.cancel(int(active["id"]))
        self.runs = self.api.day_runs(self.request)
        for run in self.runs.values():
            if run.kind == "backfill" and run.run_id in undone and run.state != "success":
                self._give_up(run, "Its backfill starved; it is started again, directly.")

    def _give_up(self, run: DayRun, note: str) -> None:
        self.say(f"{run.day}: {note}")
        self.api.fail(self.request.dag_id, run, note)
        self.orphaned.add(run.run_id)

    def _start_directly(self, day: str) -> None:
        run_id = f"asked__{day}__{int(time.time())}"
        self.api.start_day(self.request.dag_id, day, run_id, "Started by sweepstake backfill.")
        self.moved = time.monotonic()


def _mark(day: Day) -> tuple[str, str, int]:
    """What changes when a day gets on, and with nothing else."""
    ended = day.progress.ended if day.progress else 0
    return (day.run_id, day.state, ended)
