"""Searches: ranges, draws, waves, and what TPE makes of scores."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepstake.domain.ranking import leaderboard
from sweepstake.domain.search import Method, Portion, Range, Search, Stop
from sweepstake.domain.spec import Candidate, DataSpec, EstimatorSpec, SweepSpec
from sweepstake.domain.spec_record import record_of, spec_of
from sweepstake.domain.trial import Standing, TrialState
from sweepstake.domain.waves import MOST_WAVES, Sizes, Wave, waves_of
from sweepstake.gridfile.draws import drawn, draws, first_wave, trials_of
from sweepstake.gridfile.search_space import canonical, trials
from sweepstake.sweeps.tpe import Told, suggested

SVC = EstimatorSpec("sklearn.svm.SVC")
KNN = EstimatorSpec("sklearn.neighbors.KNeighborsClassifier")
LISTS = {"C": (0.1, 1, 10), "kernel": ("rbf", "poly"), "degree": (2, 3)}
RANGES = {"C": Range(0.001, 1000.0, log=True), "degree": Range(2, 6, step=2)}


def spec_with(*grids, method=Method.RANDOM, trials=5, **changes):
    """A spec that searches grids of one classifier."""
    search = Search(method=method, trials=trials, **changes)
    return SweepSpec("a", "a", DataSpec("sklearn:iris"), (Candidate(SVC, grids),), "f1_macro",
                     search=search)  # fmt: skip


def params(found):
    """The parameters of chosen points."""
    return [dict(each.estimator.params) for each in found]


@given(st.integers(-1000, 1000), st.integers(1, 500), st.floats(0, 0.999999))
def test_a_whole_range_gives_whole_numbers_within_its_bounds(low, width, part):
    """Both bounds are among them."""
    found = Range(low, low + width)
    assert isinstance(found.share(part), int)
    assert low <= found.share(part) <= low + width
    assert (low, low + width) == (found.share(0.0), found.share(0.9999999))


@given(st.floats(1e-9, 1e3), st.floats(1e-6, 1e9), st.booleans(), st.floats(0, 0.999999))
def test_a_range_of_fractions_keeps_its_bounds(low, width, log, part):
    """Rounding leads beyond neither, whatever their size."""
    found = Range(low, low + width, log=log)
    assert low <= found.share(part) <= low + width


def test_a_logarithmic_range_has_as_many_numbers_in_each_power():
    """A third of the way through three powers of ten is the first of them."""
    found = Range(1.0, 1000.0, log=True)
    assert [1.0, 10.0, 100.0] == [found.share(part / 3) for part in range(3)]
    whole = Range(1, 4, log=True)
    assert {1, 2, 3, 4} == {whole.share(part / 100) for part in range(100)}


def test_steps_are_exact_decimals_up_to_the_upper_bound():
    """Sums of floats are rounded away, and the last step is the bound itself."""
    found = Range(0.1, 0.7, step=0.1)
    assert [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7] == [found.at(n) for n in range(found.count)]


def test_a_search_is_kept_with_the_spec():
    """A plan has the ranges and the search that it was made of; a grid's record has neither."""
    spec = spec_with(RANGES, stop=Stop(0.9, 3), max_time=60.0)
    assert spec == spec_of(record_of(spec))
    assert "search" not in record_of(replace(spec, search=Search()))


def test_lists_are_drawn_without_replacement_until_all_are_used():
    """A search that asks for more than there is has each point once."""
    found = params(drawn(spec_with(LISTS, trials=50), 50))
    whole = [dict(each.estimator.params) for each in trials(spec_with(LISTS), "d")]
    assert 12 == len(found)
    assert sorted(map(canonical, whole)) == sorted(map(canonical, found))


@pytest.mark.parametrize("axes", [LISTS, RANGES])
def test_more_draws_begin_with_the_same_ones(axes):
    """Draw n is that of the space, the seed and n, however many are asked for."""
    spec = spec_with(axes)
    few, many = drawn(spec, 3), drawn(replace(spec, search=Search(Method.RANDOM, 9)), 9)
    assert few == many[:3]
    other = drawn(replace(spec, search=Search(Method.RANDOM, 9, seed=1)), 9)
    assert params(many) != params(other)


