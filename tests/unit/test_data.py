"""Reading, checking and staging of data."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_iris

from sweepstake.data import dataset, splitting
from sweepstake.domain.spec import CsvSpec, DataSpec
from sweepstake.errors import DataError

GOOD = "size,colour,open,label\n1,red,True,a\n2,blue,False,b\n,red,,a\n4,,True,b\n"


@pytest.fixture
def root(tmp_path):
    """A data root with one good file."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "good.csv").write_text(GOOD, encoding="utf-8")
    return folder


def read_text(root, text, **spec):
    """Read CSV text with ``label`` as target."""
    (root / "case.csv").write_text(text, encoding="utf-8")
    return dataset.read(DataSpec("case.csv", **{"target": ("label",), **spec}), (root,))


def read_frame(root, frame, target=("label",)):
    """Read a frame through a Parquet file."""
    frame.to_parquet(root / "case.parquet")
    return dataset.read(DataSpec("case.parquet", target), (root,))


@pytest.mark.parametrize("target", [(), ("label",), ("target",)])
def test_a_bundled_set_knows_its_target(target):
    """The label column of scikit-learn's sets may be left out, or called label or target."""
    table = dataset.read(DataSpec("sklearn:iris", target), ())
    iris = load_iris()
    assert iris.feature_names == list(table.X.columns)
    assert iris.data.tolist() == table.X.to_numpy().tolist()
    assert iris.target.tolist() == table.y.tolist()


@pytest.mark.parametrize("name", ["breast_cancer", "digits", "iris", "wine"])
def test_every_bundled_set_is_numbers_with_whole_labels(name):
    """Each of scikit-learn's small sets reads as float64 columns and int64 labels."""
    table = dataset.read(DataSpec(f"sklearn:{name}"), ())
    assert {"float64"} == {str(kind) for kind in table.X.dtypes}
    assert "int64" == str(table.y.dtype)


def test_csv_columns_get_one_of_three_kinds(root):
    """Numbers become float64, text and truth values categories of text, with gaps kept."""
    table = dataset.read(DataSpec("good.csv", ("label",)), (root,))
    assert ["float64", "category", "category"] == [str(kind) for kind in table.X.dtypes]
    assert ["blue", "red"] == list(table.X["colour"].cat.categories)
    assert ["False", "True"] == list(table.X["open"].cat.categories)
    assert [0, 0, 2, 1] == table.X.isna().sum(axis=1).tolist()
    assert ["a", "b", "a", "b"] == table.y.tolist()
    assert "U" == table.y.dtype.kind


def test_parquet_kinds_are_converted(root):
    """Nullable numbers, decimals, typed categories and truth values from Parquet are understood."""
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "money": [Decimal("1.5"), None, Decimal("2.5")],
            "grade": pd.Categorical(["c", "b", "c"], categories=["c", "b", "a"]),
            "open": pd.array([True, None, False], dtype="boolean"),
            "empty": [None, None, None],
            "label": [True, False, True],
        }
    )
    table = read_frame(root, frame)
    kinds = ["float64", "float64", "category", "category", "float64"]
    assert kinds == [str(kind) for kind in table.X.dtypes]
    assert ["b", "c"] == list(table.X["grade"].cat.categories)
    assert [True, False, True] == table.y.tolist()


@pytest.mark.parametrize(
    ("other", "expected"), [(np.float32, "float32"), (np.int64, "float64"), (np.float64, "float64")]
)
def test_all_numbers_share_one_width(root, other, expected):
    """Float32 stays only where every column of numbers has it."""
    frame = pd.DataFrame({"a": np.array([1.5, 2], np.float32), "b": np.array([1, 2], other)})
    table = read_frame(root, frame.assign(label=["x", "y"]))
    assert [expected, expected] == [str(kind) for kind in table.X.dtypes]


def test_the_index_of_a_parquet_frame_is_no_feature_unless_named(root):
    """Pandas' own row numbers are left behind; an index with a name is a column."""
    frame = pd.DataFrame({"a": [1, 2], "label": ["x", "y"]}, index=[7, 9])
    assert ["a"] == list(read_frame(root, frame).X.columns)
    named = frame.rename_axis("key")
    assert ["key", "a"] == list(read_frame(root, named).X.columns)


