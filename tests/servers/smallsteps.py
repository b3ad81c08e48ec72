"""Every step that a grid file may name, fitted on a few rows, before a small classifier."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from sweepstake.casting import TextColumn
from sweepstake.domain.spec import EstimatorSpec, Step
from sweepstake.gridfile import estimators, transformers

_CHANCE = np.random.default_rng(0)
ROWS = _CHANCE.random((40, 5))
LABELS = np.arange(40) % 3
TEXTS = [" ".join(_CHANCE.choice(["red", "green", "blue", "old", "new"], 4)) for _ in range(40)]
INNER = {"estimator": EstimatorSpec("sklearn.linear_model.LogisticRegression")}
NEEDED = {
    "GaussianRandomProjection": {"n_components": 3},
    "HashingVectorizer": {"n_features": 16},
    "KernelPCA": {"n_components": 3},
    "RFE": INNER,
    "RFECV": INNER,
    "SelectFdr": {"alpha": 1.0},
    "SelectFpr": {"alpha": 1.0},
    "SelectFromModel": INNER,
    "SelectFwe": {"alpha": 1.0},
    "SequentialFeatureSelector": {**INNER, "cv": 2},
    "SparseRandomProjection": {"n_components": 3},
}
OTHERWISE = (
    *(("SelectKBest", {"k": 2, "score_func": name}) for name in transformers.SCORE_FUNCTIONS),
    ("SimpleImputer", {"add_indicator": True}),
    ("KBinsDiscretizer", {"encode": "ordinal"}),
    ("SplineTransformer", {"sparse_output": True}),
    ("Isomap", {"neighbors_algorithm": "kd_tree"}),
    ("Isomap", {"neighbors_algorithm": "ball_tree"}),
    ("KernelPCA", {"kernel": "rbf", "n_components": 2}),
    ("TfidfVectorizer", {"ngram_range": [1, 2], "stop_words": "english"}),
    ("TfidfVectorizer", {"vocabulary": ["red", "blue"]}),
    ("OneHotEncoder", {"max_categories": 2, "handle_unknown": "infrequent_if_exist"}),
)
"""Parameters that bring in types which the defaults do not."""
NAMES = sorted(
    short for short, name in transformers.known().items() if not transformers.is_sampler(name)
)


def built(name, params=None):
    """A new transformer, as a trial makes it."""
    placed = EstimatorSpec(transformers.resolve(name), {**NEEDED.get(name, {}), **(params or {})})
    spec = EstimatorSpec("sklearn.svm.SVC", {"s": placed}, (Step("s"),))
    return estimators.build_steps(spec, 0)[0][1]


def rows_of(name):
    """Rows as a transformer takes them, some with gaps where it is about these."""
    if name in transformers.OF_TEXT:
        return TEXTS
    rows = ROWS.copy()
    if name.endswith(("Imputer", "Indicator")):
        rows[::5, 0] = np.nan
    return rows


def fitted(name, params=None, classifier=None):
    """A pipeline of a transformer and a classifier, fitted."""
    first = [("text", TextColumn())] if name in transformers.OF_TEXT else []
    steps = [*first, ("s", built(name, params)), ("c", classifier or LogisticRegression())]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Pipeline(steps).fit(rows_of(name), LABELS)


def variants():
    """Every transformer, by name and parameters, and classifiers that keep sparse rows."""
    yield from ((name, fitted(name)) for name in NAMES)
    yield from ((name, fitted(name, params)) for name, params in OTHERWISE)
    for classifier in (SVC(), KNeighborsClassifier()):
        yield "TfidfVectorizer", fitted("TfidfVectorizer", {}, classifier)
