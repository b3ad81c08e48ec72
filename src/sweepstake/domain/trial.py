"""A trial: one point of the search space, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.domain.search import Portion
    from sweepstake.domain.spec import EstimatorSpec


class TrialState(StrEnum):
    """Where a trial stands; MLflow's run status mirrors it (RUNNING, FINISHED, FAILED).

    A skipped trial is a FAILED run with a tag of its own, a cancelled one has no run. A sweep that
    was cancelled is KILLED.
    """

    PENDING = "PENDING"
    """Planned, not yet started."""
    RUNNING = "RUNNING"
    """A task is training it."""
    COMPLETE = "COMPLETE"
    """Trained, tracked and, where the sweep says so, registered."""
    FAILED = "FAILED"
    """Ended without a model; the reason is on its run."""
    SKIPPED = "SKIPPED"
    """Not fitted, as scikit-learn refuses it and the grid file says to skip such points."""
    CANCELLED = "CANCELLED"
    """Not trained, as somebody cancelled the sweep."""


SETTLED = frozenset({TrialState.COMPLETE, TrialState.SKIPPED})
"""What is not trained again."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One point: its number in the sweep, its content key and the classifier to fit.

    ``portion`` is the part of the data that a trial of a rung is scored on.
    """

    number: int
    key: str
    estimator: EstimatorSpec
    portion: Portion | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric that the training process reports step by step."""

    name: str
    points: tuple[tuple[int, float], ...]
    """Pairs of step (iteration, fold) and value."""

    @property
    def values(self) -> tuple[float, ...]:
        """The values alone, by step."""
        return tuple(value for _, value in self.points)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a fitted trial reports; ``metrics`` are single figures, ``curves`` have steps."""

    trial: Trial
    params: Mapping[str, str]
    """Every parameter of the estimator, defaults included, as text."""
    metrics: Mapping[str, float]
    curves: tuple[Curve, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows are true classes, columns predicted ones, on the holdout; empty for multilabel."""
    labels: tuple[str, ...]
    warnings: tuple[str, ...] = field(default=())
    grown: int = 0
    """Trees of a forest that are those of the trial before; they took no time here."""
    shared_steps: tuple[str, ...] = ()
    """Steps that a trial before had fitted; they took no time here."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A trial as the leaderboard shows it."""

    number: int
    key: str
    state: TrialState
    estimator: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    run_id: str
    reason: str = ""
    version: str = ""
    reused_from: str = ""
    """The run of an earlier sweep that it is, empty for one of its own."""
    run_of: str = ""
    """The sweep that trained it; a version of it is of that sweep's run."""
    batch: str = ""
    """The batch that trained it; empty where it has no run."""
    started: int = 0
    """In milliseconds since the epoch, as the end; 0 where it has none."""
    ended: int = 0
    wave: int | None = None
    """The wave that it was chosen in, from 0; ``None`` where all are chosen at once."""
    rung: int | None = None
    """The rung that it was scored on, from 0; ``None`` for all of the data."""
    part: str = ""
    """The part of the data that its rung has, in words."""