def test_several_targets_are_multilabel(root):
    """Target columns of 0 and 1 become one matrix of int64."""
    table = read_text(root, "x,p,q\n1,0,1\n2,1,0\n", target=("p", "q"))
    assert [[0, 1], [1, 0]] == table.y.tolist()
    assert ("p", "q") == table.target


def test_dropped_columns_are_no_features(root):
    """Columns under drop are left out."""
    table = dataset.read(DataSpec("good.csv", ("label",), drop=("colour", "open")), (root,))
    assert ["size"] == list(table.X.columns)


HEADER = "data.source: every column must have a name of its own, but 'case.csv' has "
FIX = (
    '. Fix the header, or add drop: ["Unnamed: 0"]; pandas writes its index as such a column '
    "unless told index=False."
)
CLASSES = "data.target: labels must be text, truth values or whole numbers, but 'label' holds "
RECODE = ". Name a column of classes, put the numbers into classes, or name a regressor."
TEXT_CASES = {
    "a,label\n1,x\n,\n3,\n": (
        "data.target: every row needs a label, but 'label' has none in 2 rows: 2, 3. "
        "Remove these rows or fill in their labels."
    ),
    "a,label\n1,x\n2,x\n": (
        "data.target: there must be two classes or more, but 'label' holds only 'x'. "
        "Add rows of another class, or name another target column."
    ),
    "a,label\n1,0.5\n2,1.5\n": f"{CLASSES}0.5{RECODE}",
    "a,label\n1,1\n2,inf\n": f"{CLASSES}inf{RECODE}",
    "a,label\n1,1\n2,1e300\n": f"{CLASSES}1e+300{RECODE}",
    f"a,label\n{'9' * 400},x\n2,y\n": (
        "data.source: numbers must be below 1e308, but 'a' is not. "
        "Write them as text, or add drop: [a]."
    ),
    "a,label\ninf,x\n2,y\n": (
        "data.source: numbers must be finite, but 'a' is not in 1 row: 1. "
        "Leave such cells empty, or add drop: [a]."
    ),
    "a,a,label\n1,2,x\n": f"{HEADER}more than one column named 'a'. Fix the header.",
    ",a,label\n1,2,x\n": f"{HEADER}no name for column 1 of 3{FIX}",
    "a,label\n": "data.source: must have rows, but has only a header. Add rows.",
    "label\nx\ny\n": (
        "data.drop: at least one column must be left to learn from, but none is. "
        "Drop fewer columns."
    ),
    "a,lable\n1,x\n2,y\n": "data.target: the data has no column 'label'. Did you mean 'lable'?",
    "a,b\n1,x\n2,y\n": "data.target: the data has no column 'label'. It has 'a' and 'b'.",
}


@pytest.mark.parametrize("text", TEXT_CASES)
def test_unfit_data_is_refused_with_place_rule_and_way_out(root, text):
    """Each fault of the rows is told where it stands, by what rule, and how to fix it."""
    with pytest.raises(DataError) as caught:
        read_text(root, text)
    assert TEXT_CASES[text] == str(caught.value)


@pytest.mark.parametrize("text", ["", "a,label\n1,x,9\n2,y,9\n", 'a,label\n"1,x\n'])
def test_a_malformed_csv_is_refused(root, text):
    """An empty file, rows longer than the header and an open quote are errors, never guesses."""
    with pytest.raises(DataError, match=r"^data.source: "):
        read_text(root, text)


def test_bytes_that_are_not_utf8_are_refused(root):
    """A file in another encoding is refused by name."""
    (root / "case.csv").write_bytes("a,label\nä,x\nö,y\n".encode("latin-1"))
    with pytest.raises(
        DataError, match=r"must be text in UTF-8, but line 2 .* 0xe4.* csv: {encoding: cp1252}"
    ):
        dataset.read(DataSpec("case.csv", ("label",)), (root,))


@pytest.mark.parametrize("name", ["case.parquet", "case.pq"])
def test_a_broken_parquet_file_is_refused(root, name):
    """A file that only has the suffix of Parquet is refused."""
    (root / name).write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="must be Parquet, but reading it ended with"):
        dataset.read(DataSpec(name, ("label",)), (root,))


