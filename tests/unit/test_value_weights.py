"""What values of parameters cost beside each other: as timed in preflight, and as looked up."""

from __future__ import annotations

import json
from math import nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.gridfile import loader, search_space
from sweepstake.gridfile.fit_seconds import FitSeconds
from sweepstake.preflight import value_weights
from sweepstake.preflight.trial_fits import Outcome, Refusal
from sweepstake.settings import load_settings
from sweepstake.training import shared_trees


class Timed:
    """Stands for the process that fits: each fit takes what a function of point and rows says."""

    row_count = 1000

    def __init__(self, seconds_of):
        self.seconds_of, self.asked = seconds_of, []

    def on_rows(self, point, count):
        """A fit, and a refusal where the seconds are negative."""
        self.asked.append((dict(point.params), count))
        seconds = self.seconds_of(point.params, count)
        return Outcome(abs(seconds), Refusal("no.") if seconds < 0 else None)


def product(estimator, **grid):
    """The one product of a grid."""
    content = {"data": {"source": "sklearn:iris"}, "estimator": estimator, "grid": grid}
    spec = loader.parse(json.dumps(content).encode(), "a.json", load_settings({})).spec
    return search_space.all_products(search_space.ends(spec))[0]


def weights(timed, found, seconds=1000.0, of_rows=((200, 0.1),)):
    """The weights of a product whose first point was timed, rounded."""
    weighed = value_weights.weigh(found, found[0], of_rows, timed, seconds)
    return {name: {v: round(w, 3) for v, w in known.items()} for name, known in weighed.items()}


def test_words_are_timed_each_and_numbers_at_their_ends():
    """What lies between is on the curve through the ends; the mean of an axis is one."""
    seconds = {"gini": 1, "entropy": 3}

    def took(params, _):
        return 0.1 * seconds[params["criterion"]] * params["max_leaf_nodes"] / 10

    timed = Timed(took)
    found = product(
        "DecisionTreeClassifier", criterion=["gini", "entropy"], max_leaf_nodes=[10, 20, 90]
    )
    expected = {
        "criterion": {'"gini"': 0.5, '"entropy"': 1.5},
        "max_leaf_nodes": {10: 0.25, 20: 0.5, 90: 2.25},
    }
    assert expected == weights(timed, found)
    assert 2 == len(timed.asked)  # entropy, and 90


def test_trees_that_are_shared_cost_what_their_number_is_and_are_not_timed():
    """The largest ensemble of a chain is what the chain takes."""
    timed = Timed(lambda *_: 1.0)
    found = product("RandomForestClassifier", n_estimators=[50, 100, 150])
    assert {"n_estimators": {50: 0.5, 100: 1.0, 150: 1.5}} == weights(timed, found)
    assert [] == timed.asked


def test_more_trees_than_a_number_can_tell_are_weighed_too():
    """Such a point is refused elsewhere; here it must end nothing."""
    axes = (("n_estimators", (1, 10**400)),)
    found = search_space.Product(EstimatorSpec(shared_trees.FORESTS[0], {}), axes)
    assert [0.0, 2.0] == list(weights(Timed(lambda *_: 1.0), found)["n_estimators"].values())


@pytest.mark.parametrize(
    ("of_rows", "rows"),
    [
        (((200, 0.1), (800, 0.2)), 200),
        (((200, 0.001), (800, 0.04), (1000, 0.1)), 800),
        (((200, 0.001), (800, 0.002)), 800),
    ],
)
def test_rows_are_as_few_as_tell_fits_apart(of_rows, rows):
    """A fit of no time at all is compared on more rows."""
    timed = Timed(lambda *_: 0.1)
    weights(timed, product("SVC", C=[1, 9]), of_rows=of_rows)
    assert [rows] == [count for _, count in timed.asked]


def test_no_more_time_is_spent_than_a_small_part_of_the_sweep():
    """Axes beyond it are taken as the average."""
    timed, of_rows = Timed(lambda *_: 1.0), ((200, 1.0),)
    found = product("SVC", C=[1, 9], gamma=[1, 2], tol=[0.1, 0.2])
    seconds = 2.5 / value_weights.SHARE
    assert {"C", "gamma"} == weights(timed, found, seconds, of_rows).keys()
    assert {} == weights(timed, found, 5.0, of_rows)
    quick = Timed(lambda *_: value_weights.LEAST_SECONDS / 4)
    assert {"C", "gamma", "tol"} == weights(quick, found, 5.0, ((200, 0.1),)).keys()


