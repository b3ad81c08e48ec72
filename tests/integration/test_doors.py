"""One row, one answer: what the trained pipeline says of it, whichever door it comes through."""

from __future__ import annotations

import json
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from sweepstake import data, models, pipeline
from sweepstake.casting import ColumnCast
from sweepstake.spec import Preprocess

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow's own type hints
    from mlflow.pyfunc import scoring_server

ROWS = 8
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
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


class Doors:
    """A tree that tells rows apart, trained on a table and stored, and all ways to ask it."""

    def __init__(self, table, folder, classifier=None, labels=None):
        self.typed = data._features(table)
        classifier = classifier or DecisionTreeClassifier(random_state=0)
        estimator = pipeline.build(classifier, Preprocess.AUTO, self.typed)
        self.fitted = estimator.fit(self.typed, np.arange(len(table)) if labels is None else labels)
        stored = pipeline.castable(self.fitted, ColumnCast.like(self.typed))
        template = models.open_template(folder / "template", stored, self.typed)
        models.write_model(template, stored, "0" * 32, folder / "model")
        self._sklearn = mlflow.sklearn.load_model(str(folder / "model"))
        self._pyfunc = mlflow.pyfunc.load_model(str(folder / "model"))

    def answers(self, rows):
        """The predictions for ``rows`` by each door that was asked."""
        listed = {name: [plain(cell) for cell in rows[name]] for name in rows}
        records = [
            dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)
        ]
        split = {"columns": list(listed), "data": [list(record.values()) for record in records]}
        return {
            "sklearn": self._sklearn.predict(rows),
            "sklearn records": self._sklearn.predict(records),
            "sklearn columns": self._sklearn.predict(listed),
            "pyfunc frame": self._pyfunc.predict(rows),
            "pyfunc objects": self._pyfunc.predict(rows.astype(object)),
            "pyfunc columns": self._pyfunc.predict(listed),
            "pyfunc arrays": self._pyfunc.predict({n: np.array(c) for n, c in listed.items()}),
            "pyfunc records": self._pyfunc.predict(pd.DataFrame(records)),
            "dataframe_split": self._json({"dataframe_split": split}),
            "dataframe_records": self._json({"dataframe_records": records}),
            "inputs columns": self._json({"inputs": listed}),
            "inputs records": self._json({"inputs": records}),
        }

    def _json(self, body):
        schema = self._pyfunc.metadata.get_input_schema()
        answer = scoring_server.invocations(
            json.dumps(body), "application/json", self._pyfunc, schema
        )
        return np.array(json.loads(answer.response)["predictions"])


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
    with tempfile.TemporaryDirectory() as folder:
        doors = Doors(table, Path(folder))
        expected = doors.fitted.predict(doors.typed).tolist()
        assert {} == differing(expected, doors.answers(table))
        assert {} == differing(expected[3:4], doors.answers(table[3:4]))
        assert {} == differing(expected[::-2], doors.answers(table[::-2]))


@EXAMPLES
@given(TABLES, st.sampled_from(["never seen", None]))
def test_every_door_says_the_same_of_what_was_never_seen(table, cell):
    """A new text has none of the columns of its values; a gap where there was none is a gap."""
    with tempfile.TemporaryDirectory() as folder:
        doors = Doors(table, Path(folder))
        texts = doors.typed.select_dtypes("category").columns
        asked = table.astype(object).assign(**dict.fromkeys(texts, cell))
        typed = doors.typed.assign(
            **{name: pd.Categorical([cell] * ROWS, categories=["never seen"]) for name in texts}
        )
        assert {} == differing(doors.fitted.predict(typed).tolist(), doors.answers(asked))


def test_every_door_takes_the_rows_of_the_shipped_file(tmp_path):
    """The file of ``grids/churn.yaml`` as pandas reads it, with its other columns, gaps added."""
    file = Path(__file__).parents[2] / "grids" / "data" / "churn.csv"
    rows = pd.read_csv(file)
    table = rows.drop(columns=["customer", "churned"])
    doors = Doors(table, tmp_path, LogisticRegression(max_iter=500), rows["churned"].to_numpy())
    assert {} == differing(doors.fitted.predict(doors.typed).tolist(), doors.answers(rows))
    kept = pd.Series(np.arange(len(rows)) % 3 > 0)
    gaps, typed = rows.where(kept), data._features(table.where(kept))
    assert {} == differing(doors.fitted.predict(typed).tolist(), doors.answers(gaps))
    assert {} == differing(doors.fitted.predict(typed[:1]).tolist(), doors.answers(gaps[:1]))
