"""One row, one answer: what the trained pipeline says of it, whichever door it comes through."""

from __future__ import annotations

import asyncio
import json
import tempfile
import warnings
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modelserver import Shelf, running
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from sweepstake.casting.column_cast import ColumnCast
from sweepstake.casting.numerals import Rules
from sweepstake.data import dataset
from sweepstake.domain.spec import CsvSpec, DataSpec, Preprocess
from sweepstake.mlflow_client import model_folders
from sweepstake.serving.app import Capacity
from sweepstake.training import pipeline

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow's own type hints
    from mlflow.pyfunc import scoring_server

ROWS = 8
ALONE = Capacity(processes=1)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:mlflow")
FLOATS = st.floats(-1e9, 1e9, width=32)
WHOLE = st.integers(-(2**40), 2**40)
TEXT = st.sampled_from(["east", "West", " x ", "None", "NA", "true", "7", "", "Ж", "null"])
NUMERIC = st.sampled_from(["0042", "42", "7", "1.50", "-3"])
TRUTHS = st.sampled_from(["true", "False", "TRUE"])


def column(cells, kind, *, gaps=True):
    """A strategy for a column of a file."""
    cell = st.none() | cells if gaps else cells
    column_of = st.lists(cell, min_size=ROWS, max_size=ROWS)
    return column_of.map(lambda found: pd.Series(found, dtype=kind))


COLUMNS = st.one_of(
    column(FLOATS, "float64"),
    column(FLOATS, "float32"),
    column(FLOATS, "Float64"),
    column(WHOLE, "int64", gaps=False),
    column(WHOLE, "Int64"),
    column(WHOLE, "float64"),
    column(st.booleans(), "bool", gaps=False),
    column(st.booleans(), "boolean"),
    column(st.booleans(), "object"),
    column(TRUTHS, "str"),
    column(TEXT, "str"),
    column(TEXT, "object"),
    column(TEXT, "category"),
    column(NUMERIC, "str"),
    column(WHOLE, "category"),
    column(st.none(), "str"),
    column(st.none(), "object"),
)
NAMES = st.sampled_from(["a", "b c", "data", "columns", "inputs", "Ж", "0", "index", "x:y"])
TABLES = st.dictionaries(NAMES, COLUMNS, min_size=1, max_size=5).map(pd.DataFrame)
EXAMPLES = settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


class Doors:
    """A tree that tells rows apart, trained on a table and stored, and all ways to ask it."""

    def __init__(self, table, folder, stack, classifier=None, labels=None, rules=None):
        self.typed = dataset.features_of(table)
        classifier = classifier or DecisionTreeClassifier(random_state=0)
        estimator = pipeline.build(classifier, Preprocess.AUTO, self.typed)
        self.fitted = estimator.fit(self.typed, np.arange(len(table)) if labels is None else labels)
        stored = pipeline.castable(self.fitted, ColumnCast.like(self.typed, rules))
        template = model_folders.open_template(folder / "template", stored, self.typed)
        model_folders.write_model(template, stored, "0" * 32, folder / "model")
        self._sklearn = mlflow.sklearn.load_model(str(folder / "model"))
        self._pyfunc = mlflow.pyfunc.load_model(str(folder / "model"))
        content = (folder / "model" / "model.skops").read_bytes()
        example = (folder / "model" / "input_example.json").read_bytes()
        self._served = stack.enter_context(running(Shelf(content, example), ALONE))

    def answers(self, rows):
        """The predictions for ``rows`` by each door that was asked."""
        listed = {name: [plain(cell) for cell in rows[name]] for name in rows}
        records = [
            dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)
        ]
        split = {"columns": list(listed), "data": [list(record.values()) for record in records]}
        bodies = {
            "dataframe_split": {"dataframe_split": split},
            "dataframe_records": {"dataframe_records": records},
            "instances records": {"instances": records},
            "inputs columns": {"inputs": listed},
            "inputs records": {"inputs": records},
        }
        return {
            "sklearn": self._sklearn.predict(rows),
            "sklearn records": self._sklearn.predict(records),
            "sklearn columns": self._sklearn.predict(listed),
            "pyfunc frame": self._pyfunc.predict(rows),
            "pyfunc objects": self._pyfunc.predict(rows.astype(object)),
            "pyfunc columns": self._pyfunc.predict(listed),
            "pyfunc arrays": self._pyfunc.predict({n: np.array(c) for n, c in listed.items()}),
            "pyfunc records": self._pyfunc.predict(pd.DataFrame(records)),
            **{f"mlflow {form}": self.asked_of_mlflow(body) for form, body in bodies.items()},
            **{f"serve {form}": self.asked_of_us(body) for form, body in bodies.items()},
        }

    def asked_of_mlflow(self, body):
        """What MLflow's own server predicts for a body."""
        schema = self._pyfunc.metadata.get_input_schema()
        answer = scoring_server.invocations(
            json.dumps(body), "application/json", self._pyfunc, schema
        )
        return np.array(json.loads(answer.response)["predictions"])

    def asked_of_us(self, body):
        """What ``sweepstake serve`` answers to a body over HTTP."""
        return np.array(self.post(body).json()["predictions"])

    def post(self, body):
        """The answer of ``sweepstake serve`` to a body."""
        return self._served.post("/invocations", json=body)

    def app(self):
        """MLflow's own server of the model."""
        return scoring_server.init(self._pyfunc)


