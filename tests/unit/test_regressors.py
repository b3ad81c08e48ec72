"""Numbers to predict: every regressor of scikit-learn, with the figures of scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import smallregressors
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, KFold
from threadpoolctl import threadpool_limits

from sweepstake.data import dataset, splitting
from sweepstake.data.dataset import Table
from sweepstake.domain.answers import Pair, ask
from sweepstake.domain.paired import measure
from sweepstake.domain.resampling import OF_ERRORS, draws, scorer_of
from sweepstake.domain.spec import DataSpec, EstimatorSpec, Preprocess, SweepSpec
from sweepstake.domain.task import Task
from sweepstake.domain.trial import Trial
from sweepstake.gridfile import estimators
from sweepstake.gridfile.metrics import OF_NUMBERS
from sweepstake.modelfile import model_file
from sweepstake.reports import best_charts
from sweepstake.reports.material import Material
from sweepstake.training import fit_trial, pipeline
from sweepstake.training.shared_fits import SharedFits

RIDGE = EstimatorSpec("Ridge")
TREE = EstimatorSpec("DecisionTreeRegressor", {"max_depth": 2})
INNER = {"estimator": RIDGE}
TEAM = {"estimators": {"a": RIDGE, "b": TREE}}
PARAMS = {
    "IsotonicRegression": {"out_of_bounds": "clip"},
    "MultiOutputRegressor": INNER,
    "RadiusNeighborsRegressor": {"radius": 100.0},
    "RegressorChain": INNER,
    "StackingRegressor": TEAM,
    "VotingRegressor": TEAM,
}
METRICS = ("r2", "neg_mean_absolute_error", "neg_mean_squared_error", "explained_variance")


def divided(name):
    """Rows that the regressor ``name`` can be fitted on."""
    x, y = smallregressors.rows_of(name)
    target = ("y",) if y.ndim == 1 else ("y", "z")
    table = Table(x, y, target, "d")
    return dataset.divide(table, splitting.split(table, 0.25, 0))


def spec(preprocess=Preprocess.AUTO):
    """A sweep that ranks by R²."""
    data = DataSpec("", task=Task.REGRESSION)
    return SweepSpec("s", "m", data, (), METRICS[0], 3, 0, preprocess, metrics=METRICS[1:])


@pytest.mark.parametrize("name", sorted(smallregressors.REGRESSORS))
@pytest.mark.filterwarnings("ignore")
def test_every_regressor_scores_as_grid_search_and_is_stored(name):
    """Scores on folds and holdout are those of scikit-learn, and the model file predicts alike."""
    data, point = divided(name), EstimatorSpec(name, PARAMS.get(name, {}))
    fitted, result = fit_trial.train(Trial(0, "k", point), spec(), data)
    folds = KFold(3, shuffle=True, random_state=0)
    model = pipeline.build(estimators.build(point, 0), Preprocess.AUTO, data.X_train)
    with threadpool_limits(1):
        search = GridSearchCV(clone(model), {}, scoring=list(METRICS), refit="r2", cv=folds)
        search.fit(data.X_train, data.y_train)
    for metric in METRICS:
        theirs = search.cv_results_[f"mean_test_{metric}"][0]
        assert theirs == pytest.approx(result.metrics[f"mean_cv_{metric}"], rel=1e-9, nan_ok=True)
        held = get_scorer(metric)(search.best_estimator_, data.X_holdout, data.y_holdout)
        assert held == pytest.approx(result.metrics[f"test_{metric}"], rel=1e-9)
    assert ((), ()) == (result.confusion, result.labels)
    loaded = model_file.loads(model_file.dump(fitted))
    expected = fitted.predict(data.X_holdout)
    np.testing.assert_array_equal(expected, loaded.predict(data.X_holdout))
    assert (data.y_holdout.shape, "f") == (expected.shape, expected.dtype.kind)


def test_every_scorer_of_numbers_is_known():
    """The scorers that a regressor may be ranked by exist, and tell numbers apart."""
    model = smallregressors.build("DummyRegressor").fit(smallregressors.X, smallregressors.Y)
    scores = [get_scorer(name)(model, smallregressors.X, smallregressors.Y) for name in OF_NUMBERS]
    assert np.isfinite(scores).all()


def answers(name="Ridge", **params):
    """What a regressor says of rows, and these rows' numbers."""
    x, y = smallregressors.X, smallregressors.Y
    return ask(smallregressors.build(name, **params).fit(x[::2], y[::2]), x), y


