"""The order of the leaderboard."""

from __future__ import annotations

import math

import pytest

from sweepstake.domain.ranking import best, leaderboard
from sweepstake.domain.trial import Standing, TrialState

NAN = math.nan


def standing(number, score=None, state=TrialState.COMPLETE):
    """A standing with a score for f1_macro, or without."""
    metrics = {} if score is None else {"mean_cv_f1_macro": score}
    return Standing(number, f"key{number}", state, "SVC", {}, metrics, f"run{number}")


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        ([], []),
        ([standing(0, 0.5), standing(1, 0.9)], [1, 0]),
        ([standing(2, 0.5), standing(0, 0.5), standing(1, 0.5)], [0, 1, 2]),
        ([standing(0, NAN), standing(1, -3.0)], [1, 0]),
        ([standing(0, math.inf), standing(1, 0.1), standing(2)], [1, 0, 2]),
        ([standing(0, 0.9, TrialState.FAILED), standing(1, NAN)], [1, 0]),
        (
            [standing(3, 0.2), standing(2, None, TrialState.PENDING), standing(1, 0.9, "FAILED")],
            [3, 1, 2],
        ),
    ],
)
def test_the_order(standings, expected):
    """Complete trials by score, ties by number, no score last, then those not complete."""
    assert expected == [entry.number for entry in leaderboard(standings, "f1_macro")]


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        ([], None),
        ([standing(0, NAN)], None),
        ([standing(0, 0.9, TrialState.RUNNING)], None),
        ([standing(0, 0.1), standing(1, 0.9)], 1),
    ],
)
def test_the_best_trial_is_complete_and_scored(standings, expected):
    """There is a best trial only where a complete one has a finite score."""
    head = best(standings, "f1_macro")
    assert expected == (head.number if head else None)


def test_another_metric_is_not_mixed_in():
    """Only the sweep's own metric ranks."""
    assert best([standing(0, 0.9)], "accuracy") is None
