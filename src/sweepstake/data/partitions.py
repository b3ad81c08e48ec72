"""Partitions: the rows of one day, or of the window that ends with it, and never a later one.

A day ends at midnight in ``DataSpec.timezone``; its rows are those before that moment. Messages
start with the place in the grid file that has to change: ``data.time_column: ...``.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sweepstake.data import sources
from sweepstake.domain.spec import PARTITION
from sweepstake.errors import DataError
from sweepstake.wording.near_misses import did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from sweepstake.data.reading import Source
    from sweepstake.domain.spec import DataSpec
    from sweepstake.storage.bucket import Bucket

DAY = r"\d{4}-\d{2}-\d{2}"
DAY_GLOB = "-".join("[0-9]" * digits for digits in (4, 2, 2))


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows of a source a partition has.

    ``rows`` is their number; ``first_row`` and ``last_row`` are positions in the source, from 1;
    ``first_time`` and ``last_time`` are ISO 8601, empty where the source has no time column.
    """

    rows: int
    first_row: int
    last_row: int
    first_time: str = ""
    last_time: str = ""


def load(spec: DataSpec, roots: Sequence[Path | Bucket]) -> tuple[Source, Span | None]:
    """The rows of ``spec.partition`` and where they stood; all rows where data are not by day.

    Raises:
        DataError: the source cannot be read, the partition is missing or empty, or a row's time
            cannot be told.
    """
    if not spec.by_day:
        return sources.load(spec, roots), None
    if spec.partition is None:
        message = "is kept by day, so a day must be given, but none was. Name a partition."
        raise DataError.one(message, "data")
    _check_there(spec, roots)
    source = sources.load(spec, roots)
    frame = source.frame
    if not spec.time_column:
        return source, Span(len(frame), min(1, len(frame)), len(frame))
    cut, span = _cut(frame, _times(frame, spec), spec)
    return replace(source, frame=cut), span


def choose(spec: DataSpec, roots: Sequence[Path | Bucket], asked: date | None) -> date | None:
    """The day to train on: the one ``asked`` for, else the newest; ``None`` for data of no day.

    Raises:
        DataError: data have no days, but one is asked for; or there is no day at all.
    """
    if asked and not spec.by_day:
        message = f"is not kept by day, so it has no partition {asked}. "
        message += "Put {partition} into it, or name data.time_column."
        raise DataError.one(message, "data.source")
    return asked or newest(spec, roots)


def newest(spec: DataSpec, roots: Sequence[Path | Bucket]) -> date | None:
    """The last day that has data; ``None`` where data are not by day.

    Raises:
        DataError: there is no such day.
    """
    if not spec.by_day:
        return None
    if PARTITION in spec.source:
        known = days(spec, roots)
        if known:
            return known[-1]
        message = f"no file fits {spec.source!r} for any day. Add one, or correct it."
        raise DataError.one(message, "data.source")
    times = _times(sources.load(spec, roots).frame, spec)
    if not len(times):
        message = f"must have rows, but {spec.source!r} has none. Add rows."
        raise DataError.one(message, "data.source")
    last: date = times.max().date()
    return last


def days(spec: DataSpec, roots: Sequence[Path | Bucket]) -> list[date]:
    """The days for which the source has a file, in order."""
    return sorted(set(_days(spec, roots)))


def _days(spec: DataSpec, roots: Sequence[Path | Bucket]) -> Iterator[date]:
    """Every day in the name of a file that the source stands for."""
    first, *rest = map(re.escape, spec.source.split(PARTITION))
    whole = re.compile(f"{first}(?P<day>{DAY})" + "(?P=day)".join(rest))
    for name in sources.matching(spec.source, DAY_GLOB, roots):
        found = whole.fullmatch(name)
        with suppress(ValueError):  # a name with a 31st of February
            if found:
                yield date.fromisoformat(found["day"])