@pytest.mark.parametrize("metric", sorted({*OF_ERRORS, "explained_variance"}))
def test_resamples_of_numbers_score_as_scikit_learn(metric):
    """All resamples at once give what the scorer gives of each."""
    said, y = answers()
    lines = next(draws(y, 4, np.random.default_rng(0)))
    expected = [said.score(metric, y, line) for line in lines]
    np.testing.assert_allclose(scorer_of(said, y, metric)(lines), expected, rtol=1e-12)


@pytest.mark.parametrize("beside", ["nothing", "weights", "groups"])
def test_the_better_regressor_gains_surely(beside):
    """The bootstrap confirms a gain in R², on weighed rows and on groups of rows too."""
    (better, y), (worse, _) = answers(), answers("DummyRegressor")
    given = {
        "nothing": {},
        "weights": {"weights": np.arange(len(y)) % 3 + 0.5},
        "groups": {"groups": np.arange(len(y)) // 2},
    }[beside]
    gain = measure(Pair(y, better, worse, **given), "r2", 0.95, 7)
    assert gain.low > 0 > -gain.p
    assert gain.resamples == 2000
    turned = measure(Pair(y, worse, better, **given), "r2", 0.95, 7)
    assert turned.high < 0


def test_groups_make_a_test_less_sure():
    """Copies of rows add nothing: with their groups the bounds stay as wide as without copies."""
    (better, y), (worse, _) = answers(), answers("DummyRegressor")
    copies = np.repeat(np.arange(len(y)), 4)
    pair = Pair(y[copies], better.take(copies), worse.take(copies))
    grouped = Pair(y[copies], better.take(copies), worse.take(copies), groups=copies)
    plain, wide = (measure(each, "neg_mean_absolute_error", 0.95, 1) for each in (pair, grouped))
    assert plain.high - plain.low < 0.7 * (wide.high - wide.low)


def test_residuals_are_drawn_instead_of_a_confusion_matrix():
    """The report shows true against predicted numbers, residuals and their spread."""
    said, y = answers()
    material = Material(
        sweep="s", model="m", metric="r2", cv=3, data="d", standings=(), answers=Pair(y, said)
    )
    chart = best_charts.quality(material)
    assert best_charts.ERRORS == chart.title
    assert ["True against predicted", "Residuals", "Spread of residuals"] == [
        panel.title for panel in chart.panels
    ]
    assert tuple(said.predicted) == chart.panels[1].series[1].x


def test_a_forest_of_numbers_grows_to_the_same_trees():
    """A regressor's trees are shared among sizes, and score as if all were grown anew."""
    data, name = divided("Ridge"), "sklearn.ensemble.RandomForestRegressor"
    trials = [Trial(n, str(n), EstimatorSpec(name, {"n_estimators": n})) for n in (3, 8)]
    cache = SharedFits()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit_trial.train(trials[0], spec(), data, cache)
        _, grown = fit_trial.train(trials[1], spec(), data, cache)
        _, alone = fit_trial.train(trials[1], spec(), data)
    assert 3 == grown.grown
    assert alone.metrics["mean_cv_r2"] == grown.metrics["mean_cv_r2"]
    assert alone.metrics["test_r2"] == grown.metrics["test_r2"]


def test_a_text_target_is_refused_with_its_row(tmp_path):
    """Numbers are asked for, and the first row that holds none is named."""
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": ["1", "2", "?"]})
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(dataset.DataError, match=r"row 3 of 'y' holds '\?'"):
        dataset.read(DataSpec("t.parquet", ("y",), task=Task.REGRESSION), (tmp_path,))
