"""Prediction of files: chunks, rules of reading, and what is written."""

from __future__ import annotations

import csv
import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from sweepstake.casting.column_cast import ColumnCast
from sweepstake.casting.numerals import Rules
from sweepstake.data import columns
from sweepstake.domain.spec import CsvSpec, DataSpec, Preprocess
from sweepstake.errors import DataError
from sweepstake.serving import prediction
from sweepstake.storage.workspace import Workspace
from sweepstake.training import pipeline

FILE = pd.DataFrame({"id": [7, 8, 9], "age": [31.5, None, 55.0], "zip": ["01", "x", None]})
TYPED = pd.DataFrame({name: columns.feature(FILE[name]) for name in ("age", "zip")})
EXPECTED = [["id", "age", "zip", "prediction", "version"]]
EXPECTED += [["7", "31.5", "01", "a", "3"], ["8", "", "x", "b", "3"], ["9", "55.0", "", "c", "3"]]


@dataclass(frozen=True)
class Stored:
    """A version as far as it is told."""

    version: str = "3"
    sweep: str = "never planned"


@pytest.fixture(scope="module")
def model():
    """A tree that gives each row a label of its own."""
    tree = pipeline.build(DecisionTreeClassifier(random_state=0), Preprocess.AUTO, TYPED)
    return pipeline.castable(tree.fit(TYPED, ["a", "b", "c"]), ColumnCast.like(TYPED))


def predicted(model, path, spec=None, told=None):
    """The rows that are written for a file."""
    written = io.StringIO()
    tell = (told if told is not None else []).append
    chunks = prediction.predict(model, Stored(), path, spec or DataSpec(""), tell)
    prediction.write(chunks, None, written)
    return list(csv.reader(io.StringIO(written.getvalue())))


def refusal(model, path):
    """What is said of a file that is refused."""
    with pytest.raises(DataError) as caught:
        predicted(model, path)
    return str(caught.value)


def test_every_row_comes_back_with_its_prediction(model, tmp_path):
    """Columns that the model does not know are kept; the version stands beside each row."""
    FILE.to_csv(tmp_path / "rows.csv", index=False)
    assert EXPECTED == predicted(model, tmp_path / "rows.csv")


def test_a_file_is_read_in_chunks(model, tmp_path, monkeypatch):
    """Chunks are no bounds of the answer; the rows that are done are told."""
    monkeypatch.setattr(prediction, "MOST_ROWS", 2)
    FILE.to_csv(tmp_path / "rows.csv", index=False)
    FILE.to_parquet(tmp_path / "rows.parquet")
    told = []
    assert EXPECTED == predicted(model, tmp_path / "rows.csv", told=told)
    assert [2, 3] == told
    assert [row[3] for row in EXPECTED] == [
        row[3] for row in predicted(model, tmp_path / "rows.parquet")
    ]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_wide_rows_are_held_by_their_cells(model, tmp_path, monkeypatch, suffix):
    """What is held at once does not grow with the columns either: at least a row, though."""
    monkeypatch.setattr(prediction, "MOST_CELLS", 7)
    FILE.to_csv(tmp_path / "rows.csv", index=False)
    FILE.to_parquet(tmp_path / "rows.parquet")
    told = []
    predicted(model, tmp_path / f"rows.{suffix}", told=told)
    monkeypatch.setattr(prediction, "MOST_CELLS", 1)
    predicted(model, tmp_path / f"rows.{suffix}", told=told)
    assert [2, 3, 1, 2, 3] == told


def test_a_file_is_read_by_the_rules_of_training(model, tmp_path):
    """Separators are those of the grid file, decimal signs and gaps those of the model itself."""
    path = tmp_path / "rows.csv"
    path.write_text("id;age;zip\n7;31,5;01\n8;?;x\n9;55;?\n")
    spec = CsvSpec(separator=";", decimal=",", missing=("?",))
    cast = ColumnCast.like(TYPED, Rules.of(spec))
    told = Pipeline([("cast", cast), *model.steps[1:]])
    assert ["a", "b", "c"] == [row[3] for row in predicted(told, path, DataSpec("", csv=spec))[1:]]


