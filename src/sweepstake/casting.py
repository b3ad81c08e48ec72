"""Casting: rows of any form become the columns that a model was trained on.

The cast is the first step of every stored pipeline, so that MLflow's flavors, ``sweepstake serve``
and a judging round take a row alike. A model's folder holds a copy of this file and of the one
that it imports: they need nothing else of Sweepstake, so neither does who loads the model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from math import isfinite, isnan
from numbers import Real
from typing import Any, NamedTuple

import numpy as np  # noqa: TID253 - a pipeline holds this class: who imports it has them all
import pandas as pd  # noqa: TID253
from sklearn.base import BaseEstimator, TransformerMixin  # noqa: TID253

from sweepstake.numerals import Numerals, Rules

BOOLEAN = "boolean"
TEXT = "text"
FLOATS = ("float64", "float32")
TRUTHS = {"true": "True", "false": "False"}
"""How a truth value is written, in lower case, and the text that it is to a model."""
NAMED = 5
"""How many columns a message names."""
LONGEST = 40
"""Characters of a value that a message quotes."""


class ColumnCast(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turns rows into a frame with the names, the order and the types of a model's columns.

    ``columns`` is JSON: of each column its name, its kind (``float64``, ``float32``, ``boolean`` or
    ``text``) and, of text, the values seen in training that are numbers when read alone. ``rules``
    is JSON too: how the file that was trained on writes numbers and gaps. Without it no text is a
    gap, and numbers are written as in Python.

    Rows are a frame, a mapping of columns, a list of records, or an array with the columns in their
    order. Other columns are left out. Text that was a gap in the file is a gap here, and what was a
    number there is one. Numbers take whole numbers, truth values and numbers written as text. Truth
    values take ``true`` in any case, 1 and 0. Text takes numbers as they were written in training.
    ``None``, NaN and ``pandas.NA`` are one gap.
    """

    rules = ""
    """Of a model that was stored before it had any."""

    def __init__(self, columns: str, rules: str = "") -> None:
        self.columns = columns
        self.rules = rules

    @classmethod
    def like(cls, frame: pd.DataFrame, rules: Rules | None = None) -> ColumnCast:
        """The cast to columns such as those of ``frame``: floats, and categories of text.

        ``rules`` are those by which the cells of its file were read.
        """
        words = _Words(rules)
        kinds = frame.dtypes.astype(str)
        described = [
            [str(name), kind] if kind in FLOATS else _described(str(name), frame[name], words)
            for name, kind in kinds.items()
        ]
        return cls(_as_json(described), _as_json(rules) if rules else "")

    @property
    def feature_names_in_(self) -> np.ndarray:
        """The names of the columns, in their order."""
        return np.array([name for name, *_ in _parsed(self.columns)], dtype=object)

    @property
    def n_features_in_(self) -> int:
        """How many columns there are."""
        return len(_parsed(self.columns))

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The names of the columns with their kinds."""
        return [(name, kind) for name, kind, *_ in _parsed(self.columns)]

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any = None) -> ColumnCast:  # noqa: ARG002, N803 - scikit-learn's names
        """Nothing is learnt."""
        return self

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:  # noqa: ARG002
        """The names of the columns."""
        return self.feature_names_in_

    def transform(self, X: Any) -> pd.DataFrame:  # noqa: N803
        """The rows ``X`` as floats, and categories of text.

        Raises:
            ValueError: columns are missing or hold what no cell of their kind can be; all are told.
        """
        columns, words = _parsed(self.columns), _words(self.rules)
        frame = _framed(X, [name for name, *_ in columns])
        if not words.gaps and _is_plain(frame, columns):
            return frame
        faults: list[str] = []
        found = {}
        for name, kind, *written in columns:
            try:
                found[name] = _cast(frame[name], kind, tuple(*written), words)
            except _UnfitCellError as error:
                faults.append(f"column {_quoted(name)}: {error}")
        if faults:
            more = len(faults) - NAMED
            raise ValueError(" ".join(faults[:NAMED] + [f"({more} more.)"] * (more > 0)))
        return pd.DataFrame(found, index=frame.index)


class _Rule(NamedTuple):
    """What the cells of a column must be, and the way out for one that is not."""

    cells: str
    way_out: str


_NUMBERS = _Rule("numbers", "Send a number, or null for a gap.")
_FINITE = _Rule("finite numbers", "Send a smaller number, or null for a gap.")
_TEXT = _Rule("text", "Send text, or null for a gap.")
_TRUTHS = _Rule("truth values", "Send true, false, or null for a gap.")


class _UnfitCellError(ValueError):
    """A cell that cannot be of its column's kind."""

    def __init__(self, rule: _Rule, row: int, cell: Any) -> None:
        fault = f"must hold {rule.cells}, but row {row + 1} holds {_quoted(cell)}."
        super().__init__(f"{fault} {rule.way_out}")