def test_damaged_metadata_of_parquet_is_refused(root):
    """Whatever the reader makes of a damaged file, it is told as a file that cannot be read."""
    damaged = {"pandas": json.dumps({"index_columns": [], "columns": [{"name": "a"}]})}
    table = pa.table({"a": [1, 2], "label": ["x", "y"]}).replace_schema_metadata(damaged)
    pq.write_table(table, root / "case.parquet")
    with pytest.raises(DataError, match="must be Parquet, but reading it ended with"):
        dataset.read(DataSpec("case.parquet", ("label",)), (root,))


@pytest.mark.parametrize(
    "values",
    [
        pd.to_datetime(["2026-01-01", "2026-01-02"]),
        pd.to_timedelta(["1 day", "2 days"]),
        [date(2026, 1, 1), date(2026, 1, 2)],
    ],
)
def test_dates_are_refused_with_the_way_out(root, values):
    """A column of dates or times must be converted or dropped by the user."""
    frame = pd.DataFrame({"when": values, "label": ["x", "y"]})
    with pytest.raises(DataError) as caught:
        read_frame(root, frame)
    expected = (
        "data.source: must not be a column of dates or times, but 'when' is. "
        "Convert it to numbers, or add drop: [when]."
    )
    assert expected == str(caught.value)
    with pytest.raises(DataError, match=r"data.target: must not be a column of dates"):
        read_frame(root, frame.rename(columns={"when": "label", "label": "a"}))


LARGE = 2**53 + 1


@pytest.mark.parametrize(
    "cells", [f"{LARGE}", f"-{LARGE}", f"{2**64 + 1}", '"9,007,199,254,740,993"']
)
@pytest.mark.parametrize("other", ["4", ""])
def test_whole_numbers_that_no_float_holds_are_refused(root, cells, other):
    """Two of them could be one to a model; as text each is a category."""
    text = f"key,label\n{cells},a\n{other},b\n5,a\n"
    csv = CsvSpec(thousands=",")
    with pytest.raises(
        DataError, match="beyond which models do not tell neighbours apart"
    ) as caught:
        read_text(root, text, csv=csv)
    assert str(caught.value).endswith("csv: {types: {key: text}} for one category each.")
    table = read_text(root, text, csv=CsvSpec(types={"key": "text"}))
    assert cells.strip('"') in table.X["key"].cat.categories


@pytest.mark.parametrize(
    "keys",
    [
        pd.array([LARGE, 4, 5], dtype="int64"),
        pd.array([LARGE, 4, 5], dtype="uint64"),
        pd.array([LARGE, 4, pd.NA], dtype="Int64"),
        [Decimal(LARGE), Decimal(4), None],
    ],
    ids=["int64", "uint64", "gaps", "decimals"],
)
def test_such_numbers_in_parquet_are_refused(root, keys):
    """With gaps among them or not."""
    with pytest.raises(
        DataError, match=f"but 'key' holds {LARGE}. Write the column as text, or add drop"
    ):
        read_frame(
            root, pd.DataFrame({"key": keys, "x": [1.0, 2.0, 3.0], "label": ["a", "b", "a"]})
        )


def read_folder(root, **frames):
    """Read a folder of Parquet files."""
    (root / "parts").mkdir()
    for name, frame in frames.items():
        frame.to_parquet(root / "parts" / f"{name}.parquet")
    return dataset.read(DataSpec("parts", ("label",)), (root,))


def test_files_of_a_folder_have_the_same_columns(root):
    """One that lacks a column would have gaps there."""
    whole = pd.DataFrame({"a": [1, 2], "b": [1, 2], "label": ["x", "y"]})
    with pytest.raises(DataError, match=r"but 'two.parquet' has no 'b'. Write it again, or"):
        read_folder(root, one=whole, two=whole.drop(columns="b"))


def test_whole_numbers_and_fractions_of_a_folder_go_together(root):
    """A part without fractions is written in whole numbers; beyond 2^53 it is refused."""
    part = pd.DataFrame({"a": [1, 2], "label": ["x", "y"]})
    table = read_folder(root, one=part, two=part.assign(a=[0.5, 1.5]))
    assert [1, 2, 0.5, 1.5] == table.X["a"].tolist()


