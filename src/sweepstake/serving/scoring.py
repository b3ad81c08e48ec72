"""Scoring: a request in MLflow's scoring protocol, as rows for a model, and the answer to it.

Nothing here is asked before its cost is bounded: the size of a body by the server, the values in it
by the marks that part them, the cells by the model's columns. Other columns are never built.
"""

from __future__ import annotations

import csv
import io
import json
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.serving.unframed import unframed
from sweepstake.wording.near_misses import did_you_mean, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sweepstake.modelfile.model_file import StoredModel
    from sweepstake.serving.unframed import Unframed

MOST_VALUES = 4_000_000
"""Values in a body."""
MOST_CELLS = 1_000_000
"""Rows times columns of a model."""
FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
METHODS = ("predict", "predict_proba")
JSON, CSV = "application/json", "text/csv"
NAMED = 5
"""Columns that a message names."""
LONGEST = 1000
"""Characters of what a library says of rows."""
MOST_COMPARED = 100
"""Names that came among which the one that was meant is looked for."""
UNFIT = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
    csv.Error,
)
"""What parsers, pandas and scikit-learn raise for rows that a model cannot take."""


class RefusedError(ValueError):
    """A request that is answered with a sentence instead of predictions."""

    def __init__(self, fault: str, way_out: str = "", status: int = 400) -> None:
        super().__init__(f"{fault} {way_out}".strip())
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with: a status, JSON, and how many rows were predicted."""

    status: int
    body: bytes
    rows: int = 0


class Scorer:
    """A model that answers requests; it is loaded at the first one."""

    def __init__(self, stored: StoredModel) -> None:
        self._stored = stored
        self._model: Any = None
        self._unframed: Unframed | None = None

    def columns(self) -> list[list[str]]:
        """The names of the model's columns and their kinds, loading it.

        Raises:
            ModelFileError: it cannot be loaded.
        """
        if self._model is None:
            from sweepstake.modelfile.model_file import opened

            warnings.simplefilter("ignore")  # nobody sees them: a row is taken or refused
            self._model = opened(self._stored)
            self._unframed = unframed(self._model)
        kinds = dict(self._model[0].kinds) if hasattr(self._model, "steps") else {}
        return [[str(name), kinds.get(name, "text")] for name in self._model.feature_names_in_]

    def score(self, body: bytes, content_type: str, method: str) -> Answer:
        """The answer to a request.

        Raises:
            ModelFileError: the model cannot be loaded.
        """
        names = [name for name, _ in self.columns()]
        try:
            columns = parse(body, content_type, names)
            asked = self._asked(method)
            predicted = asked(columns)
            found: dict[str, Any] = {"predictions": _plain(predicted)}
        except RefusedError as error:
            return refusal(error.status, str(error))
        except UNFIT as error:
            said = " ".join(str(error).split()) or type(error).__name__
            return refusal(400, said[:LONGEST])
        return Answer(200, json.dumps(found).encode(), len(next(iter(columns.values()))))

    def _asked(self, method: str) -> Any:
        if method not in METHODS:
            hint = did_you_mean(method, METHODS) or f" Write {listed(METHODS)}."
            message = f"method: must be {listed(METHODS)}, but got {shown(method)}.{hint}"
            raise RefusedError(message)
        if not hasattr(self._model, method):
            message = f"method: this model has no {method}. Leave method away for labels."
            raise RefusedError(message)
        return lambda columns: self.predicted(method, columns)

    def predicted(self, method: str, columns: dict[str, list[Any]]) -> Any:
        """What the model says of columns of cells, by ``predict`` or ``predict_proba``."""
        if self._unframed is None:
            return getattr(self._model, method)(_frame(columns))
        return self._unframed.ask(method, columns)


def refusal(status: int, message: str) -> Answer:
    """The answer that says why there are no predictions."""
    return Answer(status, json.dumps({"error": message}).encode())


def parse(body: bytes, content_type: str, names: Sequence[str]) -> dict[str, list[Any]]:
    """The model's columns ``names`` in a request.

    Raises:
        RefusedError: the body has no form of the protocol, lacks a column, or is too much.
        ValueError: it cannot be read.
    """
    marks = (b",", b"[", b"{", b"\n", b"\r")
    if (values := sum(map(body.count, marks))) > MOST_VALUES:
        message = f"the body: must hold at most {MOST_VALUES:,} values, but has about {values:,}."
        raise RefusedError(message, "Send fewer rows.")
    mime = _mime(content_type)
    columns = _of_csv(body, names) if mime == CSV else _of_json(body, names)
    if all(len(cells) == 1 and isinstance(cells[0], list) for cells in columns.values()):
        # one row with a list in each cell: columns, as MLflow's server takes it
        columns = _of_columns({name: cells[0] for name, cells in columns.items()}, names)
    if not next(iter(columns.values())):
        message = "the rows: must be one or more, but there are none. Send a row."
        raise RefusedError(message)
    return columns


def _check_cells(rows: int, names: Sequence[str]) -> None:
    """Hold the cells of a request against their bound, before they are made.

    Raises:
        RefusedError: they are too many.
    """
    if rows * len(names) > MOST_CELLS:
        most = MOST_CELLS // len(names)
        message = f"the rows: must be at most {most:,}, but there are {rows:,}. Send fewer at once."
        raise RefusedError(message)


def _mime(content_type: str) -> str:
    """The type of a body: JSON where nothing is said, as MLflow takes no other charset."""
    mime, *rest = [part.strip() for part in content_type.split(";")]
    given = dict(part.partition("=")[::2] for part in rest if part)
    if mime.lower() not in {"", JSON, CSV} or given.keys() - {"charset"}:
        message = f"content-type: must be {JSON} or {CSV}, but got {shown(content_type)}."
        raise RefusedError(message, "Send the rows in one of them.", 415)
    if given.get("charset", "utf-8").strip('"').lower() != "utf-8":
        message = f"content-type: the charset must be utf-8, but got {shown(content_type)}."
        raise RefusedError(message, "Send the rows in UTF-8.", 415)
    return mime.lower()


def _of_csv(body: bytes, names: Sequence[str]) -> dict[str, list[Any]]:
    """Cells as text, or none: what they are is for the cast to say."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"the body: must be CSV in UTF-8, but reading it ended with: {error}."
        raise RefusedError(message, "Send it again.") from None
    header, *lines = csv.reader(io.StringIO(text, newline=None)) if text else [[]]
    rows = [[cell or None for cell in line] for line in lines if line or len(header) == 1]
    return _of_rows(rows, header, names)  # in one column a blank line may be a gap, or none