class _Words:
    """What text means where it stands in a cell."""

    def __init__(self, rules: Rules | None) -> None:
        self._numerals = Numerals(rules) if rules else None
        self._plain = rules is None or rules.decimal == "."

    @property
    def gaps(self) -> frozenset[float]:
        """Numbers that count as gaps."""
        return self._numerals.gaps if self._numerals else frozenset()

    def is_gap(self, text: str) -> bool:
        """Whether a cell with this text is a gap."""
        return self._numerals is not None and self._numerals.is_gap(text)

    def number(self, text: str) -> float | None:
        """The number that a text is, if it is one; infinite where no float holds it."""
        plain = _number_in(text) if self._plain else None
        return self._numerals.number(text) if plain is None and self._numerals else plain


@lru_cache(maxsize=64)
def _words(rules: str) -> _Words:
    if not rules:
        return _Words(None)
    decimal, thousands, percent, units, missing = json.loads(rules)
    return _Words(Rules(decimal, thousands, percent, tuple(units), tuple(missing)))


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _described(name: str, column: pd.Series, words: _Words) -> list[Any]:
    """What a column of categories is."""
    known = [str(value) for value in column.cat.categories]
    if known and set(known) <= set(TRUTHS.values()):
        return [name, BOOLEAN]
    written = [text for text in known if _is_finite(words.number(text))]
    return [name, TEXT, written] if written else [name, TEXT]


@lru_cache(maxsize=64)
def _parsed(columns: str) -> list[list[Any]]:
    parsed: list[list[Any]] = json.loads(columns)
    return parsed


def _framed(rows: Any, names: list[str]) -> pd.DataFrame:
    """The columns ``names`` of the rows.

    Raises:
        ValueError: some are missing, or are there twice.
    """
    frame = _frame(rows, names)
    if list(frame.columns) == names:
        return frame
    present = set(frame.columns)
    if missing := [name for name in names if name not in present]:
        message = f"the rows: must have the column{'s' * (len(missing) > 1)} {_listed(missing)}, "
        message += f"but have {_listed(frame.columns) or 'none'}. Send every column of the data."
        raise ValueError(message)
    kept = frame.loc[:, frame.columns.isin(names)]
    if len(kept.columns) != len(names):
        twice = sorted(set(kept.columns[kept.columns.duplicated()]))
        message = f"the rows: must have each column once, but have {_listed(twice)} more often."
        message += " Send one of them."
        raise ValueError(message)
    return kept[names]


def _frame(rows: Any, names: list[str]) -> pd.DataFrame:
    if isinstance(rows, pd.DataFrame):
        return _exploded(rows)
    if isinstance(rows, Mapping):
        several = any(pd.api.types.is_list_like(cells) for cells in rows.values())
        return pd.DataFrame(dict(rows) if several else [rows])
    if len(rows) and isinstance(rows[0], Mapping):
        present = set().union(*rows)
        return pd.DataFrame(list(rows), columns=[name for name in names if name in present])
    return pd.DataFrame(rows, columns=names)


def _exploded(frame: pd.DataFrame) -> pd.DataFrame:
    """MLflow turns a mapping of lists of text into one row of lists: the rows that it was."""
    if len(frame) != 1 or not all(isinstance(cell, list) for cell in frame.iloc[0]):
        return frame
    return pd.DataFrame(dict(frame.iloc[0]))


def _is_plain(frame: pd.DataFrame, columns: list[list[Any]]) -> bool:
    """Whether the rows are floats of the right width already, so that nothing is to be done."""
    kinds = zip(columns, frame.dtypes, strict=True)
    return all(kind == str(found) for (_, kind, *_), found in kinds) and not bool(
        np.isinf(frame.to_numpy()).any()
    )


def _cast(column: pd.Series, kind: str, written: tuple[str, ...], words: _Words) -> pd.Series:
    if kind in FLOATS:
        return _floats(column, np.dtype(kind), words)
    spelled = _Truths(words) if kind == BOOLEAN else _Texts(words, written)
    return _categories(column, spelled)


