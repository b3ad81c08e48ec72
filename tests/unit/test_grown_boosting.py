"""Boosting that goes on from fewer rounds: to the last bit what a fit of all rounds is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from bitequal import comparable, dataset, everything, spec
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepstake.domain.spec import EstimatorSpec, Step
from sweepstake.domain.trial import Trial
from sweepstake.training import fit_trial, pipeline, shared_trees
from sweepstake.training.shared_fits import SharedFits

ENSEMBLE = "sklearn.ensemble."
OF_ALL = {
    "GradientBoosting": {
        "subsample": [0.5, 1.0],
        "max_features": [None, 1, "sqrt"],
        "max_depth": [1, 3],
        "learning_rate": [0.1, 1.0],
    },
    "HistGradientBoosting": {
        "max_features": [0.5, 1.0],
        "max_leaf_nodes": [3, 31],
        "learning_rate": [0.1, 0.7],
        "min_samples_leaf": [2, 20],
        "early_stopping": ["auto", False],
        "max_bins": [4, 255],
    },
}
OF_KIND = {
    "GradientBoostingClassifier": {"loss": ["log_loss"]},
    "GradientBoostingRegressor": {
        "loss": ["squared_error", "absolute_error", "huber", "quantile"],
        "alpha": [0.3, 0.9],
    },
    "HistGradientBoostingClassifier": {"l2_regularization": [0.0, 1.0]},
    "HistGradientBoostingRegressor": {"loss": ["squared_error", "absolute_error", "poisson"]},
}


@st.composite
def boosted(draw):
    """A class of boosting, its parameters, and growing numbers of rounds."""
    kind = draw(st.sampled_from(sorted(OF_KIND)))
    family = kind.removesuffix("Classifier").removesuffix("Regressor")
    lists = OF_ALL[family] | OF_KIND[kind]
    given = draw(st.sets(st.sampled_from(sorted(lists))))
    params = {name: draw(st.sampled_from(lists[name])) for name in sorted(given)}
    sizes = sorted(draw(st.sets(st.integers(1, 9), min_size=2, max_size=3)))
    return kind, params, sizes


@given(chosen=boosted(), mixed=st.booleans())
@settings(max_examples=40, deadline=None)
def test_boosting_that_grew_is_a_new_fit_to_the_last_bit(chosen, mixed):
    """Trees, random numbers, scores of each round and all figures, over random parameters."""
    kind, params, sizes = chosen
    name = ENSEMBLE + kind
    data = dataset(numbers=kind.endswith("Regressor"), mixed=mixed)
    shared, before = SharedFits(), 0
    for number, size in enumerate(sizes):
        point = EstimatorSpec(name, {**params, shared_trees.SIZES[name]: size})
        trial = Trial(number, f"k{number}", point)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            grown, told = fit_trial.train(trial, spec(kind), data, shared)
            fitted, alone = fit_trial.train(trial, spec(kind), data, SharedFits(share=False))
        assert comparable(alone) == comparable(told)
        mine, theirs = (everything(pipeline.classifier_of(each)) for each in (grown, fitted))
        assert theirs == mine
        assert (before, 0) == (told.grown, alone.grown)
        before = size


def train_both(kind, sizes, data=None, **params):
    """The results of trials that differ in their rounds alone."""
    name, shared = ENSEMBLE + kind, SharedFits()
    data = data or dataset(numbers=kind.endswith("Regressor"), mixed=False)
    points = [EstimatorSpec(name, {**params, shared_trees.SIZES[name]: n}) for n in sizes]
    trials = [Trial(number, f"k{number}", point) for number, point in enumerate(points)]
    return [fit_trial.train(each, spec(kind), data, shared)[1] for each in trials]


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("GradientBoostingClassifier", {"n_iter_no_change": 2}),
        ("GradientBoostingClassifier", {"warm_start": True}),
        ("GradientBoostingRegressor", {"random_state": None}),
        ("HistGradientBoostingClassifier", {"early_stopping": True}),
        ("HistGradientBoostingClassifier", {"class_weight": "balanced"}),
    ],
)
def test_boosting_that_may_stop_early_or_draws_anew_is_fitted_afresh(kind, params):
    """Rows that it keeps back, or other random numbers, would make other trees."""
    assert 0 == train_both(kind, (2, 4), **params)[1].grown


def test_boosting_on_many_rows_stops_by_itself_and_is_fitted_afresh(monkeypatch):
    """What is `auto` depends on the rows of the fit."""
    assert 2 == train_both("HistGradientBoostingRegressor", (2, 4))[1].grown
    monkeypatch.setattr(shared_trees, "MOST_ROWS_WHOLE", 20)
    assert 0 == train_both("HistGradientBoostingRegressor", (2, 4))[1].grown
    assert 2 == train_both("HistGradientBoostingRegressor", (2, 4), early_stopping=False)[1].grown


def test_that_is_where_scikit_learn_begins_to_stop_early():
    """A release that draws the line elsewhere is noticed here."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    for rows, stops in ((shared_trees.MOST_ROWS_WHOLE, False), (10_001, True)):
        x = np.arange(rows, dtype=float).reshape(-1, 1)
        fitted = HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=2).fit(x, x[:, 0])
        assert stops == fitted.do_early_stopping_


def test_boosting_grows_behind_steps():
    """The steps before it are the same for all of them."""
    data = dataset(numbers=False, mixed=False)
    steps = (Step("scale"),)
    scale = {"scale": EstimatorSpec("sklearn.preprocessing.StandardScaler", {})}
    shared, name = SharedFits(), f"{ENSEMBLE}GradientBoostingClassifier"
    for number, size in enumerate((2, 5)):
        point = EstimatorSpec(name, {"n_estimators": size, **scale}, steps)
        trial = Trial(number, f"k{number}", point)
        grown, told = fit_trial.train(trial, spec("Classifier"), data, shared)
        fitted, alone = fit_trial.train(trial, spec("Classifier"), data, SharedFits(share=False))
        assert comparable(alone) == comparable(told)
        assert everything(fitted[-1]) == everything(grown[-1])
    assert (2, ("scale",)) == (told.grown, told.shared_steps)


def test_large_ensembles_are_not_kept(monkeypatch):
    """Trees of both kinds of boosting count as those of forests do."""
    monkeypatch.setattr(shared_trees, "MOST_NODES", 10)
    for kind in ("GradientBoostingClassifier", "HistGradientBoostingRegressor"):
        assert 0 == train_both(kind, (5, 8))[1].grown
