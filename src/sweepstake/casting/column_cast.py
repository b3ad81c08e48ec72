"""The column cast: the first step of every stored pipeline.

With it MLflow's flavors, ``sweepstake serve`` and a judging round take a row alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: TID253 - a pipeline holds this class: who imports it has them all
import pandas as pd  # noqa: TID253
from sklearn.base import BaseEstimator, TransformerMixin  # noqa: TID253

from sweepstake.casting.cells import (
    FINITE,
    NUMBERS,
    TEXT_RULE,
    TRUTHS,
    Texts,
    Truths,
    UnfitCellError,
    Words,
    is_finite,
    number_of,
    quoted,
    text_of,
    words_of,
)

if TYPE_CHECKING:
    from sweepstake.casting.numerals import Rules

BOOLEAN = "boolean"
TEXT = "text"
FLOATS = ("float64", "float32")
PLAIN = {int, float, bool, type(None)}
"""Types of cells that are numbers or gaps, whatever the rules."""
NAMED = 5
"""How many columns a message names."""


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

    __module__ = "sweepstake.casting"
    """Its place in stored models, wherever it is defined."""

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
        words = Words(rules)
        described = [
            [str(name), kind.name]
            if kind.name in FLOATS
            else _described(str(name), frame[name], words)
            for name, kind in frame.dtypes.items()
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
        columns, words = _parsed(self.columns), words_of(self.rules)
        frame = _framed(X, [name for name, *_ in columns])
        if not words.gaps and _is_plain(frame, columns):
            return frame
        return pd.DataFrame(self._each(frame, _cast), index=frame.index)

    def arrays(self, rows: Mapping[str, list[Any]]) -> dict[str, np.ndarray]:
        """The columns of ``rows`` by name: floats, and text with NaN for gaps.

        The same cells as in the frame of `transform`, whose making takes longer than a prediction.

        Raises:
            ValueError: columns hold what no cell of their kind can be; all are told.
        """
        return self._each(rows, _array)

    def _each(self, rows: Any, cast: Callable[..., Any]) -> dict[str, Any]:
        """Every column as ``cast`` makes it of its cells."""
        words, faults = words_of(self.rules), list[str]()
        found = {}
        for name, kind, *written in _parsed(self.columns):
            try:
                found[name] = cast(rows[name], kind, tuple(*written), words)
            except UnfitCellError as error:
                faults.append(f"column {quoted(name)}: {error}")
        if faults:
            more = len(faults) - NAMED
            raise ValueError(" ".join(faults[:NAMED] + [f"({more} more.)"] * (more > 0)))
        return found


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _described(name: str, column: pd.Series, words: Words) -> list[Any]:
    """What a column of categories is."""
    known = [str(value) for value in column.cat.categories]
    if known and set(known) <= set(TRUTHS.values()):
        return [name, BOOLEAN]
    written = [text for text in known if is_finite(words.number(text))]
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
    wanted = {kind: np.dtype(kind) for kind in FLOATS}
    kinds = zip(columns, frame.dtypes, strict=True)
    # to NumPy no type at all is that of floats
    if not all(kind in wanted and wanted[kind] == found for (_, kind, *_), found in kinds):
        return False
    return not bool(np.isinf(frame.to_numpy()).any())


def _cast(column: pd.Series, kind: str, written: tuple[str, ...], words: Words) -> pd.Series:
    if kind in FLOATS:
        return pd.Series(_floats(column, np.dtype(kind), words), index=column.index)
    return _categories(column, _spelled(kind, written, words))


def _array(cells: list[Any], kind: str, written: tuple[str, ...], words: Words) -> np.ndarray:
    if kind in FLOATS:
        return _finite(_numbers(cells, words), np.dtype(kind), words, cells)
    codes, texts = _texts(*_distinct_objects(cells), _spelled(kind, written, words))
    found = np.array([np.nan if text is None else text for text in texts], dtype=object)
    return np.asarray(found[codes])


def _spelled(kind: str, written: tuple[str, ...], words: Words) -> Truths | Texts:
    return Truths(words) if kind == BOOLEAN else Texts(words, written)


def _floats(column: pd.Series, width: np.dtype, words: Words) -> np.ndarray:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        values = _as_floats(column)
    else:
        values = _numbers(column, words)
    return _finite(values, width, words, column.iloc)


def _as_floats(column: pd.Series) -> np.ndarray:
    if column.dtype.kind == "c":
        raise UnfitCellError(NUMBERS, 0, column.iloc[0])
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _numbers(cells: Iterable[Any], words: Words) -> np.ndarray:
    if set(map(type, cells)) <= PLAIN:
        with suppress(OverflowError):  # a whole number that no float holds
            return np.array(cells, dtype=np.float64)
    numbers = [number_of(cell, row, words) for row, cell in enumerate(cells)]
    return np.array(numbers, dtype=np.float64)


def _finite(values: np.ndarray, width: np.dtype, words: Words, cells: Any) -> np.ndarray:
    """Numbers of the right width, each finite or NaN; ``cells`` are what they were."""
    if words.gaps:
        values = np.where(np.isin(values, list(words.gaps)), np.nan, values)
    with np.errstate(over="ignore"):
        values = values.astype(width, copy=False)
    beyond = np.isinf(values)
    if beyond.any():
        row = int(beyond.argmax())
        raise UnfitCellError(FINITE, row, cells[row])
    return values


def _categories(column: pd.Series, spelled: Truths | Texts) -> pd.Series:
    """The cells as categories of text; a value that training had not is one more category."""
    codes, texts = _texts(*_distinct(column), spelled)
    known = sorted({text for text in texts if text is not None})
    places = {text: place for place, text in enumerate(known)}
    renumbered = np.array([-1 if text is None else places[text] for text in texts] + [-1])
    found = pd.Categorical.from_codes(renumbered[codes], categories=pd.Index(known, dtype="str"))
    return pd.Series(found, index=column.index)


def _texts(
    codes: np.ndarray, cells: list[Any], spelled: Truths | Texts
) -> tuple[np.ndarray, list[str | None]]:
    """The codes, and the text of each different cell."""
    return codes, [text_of(cell, spelled, codes, code) for code, cell in enumerate(cells)]


def _distinct(column: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """The different cells, and of each row which one it has: -1 for a gap."""
    if column.dtype == object:
        return _distinct_objects(column)
    codes, cells = pd.factorize(column)
    return codes, list(cells)


def _distinct_objects(column: Iterable[Any]) -> tuple[np.ndarray, list[Any]]:
    """Codes and distinct cells, told apart by type as well: 1, 1.0 and true are equal in Python."""
    places: dict[Any, int] = {}
    try:
        codes = np.array([places.setdefault((type(c), c), len(places)) for c in column], dtype=int)
    except TypeError:  # a list or a mapping
        row, cell = next((r, c) for r, c in enumerate(column) if not pd.api.types.is_hashable(c))
        raise UnfitCellError(TEXT_RULE, row, cell) from None
    return codes, [cell for _, cell in places]


def _listed(names: Any) -> str:
    shown = [quoted(name) for name in names]
    more = len(shown) - NAMED
    return ", ".join(shown[:NAMED]) + (f" and {more} more" if more > 0 else "")
