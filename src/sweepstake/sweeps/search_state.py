"""Search state: how far a search is in its waves and its time, and how it ended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sweepstake.domain.search import Method
from sweepstake.sweeps import budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweepstake.domain.trial import Standing
    from sweepstake.sweeps.planned_sweep import PlannedSweep


@dataclass(frozen=True, slots=True)
class SearchState:
    """A search at one moment; ``waves`` is 1 where all points are chosen at once.

    ``seconds_left`` is for how long trials may still begin, ``None`` where that is not limited, and
    ``ended`` why none begins any more.
    """

    method: str
    wave: int
    waves: int
    seconds_left: float | None
    ended: str

    @property
    def words(self) -> str:
        """``wave 3 of 9, 1:12:00 of its time left``; empty where nothing is to be told."""
        noun = "rung" if self.method == Method.HALVING else "wave"
        parts = [f"{noun} {self.wave} of {self.waves}"] if self.waves > 1 else []
        if self.ended:
            parts.append("the search has ended")
        elif self.seconds_left is not None:
            parts.append(f"{timedelta(seconds=round(self.seconds_left))} of its time left")
        return ", ".join(parts)


def state_of(planned: PlannedSweep) -> SearchState:
    """Where the search of a sweep stands."""
    plan = planned.plan
    left = budget.time_left(planned.workspace, plan)
    return SearchState(
        method=str(plan.spec.search.method),
        wave=len(plan.asked) + 1,
        waves=max(1, len(plan.waves)),
        seconds_left=max(0.0, left) if math.isfinite(left) else None,
        ended=budget.ended(planned.workspace, plan),
    )


def told_of_search(planned: PlannedSweep, standings: Sequence[Standing]) -> str:
    """How a search spent its budget, in a sentence or two; empty for a whole grid."""
    plan = planned.plan
    reason = budget.ended(planned.workspace, plan)
    if plan.spec.search.method is Method.GRID and not reason:
        return ""
    state = state_of(planned)
    steps = f" in {state.wave} of {state.waves} {_noun(plan.spec.search.method)}"
    told = f"Search by {plan.spec.search.method}: {len(standings):,} of at most "
    told += f"{plan.trial_count:,} trials{steps if state.waves > 1 else ''}."
    whole = any(each.rung is None for each in standings)
    without = "" if whole else " No trial came to the last rung, so there is no model."
    return f"{told} {reason}".rstrip() + without


def stopped_short(planned: PlannedSweep) -> str:
    """That a search was left before its last wave, for no reason of its own; empty where not."""
    state = state_of(planned)
    if state.ended or state.wave >= state.waves:
        return ""
    noun = _noun(planned.spec.search.method)
    return f"it stopped after {state.wave} of {state.waves} {noun}."


def _noun(method: Method) -> str:
    return "rungs" if method is Method.HALVING else "waves"
