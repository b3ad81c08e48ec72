"""Warnings about data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sweepstake.data import dataset, splitting
from sweepstake.data.dataset import Table
from sweepstake.domain.spec import DataSpec
from sweepstake.errors import DataError
from sweepstake.preflight import data_warnings
from sweepstake.preflight.data_warnings import warnings_of
from sweepstake.wording import notation

MANY = (
    "column 'x' has more than 100 different texts: the rarest share one column. "
    "Drop it if they only name the rows."
)
LEAK = "column 'x' has the target under another name. Drop it."
FIVE = (
    "columns 'c0', 'c1', 'c2', 'c3' and 'c4' and 2 more have the same value in every row. "
    "Drop them."
)
REPEATED = (
    "2 of 200 rows repeat another row. Equal rows stay on one side of the holdout, "
    "but not of the folds."
)
LABELS = np.array(["a", "b"] * 100)


def _table(**columns):
    features = pd.DataFrame({"sound": np.arange(200.0), **columns})
    return Table(features, LABELS, ("label",), "digest")


def _warnings(table):
    return warnings_of(table, splitting.split(table, 0.2, 0))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([np.nan] * 200, "column 'x' has no value at all. Drop it."),
        ([5.0] * 200, "column 'x' has the same value in every row. Drop it."),
        ([0, 1] * 100, LEAK),
        ([0, 1] * 60 + [np.nan] * 80, LEAK),
        (pd.Categorical(["n", "y"] * 100), LEAK),
        (
            pd.Categorical([f"row {number}" for number in range(200)]),
            MANY,
        ),
    ],
)
def test_a_column_that_cannot_help_is_named(values, expected):
    """Empty, constant, leaking and row-naming columns are each warned of, in their own words."""
    assert _warnings(_table(x=values)) == [expected]


def test_sound_data_has_no_warning():
    """Columns that only correlate with the target are no leak."""
    assert [] == _warnings(_table(x=[0, 1] * 99 + [1, 1]))


def test_many_columns_are_named_up_to_five():
    """A long list of columns stays readable."""
    table = _table(**{f"c{number}": [1.0] * 200 for number in range(7)})
    assert _warnings(table) == [FIVE]


def test_repeated_rows_are_counted():
    """From one row in a hundred on, repeated rows are worth a warning."""
    rows = pd.DataFrame({"x": [*range(198), 0, 1]})
    table = Table(rows, LABELS, ("label",), "digest")
    assert _warnings(table) == [REPEATED]


def test_several_targets_are_checked_without_a_search_for_leaks():
    """Multilabel data has no single target that a column could copy."""
    labels = np.column_stack([np.arange(200) % 2, np.arange(200) % 3 == 0]).astype(int)
    table = Table(pd.DataFrame({"x": np.arange(200.0)}), labels, ("a", "b"), "digest")
    assert [] == _warnings(table)


def test_a_class_of_equal_rows_is_not_in_the_holdout():
    """Equal rows stay together, so the holdout cannot tell how well their class is found."""
    labels = np.array(["a", "b"] * 95 + ["c"] * 10)
    rows = pd.DataFrame({"x": [*range(190), *[500] * 10]})
    (warning, _) = reversed(_warnings(Table(rows, labels, ("label",), "digest")))
    expected = (
        "class 'c' has no row in the holdout, as its rows are all equal: nothing there will tell "
        "how well it is found. Add different rows of it."
    )
    assert expected == warning


def test_rows_on_both_sides_with_different_labels_are_counted():
    """The same values with another label teach what the holdout marks as wrong."""
    rows = pd.DataFrame({"x": [*range(100), *range(100)]})
    labels = np.array(["a"] * 100 + ["b"] * 100)
    table = Table(rows, labels, ("label",), "digest")
    holdout = np.r_[:20, 100, 120]
    sides = np.setdiff1d(np.arange(200), holdout), holdout
    expected = (
        "20 of 22 rows of the holdout are training rows with another label. "
        "Add columns that tell them apart, or fix the labels."
    )
    assert ([expected], []) == (warnings_of(table, sides), _warnings(table))


def _teller(share):
    """A number that is high for one class, but for a share of the rows."""
    odd = np.arange(200) < share * 200
    return np.where((LABELS == "a") ^ odd, 0.0, 9.0) + np.arange(200) % 7


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (_teller(0), True),
        (_teller(0.01), True),
        (_teller(0.05), False),
        (np.arange(200.0), False),
        (pd.Categorical([f"{label}{row % 9}" for row, label in enumerate(LABELS)]), True),
        (pd.Categorical([f"{row % 9}" for row in range(200)]), False),
    ],
)
def test_a_column_that_alone_tells_the_target_is_warned_of(values, told):
    """By ranges of a number or by category; a column that only helps much is no leak."""
    expected = (
        "column 'x' has what alone tells the target in 99% of the rows or more. "
        "Drop it unless known before the target is."
    )
    assert [expected] * told == _warnings(_table(x=values))


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits"])
def test_the_columns_of_well_known_sets_are_no_leaks(name):
    """The width of a petal nearly gives the kind, honestly."""
    table = dataset.read(DataSpec(f"sklearn:{name}"), ())
    data_warnings.check(table)
    assert [] == [each for each in _warnings(table) if "same value" not in each]


@pytest.mark.parametrize("seed", range(5))
def test_the_look_at_all_columns_leaves_out_none_that_tells(seed):
    """Columns that tell all labels but a few, in the order of their classes or in another."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), 100)
    wrong = random.random((300, 200)) < np.linspace(0, 0.03, 200)
    values = np.where(wrong, random.random((300, 200)) * 3, random.permutation(3)[labels][:, None])
    table = Table(pd.DataFrame(values + random.random((300, 200))), labels, ("label",), "digest")
    may = data_warnings.may_tell(table, np.arange(300), labels)
    told = [
        data_warnings.told_by(column, labels) >= data_warnings.NEARLY_ALL
        for column in table.X.to_numpy().T
    ]
    assert (True, True) == (any(told), all(may[told]))
    assert not may.all()


@pytest.mark.parametrize("name", ["id", "customer_id", "Row Number", "uuid"])
def test_a_key_is_warned_of(name):
    """By its name, and a value of its own in every row."""
    values = np.random.default_rng(0).permutation(200) + 1000.0
    (warning,) = _warnings(_table(**{name: values}))
    expected = f"column '{name}' has another value in every row, as keys have. Drop it."
    assert expected == warning


@pytest.mark.parametrize(
    ("name", "values", "refused"),
    [
        ("Unnamed: 0", np.arange(200.0), True),
        ("index", np.arange(200.0) * 3, True),
        ("index", np.arange(200.0)[::-1], False),
        ("level", np.arange(200.0), False),
    ],
)
def test_row_numbers_of_pandas_are_refused(name, values, refused):
    """A column with the name that pandas gives its index, which counts the rows."""
    table = _table(**{name: values})
    if not refused:
        return data_warnings.check(table)
    with pytest.raises(DataError, match="row numbers are no feature") as caught:
        data_warnings.check(table)
    assert str(caught.value).endswith(f"Add drop: [{notation.name(name)}].")
    return None
