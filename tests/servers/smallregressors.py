"""Every regressor of scikit-learn, fitted on a few rows, and those whose parameters add types."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import Ridge, SGDRegressor, TweedieRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import all_estimators

from sweepstake.casting.column_cast import ColumnCast
from sweepstake.domain.spec import Preprocess
from sweepstake.training import pipeline

X, Y = load_diabetes(return_X_y=True, as_frame=True)
X, Y = X.iloc[::6, :4].reset_index(drop=True), Y.to_numpy(dtype=float)[::6]
ONE = X.iloc[:, [2]]
TWO = np.column_stack([Y, Y[::-1]])
REGRESSORS = dict(all_estimators(type_filter="regressor"))
OF_TWO = (
    *("CCA", "MultiOutputRegressor", "MultiTaskElasticNet", "MultiTaskElasticNetCV"),
    *("MultiTaskLasso", "MultiTaskLassoCV", "PLSCanonical", "RegressorChain"),
)
"""Those that predict several numbers of a row."""
OF_ONE_COLUMN = ("IsotonicRegression",)
FAST = {"max_iter": 50, "n_estimators": 5}
GIVEN = {
    "IsotonicRegression": {"out_of_bounds": "clip"},
    "OrthogonalMatchingPursuitCV": {"max_iter": None},
    "RANSACRegressor": {"estimator": None},
    "RadiusNeighborsRegressor": {"radius": 100.0},
}


def build(name, **given):
    """The regressor ``name``, small, with inner regressors where it needs them."""
    kind = REGRESSORS[name]
    wanted = inspect.signature(kind).parameters
    params = {key: value for key, value in FAST.items() if key in wanted}
    if "estimator" in wanted and "n_estimators" not in wanted:
        params["estimator"] = Ridge()
    if "estimators" in wanted:
        params["estimators"] = [("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=2))]
    return kind(**(params | GIVEN.get(name, {}) | given))


def rows_of(name):
    """Columns and numbers that the regressor ``name`` can be fitted on."""
    return ONE if name in OF_ONE_COLUMN else X, TWO if name in OF_TWO else Y


def fitted(name, **given):
    """The regressor ``name`` in the pipeline that trials use."""
    x, y = rows_of(name)
    estimator = pipeline.build(build(name, **given), Preprocess.AUTO, x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few rounds
        return pipeline.castable(estimator.fit(x, y), ColumnCast.like(x))


def variants():
    """Fitted regressors whose parameters bring in types that the defaults do not."""
    for loss in ("absolute_error", "huber", "quantile", "squared_error"):
        yield GradientBoostingRegressor(n_estimators=2, loss=loss).fit(X, Y)
    for loss in ("absolute_error", "gamma", "poisson", "quantile", "squared_error"):
        level = 0.5 if loss == "quantile" else None
        yield HistGradientBoostingRegressor(max_iter=2, loss=loss, quantile=level).fit(X, Y)
    for loss in ("epsilon_insensitive", "huber", "squared_epsilon_insensitive", "squared_error"):
        yield SGDRegressor(loss=loss).fit(X, Y)
    for power in (0, 1, 1.5, 2, 3):
        for link in ("identity", "log"):
            yield TweedieRegressor(power=power, link=link, max_iter=2).fit(X * 0, Y)
    for loss in ("poisson", "squared_error"):
        yield MLPRegressor(loss=loss, max_iter=5).fit(X, Y / Y.max())
    yield fitted("TransformedTargetRegressor", regressor=DecisionTreeRegressor(max_depth=2))
    yield fitted("RANSACRegressor", estimator=Ridge(), min_samples=20)
