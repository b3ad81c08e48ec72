"""Forests that grow from those of the trial before, and how such trials are ordered and packed."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepstake.data import dataset, splitting
from sweepstake.domain.spec import DataSpec, EstimatorSpec, Limits, Preprocess, SweepSpec
from sweepstake.domain.trial import Trial
from sweepstake.gridfile import loader, search_space
from sweepstake.gridfile.fit_seconds import FitSeconds
from sweepstake.settings import load_settings
from sweepstake.sweeps import workload
from sweepstake.training import fit_trial, pipeline, shared_trees
from sweepstake.training.shared_fits import SharedFits

FOREST = "sklearn.ensemble.RandomForestClassifier"


def trial(number, name=FOREST, **params):
    """A trial with these parameters."""
    return Trial(number, f"key {number}", EstimatorSpec(name, params))


@pytest.fixture(scope="module")
def iris():
    """Three classes; numbers only."""
    table = dataset.read(DataSpec("sklearn:iris"), ())
    return dataset.divide(table, splitting.split(table, 0.2, 0))


@pytest.fixture(scope="module", params=[Preprocess.AUTO, Preprocess.NONE])
def spec(request):
    """A sweep in three folds."""
    return SweepSpec("s", "m", DataSpec(""), (), "accuracy", 3, 0, request.param)


def forest_of(estimator):
    """Everything that a forest has learnt, and its parameters."""
    forest = pipeline.classifier_of(estimator)
    trees = [tree.tree_.__getstate__() for tree in forest.estimators_]
    learnt = [(state["nodes"].tobytes(), state["values"].tobytes()) for state in trees]
    return learnt, forest.get_params(), sorted(vars(forest))


def comparable(result):
    """What a trial reports, but for times."""
    metrics = {name: value for name, value in result.metrics.items() if "seconds" not in name}
    curves = [curve for curve in result.curves if "seconds" not in curve.name]
    return metrics, curves, result.params, result.confusion, result.warnings


@pytest.mark.parametrize("name", shared_trees.FORESTS)
@pytest.mark.parametrize("params", [{}, {"bootstrap": True, "max_samples": 0.5, "max_depth": 3}])
def test_a_grown_forest_is_a_new_one_to_the_last_bit(name, params, spec, iris):
    """Trees, parameters, attributes and all figures are those of a fit without a predecessor."""
    cache = SharedFits()
    for number, size in enumerate((3, 5, 12)):
        one = trial(number, name, n_estimators=size, **params)
        grown, told = fit_trial.train(one, spec, iris, cache=cache)
        fitted, alone = fit_trial.train(one, spec, iris)
        assert forest_of(fitted) == forest_of(grown)
        assert comparable(alone) == comparable(told)
        assert ((0, 3, 5)[number], 0) == (told.grown, alone.grown)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"n_estimators": 5}, {"n_estimators": 5, "max_depth": 2}),
        ({"n_estimators": 5}, {"n_estimators": 4}),
        ({"n_estimators": 5}, {"n_estimators": 5}),
        ({"n_estimators": 3, "random_state": 1}, {"n_estimators": 5, "random_state": 2}),
        ({"n_estimators": 3, "random_state": None}, {"n_estimators": 5, "random_state": None}),
        ({"n_estimators": 3, "oob_score": True}, {"n_estimators": 5, "oob_score": True}),
        ({"n_estimators": 3, "warm_start": True}, {"n_estimators": 5, "warm_start": True}),
    ],
)
def test_what_cannot_grow_is_fitted_anew(before, after, spec, iris):
    """Another classifier, no more trees, or a fit that depends on more than seed and rows."""
    cache = SharedFits()
    fit_trial.train(trial(0, **before), spec, iris, cache=cache)
    _, result = fit_trial.train(trial(1, **after), spec, iris, cache=cache)
    assert 0 == result.grown


def test_a_fit_that_failed_leaves_forests_that_still_grow(spec, iris):
    """One fold was grown before the failure, the others were not: the next trial is right."""
    cache = SharedFits()
    fit_trial.train(trial(0, n_estimators=3), spec, iris, cache=cache)
    one = trial(1, n_estimators=5)
    estimator = fit_trial.estimator_of(one, spec, iris)
    cache.enter(one.estimator, estimator, iris)
    model = pipeline.classifier_of(cache.trees.ensembles[0])
    assert 3 == len(model.estimators_)
    model.set_params(n_estimators=5, warm_start=True)
    features, _ = fit_trial.folds_of(iris, spec.folding)[0]
    take, y = fit_trial.row_taker(estimator, iris), iris.y_train[features]
    cache.trees.ensembles[0].fit(cache.steps.rows(0, lambda: take(features), y), y)
    grown, told = fit_trial.train(trial(2, n_estimators=8), spec, iris, cache=cache)
    fitted, alone = fit_trial.train(trial(2, n_estimators=8), spec, iris)
    assert forest_of(fitted) == forest_of(grown)
    assert comparable(alone) == comparable(told)


def test_large_forests_are_not_kept(monkeypatch, spec, iris):
    """Memory stays that of one forest: the next trial is fitted again."""
    monkeypatch.setattr(shared_trees, "MOST_NODES", 10)
    cache = SharedFits()
    fit_trial.train(trial(0, n_estimators=3), spec, iris, cache=cache)
    _, result = fit_trial.train(trial(1, n_estimators=5), spec, iris, cache=cache)
    assert 0 == result.grown


SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True)


@pytest.fixture(scope="module")
def space():
    """A function that makes the trials of forests with these sizes and depths."""

    def make(sizes, depths, name="RandomForestClassifier"):
        grid = {"n_estimators": sizes, "max_depth": depths}
        content = {"data": {"source": "sklearn:iris"}, "estimator": name, "grid": grid}
        parsed = loader.parse(json.dumps(content).encode(), "a.json", load_settings({}))
        return search_space.trials(parsed.spec, "digest"), parsed.spec

    return make


@given(sizes=SIZES, depths=SIZES, seconds=st.floats(0.01, 60))
def test_chains_are_whole_in_their_tasks_and_grow(space, sizes, depths, seconds):
    """Each trial is in one task; all of a depth are in one, the fewest trees first."""
    trials, _ = space(sizes, depths)
    checked = SimpleNamespace(trial_seconds=(FitSeconds(seconds),))
    order = workload.order(trials, checked.trial_seconds, ())
    assert sorted(order) == list(range(len(trials)))
    homes = {}
    for number, (first, last) in enumerate(
        workload.ranges(trials, checked.trial_seconds, order, Limits(), 2)
    ):
        for at in range(first, last + 1):
            params = trials[order[at]].estimator.params
            homes.setdefault(params["max_depth"], []).append((number, params["n_estimators"]))
    assert set(depths) == homes.keys()
    for home in homes.values():
        assert 1 == len({task for task, _ in home})
        assert sorted(sizes) == [size for _, size in home]


def test_a_task_has_as_many_trials_as_the_file_says(space):
    """Then a chain may be cut: it is the user's word."""
    trials, _ = space([1, 2, 3], [1, 2])
    checked = SimpleNamespace(trial_seconds=(FitSeconds(1.0),))
    order = workload.order(trials, checked.trial_seconds, {0})
    ranges = workload.ranges(trials, checked.trial_seconds, order, Limits(trials_per_task=2), 2)
    assert ((0, 1), (2, 3), (4, 4)) == ranges


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_no_slot_is_left_without_work(space, slots):
    """A short sweep has a task for each slot, and none is more than its share."""
    trials, _ = space([1], list(range(1, 41)))
    checked = SimpleNamespace(trial_seconds=(FitSeconds(1.0),))
    order = workload.order(trials, checked.trial_seconds, ())
    ranges = workload.ranges(trials, checked.trial_seconds, order, Limits(), slots)
    sizes = [last - first + 1 for first, last in ranges]
    assert (True, True) == (len(sizes) >= slots, max(sizes) <= -(-40 // slots))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("RandomForestClassifier", 0.5),
        ("GradientBoostingClassifier", 0.5),
        ("XGBClassifier", 1.0),
    ],
)
def test_the_estimate_counts_the_trees_that_are_fitted(space, name, part):
    """Of 10, 20 and 30 trees thirty are fitted, where ensembles grow."""
    _, spec = space([10, 20, 30], [1, 2], name)
    (product,) = search_space.all_products(spec)
    assert part == shared_trees.share_of(product)


