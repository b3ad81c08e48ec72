"""Columns: what each kind of column becomes, and which kinds are refused.

Messages start with the place in the grid file that has to change: ``data.target: ...``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweepstake.domain.task import Task
from sweepstake.errors import DataError, DataFault
from sweepstake.wording import notation
from sweepstake.wording.near_misses import alike, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    import pandas as pd

PLAIN = (
    "float64",
    "float32",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)
"""The types of numbers that need no look at each column."""
_FIRST_ROWS = 5
_FIRST_NAMES = 10
"""How many rows and names a message lists."""
_LARGEST_WHOLE = 2**64
_LARGEST_LABEL = 2**53
"""Beyond it, different whole numbers are the same float64."""


def labels(
    frame: pd.DataFrame,
    target: tuple[str, ...],
    gaps: Mapping[str, int] | None = None,
    task: Task = Task.CLASSIFICATION,
) -> np.ndarray:
    """The labels: int64, bool or text of shape (n,); of several columns 0 and 1 as int64 (n, k).

    Numbers to predict are float64 of shape (n,), or (n, k) of several columns.

    ``gaps`` are texts in these columns that count as gaps, with how often they are there.

    Raises:
        DataError: there are no rows, a label is missing, is no class, or all rows have the same.
    """
    import numpy as np

    if task is Task.REGRESSION:
        numbers = [_number_column(frame[name], gaps or {}) for name in target]
        return numbers[0] if len(numbers) == 1 else np.column_stack(numbers)
    columns = [_label_column(frame[name], gaps or {}) for name in target]
    if len(columns) == 1:
        return columns[0]
    for name, column in zip(target, columns, strict=True):
        if not np.isin(column, (0, 1)).all():
            message = (
                "several target columns must each hold 0 and 1 (multilabel), but "
                f"{name!r} holds {some([str(value) for value in np.unique(column)])}."
            )
            message += " Name one target column, or recode it."
            raise DataError.one(message, "data.target")
    return np.column_stack(columns).astype(np.int64)


def _label_column(column: pd.Series, gaps: Mapping[str, int]) -> np.ndarray:
    """One column of labels as int64, bool or text, held against the rules for labels."""
    import numpy as np
    from pandas.api import types

    _check_filled(column, gaps, "label")
    if types.is_bool_dtype(column):
        values = column.to_numpy(dtype=bool)
    elif types.is_numeric_dtype(column) or types.infer_dtype(column) == "decimal":
        values = _whole_numbers(column)
    else:
        _refuse_times(column, "data.target", "Name another target column.")
        if types.infer_dtype(column) == "bytes":
            message = f"labels must be text or numbers, but {column.name!r} holds "
            raise DataError.one(
                message + "bytes. Write them as text, or name another target column.", "data.target"
            )
        values = np.array([str(value) for value in column], dtype=np.str_)
        _check_spelling(values, str(column.name))
    if np.unique(values).size == 1:
        message = (
            f"there must be two classes or more, but {column.name!r} holds only {str(values[0])!r}."
        )
        message += " Add rows of another class, or name another target column."
        raise DataError.one(message, "data.target")
    return values


def _check_filled(column: pd.Series, gaps: Mapping[str, int], noun: str) -> None:
    """Refuse a target column without rows, or with gaps."""
    if not len(column):
        message = "must have rows, but has only a header."
        message += " Add rows."
        raise DataError.one(message, "data.source")
    missing = row_numbers(column.isna().to_numpy())
    if missing:
        message = f"every row needs a {noun}, but {column.name!r} has none in {missing}."
        message += f" {_read_as_gaps(gaps)}Remove these rows or fill in their {noun}s."
        raise DataError.one(message, "data.target")


def _number_column(column: pd.Series, gaps: Mapping[str, int]) -> np.ndarray:
    """One column of numbers to predict."""
    import numpy as np
    from pandas.api import types

    _check_filled(column, gaps, "number")
    is_decimal = types.infer_dtype(column) == "decimal"
    if types.is_bool_dtype(column) or not (types.is_numeric_dtype(column) or is_decimal):
        _refuse_times(column, "data.target", "Name another target column.")
        row, value = next(_no_numbers(column), (1, column.iloc[0]))
        message = f"a regressor predicts numbers, but row {row} of {column.name!r} holds "
        message += f"{shown(value)}. Correct it, name another target column, or a classifier."
        raise DataError.one(message, "data.target")
    values = column.to_numpy(dtype=np.float64)
    beyond = row_numbers(~np.isfinite(values))
    if beyond:
        message = f"numbers must be finite, but {column.name!r} is not in {beyond}. "
        raise DataError.one(message + "Remove these rows or correct them.", "data.target")
    if values.min() == values.max():
        message = f"there must be two numbers or more, but {column.name!r} holds only "
        message += f"{values[0]:g}. Name another target column."
        raise DataError.one(message, "data.target")
    return values


def _no_numbers(column: pd.Series) -> Iterator[tuple[int, object]]:
    """The rows, from 1, whose cell is no number, with their cells."""
    for row, value in enumerate(column, 1):
        try:
            float(value)
        except (TypeError, ValueError):
            yield row, value


def _check_spelling(values: np.ndarray, name: str) -> None:
    """Refuse labels that differ in case or blanks only: they are one class, written in two ways.

    Raises:
        DataError: the first class that has several spellings.
    """
    import numpy as np

    texts, counts = np.unique(values, return_counts=True)
    spellings: dict[str, list[str]] = {}
    for text, count in zip(texts.tolist(), counts.tolist(), strict=True):
        spellings.setdefault(alike(text), []).append(f"{text!r} ({count:,} row{'s' * (count > 1)})")
    for found in spellings.values():
        if len(found) > 1:
            message = "labels that differ in case or blanks only must be spelt in one "
            message += f"way, but {name!r} has {' and '.join(found)}. Write them alike."
            raise DataError.one(message, "data.target")


def _read_as_gaps(gaps: Mapping[str, int]) -> str:
    """A sentence on the texts that count as gaps, and how to keep them as labels."""
    if not gaps:
        return ""
    first = list(gaps.items())[:_FIRST_ROWS]
    counted = ", ".join(f"the text {text!r} ({count:,} times)" for text, count in first)
    kept = notation.flow({"missing": [""]})
    return f"Here {counted} counts as missing: write csv: {kept} under data to keep it. "


def _whole_numbers(column: pd.Series) -> np.ndarray:
    import numpy as np

    values = column.to_numpy(dtype=np.float64)
    odd = values[values != np.round(values)]  # NaN was refused before, infinity is too large
    odd = odd if odd.size else values[np.abs(values) > _LARGEST_LABEL]
    if odd.size:
        message = (
            f"labels must be text, truth values or whole numbers, but {column.name!r} "
            f"holds {odd[0]:g}."
        )
        message += " Name a column of classes, put the numbers into classes, or name a regressor."
        if _LARGEST_LABEL < abs(odd[0]) < _LARGEST_WHOLE:
            kept = notation.flow({"types": {str(column.name): "text"}})
            message += f" Where they are names, write csv: {kept} under data, or keep them as text."
        raise DataError.one(message, "data.target")
    return column.to_numpy(dtype=np.int64)


def row_numbers(mask: np.ndarray) -> str:
    """``3 rows: 2, 5 and 8``; row 1 is the first one below the header. Empty where none is set."""
    numbers = [str(row + 1) for row in mask.nonzero()[0]]
    if not numbers:
        return ""
    first, more = numbers[:_FIRST_ROWS], len(numbers) - _FIRST_ROWS
    named = ", ".join(first) + (f" and {more} more" if more > 0 else "")
    return f"{len(numbers)} row{'s' if len(numbers) > 1 else ''}: {named}"


def feature(column: pd.Series) -> pd.Series:
    """A column as float64, float32 or category of text, gaps kept.

    Raises:
        DataError: the column holds dates, infinite numbers or values of other kinds.
    """
    from pandas.api import types

    if isinstance(column.dtype, types.CategoricalDtype) or types.is_bool_dtype(column):
        return _categories(column)
    if types.is_numeric_dtype(column) and not types.is_complex_dtype(column):
        return _numbers(column)
    _refuse_times(column, "data.source", f"Convert it to numbers, or add {_drop(column)}.")
    kind = types.infer_dtype(column, skipna=True)
    if kind in {"string", "boolean", "categorical"}:
        return _categories(column)
    if kind in {"decimal", "integer", "floating", "mixed-integer-float", "empty"}:
        return _numbers(column)
    message = f"columns must hold numbers, text or truth values, but {column.name!r} "
    message += f"holds {kind} values. Convert it, or add {_drop(column)}."
    raise DataError.one(message, "data.source")


def infinite(numbers: pd.DataFrame) -> list[DataFault]:
    """What is wrong with columns of plain numbers: those that are not finite."""
    import numpy as np

    return [
        DataFault("data.source", _infinite(numbers[name], np.isinf(numbers[name].to_numpy())))
        for name in numbers.columns[np.isinf(numbers.to_numpy(dtype=np.float64)).any(axis=0)]
    ]


def of_one_width(numbers: pd.DataFrame) -> pd.DataFrame:
    """All numbers as float64, or float32 where all of them are, in one block of memory."""
    import pandas as pd

    narrow = {kind.name for kind in numbers.dtypes} == {"float32"}
    values = numbers.to_numpy(dtype="float32" if narrow else "float64")
    return pd.DataFrame(values, columns=numbers.columns, index=numbers.index, copy=False)


def _infinite(column: pd.Series, mask: np.ndarray) -> str:
    message = f"numbers must be finite, but {column.name!r} is not in "
    return f"{message}{row_numbers(mask)}. Leave such cells empty, or add {_drop(column)}."


def _drop(column: pd.Series) -> str:
    """What leaves a column out, as the grid file has to say it."""
    return f"drop: [{notation.name(str(column.name))}]"


def _refuse_times(column: pd.Series, place: str, way_out: str) -> None:
    from pandas.api import types

    kind = types.infer_dtype(column, skipna=True)
    if kind.startswith(("date", "time", "period", "interval")):
        message = f"must not be a column of dates or times, but {column.name!r} is."
        message += f" {way_out}"
        raise DataError.one(message, place)


def _numbers(column: pd.Series) -> pd.Series:
    import numpy as np
    import pandas as pd

    width = np.float32 if str(column.dtype).lower().startswith("float32") else np.float64
    try:
        values = pd.Series(column.to_numpy(dtype=width, na_value=np.nan), index=column.index)
    except OverflowError:  # whole numbers that no float holds
        message = f"numbers must be below 1e308, but {column.name!r} is not."
        message += f" Write them as text, or add {_drop(column)}."
        raise DataError.one(message, "data.source") from None
    beyond = np.isinf(values.to_numpy())
    if beyond.any():
        raise DataError.one(_infinite(column, beyond), "data.source")
    return values


def _categories(column: pd.Series) -> pd.Series:
    import pandas as pd

    missing = column.isna()
    values = [None if gap else str(value) for value, gap in zip(column, missing, strict=True)]
    if _are_truths(values):
        values = [value and value.strip().title() for value in values]
    known = sorted({value for value in values if value is not None})
    return pd.Series(pd.Categorical(values, categories=known), index=column.index)


def _are_truths(texts: Iterable[str | None]) -> bool:
    """Whether all texts are truth values, however they are written: they are to be one thing."""
    return {text.strip().lower() for text in texts if text} <= {"true", "false"}


def some(names: Sequence[str]) -> str:
    """The first names quoted, and how many more there are."""
    first = listed(list(names)[:_FIRST_NAMES], "and")
    more = len(names) - _FIRST_NAMES
    return f"{first} and {more} more" if more > 0 else first