def test_what_does_not_fit_is_said_with_its_place(model, tmp_path):
    """The file, the rows, the column and the cell."""
    path = tmp_path / "rows.csv"
    assert "must be a CSV or Parquet file, but there is none" in refusal(model, path)
    path.write_text("id,age,zip\n7,31.5,01\n8,old,x\n")
    expected = (
        "rows.csv: rows 1 to 2 must fit the model, but: column 'age': must hold numbers, but row 2 "
        "holds 'old'. Send a number, or null for a gap."
    )
    assert expected == refusal(model, path)
    path.write_text("id,age\n7,31.5\n")
    assert "must have the column 'zip'" in refusal(model, path)
    path.write_text("age,zip,version\n1,2,3\n")
    assert "must have no column 'version'" in refusal(model, path)
    path.write_text("age,zip\n1,2,3\n")
    assert "line 2 of 'rows.csv' has 3 values" in refusal(model, path)
    path.write_text("age,zip\n")
    assert "rows.csv: must have rows, but has none. Add one." == refusal(model, path)


def test_a_file_is_written_in_whole_or_not_at_all(model, tmp_path):
    """What was there before stays until the last row is done."""
    path, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    out.write_text("before")
    path.write_text("age,zip\nold,01\n")
    with pytest.raises(DataError):
        prediction.write(prediction.predict(model, Stored(), path, DataSpec(""), print), out, None)
    assert ["out.csv", "rows.csv"] == sorted(each.name for each in tmp_path.iterdir())
    assert "before" == out.read_text()
    path.write_text("age,zip\n31.5,01\n")
    prediction.write(prediction.predict(model, Stored(), path, DataSpec(""), print), out, None)
    assert "age,zip,prediction,version\n31.5,01,a,3\n" == out.read_text()


def test_rules_are_plain_where_the_grid_file_is_not_here(tmp_path):
    """A version of another workspace is asked all the same."""
    assert DataSpec("") == prediction.rules(Stored(), Workspace(tmp_path))


def test_a_file_of_training_can_be_asked_about(model, tmp_path):
    """A column without a name that training drops, and an index with a name, are no hindrance."""
    FILE.to_csv(tmp_path / "rows.csv")
    spec = DataSpec("", drop=("Unnamed: 0",))
    assert ["a", "b", "c"] == [row[4] for row in predicted(model, tmp_path / "rows.csv", spec)[1:]]
    FILE.set_index("age").to_parquet(tmp_path / "named.parquet")
    FILE.set_index([[3, 2, 1]]).to_parquet(tmp_path / "nameless.parquet")
    for name in ("named", "nameless"):
        rows = predicted(model, tmp_path / f"{name}.parquet")
        assert (["a", "b", "c"], 5) == ([row[3] for row in rows[1:]], len(rows[0]))


def test_whole_numbers_of_a_file_come_back_as_they_are(model, tmp_path, monkeypatch):
    """However great, beside a gap, and the same in every chunk."""
    monkeypatch.setattr(prediction, "MOST_ROWS", 1)
    numbers = pa.array([2**53 + 1, None, 7])
    table = pa.Table.from_pandas(FILE.drop(columns="id")).append_column("id", numbers)
    pq.write_table(table, tmp_path / "rows.parquet")
    assert [str(2**53 + 1), "", "7"] == [
        row[2] for row in predicted(model, tmp_path / "rows.parquet")[1:]
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [(".", "is a folder"), ("none/x.csv", "lies in no folder that there is")],
)
def test_a_place_that_cannot_be_written_is_told_first(tmp_path, name, said):
    """Before any row is predicted."""
    with pytest.raises(DataError) as caught:
        prediction.write(iter(()), tmp_path / name, None)
    path = (tmp_path / name).resolve()
    message = f"--out: must be a file to write, but {path} {said}. Correct the path."
    assert message == str(caught.value)


def test_what_is_written_is_a_file_like_any_other(tmp_path):
    """Its permissions are usual ones or those that it had; a link stays one."""
    out, link = tmp_path / "out.csv", tmp_path / "link.csv"
    link.symlink_to(out)
    prediction.write(iter([[["x"]]]), link, None)
    (tmp_path / "plain").touch()
    usual = (tmp_path / "plain").stat().st_mode
    assert ("x\n", True, usual) == (out.read_text(), link.is_symlink(), out.stat().st_mode)
    out.chmod(0o640)
    prediction.write(iter([[["y"]]]), out, None)
    assert ("y\n", 0o640) == (out.read_text(), out.stat().st_mode & 0o777)


def test_a_pipe_is_written_into(tmp_path):
    """It is not replaced by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        prediction.write(iter([[["x"]]]), pipe, None)
    assert ("x\n", True) == (read.result(), pipe.is_fifo())
