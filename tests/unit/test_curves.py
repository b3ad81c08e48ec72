"""Curves that a classifier kept of its training."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sweepstake.training import curves


@pytest.mark.parametrize(("length", "points"), [(1, 1), (200, 200), (201, 200), (10_000, 200)])
def test_long_curves_are_thinned_evenly(length, points):
    """A curve has 200 points at most, with the first and the last step among them, none twice."""
    classifier = SimpleNamespace(loss_curve_=[float(step) for step in range(length)])
    (curve,) = curves.recorded(classifier)
    steps = [step for step, _ in curve.points]
    assert (points, 0, length - 1) == (len(set(steps)), steps[0], steps[-1])
    assert steps == [value for _, value in curve.points]


def test_what_was_not_recorded_is_no_curve():
    """Attributes that are absent, None or empty make no curve."""
    classifier = SimpleNamespace(validation_scores_=None, train_score_=[])
    assert () == curves.recorded(classifier)
    assert () == curves.staged(classifier, None, None)


@pytest.mark.parametrize(
    ("count", "expected"), [(5, 5.0), ([3, 9], 9.0), ([[1], [2]], 2.0), ([], None), (None, None)]
)
def test_iterations_are_the_greatest(count, expected):
    """n_iter is one figure, also where the classifier counts per class."""
    figures = curves.iterations(SimpleNamespace(n_iter_=count))
    assert ({} if expected is None else {"n_iter": expected}) == figures