def _floats(column: pd.Series, width: np.dtype, words: _Words) -> pd.Series:
    """The cells as finite numbers or NaN."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        values = _as_floats(column)
    else:
        numbers = [_number(cell, row, words) for row, cell in enumerate(column)]
        values = np.array(numbers, dtype=np.float64)
    if words.gaps:
        values = np.where(np.isin(values, list(words.gaps)), np.nan, values)
    with np.errstate(over="ignore"):
        values = values.astype(width, copy=False)
    beyond = np.isinf(values)
    if beyond.any():
        row = int(beyond.argmax())
        raise _UnfitCellError(_FINITE, row, column.iloc[row])
    return pd.Series(values, index=column.index)


def _as_floats(column: pd.Series) -> np.ndarray:
    if column.dtype.kind == "c":
        raise _UnfitCellError(_NUMBERS, 0, column.iloc[0])
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _number(cell: Any, row: int, words: _Words) -> float:
    """A cell as a number; infinite where it is too large."""
    if _is_gap(cell, words):
        return np.nan
    found = None
    if isinstance(cell, str):
        found = words.number(cell)
    elif isinstance(cell, np.bool_) or _is_number(cell):
        try:
            found = float(cell)
        except OverflowError:
            found = np.inf
    if found is None:
        raise _UnfitCellError(_NUMBERS, row, cell)
    return found


def _number_in(text: str) -> float | None:
    """The finite number that a text is, if it is one."""
    if "_" in text:  # Python's own spelling
        return None
    try:
        found = float(text)
    except ValueError:
        return None
    return found if isfinite(found) else None


def _is_number(cell: Any) -> bool:
    return isinstance(cell, (Real, Decimal))


def _is_finite(number: float | None) -> bool:
    return number is not None and isfinite(number)


def _is_gap(cell: Any, words: _Words) -> bool:
    if isinstance(cell, str):
        return words.is_gap(cell)
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    if isinstance(cell, (float, np.floating, Decimal)) and isnan(cell):
        return True
    return _is_number(cell) and not isinstance(cell, bool) and cell in words.gaps


def _categories(column: pd.Series, spelled: _Truths | _Texts) -> pd.Series:
    """The cells as categories of text; a value that training had not is one more category."""
    codes, cells = _distinct(column)
    texts = [_text(cell, spelled, codes, code) for code, cell in enumerate(cells)]
    known = sorted({text for text in texts if text is not None})
    places = {text: place for place, text in enumerate(known)}
    renumbered = np.array([-1 if text is None else places[text] for text in texts] + [-1])
    found = pd.Categorical.from_codes(renumbered[codes], categories=pd.Index(known, dtype="str"))
    return pd.Series(found, index=column.index)


def _distinct(column: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """The different cells, and of each row which one it has: -1 for a gap.

    Of objects, cells of different types differ: 1, 1.0 and true are equal in Python.
    """
    if column.dtype != object:
        codes, cells = pd.factorize(column)
        return codes, list(cells)
    places: dict[Any, int] = {}
    try:
        codes = np.array([places.setdefault((type(c), c), len(places)) for c in column], dtype=int)
    except TypeError:  # a list or a mapping
        row, cell = next((r, c) for r, c in enumerate(column) if not pd.api.types.is_hashable(c))
        raise _UnfitCellError(_TEXT, row, cell) from None
    return codes, [cell for _, cell in places]


def _text(cell: Any, spelled: _Truths | _Texts, codes: np.ndarray, code: int) -> str | None:
    if _is_gap(cell, spelled.words):
        return None
    try:
        return spelled.text(cell)
    except (OverflowError, TypeError, ValueError):  # infinite, a date
        row = int((codes == code).argmax())
        raise _UnfitCellError(spelled.rule, row, cell) from None


class _Texts:
    """Cells as the text that they were in training."""

    rule = _TEXT

    def __init__(self, words: _Words, written: tuple[str, ...] = ()) -> None:
        self.words = words
        self._written = frozenset(written)
        self._by_value: dict[float | None, list[str]] = {}
        for text in written:
            self._by_value.setdefault(words.number(text), []).append(text)

    def text(self, cell: Any) -> str:
        """The text of a cell that is no gap.

        A number is written as training had it: in whole, with a fraction, or with leading zeros.
        """
        if isinstance(cell, str):
            return str(cell)
        if isinstance(cell, (bool, np.bool_)):
            return str(bool(cell))
        if not _is_number(cell):
            raise TypeError
        short = str(int(cell)) if cell == int(cell) else str(cell)
        forms = [str(cell), short, *self._forms(cell)]
        return next((form for form in forms if form in self._written), short)

    def _forms(self, cell: Any) -> list[str]:
        found = self._by_value.get(float(cell), [])
        return found if len(found) == 1 else []


class _Truths:
    """Cells as ``True`` and ``False``."""

    rule = _TRUTHS

    def __init__(self, words: _Words) -> None:
        self.words = words

    def text(self, cell: Any) -> str:
        """The truth value of a cell that is no gap; other text is a value of its own."""
        if isinstance(cell, str):
            return TRUTHS.get(cell.strip().lower(), str(cell))
        if isinstance(cell, (bool, np.bool_)) or (_is_number(cell) and cell in (0, 1)):
            return str(bool(cell))
        return _Texts(self.words).text(cell)


def _listed(names: Any) -> str:
    quoted = [_quoted(name) for name in names]
    more = len(quoted) - NAMED
    return ", ".join(quoted[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _quoted(value: Any) -> str:
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
