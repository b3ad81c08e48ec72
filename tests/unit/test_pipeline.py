"""What stands before a classifier."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler

from sweepstake.domain.spec import EstimatorSpec, Preprocess
from sweepstake.gridfile import estimators
from sweepstake.training import pipeline

NUMBERS = pd.DataFrame({"a": [1.0, 2.0, np.nan, 4.0], "b": [-1.0, 0.0, 1.0, 2.0]})
TEXTS = pd.DataFrame({"t": pd.Categorical(["x", "y", None, "x"])})
MIXED = pd.concat([NUMBERS, TEXTS], axis=1)
Y = np.array([0, 1, 0, 1])


def built(name, frame, params=None, preprocess=Preprocess.AUTO):
    """The estimator for a classifier on columns such as those of ``frame``."""
    classifier = estimators.build(EstimatorSpec(name, params or {}), 0)
    return pipeline.build(classifier, preprocess, frame)


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("SVC", {}, StandardScaler),
        ("MultinomialNB", {}, MinMaxScaler),
        ("ComplementNB", {}, MinMaxScaler),
        ("CategoricalNB", {}, KBinsDiscretizer),
        ("BaggingClassifier", {"estimator": EstimatorSpec("MultinomialNB")}, MinMaxScaler),
        (
            "VotingClassifier",
            {"estimators": {"nb": EstimatorSpec("CategoricalNB"), "svm": EstimatorSpec("SVC")}},
            KBinsDiscretizer,
        ),
    ],
)
def test_numbers_are_scaled_as_the_classifier_needs(name, params, expected):
    """Classifiers that refuse negative numbers, also as inner ones, get numbers that are none."""
    scale = built(name, NUMBERS, params).named_steps["scale"]
    assert expected is type(scale)


def test_without_preprocessing_the_classifier_stands_alone():
    """``none`` leaves the classifier bare."""
    classifier = estimators.build(EstimatorSpec("SVC"))
    assert classifier is pipeline.build(classifier, Preprocess.NONE, MIXED)
    assert classifier is pipeline.classifier_of(classifier)
    assert NUMBERS is pipeline.prepared(classifier, NUMBERS)


def test_gaps_become_the_mean_of_the_rows_fitted_on():
    """What preparation knows comes from the rows it was fitted on."""
    estimator = built("DecisionTreeClassifier", NUMBERS).fit(NUMBERS, Y)
    other = pd.DataFrame({"a": [np.nan], "b": [0.5]})
    assert pytest.approx(np.zeros((1, 2))) == pipeline.prepared(estimator, other)


def test_a_value_beyond_the_training_rows_stays_in_range():
    """Numbers scaled to 0..1 are cut there, so that no classifier meets a negative one."""
    estimator = built("MultinomialNB", NUMBERS).fit(NUMBERS, Y)
    other = pd.DataFrame({"a": [-100.0], "b": [100.0]})
    assert [[0.0, 1.0]] == pipeline.prepared(estimator, other).tolist()


def test_unknown_categories_are_no_category():
    """A text that was not in the training rows becomes zeros, a gap is a value of its own."""
    estimator = built("DecisionTreeClassifier", TEXTS).fit(TEXTS, Y)
    other = pd.DataFrame({"t": pd.Categorical(["z", "x", None])})
    expected = [[0, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert expected == pipeline.prepared(estimator, other).tolist()


def test_mixed_columns_are_prepared_by_kind():
    """Numbers and texts are prepared apart and handed on together as plain numbers."""
    estimator = built("DecisionTreeClassifier", MIXED).fit(MIXED, Y)
    assert ColumnTransformer is type(estimator[0])
    assert (4, 5) == pipeline.prepared(estimator, MIXED).shape
    assert ["a", "b", "t"] == list(estimator.feature_names_in_)


def test_a_column_without_any_number_is_kept():
    """A fold in which a column is all gaps does not change the shape."""
    empty = NUMBERS.assign(a=np.nan)
    estimator = built("DecisionTreeClassifier", empty).fit(empty, Y)
    assert (4, 2) == pipeline.prepared(estimator, empty).shape


def test_a_column_of_names_becomes_a_hundred_columns_at_most():
    """Ten thousand different texts: the rarest share a column, and unknown ones fall into it."""
    names = [f"name {number}" for number in range(10_000)]
    rows = pd.DataFrame({"t": pd.Categorical([*names, *["often"] * 10_000])})
    estimator = built("GaussianNB", rows).fit(rows, np.arange(20_000) % 2)
    asked = pd.DataFrame({"t": pd.Categorical(["often", "name 0", "never seen"])})
    prepared = pipeline.prepared(estimator, asked)
    assert (3, 100) == prepared.shape
    assert prepared[1].tolist() == prepared[2].tolist() != prepared[0].tolist()