def test_what_cannot_be_fitted_is_the_average():
    """A point that is refused says nothing of time."""
    timed = Timed(lambda params, _: -0.1 if params["kernel"] == "poly" else 0.1)
    found = product("SVC", kernel=["rbf", "poly", "linear"])
    assert {"kernel": {'"rbf"': 1, '"poly"': 1, '"linear"': 1}} == weights(timed, found)


@given(noise=st.lists(st.floats(0.9, 1.1), min_size=30, max_size=30), short=st.booleans())
def test_chance_does_not_change_the_order(noise, short):
    """Fits that take a tenth more or less by chance weigh what they did before."""
    each = iter(noise)
    scale = 0.0001 if short else 0.1
    dear = {"poly": 3.4, "rbf": 1.0, "linear": 1.0}
    timed = Timed(lambda params, _: scale * next(each) * dear[params["kernel"]])
    found = product("SVC", C=[1, 2, 9], kernel=["rbf", "poly", "linear"])
    of_rows = ((200, scale * next(each)),)
    weighed = value_weights.weigh(found, found[0], of_rows, timed, 1000.0)
    told = value_weights.steady(weighed, found[0], scale)
    expected = {"C": [1.0] * 3, "kernel": [0.558, 1.884, 0.558]}
    assert ({} if short else expected) == {
        name: [round(weight, 3) for weight in axis.values()] for name, axis in told.items()
    }


def test_numbers_of_shared_trees_are_no_chance():
    """They are taken as they are, however short their fits."""
    found = product("RandomForestClassifier", n_estimators=[50, 60])
    weighed = value_weights.weigh(found, found[0], ((200, 1e-6),), Timed(lambda *_: 1.0), 1.0)
    assert weighed == value_weights.steady(weighed, found[0], 1e-6)


def test_the_weight_of_a_number_between_two_is_on_the_curve_through_them():
    """A power where all are above zero, a straight line elsewhere; beyond the ends as there."""
    power = FitSeconds(2.0, {"C": {1: 0.5, 100: 5.0}})
    line = FitSeconds(2.0, {"C": {0: 0.5, 100: 1.5}})
    told = [each.of(EstimatorSpec("svc", {"C": 10})) for each in (power, line)]
    assert told == pytest.approx([2 * 0.5 * 10**0.5, 2 * 0.6])
    assert power.of(EstimatorSpec("svc", {"C": 1e6})) == pytest.approx(10.0)
    assert (
        2.0 == power.of(EstimatorSpec("svc", {"C": "auto"})) == power.of(EstimatorSpec("svc", {}))
    )


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.just(10**400)
)
NEIGHBOURS = [1e-5, nextafter(1e-5, 1), nextafter(nextafter(1e-5, 1), 1), 0, 5e-324]
VALUES = st.one_of(
    st.sampled_from(NEIGHBOURS), st.none(), st.booleans(), st.text(max_size=3), NUMBERS
)


def test_numbers_that_cannot_be_told_apart_weigh_the_same():
    """Their logarithms are equal, or half of one is nothing."""
    low, between, high = NEIGHBOURS[:3]
    tight = FitSeconds(1.0, {"C": {low: 1.0, high: 2.0}})
    assert 1 <= tight.of(EstimatorSpec("svc", {"C": between})) <= 2
    smallest = FitSeconds(1.0, {"C": {0: 1.0, 5e-324: 2.0}})
    assert 1.0 == smallest.of(EstimatorSpec("svc", {"C": -1}))


@given(axis=st.lists(st.tuples(VALUES, st.floats(0.01, 50)), max_size=5), value=VALUES)
def test_weights_survive_their_record_and_are_finite(axis, value):
    """Whatever stands in a grid file."""
    named = {value_weights.named(each): weight for each, weight in axis}
    seconds = FitSeconds(1.5, {"a": named})
    again = FitSeconds.of_record(json.loads(json.dumps(seconds.record())))
    point = EstimatorSpec("svc", {"a": value})
    assert 0 < seconds.of(point) == again.of(point) < float("inf")
    assert FitSeconds(2.0) == FitSeconds.of_record(2.0)
