"""Beside: what is known of rows that is no feature, but divides or weighs them.

Messages start with the place in the grid file that has to change: ``cv.by: ...``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sweepstake.data import columns
from sweepstake.data.partitions import times_of
from sweepstake.errors import DataError, DataFault
from sweepstake.wording.near_misses import did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from sweepstake.domain.spec import DataSpec

BY, WEIGHT = "cv.by", "data.weight"
"""Where a grid file names the columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Arrays of shape (n,), ``None`` where the grid file names no such column.

    ``groups`` holds text or float64, ``times`` microseconds or any float64 that orders the rows,
    ``weights`` float64.
    """

    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    weights: np.ndarray | None = None

    @property
    def by(self) -> np.ndarray | None:
        """What folds go by."""
        return self.times if self.groups is None else self.groups

    def take(self, rows: np.ndarray) -> Beside:
        """The same of some of the rows."""
        return Beside(**{name: values[rows] for name, values in self.known()})

    def known(self) -> Iterator[tuple[str, np.ndarray]]:
        """The arrays that are there, by name."""
        for field in fields(self):
            values = getattr(self, field.name)
            if values is not None:
                yield field.name, values


NOTHING = Beside()


def save(beside: Beside, folder: Path, part: str) -> None:
    """Write the arrays that are there as ``<part>_<name>.npy``."""
    import numpy as np

    for name, values in beside.known():
        np.save(folder / f"{part}_{name}.npy", values, allow_pickle=False)


def opened(folder: Path, part: str, names: Sequence[str]) -> Beside:
    """What ``save`` wrote under these names."""
    import numpy as np

    known = [field.name for field in fields(Beside) if field.name in names]
    files = {name: folder / f"{part}_{name}.npy" for name in known}
    return Beside(**{name: np.load(file, allow_pickle=False) for name, file in files.items()})


def read(spec: DataSpec, frame: pd.DataFrame, target: tuple[str, ...]) -> Beside:
    """The columns that the grid file names, none of them of ``target``.

    Raises:
        DataError: one of them is not there, is a target, or holds what it may not; carries every
            fault that can be seen at once.
    """
    readers = (
        ("groups", BY, spec.groups, _groups),
        ("times", BY, spec.times, _times),
        ("weights", WEIGHT, spec.weight, _weights),
    )
    found: dict[str, np.ndarray] = {}
    faults: list[DataFault] = []
    for field, place, name, reader in readers:
        if name:
            try:
                _check_column(place, name, target, frame)
                found[field] = reader(frame[name], spec)
            except DataError as error:
                faults += error.faults
    if faults:
        raise DataError(*faults)
    return Beside(**found)


def _check_column(place: str, name: str, target: tuple[str, ...], frame: pd.DataFrame) -> None:
    if name in target:
        message = f"must not be a target column, but got {name!r}. Name another column."
        raise DataError.one(message, place)
    if name not in frame.columns:
        known = list(frame.columns)
        hint = did_you_mean(name, known) or f" It has {columns.some(known)}."
        message = f"the data has no column {name!r}.{hint}"
        raise DataError.one(message, place)


def _groups(column: pd.Series, _: DataSpec) -> np.ndarray:
    import numpy as np

    missing = columns.row_numbers(column.isna().to_numpy())
    if missing:
        message = f"every row needs a group, but {column.name!r} has none in {missing}. "
        raise DataError.one(message + "Fill them in or remove these rows.", BY)
    if _are_numbers(column):
        return column.to_numpy(dtype=np.float64)
    return np.array([str(value) for value in column], dtype=np.str_)


def _times(column: pd.Series, spec: DataSpec) -> np.ndarray:
    import numpy as np

    if not _are_numbers(column):
        moments = times_of(column, spec, BY)
        return np.asarray(moments.dt.tz_convert("UTC").dt.tz_localize(None).astype("int64"))
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    odd = columns.row_numbers(~np.isfinite(values))
    if odd:
        message = f"every row needs a time, but {column.name!r} has none in {odd}. "
        raise DataError.one(message + "Fill them in or remove these rows.", BY)
    return values


def _weights(column: pd.Series, _: DataSpec) -> np.ndarray:
    import numpy as np

    _check_numbers(column)
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    for rule, wrong in (
        ("every row needs a weight, but {} has none in {}. Fill them in", np.isnan(values)),
        ("weights must be finite, but {} is not in {}. Correct them", np.isinf(values)),
        ("weights must be at least 0, but {} is not in {}. Correct them", values < 0),
    ):
        rows = columns.row_numbers(wrong)
        if rows:
            message = rule.format(repr(column.name), rows)
            message += " or remove these rows."
            raise DataError.one(message, WEIGHT)
    if not values.any():
        message = f"some row must weigh more than 0, but {column.name!r} is 0 in all of them. "
        raise DataError.one(message + "Correct them, or leave out data.weight.", WEIGHT)
    return values


def _check_numbers(column: pd.Series) -> None:
    """Refuse a column that is not of numbers, with the first row that holds none."""
    if _are_numbers(column):
        return
    odd = next(
        ((row, value) for row, value in enumerate(column, 1) if not _is_number(value)),
        (1, column.iloc[0] if len(column) else ""),
    )
    message = f"weights must be numbers, but row {odd[0]} of {column.name!r} holds "
    message += f"{shown(odd[1])}. Name another column, or correct it."
    raise DataError.one(message, WEIGHT)


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _are_numbers(column: pd.Series) -> bool:
    from pandas.api import types

    plain = types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
    return bool(plain and not types.is_complex_dtype(column))
