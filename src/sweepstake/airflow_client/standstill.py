"""Standstills: runs in Airflow that wait for what will not come by itself, and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

STILL_SECONDS = 300.0
"""A healthy deployment moves every run within seconds; a restart of all of it takes a minute."""
OURS = ("approval", "champion", "intake", "sweep")
OF_FILES = "sweep__"
"""How the ids of DAGs begin that a grid file has of its own."""
ON_THEIR_WAY = (
    "scheduled",
    "queued",
    "running",
    "restarting",
    "deferred",
    "up_for_retry",
    "up_for_reschedule",
    "awaiting_input",
)
"""States of tasks from which they go on by themselves, or by a person's answer."""


class Airflow(Protocol):
    """What is asked of Airflow, in the words of its REST API."""

    def unfinished_runs(self, dags: Iterable[str], /) -> Sequence[Mapping[str, Any]]:
        """The oldest runs that have not ended, of DAGs whose ids begin so."""

    def dag(self, dag_id: str, /) -> Mapping[str, Any] | None:
        """A DAG, ``None`` where there is none."""

    def tasks(
        self, dag_id: str, run_id: str, states: Iterable[str], /
    ) -> Sequence[Mapping[str, Any]]:
        """Task instances of a run that are in any of these states."""


@dataclass(frozen=True, slots=True)
class Standstill:
    """A run that stands still: since how many seconds, why, and what to do."""

    dag: str
    run: str
    seconds: float
    because: str
    way_out: str

    def __str__(self) -> str:
        """In the words of an error."""
        still = f"stands still for {self.seconds / 60:.0f} minutes, because {self.because}"
        return f"{self.run} of DAG {self.dag}: {still}. {self.way_out}"


def is_ours(dag: str) -> bool:
    """Whether a DAG is Sweepstake's, by its id."""
    return dag in OURS or dag.startswith(OF_FILES)


def standstills(api: Airflow, now: datetime | None = None) -> list[Standstill]:
    """The runs of Sweepstake's DAGs that stand still, the oldest first."""
    now = now or datetime.now(UTC)
    runs = [
        run for run in api.unfinished_runs(OURS) if is_ours(run["dag_id"]) and _is_old(run, now)
    ]
    paused = {name for name in {run["dag_id"] for run in runs} if _is_paused(api, name)}
    found = (_of_run(run, paused, api, now) for run in runs)
    return [standstill for standstill in found if standstill]


def _is_old(run: Mapping[str, Any], now: datetime) -> bool:
    return _seconds(now, run["queued_at"], run["start_date"]) > STILL_SECONDS


def _is_paused(api: Airflow, name: str) -> bool:
    dag = api.dag(name)
    return dag is not None and dag["is_paused"]


def _of_run(
    run: Mapping[str, Any], paused: set[str], api: Airflow, now: datetime
) -> Standstill | None:
    if run["dag_id"] in paused:
        seconds = _seconds(now, run["queued_at"], run["start_date"])
        return _standstill(run, seconds, *_of_paused(run))
    if run["state"] == "queued":
        return None  # it waits for others of its DAG, each of which is looked at
    tasks = api.tasks(run["dag_id"], run["dag_run_id"], ON_THEIR_WAY)
    seconds, *told = next(_reasons(run, tasks, now), (0.0, "", ""))
    return _standstill(run, seconds, *told) if seconds > STILL_SECONDS else None


def _standstill(run: Mapping[str, Any], seconds: float, because: str, way_out: str) -> Standstill:
    return Standstill(run["dag_id"], run["dag_run_id"], seconds, because, way_out)


def _reasons(
    run: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]], now: datetime
) -> Iterator[tuple[float, str, str]]:
    """Why a run may stand still, and since when; nothing while any of its tasks is at work."""
    if not tasks:
        seconds = _seconds(now, run["last_scheduling_decision"], run["start_date"])
        yield seconds, *_of_no_task()
    if any(task["state"] not in {"scheduled", "queued"} for task in tasks):
        return
    for task in tasks:
        if task["state"] == "queued":
            yield _seconds(now, task["queued_when"]), *_of_queued(task)
    for task in tasks:
        if task["state"] == "scheduled":
            yield _seconds(now, task["scheduled_when"]), *_of_scheduled(task)


def _of_paused(run: Mapping[str, Any]) -> tuple[str, str]:
    return "its DAG is paused", f"Say: airflow dags unpause {run['dag_id']}."


def _of_no_task() -> tuple[str, str]:
    because = "none of its tasks is on its way and the scheduler passes it over"
    way_out = "Restart the scheduler; the embedded stack by: sweepstake down, then sweepstake up."
    return because, way_out


def _of_queued(task: Mapping[str, Any]) -> tuple[str, str]:
    because = f"its task {task['task_id']} is queued and no process has taken it"
    return because, "See that workers run and have a free slot; in the end, clear the task."


def _of_scheduled(task: Mapping[str, Any]) -> tuple[str, str]:
    because = f"its task {task['task_id']} is ready and the scheduler does not start it"
    return because, f"See that the scheduler runs, and that pool {task['pool']!r} has a free slot."


def _seconds(now: datetime, *times: str | None) -> float:
    """How long ago the first of these times was that is known."""
    known = next((each for each in times if each), None)
    return (now - datetime.fromisoformat(known)).total_seconds() if known else 0.0
