"""Every booster, fitted on a few rows, and its library's own class for the same."""

from __future__ import annotations

from importlib import import_module

import numpy as np
from sklearn.datasets import load_diabetes, load_iris

from sweepstake import boosting
from sweepstake.casting.column_cast import ColumnCast
from sweepstake.domain.spec import Preprocess
from sweepstake.gridfile.boosters import BOOSTERS
from sweepstake.training import pipeline

NAMES = sorted(BOOSTERS)
STOPPING = [name for name in NAMES if not name.startswith("XGBRF")]
SMALL = {"n_estimators": 8, "random_state": 0}
QUIET = {
    "catboost": {"thread_count": 1, "allow_writing_files": False, "logging_level": "Silent"},
    "lightgbm": {"n_jobs": 1, "verbose": -1},
    "xgboost": {"n_jobs": 1},
}


def of_classes(name):
    """Whether a booster is a classifier."""
    return name.endswith("Classifier")


def rows_of(name):
    """Rows and targets for a booster: three kinds of iris by name, or numbers."""
    if of_classes(name):
        x, y = load_iris(return_X_y=True, as_frame=True)
        return x, np.array(["iris a", "iris b", "iris c"])[y]
    return load_diabetes(return_X_y=True, as_frame=True)


def build(name, **params):
    """The booster ``name`` as trials have it, small."""
    return getattr(boosting, name)(**{**SMALL, **params})


def of_library(name, **params):
    """The library's own class, with the same parameters."""
    kind = getattr(import_module(BOOSTERS[name]), name)
    return kind(**{**SMALL, **QUIET[BOOSTERS[name]], **params})


def fitted(name, **params):
    """The booster ``name`` in the pipeline that a model has."""
    x, y = rows_of(name)
    estimator = pipeline.build(build(name, **params), Preprocess.AUTO, x)
    return pipeline.castable(estimator.fit(x, y), ColumnCast.like(x))
