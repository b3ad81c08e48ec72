"""The search space: order, size, keys."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import ParameterGrid

from sweepstake.domain.spec import Candidate, DataSpec, EstimatorSpec, SweepSpec
from sweepstake.gridfile.search_space import canonical, size, trials

SVC = EstimatorSpec("sklearn.svm.SVC")
AXES = st.dictionaries(
    st.sampled_from(["C", "gamma", "degree", "coef0"]),
    st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True).map(tuple),
    max_size=3,
)


def _spec(*candidates, **changes):
    spec = SweepSpec("a", "a", DataSpec("sklearn:iris"), candidates, "f1_macro")
    return replace(spec, **changes)


def _points(spec):
    return [dict(trial.estimator.params) for trial in trials(spec, "d")]


@given(AXES)
def test_a_product_is_scikit_learns_own(axes):
    """Points and their order are those of ``ParameterGrid``."""
    assert list(ParameterGrid(axes)) == _points(_spec(Candidate(SVC, (axes,))))


@given(st.lists(AXES, min_size=1, max_size=4))
def test_a_union_holds_each_point_once_in_the_order_of_the_file(grids):
    """What several products share is one trial, at its first place."""
    spec = _spec(Candidate(SVC, tuple(grids)))
    expected = []
    for point in itertools.chain.from_iterable(map(ParameterGrid, grids)):
        if point not in expected:
            expected.append(point)
    assert expected == _points(spec)
    assert size(spec) >= len(expected)


@given(AXES)
def test_index_length_and_iteration_agree(axes):
    """A trial is the same by number, by negative number, in a slice and in a loop."""
    space = trials(_spec(Candidate(SVC, (axes,))), "d")
    listed = list(space)
    assert listed == [space[number] for number in range(len(space))] == space[:]
    assert (space[-1], [trial.number for trial in listed]) == (listed[-1], [*range(len(listed))])


def test_a_number_beyond_the_end_is_refused():
    """The space ends as a list does."""
    with pytest.raises(IndexError):
        trials(_spec(Candidate(SVC)), "d")[1]


def test_values_written_twice_count_once():
    """An axis is a set in the order of its first mention; 1, 1.0 and true differ."""
    spec = _spec(Candidate(SVC, ({"C": (2, 1, 2, 1.0, True)},)))
    assert 4 == size(spec)
    assert ["2", "1", "1.0", "True"] == [repr(point["C"]) for point in _points(spec)]


def test_a_huge_grid_is_sized_and_indexed_without_being_expanded():
    """10^30 points cost nothing until they are asked for."""
    axes = {f"p{number:02}": tuple(range(10)) for number in range(30)}
    assert 10**30 == size(_spec(Candidate(SVC, (axes,))))
    axes = {f"p{number:02}": tuple(range(10)) for number in range(18)}
    space = trials(_spec(Candidate(SVC, (axes,))), "d")
    digits = [space[123_456_789].estimator.params[name] for name in sorted(axes)]
    assert digits == [int(digit) for digit in f"{123_456_789:018}"]


def test_fixed_parameters_are_in_every_trial():
    """Candidates keep their own parameters, in alphabetical order with those of the grid."""
    svc = EstimatorSpec(SVC.name, {"kernel": "rbf"})
    spec = _spec(Candidate(svc, ({"C": (1, 2)},)), Candidate(EstimatorSpec("x.NB")))
    assert [{"C": 1, "kernel": "rbf"}, {"C": 2, "kernel": "rbf"}, {}] == _points(spec)


def test_the_same_content_has_the_same_key():
    """The order of parameters in the file does not matter, nor does the sweep's name."""
    one = EstimatorSpec(SVC.name, {"C": 1, "gamma": 2})
    other = EstimatorSpec(SVC.name, {"gamma": 2, "C": 1})
    first = trials(_spec(Candidate(one)), "d")[0]
    second = trials(_spec(Candidate(other), name="b", model="m", register_top=1), "d")[0]
    assert first.key == second.key
    assert 64 == len(first.key)


@pytest.mark.parametrize(
    "changes",
    [
        {"cv": 4},
        {"seed": 1},
        {"metric": "accuracy"},
        {"data": DataSpec("sklearn:iris", (), (), 0.3)},
    ],
)
def test_a_key_changes_with_what_the_result_depends_on(changes):
    """Folds, seed, metric and holdout are part of the key; so is the data."""
    spec = _spec(Candidate(SVC))
    keys = {
        trials(spec, "d")[0].key,
        trials(spec, "e")[0].key,
        trials(replace(spec, **changes), "d")[0].key,
    }
    assert 3 == len(keys)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, True), ("1", 1), ({"0": 1}, {0: 1}), ([1, 2], [2, 1]), (None, "null")],
)
def test_values_that_differ_differ_in_their_canonical_form(one, other):
    """No two different values share a text."""
    assert canonical(one) != canonical(other)


def test_mappings_and_inner_classifiers_have_a_canonical_form():
    """Keys of mixed kinds and classifiers as values are no obstacle; order does not count."""
    inner = EstimatorSpec("x.Tree", {"depth": 1})
    one = canonical({0: 1, "a": [inner]})
    assert one == canonical({"a": (inner,), 0: 1})
    assert one != canonical({0: 1, "a": [EstimatorSpec("x.Tree", {"depth": 2})]})
