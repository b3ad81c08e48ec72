"""Ranking: the leaderboard of a sweep."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sweepstake.trial import TrialState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweepstake.trial import Standing


def leaderboard(standings: Sequence[Standing], metric: str) -> tuple[Standing, ...]:
    """Complete trials by ``mean_cv_<metric>``, the greatest first; then the others by number.

    Equal scores are in the order of the trials' numbers; a score that is missing or not finite
    comes after all others.
    """
    return tuple(sorted(standings, key=lambda standing: _place(standing, metric)))


def best(standings: Sequence[Standing], metric: str) -> Standing | None:
    """The head of the leaderboard, if it is complete and has a score."""
    head = next(iter(leaderboard(standings, metric)), None)
    return head if head and _is_scored(head, metric) else None


def _place(standing: Standing, metric: str) -> tuple[bool, bool, float, int]:
    incomplete = standing.state is not TrialState.COMPLETE
    if incomplete or not _is_scored(standing, metric):
        return (incomplete, True, 0.0, standing.number)
    return (False, False, -standing.metrics[f"mean_cv_{metric}"], standing.number)


def _is_scored(standing: Standing, metric: str) -> bool:
    complete = standing.state is TrialState.COMPLETE
    return complete and math.isfinite(standing.metrics.get(f"mean_cv_{metric}", math.nan))
