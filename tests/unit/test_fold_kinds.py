"""Folds by group and by time, repeated folds, weights and metrics beside the ranking."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from sweepstake.data import dataset, splitting
from sweepstake.data.beside import Beside
from sweepstake.data.dataset import Table
from sweepstake.data.folds import divided
from sweepstake.domain.folding import Folding, FoldKind
from sweepstake.domain.spec import DataSpec, EstimatorSpec, Preprocess, SweepSpec
from sweepstake.domain.trial import Trial
from sweepstake.errors import DataError
from sweepstake.gridfile import estimators
from sweepstake.training import fit_trial, pipeline
from sweepstake.training.shared_fits import SharedFits

ROWS = 240
SEED = 3


def table(**beside):
    """Two classes in rows that are shuffled, with what is beside them."""
    random = np.random.default_rng(SEED)
    x = random.normal(size=(ROWS, 4))
    y = (x[:, 0] + random.normal(size=ROWS) > 0).astype(int)
    return Table(pd.DataFrame(x, columns=list("abcd")), y, ("y",), "d", beside=Beside(**beside))


def groups(count=24):
    """Groups as texts, dealt by chance."""
    return np.array([f"p{n}" for n in np.random.default_rng(1).integers(count, size=ROWS)])


def times():
    """Times in no order, some of them twice."""
    return np.random.default_rng(2).integers(200, size=ROWS)


def weights():
    """Weights of which some are 0."""
    return np.random.default_rng(4).integers(4, size=ROWS) * 0.7


def data_of(table):
    """The divided table."""
    return dataset.divide(table, splitting.split(table, 0.25, SEED))


KINDS = {
    "group": (
        Folding(4, SEED, FoldKind.GROUP),
        {"groups": groups()},
        StratifiedGroupKFold(4, shuffle=True, random_state=SEED),
    ),
    "time": (Folding(4, SEED, FoldKind.TIME), {"times": times()}, TimeSeriesSplit(4)),
    "repeated": (
        Folding(4, SEED, FoldKind.REPEATED, 3),
        {},
        RepeatedStratifiedKFold(n_splits=4, n_repeats=3, random_state=SEED),
    ),
    "weights": (
        Folding(4, SEED),
        {"weights": weights()},
        StratifiedKFold(4, shuffle=True, random_state=SEED),
    ),
    "weighed groups": (
        Folding(3, SEED, FoldKind.GROUP),
        {"groups": groups(), "weights": weights()},
        StratifiedGroupKFold(3, shuffle=True, random_state=SEED),
    ),
}
POINTS = (
    EstimatorSpec("LogisticRegression", {"C": 0.3}),
    EstimatorSpec("RandomForestClassifier", {"n_estimators": 7}),
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.short_name)
def test_scores_are_those_of_grid_search(kind, point):
    """Every metric on every fold, mean, deviation, and the refit's holdout score are the same."""
    folding, beside, splitter = KINDS[kind]
    data = data_of(table(**beside))
    metrics = ("f1_macro", "roc_auc", "neg_log_loss", "accuracy")
    spec = SweepSpec(
        "s", "m", DataSpec(""), (), metrics[0], folding.count, SEED,
        metrics=metrics[1:], fold_kind=folding.kind, repeats=folding.repeats,
    )  # fmt: skip
    fitted, result = fit_trial.train(Trial(0, "key", point), spec, data)
    search = _search(point, metrics, splitter, data)
    found, best = search.cv_results_, search.best_estimator_
    curves = {curve.name: dict(curve.points) for curve in result.curves}
    weigh = data.beside_holdout.weights
    for metric in metrics:
        theirs = [found[f"split{n}_test_{metric}"][0] for n in range(folding.fits)]
        assert theirs == list(curves[f"cv_{metric}"].values())
        assert found[f"mean_test_{metric}"][0] == result.metrics[f"mean_cv_{metric}"]
        assert found[f"std_test_{metric}"][0] == result.metrics[f"std_cv_{metric}"]
        score = get_scorer(metric)(best, data.X_holdout, data.y_holdout, sample_weight=weigh)
        assert score == pytest.approx(result.metrics[f"test_{metric}"], abs=1e-12)
    np.testing.assert_array_equal(best.predict(data.X_holdout), fitted.predict(data.X_holdout))


