"""Every classifier of scikit-learn, fitted on a few rows."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from sweepstake.casting.column_cast import ColumnCast
from sweepstake.domain.spec import Preprocess
from sweepstake.training import pipeline

X, Y = load_iris(return_X_y=True, as_frame=True)
X, Y = X.iloc[::3].reset_index(drop=True), Y.to_numpy()[::3]
BINARY = (Y == 0).astype(int)
TWO_LABELS = np.column_stack([Y == 0, Y == 1]).astype(int)
CLASSIFIERS = dict(all_estimators(type_filter="classifier"))
TARGETS = {
    "ClassifierChain": TWO_LABELS,
    "FixedThresholdClassifier": BINARY,
    "MultiOutputClassifier": TWO_LABELS,
    "TunedThresholdClassifierCV": BINARY,
}
FAST = {
    "max_iter": 50,
    "n_estimators": 5,
}
"""Parameters that keep a fit short, for the classifiers that have them."""


def build(name, **given):
    """The classifier ``name``, small, with inner classifiers where it needs them."""
    kind = CLASSIFIERS[name]
    wanted = inspect.signature(kind).parameters
    params = {key: value for key, value in FAST.items() if key in wanted}
    if "estimator" in wanted and "n_estimators" not in wanted:
        params["estimator"] = LogisticRegression()
    if "estimators" in wanted:
        params["estimators"] = [("a", LogisticRegression()), ("b", DecisionTreeClassifier())]
    return kind(**(params | given))


def fitted(name, **given):
    """The classifier ``name`` in the pipeline that trials use, fitted on iris."""
    estimator = pipeline.build(build(name, **given), Preprocess.AUTO, X)
    return pipeline.castable(estimator.fit(X, TARGETS.get(name, Y)), ColumnCast.like(X))


def with_categories():
    """Iris with a column of categories that has gaps."""
    colour = pd.Series(np.where(Y == 0, "red", "blue")).where(X.index % 7 != 0)
    return X.assign(colour=colour.astype("category"))
