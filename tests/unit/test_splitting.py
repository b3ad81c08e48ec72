"""The split by content, and the folds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold, StratifiedKFold

from sweepstake.data import dataset, folds, splitting
from sweepstake.data.dataset import Table
from sweepstake.domain.spec import DataSpec
from sweepstake.errors import DataError


def table_of(values, labels):
    """A table of one column."""
    return Table(pd.DataFrame({"x": values}, dtype="float64"), np.array(labels), ("y",), "")


def sides(table, share=0.3, seed=0):
    """The rows of either side as pairs of feature and label."""
    rows = list(zip(table.X["x"].tolist(), table.y.tolist(), strict=True))
    return tuple(
        [rows[position] for position in side] for side in splitting.split(table, share, seed)
    )


SMALL_TABLES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 2)), min_size=1, max_size=40
).filter(lambda rows: any(len({x for x, y in rows if y == label}) > 1 for label in range(3)))


@given(SMALL_TABLES, st.floats(0.05, 0.6), st.integers(0, 5))
def test_the_rules_hold_for_any_table(rows, share, seed):
    """Both sides together are all rows, equal rows stay together, each varied class is on both."""
    table = table_of(*zip(*rows, strict=True))
    train, holdout = splitting.split(table, share, seed)
    assert list(range(len(rows))) == sorted([*train, *holdout])
    assert (sorted(train), sorted(holdout)) == (train.tolist(), holdout.tolist())
    kept, held = sides(table, share, seed)
    assert set() == set(kept) & set(held)
    for label in range(3):
        distinct = {x for x, y in rows if y == label}
        both = {label} & {y for _, y in kept} & {y for _, y in held}
        assert (len(distinct) > 1) == bool(both)


@given(SMALL_TABLES, st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_matter(rows, random):
    """A shuffled file has the same rows on either side."""
    shuffled = random.sample(rows, len(rows))
    expected = [sorted(side) for side in sides(table_of(*zip(*rows, strict=True)))]
    assert expected == [sorted(side) for side in sides(table_of(*zip(*shuffled, strict=True)))]


@pytest.mark.parametrize("share", [0.1, 0.2, 0.25, 0.5])
def test_each_class_gives_its_share(share):
    """The holdout has the share of every class, to the nearest row."""
    table = dataset.read(DataSpec("sklearn:iris"), ())
    _, holdout = splitting.split(table, share, 0)
    assert [round(50 * share)] * 3 == np.bincount(table.y[holdout]).tolist()


def test_rows_keep_their_side_when_data_grows():
    """Adding a tenth of new rows moves only rows near the edge."""
    values = np.random.default_rng(0).normal(size=1100)
    labels = np.arange(1100) % 2
    _, before = splitting.split(table_of(values[:1000], labels[:1000]), 0.2, 0)
    _, after = splitting.split(table_of(values, labels), 0.2, 0)
    moved = set(before) ^ {row for row in after if row < 1000}
    assert len(moved) < 20


def test_the_seed_decides():
    """Another seed holds out other rows, the same seed the same ones."""
    table = dataset.read(DataSpec("sklearn:wine"), ())
    first, again, other = (splitting.split(table, 0.2, seed)[1].tolist() for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_equal_values_of_another_width_or_sign_of_zero_are_equal():
    """Float32 and float64, 0.0 and -0.0, and any NaN hash alike."""
    wide = pd.DataFrame({"x": [0.0, 0.5, np.nan]})
    other = pd.DataFrame({"x": np.array([-0.0, 0.5, -np.nan], dtype=np.float32)})
    expected = splitting.row_hashes(wide, 0).tolist()
    assert expected == splitting.row_hashes(other, 0).tolist()
    assert 3 == len(set(expected))


def test_texts_hash_by_value_not_by_code():
    """A row keeps its side when a new category moves the codes of the others."""
    few = pd.DataFrame({"x": pd.Categorical(["b", None], categories=["b"])})
    more = pd.DataFrame({"x": pd.Categorical(["b", None], categories=["a", "b"])})
    assert splitting.row_hashes(few, 0).tolist() == splitting.row_hashes(more, 0).tolist()


def test_a_table_without_variety_has_no_holdout():
    """Where every class is one repeated row, there is nothing to hold out."""
    with pytest.raises(
        DataError, match=r"^data.holdout: a share of 0.2 of 4 rows holds no row out"
    ):
        splitting.split(table_of([1, 1, 2, 2], ["a", "a", "b", "b"]), 0.2, 0)


def test_multilabel_rows_are_split_as_one_class():
    """Rows with several labels are divided by the share of all."""
    values, labels = np.arange(100), np.random.default_rng(0).integers(0, 2, (100, 3))
    train, holdout = splitting.split(table_of(values, labels), 0.2, 0)
    assert (80, 20) == (len(train), len(holdout))


@pytest.mark.parametrize(
    ("y", "kind"),
    [(np.arange(30) % 3, StratifiedKFold), (np.ones((30, 2), dtype=int), KFold)],
    ids=["classes", "multilabel"],
)
def test_folds_are_those_of_scikit_learn(y, kind):
    """Folds are the shuffled stratified ones, for multilabel the shuffled plain ones."""
    expected = list(kind(4, shuffle=True, random_state=7).split(y, y if y.ndim == 1 else None))
    actual = folds.folds(y, 4, 7)
    for pair, other in zip(expected, actual, strict=True):
        assert [part.tolist() for part in pair] == [part.tolist() for part in other]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (
            np.array(["x"] * 3 + ["y"] * 9),
            (
                "cv: class 'x' has 3 training rows, but cv is 5. "
                "Lower cv to 3 or less, or add rows of it."
            ),
        ),
        (np.array([7] + [1] * 9), "cv: class '7' has 1 training row, but cv is 5. Add rows of it."),
        (
            np.zeros((4, 2)),
            (
                "cv: the data has 4 training rows, but cv is 5. "
                "Lower cv to 4 or less, or add rows of it."
            ),
        ),
    ],
)
def test_too_few_rows_for_the_folds_are_refused(y, message):
    """A class that cannot be in every fold is told with its count and the way out."""
    with pytest.raises(DataError) as caught:
        folds.folds(y, 5, 0)
    assert message == str(caught.value)