def test_an_index_of_text_is_no_feature(root):
    """Pandas stores it beside the columns."""
    frame = pd.DataFrame({"a": [1.0, 2.0], "label": ["x", "y"]}, index=["r1", "r2"])
    assert ["a"] == list(read_frame(root, frame).X.columns)


@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        ([b"a", b"b"], "labels must be text or numbers, but 'label' holds bytes"),
        ([Decimal("0.5"), Decimal("1.5")], "truth values or whole numbers, but 'label' holds 0.5"),
        (["yes", "yes\u200b"], "labels that differ in case or blanks only must be spelt in one"),
    ],
)
def test_labels_that_are_none_are_refused(root, labels, rule):
    """Bytes, fractions in any form, and two spellings that look the same."""
    with pytest.raises(DataError, match=rule):
        read_frame(root, pd.DataFrame({"a": [1.0, 2.0], "label": labels}))


def test_whole_decimals_are_labels(root):
    """As other whole numbers are."""
    frame = pd.DataFrame({"a": [1.0, 2.0], "label": [Decimal(0), Decimal(1)]})
    assert [0, 1] == read_frame(root, frame).y.tolist()


def test_large_numbers_that_floats_hold_are_read(root):
    """Up to 2^53, or written with an exponent or a fraction."""
    table = read_text(root, f"a,b,label\n{2**53},1e30,a\n{-(2**53)},12345678901234567.5,b\n")
    assert [2.0**53, -(2.0**53)] == table.X["a"].tolist()
    assert [1e30, 12345678901234567.5] == table.X["b"].tolist()


@pytest.mark.parametrize("values", [[[1], [2]], [b"a", b"b"], [{"k": 1}, {"k": 2}]])
def test_nested_values_are_refused(root, values):
    """Lists, bytes and records in cells are refused."""
    with pytest.raises(DataError, match="columns must hold numbers, text or truth values, but 'a'"):
        read_frame(root, pd.DataFrame({"a": values, "label": ["x", "y"]}))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (DataSpec("good.csv"), "data.target: a file needs the name of its label column, one of"),
        (DataSpec("good.csv", ("label",), ("colr",)), "data.drop: the data has no column 'colr'."),
        (DataSpec("good.csv", ("label",), ("label",)), "data.drop: must not name a target column"),
        (DataSpec("good.csv", ("label", "size")), "each hold 0 and 1|every row needs a label"),
        (DataSpec("sklearn:iris", ("targt",)), "Did you mean 'target'?"),
    ],
)
def test_column_names_are_checked(root, spec, message):
    """Names under target and drop must exist, be apart and be told."""
    with pytest.raises(DataError, match=message.replace("?", r"\?")):
        dataset.read(spec, (root,))


def test_a_text_column_is_no_multilabel_target(root):
    """Several target columns must each hold 0 and 1."""
    with pytest.raises(DataError, match=r"must each hold 0 and 1 .* 'label' holds 'x' and 'y'"):
        read_text(root, "a,b,label\n1,0,x\n2,1,y\n", target=("b", "label"))


@pytest.mark.slow
def test_the_digest_is_the_same_in_another_process(root):
    """The digest depends on content only, not on the process or its hash seed."""
    code = (
        "from pathlib import Path; from sweepstake.data import dataset as data;"
        "from sweepstake.domain.spec import DataSpec;"
        f"print(data.read(DataSpec('good.csv', ('label',)), (Path({str(root)!r}),)).digest)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    digest = dataset.read(DataSpec("good.csv", ("label",)), (root,)).digest
    assert digest == result.stdout.strip()


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("size", "width"),
        GOOD.replace("4,,", "5,,"),
        GOOD.replace("blue", "green"),
        GOOD.replace("4,,True,b", "4,,True,a"),
        GOOD.replace(",red,,a", ",,,a"),
    ],
)
def test_the_digest_sees_every_change(root, text):
    """A changed name, number, text, label or gap changes the digest."""
    assert read_text(root, GOOD).digest != read_text(root, text).digest


