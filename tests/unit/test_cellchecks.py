"""Warnings about what stands in cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sweepstake.data import dataset
from sweepstake.data.dataset import Table
from sweepstake.domain.spec import DataSpec
from sweepstake.preflight.cell_warnings import warnings_of

RANDOM = np.random.default_rng(5)
DAYS = pd.date_range("2024-01-15", periods=200).strftime("%Y%m%d").astype(float)
MONTHS = pd.date_range("2012-01-15", periods=100, freq="MS").strftime("%Y%m").astype(float)


def _warnings(labels=("a", "b") * 100, **columns):
    features = pd.DataFrame(columns)
    return warnings_of(Table(features, np.array(labels), ("label",), "digest"))


def test_codes_and_spellings_are_warned_of():
    """What is read as text for its leading zeros, and categories written in two ways."""
    codes = pd.Categorical(["01234", "10999"] * 50 + ["10999", "01234"] * 50)
    words = pd.Categorical(["red", "Red", "blue", "blue"] * 50)
    assert [
        (
            "column 'zip' holds codes with leading zeros, such as '01234': they are text. "
            "Send them as text for predictions too."
        ),
        (
            "column 'colour' writes one value in two ways, 'Red' and 'red': they are two "
            "categories. Write them alike."
        ),
    ] == _warnings(zip=codes, colour=words)


@pytest.mark.parametrize("sign", ["?", "-", " ? ", "(null)", "\\N", "#DIV/0!", "None", "\u2013"])
def test_a_sign_for_gaps_among_categories_is_warned_of(sign):
    """It is a category of its own, which may be meant or not."""
    assert _warnings(x=pd.Categorical(["red", "blue", sign, "red"] * 50)) == [
        (
            f"column 'x' holds {sign!r} in 50 rows: it is a category of its own. If it is a gap, "
            "name it under data.csv.missing, or leave such cells empty."
        )
    ]


def test_a_sign_for_gaps_among_labels_is_warned_of():
    """Rows without a label would be a class that nothing else tells of."""
    labels = ["a", "b"] * 99 + ["?", "?"]
    assert [
        (
            "2 rows of the target have the label '?': it is a class of its own. If they have no "
            "label, remove them."
        )
    ] == _warnings(labels, x=np.arange(200.0) * 7)


def test_a_plus_excuses_a_minus_alone():
    """Another sign beside it is warned of."""
    (warning,) = _warnings(x=pd.Categorical(["+", "-", "?", "+"] * 50))
    assert "holds '?' in 50 rows" in warning


@pytest.mark.parametrize("signs", [["+", "-"], ["-?", "a-b"], ["unknown", "none of these"]])
def test_what_is_no_sign_for_gaps_is_left_alone(signs):
    """A minus beside a plus, text that only holds a sign, and words."""
    assert [] == _warnings(signs * 100, x=pd.Categorical(signs * 100))


def test_text_with_blanks_around_it_is_warned_of():
    """Whoever sends it without them for a prediction sends a value never seen."""
    assert [
        (
            "column 'x' holds text with blanks around it, such as ' State-gov': send it so for "
            "predictions too, or take the blanks out of the file."
        ),
        (
            "the target holds labels with blanks around them, such as ' a': models answer so. Take "
            "the blanks out of the file."
        ),
    ] == _warnings([" a", "b"] * 100, x=pd.Categorical([" State-gov", "Private"] * 100))


@pytest.mark.parametrize("twin", ["yes\u200b", "y\u00ades", "\uff59es"])
def test_categories_that_look_the_same_are_warned_of(twin):
    """Signs that are not seen, and letters of another width."""
    (warning,) = _warnings(x=pd.Categorical(["yes", twin, "no", "no"] * 50))
    assert "writes one value in two ways" in warning


@pytest.mark.parametrize("number", [-999.0, 9999.0])
def test_a_number_for_gaps_is_warned_of(number):
    """It is there often, and further from all others than they are from each other."""
    values = np.r_[np.full(10, number), np.linspace(18, 90, 190)]
    assert _warnings(age=values) == [
        (
            f"column 'age' holds {number:.0f} in 10 rows, and else 18 to 90: it is read as a "
            "number. If it is a gap, name it under data.csv.missing, or leave such cells empty."
        )
    ]


@pytest.mark.parametrize(
    "values",
    [
        np.r_[-999.0, np.linspace(18, 90, 199)],
        np.r_[np.full(10, 99.0), np.linspace(18, 90, 190)],
        np.r_[np.full(10, 99.0), np.full(190, 5.0)],
        np.r_[np.full(10, 100.0), np.linspace(0, 3, 190)],
    ],
    ids=["once", "near the others", "two values", "a round number"],
)
def test_other_far_numbers_are_left_alone(values):
    """An outlier, the end of a range and a flag are numbers."""
    assert [] == _warnings(x=values)


@pytest.mark.parametrize(
    "days",
    [DAYS, DAYS * 1e6 + 93_015, np.r_[MONTHS, MONTHS[:99], np.nan]],
    ids=["days", "times", "months"],
)
def test_dates_as_whole_numbers_are_warned_of(days):
    """From the last day of a month to the next it is one day, and 70 to a model."""
    assert _warnings(day=days) == [
        (
            f"column 'day' holds dates as whole numbers, such as {days[0]:.0f}: to a model "
            "they are amounts that jump after each month. Convert them to days since the first of "
            "them, or drop them."
        )
    ]


@pytest.mark.parametrize(
    "values",
    [RANDOM.integers(19_000_000, 20_991_231, 200), DAYS + 0.5, 2000.0 + np.arange(200) % 25],
    ids=["amounts", "fractions", "years"],
)
def test_numbers_that_are_no_dates_are_left_alone(values):
    """One that is no day of a month is enough; years are amounts."""
    assert [] == _warnings(x=np.asarray(values, dtype=float))


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits"])
def test_the_cells_of_well_known_sets_are_what_they_are(name):
    """None of them is warned of."""
    assert [] == warnings_of(dataset.read(DataSpec(f"sklearn:{name}"), ()))