def _of_json(body: bytes, names: Sequence[str]) -> dict[str, list[Any]]:
    try:
        document = json.loads(body)
    except (RecursionError, ValueError) as error:
        message = f"the body: must be JSON in UTF-8, but reading it ended with: {error}."
        raise RefusedError(message, "Send it again.") from None
    given = [form for form in FORMS if isinstance(document, dict) and form in document]
    if len(given) != 1:
        message = (
            "the body: must hold dataframe_split (columns and data), dataframe_records, instances "
            f"or inputs, but has {listed(given, 'and') if given else 'none of them'}. "
            "See MLflow's scoring protocol."
        )
        raise RefusedError(message)
    rows = document[given[0]]
    if given[0] == "dataframe_split":
        return _of_split(rows, names)
    if given[0] == "dataframe_records":
        return _of_records(rows, names)
    return _of_inputs(rows, names, given[0])


def _of_split(split: Any, names: Sequence[str]) -> dict[str, list[Any]]:
    if not isinstance(split, dict) or not isinstance(split.get("data"), list):
        message = "dataframe_split: must hold columns and data, a list of rows. Send both."
        raise RefusedError(message)
    if strange := split.keys() - {"columns", "data", "index"}:
        message = (
            f"dataframe_split: must hold columns, data and index, but also has {_few(strange)}."
        )
        raise RefusedError(message, "Take them out.")
    header = split.get("columns", list(names))
    if not isinstance(header, list):
        message = (
            "dataframe_split: columns must be a list of names. Send them as the data has them."
        )
        raise RefusedError(message)
    return _of_rows(split["data"], header, names)