def _search(point, metrics, splitter, data):
    """``GridSearchCV`` with scikit-learn's own routing of weights and groups."""
    weigh = data.beside.weights is not None
    with sklearn.config_context(enable_metadata_routing=True), threadpool_limits(1):
        classifier = estimators.build(point, SEED).set_fit_request(sample_weight=weigh)
        model = pipeline.build(classifier, Preprocess.AUTO, data.X_train)
        model["scale"].set_fit_request(sample_weight=False)  # the classifier alone is weighed
        scorers = {n: get_scorer(n).set_score_request(sample_weight=weigh) for n in metrics}
        search = GridSearchCV(model, {}, scoring=scorers, refit=metrics[0], cv=splitter)
        routed = {"sample_weight": data.beside.weights} if weigh else {}
        if data.beside.groups is not None:
            routed["groups"] = data.beside.groups
        return search.fit(data.X_train, data.y_train, **routed)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), min_size=4, max_size=60),
    st.floats(0.1, 0.6),
    st.integers(0, 5),
)
def test_no_group_is_on_both_sides(rows, share, seed):
    """Whatever the groups and classes are, a split keeps groups whole, or is refused."""
    known, labels = map(np.array, zip(*rows, strict=True))
    values = pd.DataFrame({"x": np.arange(len(rows), dtype=float)})
    beside = Beside(groups=known.astype(float))
    try:
        train, holdout = splitting.split(
            Table(values, labels, ("y",), "", beside=beside), share, seed
        )
    except DataError:
        return
    assert set() == set(known[train]) & set(known[holdout])
    assert list(range(len(rows))) == sorted([*train, *holdout])
    assert set(labels) == set(labels[train])


def test_a_group_keeps_its_side_when_rows_are_added():
    """The side of a group follows from its name, not from its rows' features or their order."""
    before = table(groups=groups())
    order = np.random.default_rng(0).permutation(ROWS)
    after = Table(
        -before.X.iloc[order], before.y[order], ("y",), "", beside=before.beside.take(order)
    )
    sides = [set(t.beside.groups[splitting.split(t, 0.25, SEED)[1]]) for t in (before, after)]
    assert sides[0] == sides[1]


def test_the_latest_rows_are_held_out():
    """No training row is as late as any held-out row, and training rows are in their order."""
    made = table(times=times())
    train, holdout = splitting.split(made, 0.25, SEED)
    assert made.beside.times[train].max() < made.beside.times[holdout].min()
    assert sorted(made.beside.times[train]) == made.beside.times[train].tolist()
    assert 0.2 < len(holdout) / ROWS < 0.3


def test_several_labels_go_by_group_without_strata():
    """Folds by group of several labels are those of ``GroupKFold``."""
    y, known = np.zeros((ROWS, 2), dtype=int), groups()
    expected = GroupKFold(4, shuffle=True, random_state=SEED).split(y, groups=known)
    found = divided(y, Folding(4, SEED, FoldKind.GROUP), Beside(groups=known))
    for pair, other in zip(expected, found, strict=True):
        assert [part.tolist() for part in pair] == [part.tolist() for part in other]


def test_what_is_beside_rows_is_staged(tmp_path):
    """Groups and weights of both sides come back from the files, and are in the digest."""
    made = table(groups=groups(), weights=weights())
    digest = dataset.stage(made, splitting.split(made, 0.25, SEED), tmp_path)
    found, expected = dataset.open_staged(tmp_path, digest), data_of(made)
    for side in ("beside", "beside_holdout"):
        for name, values in getattr(expected, side).known():
            np.testing.assert_array_equal(values, getattr(getattr(found, side), name))


def test_a_grown_forest_is_weighed_as_a_new_one():
    """Trees that are grown on get the weights of the rows as those before did."""
    data = data_of(table(weights=weights()))
    spec = SweepSpec("s", "m", DataSpec(""), (), "accuracy", 3, SEED)
    forest = "sklearn.ensemble.RandomForestClassifier"
    sizes = [
        Trial(n, str(n), EstimatorSpec(forest, {"n_estimators": trees}))
        for n, trees in enumerate((3, 8))
    ]
    cache = SharedFits()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit_trial.train(sizes[0], spec, data, cache)
        _, grown = fit_trial.train(sizes[1], spec, data, cache)
        _, alone = fit_trial.train(sizes[1], spec, data)
    assert 3 == grown.grown
    assert _without_times(alone) == _without_times(grown)


def _without_times(result):
    return {k: v for k, v in result.metrics.items() if not k.endswith("_seconds")}


def test_weights_change_what_is_fitted():
    """A forest on weighed rows is that of scikit-learn with these weights, and no other."""
    data = data_of(table(weights=weights()))
    spec = SweepSpec("s", "m", DataSpec(""), (), "accuracy", 3, SEED)
    fitted, _ = fit_trial.train(Trial(0, "k", POINTS[0]), spec, data)
    plain = LogisticRegression(C=0.3, random_state=SEED)
    steps = Pipeline([*fitted.steps[1:-1], ("classifier", plain)])
    steps.fit(data.X_train, data.y_train, classifier__sample_weight=data.beside.weights)
    np.testing.assert_array_equal(steps[-1].coef_, fitted[-1].coef_)
    assert not np.array_equal(steps.fit(data.X_train, data.y_train)[-1].coef_, fitted[-1].coef_)
