"""Bagging and AdaBoost that are cut from a larger one: to the last bit what a fit of its own is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from bitequal import comparable, dataset, everything, spec
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepstake.data.dataset import Dataset
from sweepstake.domain.spec import EstimatorSpec, Step
from sweepstake.domain.trial import Trial
from sweepstake.training import fit_trial, pipeline, shared_trees
from sweepstake.training.shared_fits import SharedFits

ENSEMBLE = "sklearn.ensemble."
TREES = {"Classifier": "sklearn.tree.DecisionTree", "Regressor": "sklearn.tree.ExtraTree"}
OF_FAMILY = {
    "AdaBoost": {"learning_rate": [0.1, 1.0, 3.0]},
    "Bagging": {
        "max_samples": [0.5, 1.0, 20],
        "max_features": [0.5, 1.0],
        "bootstrap": [True, False],
        "bootstrap_features": [True, False],
    },
}
DEPTHS = [1, 3, None]


def trial(number, kind, size, steps=(), **params):
    """A trial of an ensemble of this size."""
    point = EstimatorSpec(ENSEMBLE + kind, {**params, "n_estimators": size}, steps)
    return Trial(number, f"k{number}", point)


def train(one, kind, data, shared):
    """What was fitted and its result; warnings are in the result."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit_trial.train(one, spec(kind), data, shared)


@st.composite
def ensembles(draw):
    """A class, its parameters, and numbers of members, the most first."""
    kind = draw(st.sampled_from([each.rpartition(".")[2] for each in shared_trees.CUT]))
    task = "Regressor" if kind.endswith("Regressor") else "Classifier"
    lists = OF_FAMILY[kind.removesuffix(task)]
    given = draw(st.sets(st.sampled_from(sorted(lists))))
    params = {name: draw(st.sampled_from(lists[name])) for name in sorted(given)}
    if draw(st.booleans()):
        inner = {"max_depth": draw(st.sampled_from(DEPTHS))}
        params["estimator"] = EstimatorSpec(TREES[task] + task, inner)
    sizes = sorted(draw(st.sets(st.integers(1, 9), min_size=2, max_size=3)), reverse=True)
    return kind, params, sizes


