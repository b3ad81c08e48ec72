"""A gain on the same rows: exact for accuracy, with honest bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta, binom, t

from sweepstake.domain.guards import _holm
from sweepstake.domain.paired import by_folds, exact, least_rows


def measured(both, wins, losses, neither, confidence=0.95):
    """The gain where so many rows are right by both, by one alone, by none."""
    counts = (both, wins, losses, neither)
    right = np.repeat([True, True, False, False], counts)
    other = np.repeat([True, False, True, False], counts)
    return exact(right, other, confidence)


@pytest.mark.parametrize(("wins", "losses"), [(5, 0), (30, 10), (1, 9), (7, 7), (200, 150)])
def test_the_chance_is_the_binomial_tail(wins, losses):
    """Of equals, each row that one has right alone falls to either side like a coin."""
    expected = binom.sf(wins - 1, wins + losses, 0.5)
    assert expected == pytest.approx(measured(50, wins, losses, 5).p)


@pytest.mark.parametrize(("wins", "losses"), [(30, 10), (1, 9), (7, 7)])
def test_bounds_are_those_of_clopper_and_pearson(wins, losses):
    """The share of the rows won is bounded exactly; the bounds of the gain follow from it."""
    apart, rows = wins + losses, 100 + wins + losses
    gain = measured(90, wins, losses, 10)
    low = 2 * beta.ppf(0.05, wins, losses + 1) - 1
    high = 2 * beta.ppf(0.95, wins + 1, losses) - 1
    assert (low * apart / rows, high * apart / rows) == pytest.approx((gain.low, gain.high))


@pytest.mark.parametrize(("wins", "losses"), [(5, 0), (4, 0), (30, 10), (20, 12), (9, 3)])
def test_a_lower_bound_above_zero_is_a_sure_gain(wins, losses):
    """Bound and chance say the same."""
    gain = measured(50, wins, losses, 5)
    assert (gain.low > 0) == (gain.p <= 0.05)


def test_equals_gain_nothing():
    """Two that differ nowhere have no chance to be told apart, and bounds of nothing."""
    gain = measured(50, 0, 0, 5)
    assert (0.0, 0.0, 0.0, 1.0) == (gain.gain, gain.low, gain.high, gain.p)


@pytest.mark.parametrize(("confidence", "expected"), [(0.95, 5), (0.9, 4), (0.99, 7)])
def test_fewer_rows_than_these_never_confirm(confidence, expected):
    """Won without exception, so many rows are sure and one less is not."""
    assert expected == least_rows("accuracy", confidence)
    assert 0.5**expected <= 1 - confidence < 0.5 ** (expected - 1)


def test_the_smallest_gain_that_would_be_confirmed():
    """It is 2.49 times the root of the rows apart, by rows: confirmed in 80 of 100 cases."""
    gain = measured(900, 30, 20, 50)
    assert pytest.approx(2.4865 * math.sqrt(50) / 1000, rel=1e-3) == gain.confirmable


def test_chances_of_many_guards_are_adjusted_after_holm():
    """The smallest counts for all of them, the next for the rest, and none overtakes another."""
    assert [0.03, 0.06, 0.06] == pytest.approx(_holm([0.01, 0.04, 0.03]))
    assert [] == _holm([])


def test_folds_are_compared_with_the_corrected_variance():
    """As Nadeau and Bengio have it: 1/k + 1/(k-1) of the variance, by Student's t."""
    scores, others = [0.9, 0.8, 0.85, 0.95, 0.9], [0.85, 0.8, 0.8, 0.9, 0.8]
    found = by_folds(scores, others, 0.95)
    gains = np.subtract(scores, others)
    error = math.sqrt((1 / 5 + 1 / 4) * gains.var(ddof=1))
    assert (5, pytest.approx(gains.mean())) == (found.folds, found.gain)
    assert pytest.approx(found.gain - t.ppf(0.95, 4) * error) == found.low
    assert pytest.approx(found.gain + t.ppf(0.95, 4) * error) == found.high


@pytest.mark.parametrize(
    ("scores", "others"), [([1.0], [0.5]), ([1, 1], [1, 1, 1]), ([1.0, math.nan], [1.0, 1.0])]
)
def test_folds_that_are_not_the_same_are_refused(scores, others):
    """One fold has no spread, other counts are other folds, and a missing score is no score."""
    with pytest.raises(ValueError, match="fold"):
        by_folds(scores, others, 0.95)