def test_chains_that_take_longest_come_first(space):
    """Each takes what its largest ensemble does, and deeper trees weigh more."""
    trials, _ = space([10, 30], [1, 2])
    sizes = {10: 0.5, 30: 1.5}
    seconds = (FitSeconds(10.0, {"max_depth": {1: 0.4, 2: 1.6}, "n_estimators": sizes}),)
    order = workload.order(trials, seconds, ())
    params = [trials[number].estimator.params for number in order]
    assert [(2, 10), (2, 30), (1, 10), (1, 30)] == [
        (each["max_depth"], each["n_estimators"]) for each in params
    ]
    assert ((0, 1), (2, 3)) == workload.ranges(trials, seconds, order, Limits(), 2)


def test_trials_that_share_nothing_are_weighed_and_packed_alone(space):
    """`share: false`: each size is fitted whole, so none waits behind another of its chain."""
    trials, _ = space([10, 20, 30], [1, 2])
    trials.share = False
    order = workload.order(trials, (FitSeconds(1.0),), ())
    assert [0, 1, 2, 3, 4, 5] == sorted(order)
    assert 6 == len(workload.ranges(trials, (FitSeconds(40.0),), order, Limits(), 2))
    trials.share = True
    assert 2 == len(workload.ranges(trials, (FitSeconds(40.0),), order, Limits(), 2))
