"""Progress: how far a sweep is, read from its runs in MLflow."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import accumulate
from math import isfinite, nan
from typing import TYPE_CHECKING

from sweepstake.domain.search import Method
from sweepstake.domain.trial import TrialState
from sweepstake.errors import NotFoundError
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import budget
from sweepstake.sweeps.plan import Plan
from sweepstake.sweeps.planned_sweep import open_planned
from sweepstake.sweeps.search_state import state_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweepstake.mlflow_client.runs import Child
    from sweepstake.settings import Settings
    from sweepstake.sweeps.planned_sweep import PlannedSweep


@dataclass(frozen=True, slots=True)
class Progress:
    """A sweep at one moment; ``seconds_left`` is ``None`` until a trial is done.

    ``course`` is the best score so far after each of its own trials, in the order they began;
    ``search`` says how far a search is in its waves and its time.
    """

    total: int
    complete: int
    running: int
    failed: int
    skipped: int
    best: float | None
    seconds_left: float | None
    course: tuple[float, ...] = ()
    search: str = ""

    @property
    def ended(self) -> int:
        """Trials that are over, whatever came of them."""
        return self.complete + self.failed + self.skipped


def look(sweep_id: str, settings: Settings) -> Progress:
    """The progress of a planned sweep; reused trials count as complete.

    Raises:
        NotFoundError: the sweep is not planned yet.
    """
    return measure(open_planned(sweep_id, settings))


def is_planned(sweep_id: str, settings: Settings) -> bool:
    """Whether a sweep has begun."""
    try:
        return bool(Plan.load(Workspace(settings.workspace), sweep_id))
    except NotFoundError:
        return False


def submitted(name: str, settings: Settings) -> tuple[str, ...]:
    """The ids of the sweeps with this name or id that were handed in, begun or not."""
    claims = Workspace(settings.workspace).claims()
    ids = (each.sweep for each in claims)
    return tuple(each for each in ids if name in {each, each.rpartition("__")[0]})


def measure(planned: PlannedSweep) -> Progress:
    """The progress of this planned sweep."""
    children = planned.tracking.children(planned.sweep)
    count = {state: sum(child.state is state for child in children) for state in TrialState}
    began = sorted(_of_all_data(planned, children), key=lambda child: child.started)
    scores = [child.metrics.get(planned.plan.metric_name, nan) for child in began]
    known = [score for score in scores if isfinite(score)]
    reused = len(planned.plan.reused)
    over = (TrialState.COMPLETE, TrialState.FAILED, TrialState.SKIPPED)
    ended = sum(count[state] for state in over)
    total = planned.plan.trial_count
    if budget.is_final(planned.workspace, planned.plan):
        total = reused + len(children)
    return Progress(
        total=total,
        complete=count[TrialState.COMPLETE] + reused,
        running=count[TrialState.RUNNING],
        failed=count[TrialState.FAILED],
        skipped=count[TrialState.SKIPPED],
        best=max(known, default=None),
        seconds_left=_seconds_left(children, ended, total - reused - ended),
        course=tuple(accumulate(known, max)),
        search=state_of(planned).words,
    )


def _of_all_data(planned: PlannedSweep, children: Sequence[Child]) -> Sequence[Child]:
    """The trials whose scores can be compared: those of rungs are scored on other data."""
    if planned.spec.search.method is not Method.HALVING:
        return children
    rungs = {each.key for each in planned.trials if each.portion}
    return [child for child in children if child.key not in rungs]


def _seconds_left(children: Sequence[Child], ended: int, left: int) -> float | None:
    """What is left at the pace so far."""
    if not ended:
        return None
    elapsed = time.time() - min(child.started for child in children) / 1000
    return elapsed / ended * left