def test_no_point_is_drawn_twice():
    """Logarithmic whole numbers repeat often: those that are left come at the end."""
    axes = {"degree": Range(1, 40, log=True), "kernel": ("rbf", "poly")}
    found = [canonical(each.estimator) for each in draws(spec_with(axes))]
    assert (80, 80) == (len(found), len(set(found)))


def test_draws_are_these_for_good():
    """Another release, or another machine, draws the same points."""
    assert [
        {"C": 0.00817418, "degree": 2},
        {"C": 0.189876, "degree": 6},
    ] == params(drawn(spec_with(RANGES), 2))


def test_draws_are_even():
    """Every value of a list, and every tenth of a range, gets about its part."""
    axes = {"C": Range(0.0, 1.0), "kernel": ("rbf", "poly", "linear", "sigmoid")}
    found = params(islice(draws(spec_with(axes)), 2000))
    kernels = Counter(each["kernel"] for each in found)
    tenths = Counter(int(each["C"] * 10) for each in found if each["C"] < 1)
    assert all(430 < number < 570 for number in kernels.values())
    assert all(150 < number < 250 for number in tenths.values())


def test_products_that_share_points_draw_each_once():
    """A point of two grids is one trial."""
    found = drawn(spec_with({"C": (1, 2, 3)}, {"C": (3, 4)}, trials=9), 9)
    assert [1, 2, 3, 4] == sorted(each["C"] for each in params(found))


def test_a_space_of_endless_steps_is_never_expanded():
    """A range of a quadrillion steps costs what is drawn of it."""
    axes = {"C": Range(0.0, 1e6, step=1e-9), "gamma": Range(0.0, 1e6, step=1e-9)}
    assert 3 == len(drawn(spec_with(axes), 3))


def test_a_trial_that_was_drawn_has_the_key_of_a_grids():
    """What a grid trained is not trained again by a search, nor the other way round."""
    spec = spec_with(LISTS, trials=12)
    grid = {trial.key for trial in trials(spec, "d")}
    assert grid == {trial.key for trial in trials_of(spec, "d")}


def test_a_trial_of_a_rung_has_a_key_of_its_own():
    """A score on a part of the data is another result."""
    spec = spec_with(LISTS, method=Method.HALVING, trials=None)
    portions = (None, Portion(0, rows=100), Portion(0, folds=1), Portion(1, rows=100))
    keys = [{trial.key for trial in trials_of(spec, "d", portion=each)} for each in portions]
    assert (keys[1], set()) == (keys[3], keys[0] & keys[1] | keys[1] & keys[2])


def sizes(points, **changes):
    """A deployment with two slots, on 1,500 rows and five folds."""
    return replace(Sizes(points, slots=2, rows=1500, least=10, folds=5), **changes)


@pytest.mark.parametrize(
    ("search", "size", "expected"),
    [
        (Search(), sizes(36), [36]),
        (Search(Method.RANDOM, 100), sizes(100), [100]),
        (Search(Method.TPE, 21), sizes(21), [10, 4, 4, 3]),
        (Search(Method.TPE, 21, wave=12), sizes(21), [12, 9]),
        (Search(Method.TPE, 5), sizes(5), [5]),
        (Search(Method.HALVING, 27), sizes(27), [27, 9, 3]),
        (Search(Method.HALVING, 2), sizes(2), [2]),
        (Search(Method.HALVING, 100), sizes(100), [100, 34, 12]),
        (Search(Method.HALVING, 27), sizes(27, rows=300), [27, 9]),
        (Search(Method.HALVING, 27), sizes(27, rows=300, folds=10), [27, 9, 3]),
        (Search(Method.HALVING, 27), sizes(27, least=600), [27]),
    ],
)
def test_waves_have_these_sizes(search, size, expected):
    """Draws first, then twice the slots; a third goes on to the next rung."""
    assert expected == [wave.trials for wave in waves_of(search, size)]


