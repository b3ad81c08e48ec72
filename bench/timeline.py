"""When things happened to a grid file, from the records of Airflow and MLflow."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Timeline:
    """Moments in the life of a sweep, in seconds since its file was dropped, in their order.

    ``last_trial`` is when the last run had ended and the last version existed. The last four are
    those of the champion DAG, ``None`` where it was not waited for.
    """

    trials: int
    tasks: int
    sweep_started: float
    plan_started: float
    planned: float
    training: float
    first_fit: float
    last_trial: float
    tasks_ended: float
    closing: float
    leaderboard: float
    champion_started: float | None = None
    judging: float | None = None
    promoted: float | None = None

    @property
    def seconds_per_trial(self) -> float:
        """From the start of the sweep's DAG run to its last trial, divided among the trials."""
        return (self.last_trial - self.sweep_started) / self.trials

    @property
    def seconds_to_last_trial(self) -> float:
        """From the start of the sweep's DAG run to its last trial."""
        return self.last_trial - self.sweep_started

    @property
    def after_last_trial(self) -> dict[str, float]:
        """Seconds from the last trial to the leaderboard and, if waited for, to the champion."""
        gaps = {"leaderboard": self.leaderboard - self.last_trial}
        if self.promoted is not None:
            gaps["champion"] = self.promoted - self.last_trial
        return gaps

    def record(self) -> dict[str, Any]:
        """As JSON, to the millisecond."""
        moments = asdict(self).items()
        return {name: round(v, 3) if isinstance(v, float) else v for name, v in moments}


@dataclass(frozen=True)
class Ended:
    """What the servers say about a sweep that is over; runs and versions as milliseconds.

    ``champion`` is the run of the champion DAG that judged it and ``judged`` that run's tasks.
    """

    run: Mapping[str, Any]
    tasks: Iterable[Mapping[str, Any]]
    children: Iterable[tuple[int, int]]
    versions: Iterable[int]
    parent_end: int
    champion: Mapping[str, Any] | None = None
    judged: Iterable[Mapping[str, Any]] = ()


def build(dropped: float, ended: Ended) -> Timeline:
    """The timeline of a sweep whose file was dropped at the epoch second ``dropped``."""
    plan, train, close = (_of(ended.tasks, name) for name in ("plan", "train", "close"))
    starts, ends = zip(*ended.children, strict=True)
    return Timeline(
        trials=len(starts),
        tasks=len(train),
        sweep_started=_epoch(ended.run["start_date"]) - dropped,
        plan_started=_first(plan) - dropped,
        planned=_last(plan) - dropped,
        training=_first(train) - dropped,
        first_fit=min(starts) / 1000 - dropped,
        last_trial=max((*ends, *ended.versions)) / 1000 - dropped,
        tasks_ended=_last(train) - dropped,
        closing=_first(close) - dropped,
        leaderboard=ended.parent_end / 1000 - dropped,
        **(_champion(dropped, ended) if ended.champion else {}),
    )


def _champion(dropped: float, ended: Ended) -> dict[str, Any]:
    assert ended.champion
    judge = _of(ended.judged, "judge")
    return {
        "champion_started": _epoch(ended.champion["start_date"]) - dropped,
        "judging": _first(judge) - dropped,
        "promoted": _last(judge) - dropped,
    }


def _of(tasks: Iterable[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return [task for task in tasks if task["task_id"] == name and task["start_date"]]


def _first(tasks: Iterable[Mapping[str, Any]]) -> float:
    return min(_epoch(task["start_date"]) for task in tasks)


def _last(tasks: Iterable[Mapping[str, Any]]) -> float:
    return max(_epoch(task["end_date"]) for task in tasks)


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
