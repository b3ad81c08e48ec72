"""Ranking: which of some trials is better, and the leaderboard of a sweep."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from sweepstake.domain.tags import mean_cv
from sweepstake.domain.trial import TrialState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweepstake.domain.trial import Standing


def order(score: float | None, number: int) -> tuple[bool, float, int]:
    """What to sort trials by: the greatest score first, of equals the lower number.

    Those whose score is missing or not finite come last.
    """
    if score is None or not math.isfinite(score):
        return (True, 0.0, number)
    return (False, -score, number)


def leaderboard(standings: Sequence[Standing], metric: str) -> tuple[Standing, ...]:
    """Complete trials by ``mean_cv_<metric>``, the greatest first; then the others by number.

    Equal scores are in the order of the trials' numbers; a score that is missing or not finite
    comes after all others. Trials that were scored on a part of the data come after those on all of
    it, those of a later rung first: their scores are not of the same data.
    """
    return tuple(sorted(standings, key=lambda standing: _place(standing, metric)))


def best(standings: Sequence[Standing], metric: str) -> Standing | None:
    """The head of the leaderboard, if it is complete and has a score."""
    for head in leaderboard(standings, metric)[:1]:
        incomplete, _, unscored, *_ = _place(head, metric)
        return None if incomplete or unscored else head
    return None


def _place(standing: Standing, metric: str) -> tuple[bool, int, bool, float, int]:
    incomplete = standing.state is not TrialState.COMPLETE
    score = None if incomplete else standing.metrics.get(mean_cv(metric))
    whole = standing.rung is None or incomplete
    return (
        incomplete,
        -sys.maxsize if whole else -(standing.rung or 0),
        *order(score, standing.number),
    )