@contextmanager
def opened(table, *args, **more):
    """All doors of a model of a table, closed in the end."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        yield Doors(table, Path(folder), stack, *args, **more)


def differing(expected, answers):
    """The doors that do not answer as expected."""
    return {door: found.tolist() for door, found in answers.items() if found.tolist() != expected}


def plain(cell):
    """A cell as JSON has it."""
    with suppress(TypeError, ValueError):
        if pd.isna(cell):
            return None
    return cell.item() if isinstance(cell, np.generic) else cell


@EXAMPLES
@given(TABLES)
def test_every_door_says_of_a_row_what_the_trained_pipeline_says(table):
    """All rows at once, one alone and some in another order, whatever the columns hold."""
    with opened(table) as doors:
        expected = doors.fitted.predict(doors.typed).tolist()
        assert {} == differing(expected, doors.answers(table))
        assert {} == differing(expected[3:4], doors.answers(table[3:4]))
        assert {} == differing(expected[::-2], doors.answers(table[::-2]))


@EXAMPLES
@given(TABLES, st.sampled_from(["never seen", None]))
def test_every_door_says_the_same_of_what_was_never_seen(table, cell):
    """A new text has none of the columns of its values; a gap where there was none is a gap."""
    with opened(table) as doors:
        texts = doors.typed.select_dtypes("category").columns
        asked = table.astype(object).assign(**dict.fromkeys(texts, cell))
        typed = doors.typed.assign(
            **{name: pd.Categorical([cell] * ROWS, categories=["never seen"]) for name in texts}
        )
        assert {} == differing(doors.fitted.predict(typed).tolist(), doors.answers(asked))


WORDS = {
    "number": ["1,234", " 7 ", "5 %", "-3", "$2", "1e3", "?", "", "0.5"],
    "text": ["east", "None", "NA", "null", "?", " ? ", "", "Ж", "1 of 2"],
    "truth": ["true", "FALSE", "True", "?", ""],
    "code": ["0042", "42", "7", "?"],
}
WRITTEN = CsvSpec(thousands=",", percent=True, units=("$",), missing=("?", ""))
FILES = st.fixed_dictionaries(
    {name: st.lists(st.sampled_from(cells), min_size=ROWS) for name, cells in WORDS.items()}
).map(lambda found: pd.DataFrame({name: cells[:ROWS] for name, cells in found.items()}))


@EXAMPLES
@given(FILES)
def test_every_door_reads_text_as_the_file_was_read(rows):
    """A row of the file as text is the row trained on: numbers, gaps and categories alike."""
    spec = DataSpec("rows.csv", ("y",), csv=replace(WRITTEN, types={"number": "number"}))
    with tempfile.TemporaryDirectory() as folder:
        rows.assign(y=range(ROWS)).to_csv(Path(folder, "rows.csv"), index=False)
        table = dataset.read(spec, [Path(folder)]).X
    with opened(table, rules=Rules.of(spec.csv)) as doors:
        expected = doors.fitted.predict(doors.typed).tolist()
        assert {} == differing(expected, doors.answers(rows))
        assert {} == differing(expected[3:4], doors.answers(rows[3:4]))


def test_every_door_takes_the_rows_of_the_shipped_file():
    """The file of ``grids/churn.yaml`` as pandas reads it, with its other columns, gaps added."""
    file = Path(__file__).parents[2] / "grids" / "data" / "churn.csv"
    rows = pd.read_csv(file)
    table, labels = rows.drop(columns=["customer", "churned"]), rows["churned"].to_numpy()
    kept = pd.Series(np.arange(len(rows)) % 3 > 0)
    gaps, typed = rows.where(kept), dataset.features_of(table.where(kept))
    with opened(table, LogisticRegression(max_iter=500), labels) as doors:
        assert {} == differing(doors.fitted.predict(doors.typed).tolist(), doors.answers(rows))
        assert {} == differing(doors.fitted.predict(typed).tolist(), doors.answers(gaps))
        assert {} == differing(doors.fitted.predict(typed[:1]).tolist(), doors.answers(gaps[:1]))


ROW = {"age": 31.5, "member": True, "zip": "01"}
GAP = {"age": None, "member": None, "zip": None}
SPLIT = {"columns": [*ROW], "data": [[*ROW.values()], [*GAP.values()]]}
PAYLOADS = [
    {"dataframe_split": SPLIT},
    {"dataframe_split": {**SPLIT, "index": [7, 8]}, "params": {"unknown": 1}},
    {"dataframe_split": {**SPLIT, "columns": ["age", "member", "other"]}},
    {"dataframe_split": {"columns": [*ROW]}},
    {"dataframe_split": {**SPLIT, "extra": 1}},
    {"dataframe_records": [ROW, GAP]},
    {"dataframe_records": [ROW, {"age": 7}]},
    {"dataframe_records": [{**ROW, "other": 1}]},
    {"dataframe_records": [{"age": 1}]},
    {"dataframe_records": {"age": 1}},
    {"dataframe_records": []},
    {"instances": [ROW, ROW]},
    {"instances": {name: [cell, cell] for name, cell in ROW.items()}},
    {"inputs": [ROW, GAP]},
    {"inputs": ROW},
    {"inputs": {name: [cell, None] for name, cell in ROW.items()}},
    {"inputs": {name: [cell] for name, cell in ROW.items()}, "params": {}},
    {"inputs": {**ROW, "age": "old"}},
    {"inputs": {**ROW, "age": [1, 2]}},
    {"inputs": {"age": [1, 2], "member": [True], "zip": ["x"]}},
    {"inputs": "text"},
    {"inputs": [ROW], "instances": [ROW]},
    {"columns": [*ROW]},
    [ROW],
]


async def posted(app, *requests):
    """The answers of a server to requests, one after the other."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://mlflow") as client:
        return [await client.post("/invocations", **request) for request in requests]


def test_serving_answers_as_the_server_of_mlflow():
    """Byte for byte where MLflow predicts; what MLflow refuses, we refuse.

    Rows by position and CSV are what MLflow's server refuses of named columns of any type.
    """
    table = pd.DataFrame([ROW, GAP, {"age": 7, "member": False, "zip": "x"}] * 2)
    with opened(table) as doors:
        ours = [doors.post(body) for body in PAYLOADS]
        *theirs, positional, text = asyncio.run(
            posted(
                doors.app(),
                *({"json": body} for body in PAYLOADS),
                {"json": {"inputs": SPLIT["data"]}},
                {"content": table.to_csv(index=False), "headers": {"content-type": "text/csv"}},
            )
        )
    expected = [
        (200, answer.content) if answer.status_code == 200 else (400, None) for answer in theirs
    ]
    actual = [
        (answer.status_code, answer.content if answer.status_code == 200 else None)
        for answer in ours
    ]
    assert expected == actual
    assert [400, 400] == [positional.status_code, text.status_code]