def _of_rows(rows: list[Any], header: list[Any], names: Sequence[str]) -> dict[str, list[Any]]:
    """The columns ``names`` of rows whose cells stand in the order of ``header``."""
    _check_names(header, names)
    _check_cells(len(rows), names)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != len(header):
            found = f"{len(row)} cells" if isinstance(row, list) else shown(str(row))
            message = f"the rows: must each be a list of {len(header)} cells, but row {number} is "
            message += f"{found}."
            raise RefusedError(message, "Send one cell for each column.")
    places = {name: place for place, name in enumerate(header)}
    return {name: [row[places[name]] for row in rows] for name in names}


def _of_records(records: Any, names: Sequence[str]) -> dict[str, list[Any]]:
    """A column that only some records have is a gap in the others."""
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        message = "the records: must be a list of mappings from names to cells. Send such a list."
        raise RefusedError(message)
    if records:
        _check_names(set().union(*records), names)
    _check_cells(len(records), names)
    return {name: [each.get(name) for each in records] for name in names}


def _of_inputs(rows: Any, names: Sequence[str], form: str) -> dict[str, list[Any]]:
    if isinstance(rows, dict):
        return _of_columns(rows, names)
    if not isinstance(rows, list):
        message = f"{form}: must be columns by name, a list of records or a list of rows."
        raise RefusedError(message, "Send one of them.")
    if rows and isinstance(rows[0], dict):
        return _of_records(rows, names)
    if len(names) == 1:
        return _of_rows([row if isinstance(row, list) else [row] for row in rows], [*names], names)
    return _of_rows(rows, list(names), names)


def _of_columns(columns: dict[str, Any], names: Sequence[str]) -> dict[str, list[Any]]:
    """A single cell beside lists is the cell of every row."""
    _check_names(columns, names)
    kept = {name: columns[name] for name in names}
    lengths = {name: len(cells) for name, cells in kept.items() if isinstance(cells, list)}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{shown(name)} {size}" for name, size in list(lengths.items())[:NAMED])
        message = f"the columns: must be equally long, but have {found}. Send null for a gap."
        raise RefusedError(message)
    rows = next(iter(lengths.values()), 1)
    _check_cells(rows, names)
    return {
        name: cells if isinstance(cells, list) else [cells] * rows for name, cells in kept.items()
    }


def _check_names(header: Iterable[Any], names: Sequence[str]) -> None:
    """Hold the names that came against those that the model asks for.

    Raises:
        RefusedError: some are missing, or are there twice.
    """
    given = Counter(name for name in header if isinstance(name, str))
    if missing := [name for name in names if name not in given]:
        others = list(given.keys() - set(names))[:MOST_COMPARED]
        hint = did_you_mean(missing[0], others) if len(missing) == 1 else ""
        message = (
            f"the rows: must have the columns {_few(names)}, but have no {_few(missing)}.{hint}"
        )
        raise RefusedError(message, "Send every column of the data.")
    if twice := [name for name in names if given[name] > 1]:
        message = f"the rows: must have each column once, but have {_few(twice)} more often."
        raise RefusedError(message, "Send one of them.")


def _few(names: Iterable[str]) -> str:
    quoted = [shown(name) for name in names]
    more = len(quoted) - NAMED
    return ", ".join(quoted[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _frame(columns: dict[str, list[Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(columns, dtype=object)


def _plain(predicted: Any) -> Any:
    """Predictions as lists; a classifier of several labels gives one array for each."""
    return (
        [_plain(each) for each in predicted] if isinstance(predicted, list) else predicted.tolist()
    )