@given(chosen=ensembles(), mixed=st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_is_cut_is_a_new_fit_to_the_last_bit(chosen, mixed):
    """Members, weights, errors, seeds, and all figures, over random parameters."""
    kind, params, sizes = chosen
    data = dataset(numbers=kind.endswith("Regressor"), mixed=mixed)
    shared = SharedFits()
    for number, size in enumerate(sizes):
        one = trial(number, kind, size, **params)
        cut, told = train(one, kind, data, shared)
        fitted, alone = train(one, kind, data, SharedFits(share=False))
        assert comparable(alone) == comparable(told)
        mine, theirs = (everything(pipeline.classifier_of(each)) for each in (cut, fitted))
        assert theirs == mine
        assert told.grown in {0, size if number else 0}


def grown(kind, *sizes, data=None, **params):
    """How many trees each of the trials found, one after the other."""
    data = data or dataset(numbers=kind.endswith("Regressor"), mixed=False)
    shared = SharedFits()
    trials = [trial(number, kind, size, **params) for number, size in enumerate(sizes)]
    return [train(each, kind, data, shared)[1].grown for each in trials]


@pytest.mark.parametrize("kind", [name.removeprefix(ENSEMBLE) for name in shared_trees.CUT])
def test_the_smaller_ones_are_cut_from_the_largest(kind):
    """Not only from the one before; one that is larger than all is fitted."""
    assert [0, 5, 3, 5, 0, 7] == grown(kind, 6, 5, 3, 5, 7, 7)


@pytest.mark.parametrize(
    "params",
    [
        {"random_state": None},
        {"warm_start": True},
        {"oob_score": True},
        {"estimator": EstimatorSpec("sklearn.neighbors.KNeighborsClassifier", {})},
        {"estimator": EstimatorSpec("sklearn.ensemble.ExtraTreesClassifier", {})},
        {"estimator": EstimatorSpec("sklearn.tree.DecisionTreeClassifier", {"random_state": None})},
    ],
)
def test_what_draws_anew_or_reports_on_all_members_is_fitted_afresh(params):
    """And what is not of trees, whose size nobody knows."""
    assert [0, 0] == grown("BaggingClassifier", 4, 2, **params)


def test_boosting_that_ended_early_is_cut_to_what_it_has():
    """Where a member makes no mistake, no other follows: one that asks for more is fitted."""
    clear = dataset(numbers=False, mixed=False)
    labels = np.where(clear.X_train["a"] > 0, "yes", "no")
    seen = np.where(clear.X_holdout["a"] > 0, "yes", "no")
    data = Dataset(
        X_train=clear.X_train,
        X_holdout=clear.X_holdout,
        y_train=labels,
        y_holdout=seen,
        classes=("no", "yes"),
        digest="d",
    )
    assert [0, 0, 1] == grown("AdaBoostClassifier", 9, 4, 1, data=data)


def test_a_fit_that_warned_is_none_to_cut_from(monkeypatch):
    """What a later member warned of is not said of an ensemble that ends before it."""
    from sklearn.ensemble import AdaBoostClassifier

    fit = AdaBoostClassifier.fit

    def warned(self, *args, **kwargs):
        if self.n_estimators == 4:
            warnings.warn("the fourth", UserWarning, stacklevel=1)
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(AdaBoostClassifier, "fit", warned)
    data, shared = dataset(numbers=False, mixed=False), SharedFits()
    told = [
        train(trial(number, "AdaBoostClassifier", size), "AdaBoostClassifier", data, shared)[1]
        for number, size in enumerate((4, 2, 1))
    ]
    assert [("UserWarning: the fourth",), (), ()] == [each.warnings for each in told]
    assert [0, 0, 1] == [each.grown for each in told]


def test_ensembles_are_cut_behind_steps():
    """The steps before them are the same for all."""
    data, shared, kind = dataset(numbers=False, mixed=False), SharedFits(), "AdaBoostClassifier"
    scale = {"scale": EstimatorSpec("sklearn.preprocessing.StandardScaler", {})}
    for number, size in enumerate((5, 2)):
        one = trial(number, kind, size, (Step("scale"),), **scale)
        cut, told = train(one, kind, data, shared)
        fitted, alone = train(one, kind, data, SharedFits(share=False))
        assert comparable(alone) == comparable(told)
        assert everything(fitted[-1]) == everything(cut[-1])
    assert (2, ("scale",)) == (told.grown, told.shared_steps)


def test_each_figure_of_members_is_where_it_was():
    """A release that moves one is noticed here, beside the comparison of all that is in a model."""
    from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier

    from sweepstake.forests.sklearn_internals import OF_MEMBERS

    kinds = (AdaBoostClassifier, BaggingClassifier)
    fitted = [kind(n_estimators=2).fit([[0], [1]] * 9, [0, 1] * 9) for kind in kinds]
    missing = set(OF_MEMBERS).difference(*map(vars, fitted))
    assert not missing, f"scikit-learn keeps {missing} elsewhere: follow in sklearn_internals."


def test_what_a_fit_warned_of_before_it_failed_is_heard():
    """Who reads the reason of a failed trial finds what led to it."""
    from sklearn.ensemble import AdaBoostClassifier

    class Failing(AdaBoostClassifier):
        """Warns, then fails."""

        def fit(self, *_):
            """Fail."""
            warnings.warn("before", UserWarning, stacklevel=1)
            message = "after"
            raise RuntimeError(message)

    cache = shared_trees.TreeCache()
    cache.enter(EstimatorSpec(ENSEMBLE + "AdaBoostClassifier", {"n_estimators": 3}))
    with pytest.warns(UserWarning, match="before"), pytest.raises(RuntimeError, match="after"):
        cache.fit("all", Failing(), None, None)


def test_members_that_are_no_trees_make_no_chain():
    """None is kept to cut from, so that each trial is a fit of its own, in any task."""
    inner = {"estimator": EstimatorSpec("sklearn.linear_model.LogisticRegression", {})}
    trials = [trial(number, "BaggingClassifier", 10 + number, **inner) for number in range(4)]
    assert [1] * 4 == [len(chain) for chain in shared_trees.chains(trials)]


def test_the_most_members_come_first_in_a_chain():
    """The others are cut from them; the default of each class counts as its own."""
    kind = "AdaBoostClassifier"
    trials = [trial(0, kind, 10), trial(1, kind, 90), trial(3, "BaggingClassifier", 10)]
    trials.insert(2, Trial(2, "k2", EstimatorSpec(ENSEMBLE + kind, {})))
    chains = list(shared_trees.chains(trials))
    assert [[1, 2, 0], [3]] == [[each.number for each in chain] for chain in chains]
