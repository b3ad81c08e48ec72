"""Halving: which trials of a rung go on to the next one, on more of the data."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from sweepstake.domain.ranking import order
from sweepstake.domain.trial import TrialState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweepstake.domain.trial import Standing
    from sweepstake.domain.waves import Wave
    from sweepstake.gridfile.search_space import Chosen
    from sweepstake.sweeps.planned_sweep import PlannedSweep


def survivors(
    planned: PlannedSweep, standings: Sequence[Standing], wave: Wave
) -> tuple[Chosen, ...]:
    """The best trials of the last rung, as many as the next one has; none where none has a score.

    Equal scores go on in the order of the trials.
    """
    metric, last = planned.plan.metric_name, len(planned.plan.asked)
    rung = [
        each
        for each in standings
        if each.wave == last and each.state is TrialState.COMPLETE
        if math.isfinite(each.metrics.get(metric, math.nan))
    ]
    rung.sort(key=lambda each: order(each.metrics[metric], each.number))
    chosen = planned.trials.chosen
    best = sorted(each.number for each in rung[: wave.trials])
    return tuple(replace(chosen[number], portion=wave.portion) for number in best)