def _check_there(spec: DataSpec, roots: Sequence[Path | Bucket]) -> None:
    """Say which day is missing, before a missing file is taken for a misspelt one."""
    known = days(spec, roots) if PARTITION in spec.source else []
    if known and spec.partition not in known:
        message = (
            f"partition {spec.partition} must have a file, but there is no "
            f"{spec.filled_source!r}; there are {len(known)} days from {known[0]} to {known[-1]}. "
            "Add the file, or leave this day out."
        )
        raise DataError.one(message, "data.source")


def _times(frame: pd.DataFrame, spec: DataSpec) -> pd.Series:
    """The time of each row in ``spec.timezone``; times without an offset are local ones."""
    import pandas as pd

    name = spec.time_column
    if name not in frame.columns:
        hint = did_you_mean(name, list(frame.columns)) or " Name a column that it has."
        message = f"the data has no column {name!r}.{hint}"
        raise DataError.one(message, "data.time_column")
    column = frame[name]
    if pd.api.types.is_numeric_dtype(column):
        message = f"must hold dates or times, but {name!r} holds numbers."
        message += " Write them as 2026-01-15 or 2026-01-15T10:30:00."
        raise DataError.one(message, "data.time_column")
    return times_of(column, spec, "data.time_column")


def times_of(column: pd.Series, spec: DataSpec, place: str) -> pd.Series:
    """The times of a column in ``spec.timezone``; ``place`` names it in the grid file.

    Raises:
        DataError: a row has none, or one that cannot be told.
    """
    import pandas as pd

    zone = ZoneInfo(spec.timezone)
    cells = zip(column, range(1, len(column) + 1), strict=True)
    moments = [_time(value, f"row {row} of {column.name!r}", zone, place) for value, row in cells]
    return pd.Series(moments, dtype=pd.DatetimeTZDtype("us", zone))


def _time(value: object, cell: str, zone: ZoneInfo, place: str) -> datetime:
    moment = value
    if isinstance(value, str):
        with suppress(ValueError):
            moment = datetime.fromisoformat(value.strip())
    elif isinstance(value, date) and not isinstance(value, datetime):
        moment = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - made local below
    if not isinstance(moment, datetime) or moment != moment:  # noqa: PLR0124 - NaT is not itself
        message = (
            f"every row needs a time, but {cell} has {shown(value)}. "
            "Write it as 2026-01-15 or 2026-01-15T10:30:00, or remove the row."
        )
        raise DataError.one(message, place)
    return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)


def _cut(frame: pd.DataFrame, times: pd.Series, spec: DataSpec) -> tuple[pd.DataFrame, Span]:
    """The rows of the window, in their order."""
    import numpy as np

    first, end = window(spec)
    inside = (times < end).to_numpy()
    if first is not None:
        inside = inside & (times >= first).to_numpy()
    rows = np.flatnonzero(inside)
    if not rows.size:
        message = (
            f"partition {spec.partition} must have rows, but {spec.filled_source!r} "
            f"has none {f'from {first:%Y-%m-%d} ' if first else ''}up to its end. "
            "Add rows, or leave this day out."
        )
        raise DataError.one(message, "data.source")
    kept = times.iloc[rows]
    first_row, last_row = int(rows[0]) + 1, int(rows[-1]) + 1
    span = Span(rows.size, first_row, last_row, kept.min().isoformat(), kept.max().isoformat())
    return frame.iloc[rows].reset_index(drop=True), span


def window(spec: DataSpec) -> tuple[datetime | None, datetime]:
    """From when (``None``: from the first row) to before when the rows of the partition are."""
    if spec.partition is None:
        message = "has no window without a partition."
        raise DataError.one(message, "data")
    zone = ZoneInfo(spec.timezone)
    midnight = datetime.combine(spec.partition, datetime.min.time(), zone)
    end = midnight + timedelta(days=1)  # wall time: a day of 23 or 25 hours ends at midnight too
    if spec.window_days is None:
        return None, end
    return end - timedelta(days=spec.window_days), end