@pytest.mark.parametrize("text", [GOOD, "a,label\n1,x\n2,y\n", "a,label\nu,x\nv,y\n,y\n"])
def test_staged_data_is_read_back_as_it_was(root, text):
    """Mixed, numeric and category-only data survive staging, types and gaps included."""
    table = read_text(root, text)
    rows = (np.array([0]), np.arange(1, len(table.y)))
    expected = dataset.divide(table, rows)
    actual = dataset.open_staged(root / "stage", dataset.stage(table, rows, root / "stage"))
    pd.testing.assert_frame_equal(expected.X_train, actual.X_train)
    pd.testing.assert_frame_equal(expected.X_holdout, actual.X_holdout)
    assert expected.y_train.tolist() == actual.y_train.tolist()
    assert expected.y_holdout.tolist() == actual.y_holdout.tolist()
    assert (expected.classes, expected.digest) == (actual.classes, actual.digest)
    assert tuple(table.X.columns) == tuple(actual.X_train.columns)


def test_staged_numbers_are_mapped_not_copied(root):
    """Where all columns are numbers, the frame wraps the read-only map of the file."""
    table = dataset.read(DataSpec("sklearn:digits"), ())
    staged = dataset.stage(table, splitting.split(table, 0.2, 0), root)
    values = dataset.open_staged(root, staged).X_train.to_numpy()
    base = values
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    assert np.shares_memory(values, base)
    assert not values.flags.writeable


def test_staging_twice_and_at_once_is_harmless(root):
    """Concurrent and repeated stages of the same data leave one complete folder and no rest."""
    table = dataset.read(DataSpec("sklearn:iris"), ())
    rows = splitting.split(table, 0.2, 0)
    with ThreadPoolExecutor(4) as pool:
        digests = set(pool.map(lambda _: dataset.stage(table, rows, root / "stage"), range(8)))
    assert list(digests) == [path.name for path in (root / "stage").iterdir()]


def test_another_split_is_another_stage(root):
    """The digest of staged data depends on the rows of either side."""
    table = dataset.read(DataSpec("sklearn:iris"), ())
    staged = {dataset.stage(table, splitting.split(table, 0.2, seed), root) for seed in (0, 1)}
    assert 2 == len(staged)


def test_nothing_is_unpickled_from_the_stage(root):
    """An array file that holds a pickle is refused."""
    table = dataset.read(DataSpec("sklearn:iris"), ())
    digest = dataset.stage(table, splitting.split(table, 0.2, 0), root)
    np.save(root / digest / "train_labels.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="no complete staged copy"):
        dataset.open_staged(root, digest)


@pytest.mark.parametrize("digest", ["0" * 64, "../../etc", ""])
def test_an_unknown_digest_is_an_error(root, digest):
    """What was never staged, or is no digest, is refused."""
    with pytest.raises(DataError, match="run the sweep's plan again"):
        dataset.open_staged(root, digest)


def test_the_description_of_staged_data_is_json(root):
    """Names, categories and classes are plain JSON beside the arrays."""
    table = dataset.read(DataSpec("good.csv", ("label",)), (root,))
    digest = dataset.stage(table, (np.array([0, 1]), np.array([2, 3])), root)
    about = json.loads((root / digest / "about.json").read_text(encoding="utf-8"))
    expected = [["size", None], ["colour", ["blue", "red"]], ["open", ["False", "True"]]]
    assert (expected, ["a", "b"]) == (about["columns"], about["classes"])


def test_labels_are_spelt_in_one_way(root):
    """Labels that differ in case or blanks only are refused with their counts."""
    with pytest.raises(DataError) as caught:
        read_text(root, "a,label\n1,Yes\n2,yes \n3,Yes\n4,no\n")
    assert str(caught.value) == (
        "data.target: labels that differ in case or blanks only must be spelt in one way, but "
        "'label' has 'Yes' (2 rows) and 'yes ' (1 row). Write them alike."
    )


def test_labels_in_another_file_are_answered_with_how_to_join(tmp_path):
    """Who names a file as the target is told how to make one file of the two."""
    (tmp_path / "x.csv").write_text("a,b\n1,2\n3,4\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"no column 'y\.csv'\. Labels are a column .* Join the two"
    ):
        dataset.read(DataSpec("x.csv", target=("y.csv",)), (tmp_path,))
