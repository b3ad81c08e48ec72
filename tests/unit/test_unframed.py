"""A pipeline asked without a frame says what it says of a frame, to the last bit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import CategoricalNB
from sklearn.neighbors import KNeighborsClassifier

from sweepstake.casting.column_cast import ColumnCast
from sweepstake.casting.numerals import Rules
from sweepstake.domain.spec import CsvSpec, Preprocess
from sweepstake.serving.unframed import unframed
from sweepstake.training import pipeline

ROWS = 240
RULES = Rules.of(CsvSpec(missing=("", "-999")))
CLASSIFIERS = [
    LogisticRegression(max_iter=200),
    RandomForestClassifier(n_estimators=5, random_state=0),
    KNeighborsClassifier(),
    CategoricalNB(),
    OneVsRestClassifier(LogisticRegression(max_iter=200)),
]
pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names")


def table(*kinds):
    """Columns of the named kinds, with gaps."""
    random = np.random.default_rng(3)
    numbers = random.normal(size=(ROWS, 2))
    numbers[random.random((ROWS, 2)) < 0.1] = np.nan
    names = random.choice(["red", "green", "7", None], ROWS)
    columns = {
        "wide": pd.Series(numbers[:, 0] * 1e3),
        "narrow": pd.Series(numbers[:, 1].astype("float32")),
        "whole": pd.Series(random.integers(0, 9, ROWS).astype("float64")),
        "colour": pd.Series(pd.Categorical(names)),
        "many": pd.Series(pd.Categorical([f"k{n % 130}" for n in range(ROWS)])),
        "truth": pd.Series(pd.Categorical(random.choice(["True", "False"], ROWS))),
    }
    return pd.DataFrame({kind: columns[kind] for kind in kinds})


def cells(frame):
    """The rows as JSON brings them: a list of cells for each column."""
    return {n: [None if pd.isna(c) else c for c in frame[n].astype(object)] for n in frame}


def stored(classifier, frame, preprocess=Preprocess.AUTO):
    """A fitted pipeline behind its cast, as models are stored."""
    y = np.arange(ROWS) % 3
    fitted = pipeline.build(classifier, preprocess, frame).fit(frame, y)
    return pipeline.castable(fitted, ColumnCast.like(frame, RULES))


@pytest.mark.parametrize("count", [1, 2, ROWS])
@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(
    "kinds",
    [
        ("wide", "whole"),
        ("narrow",),
        ("narrow", "wide"),
        ("colour", "many"),
        ("colour", "wide", "truth", "narrow", "many", "whole"),
    ],
    ids="-".join,
)
def test_no_frame_changes_no_answer(kinds, classifier, count):
    """Labels and probabilities are equal for every kind of column, one row or many."""
    frame = table(*kinds)
    model = stored(classifier, frame)
    rows = cells(frame.head(count))
    for method in ("predict", "predict_proba"):
        expected = getattr(model, method)(pd.DataFrame(rows, dtype=object))
        if asked := unframed(model):
            np.testing.assert_array_equal(expected, asked.ask(method, rows))
    assert (asked is None) == (kinds == ("narrow", "wide"))


def test_cells_are_cast_alike():
    """Numbers in text, truth values in any case, numbers as gaps and unknown texts count alike."""
    frame = table("colour", "wide", "truth", "whole")
    model = stored(LogisticRegression(max_iter=200), frame)
    rows = {
        "colour": ["blue", 7, 7.0, "", None, True],
        "wide": ["12.5", True, 10, -999, float("nan"), None],
        "truth": ["TRUE", 1, 0, False, "maybe", None],
        "whole": [1, 2, 3, 4, 5, "-999"],
    }
    expected = model.predict_proba(pd.DataFrame(rows, dtype=object))
    np.testing.assert_array_equal(expected, unframed(model).ask("predict_proba", rows))


@pytest.mark.parametrize(
    "rows",
    [
        {"colour": [[1]], "wide": [1]},
        {"colour": ["red"], "wide": ["much"]},
        {"colour": [{}], "wide": [10**400]},
    ],
)
def test_cells_that_fit_no_column_are_refused_alike(rows):
    """Every faulty column is named in the words of the cast."""
    model = stored(LogisticRegression(max_iter=200), table("colour", "wide"))
    with pytest.raises(ValueError, match="column") as expected:
        model.predict(pd.DataFrame(rows, dtype=object))
    with pytest.raises(ValueError, match="column") as found:
        unframed(model).ask("predict", rows)
    assert str(expected.value) == str(found.value)


def test_a_classifier_that_wants_categories_gets_its_frame():
    """Without preprocessing, columns of text are told by their type."""
    classifier = HistGradientBoostingClassifier(max_iter=2)
    model = stored(classifier, table("colour", "wide"), Preprocess.NONE)
    assert unframed(model) is None