@given(st.integers(1, 100_000), st.integers(1, 64))
def test_there_are_never_more_waves_than_tasks(points, slots):
    """The waves of however many trials fit into the DAG, and have all of them."""
    for method in (Method.TPE, Method.HALVING):
        waves = waves_of(Search(method, points), sizes(points, slots=slots, rows=10**6))
        assert len(waves) <= MOST_WAVES
        assert waves[-1].portion is None
    assert points == sum(
        wave.trials for wave in waves_of(Search(Method.TPE, points), sizes(points))
    )


def test_the_last_rung_has_all_rows_and_each_before_a_third():
    """No rows are lost to rounding at the end."""
    waves = waves_of(Search(Method.HALVING, 27), sizes(27, rows=1050))
    assert (Wave(27, Portion(0, rows=117, share=117 / 1050 * 5 / 6)), None) == (
        waves[0],
        waves[-1].portion,
    )


def test_rows_of_a_rung_have_each_class_and_lie_within_those_of_the_next():
    """A rare class keeps as many rows as there are folds."""
    import numpy as np

    from sweepstake.training.portions import chosen_rows

    y = np.array([0] * 900 + [1] * 92 + [2] * 8)
    small, large = (chosen_rows(y, rows, 5, 0) for rows in (100, 300))
    assert [90, 9, 5] == np.bincount(y[small]).tolist()
    assert set(small.tolist()) <= set(large.tolist())


def test_trials_on_all_data_rank_before_those_of_rungs():
    """A better score on a part of the data is not of the same data."""
    standings = [
        Standing(n, str(n), TrialState.COMPLETE, "SVC", {}, {"mean_cv_f1": score}, "", rung=rung)
        for n, (score, rung) in enumerate([(0.9, 0), (0.8, 1), (0.7, None), (0.95, 0)])
    ]
    assert [2, 1, 3, 0] == [each.number for each in leaderboard(standings, "f1")]


def scored(spec, score, waves=4, number=6):
    """What TPE is told of after some waves, each point scored by a function."""
    known = [Told(each, score(each)) for each in first_wave(spec)]
    for wave in range(1, waves):
        taken = [each.chosen for each in known]
        known += [Told(each, score(each)) for each in suggested(spec, known, taken, (wave, number))]
    return known


def test_tpe_goes_where_scores_are_better():
    """The points of its last wave are better than those it began with, in the middle."""
    spec = spec_with(RANGES | {"degree": (3,)}, method=Method.TPE, trials=40)
    found = scored(spec, lambda each: -abs(each.estimator.params["C"] - 1), waves=6)
    middle = [sorted(each.score for each in part)[3] for part in (found[:10], found[-6:])]
    assert middle[0] < middle[1]


def test_tpe_takes_no_point_twice_and_all_in_the_end():
    """In a space of twelve points it chooses each once, then none."""
    spec = spec_with(LISTS, method=Method.TPE, trials=40)
    found = scored(spec, lambda _: 0.5, waves=4)
    assert (12, 12) == (len(found), len({canonical(each.chosen.estimator) for each in found}))


def test_tpe_searches_what_goes_together():
    """Of several products each has its own parameters, and all are valid points."""
    grids = ({"kernel": ("linear",)}, {"kernel": ("rbf",), "gamma": Range(0.01, 10.0, log=True)})
    spec = spec_with(*grids, method=Method.TPE, trials=30)
    found = params(each.chosen for each in scored(spec, lambda _: 0.5))
    assert {("kernel",), ("gamma", "kernel")} == {tuple(sorted(each)) for each in found}
    assert 1 == sum(each["kernel"] == "linear" for each in found)


def test_tpe_is_the_same_for_the_same_scores():
    """Whoever asks again after a kill is given the same points."""
    spec = spec_with(RANGES, method=Method.TPE, trials=30)
    runs = [scored(spec, lambda each: each.estimator.params["C"], waves=2) for _ in range(2)]
    assert runs[0] == runs[1]


def test_tpe_goes_on_where_all_trials_failed():
    """Without a single score it still chooses new points."""
    spec = spec_with(RANGES, method=Method.TPE, trials=30)
    assert 16 == len(scored(spec, lambda _: None, waves=2))
