"""Reading: the rows of a data file, in a process that is watched.

Messages start with the place in the grid file that has to change: ``data.source: ...``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sweepstake.casting.numerals import Numerals
from sweepstake.data import csv_files, inference, parquet_files
from sweepstake.data.inference import EXACT
from sweepstake.domain.spec import Limits
from sweepstake.errors import DataError, DataFault, TransientError, TrialFailedError
from sweepstake.processes.isolation import (
    CutOffError,
    KilledError,
    StandstillError,
    Worker,
    repeat_once,
)
from sweepstake.wording import notation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pandas as pd

    from sweepstake.data.csv_files import CsvFile
    from sweepstake.domain.spec import DataSpec

    Pin = Callable[[Path], AbstractContextManager[Path]]

MOST_OF_MEMORY = 0.5
"""Rows are read in whole, and staged beside the frame."""
CSV_BYTES = 4
"""A number takes eight bytes of memory, and two or more as text."""
LONGEST_SECONDS = 300.0
"""How long reading a small file may take."""
SLOWEST = 500_000
"""Bytes of a file that are read in a second, at the least; a busy machine reads ten times this."""
MOST_SECONDS = 3600.0
"""How long at the most: a file may seem as large as its owner likes."""
MOST_CELLS = 10_000_000
"""Cells that are looked at, or copied, together: larger frames take the memory that there is."""
_FIRST_ROWS = 100
_MOST_DIGITS = 308
"""Of a number that a float holds; others are told to be too large."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The columns of a source as they stand in it, with their names as text.

    Text that holds numbers is numbers by now. ``faults`` are what is wrong with columns of text,
    and ``gaps`` the texts in the target columns that count as gaps, with how often they are there.
    """

    frame: pd.DataFrame
    faults: tuple[DataFault, ...] = ()
    gaps: Mapping[str, int] = field(default_factory=dict)


def read(path: Path, spec: DataSpec, pin: Pin) -> Source:
    """The rows of a file, or of a folder of Parquet files.

    They are read in a process of its own, since a file can be made to cost anything.

    Raises:
        DataError: it cannot be read, takes too long or too much memory, or ends its process.
        TransientError: reading stands still or is killed, twice.
    """
    reader = _Reader(path, spec, pin)
    name, memory = spec.filled_source, most_memory()
    seconds = min(max(LONGEST_SECONDS, reader.size() / SLOWEST), MOST_SECONDS)
    limits = Limits(trial_timeout=seconds, trial_memory=int(memory))
    try:
        with Worker(reader) as worker:
            source: Source = repeat_once(lambda: worker.call("read", limits=limits))
    except (StandstillError, KilledError) as error:  # a disk that does not answer, say
        message = f"must be read to its end, but {name!r} was not, twice: {error} "
        raise TransientError(message + "Look at where it lies, and read it again.") from None
    except CutOffError:
        message = f"must be read in {seconds:,.0f} s and half of the memory "
        message += f"({memory / 1e9:.1f} GB), but {name!r} was not, and reading was cut off. "
        raise DataError.one(message + "Take part of its rows or columns.", "data.source") from None
    except TrialFailedError as error:
        message = f"must be a table, but {name!r} cannot be read as one ({error}). "
        raise DataError.one(
            message + "Write it again, as CSV in UTF-8 or as Parquet.", "data.source"
        ) from None
    return source


@dataclass(frozen=True, slots=True)
class _Reader:
    """What is read; ``pin`` opens a file of a folder for as long as it is read."""

    path: Path
    spec: DataSpec
    pin: Pin

    def read(self) -> Source:
        path = self.path
        if path.is_dir() or path.name.lower().endswith(parquet_files.SUFFIXES):
            source = _of_parquet(path, self.spec, self.pin)
        else:
            source = _of_csv(path, self.spec)
        return replace(source, frame=_in_few_blocks(source.frame))

    def size(self) -> int:
        """Bytes; 0 where that cannot be told, and then reading tells why."""
        files = parquet_files.files_of(self.path) if self.path.is_dir() else [self.path]
        try:
            return sum(file.stat().st_size for file in files)
        except OSError:
            return 0


def _of_csv(path: Path, spec: DataSpec) -> Source:
    source, largest = spec.filled_source, most_memory()
    if CSV_BYTES * path.stat().st_size > largest:
        needed = f"needs about {CSV_BYTES * path.stat().st_size / 1e9:,.1f} GB"
        raise parquet_files.too_large(source, largest, needed)
    with csv_files.opened(path, spec, largest / CSV_BYTES) as file:
        frame = _in_few_blocks(file.frame(dtype=_texts(file.names, spec)))
        frame = _with_codes(frame, file, spec)
        frame, faults = inference.settled(frame, spec, lambda rows: _lines(file, rows))
        faults += _too_exact(_large(frame, file), spec)
        return Source(frame, tuple(faults), _gaps(file, frame, spec))


def _in_few_blocks(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its numbers side by side in memory, as a copy has them.

    Thousands of columns, each alone, take seconds to look at and to send.
    """
    return frame if frame.size > MOST_CELLS else frame.copy()


def _texts(names: Iterable[str], spec: DataSpec) -> dict[str, str]:
    """The columns that are text whatever is in them."""
    wanted = spec.csv.types
    return {name: "str" for name in names if wanted.get(name) == inference.TEXT}


def _with_codes(frame: pd.DataFrame, file: CsvFile, spec: DataSpec) -> pd.DataFrame:
    """The frame with whole numbers of which one begins with 0 as the text that they are."""
    apart = {*spec.drop, *spec.apart, *spec.csv.types}
    numbers = frame.select_dtypes("number") if file.may_hold_codes else frame.iloc[:, :0]
    names = [name for name in _whole(numbers) if name not in apart]
    if not names:
        return frame
    raw = file.frame(usecols=names, dtype="str")
    codes = [name for name, column in raw.items() if inference.are_codes(column)]
    return frame.assign(**raw[codes]) if codes else frame


def _whole(numbers: pd.DataFrame) -> list[str]:
    """The columns whose first rows hold no fractions, and which may be codes therefore."""
    import numpy as np

    first = numbers.head(_FIRST_ROWS).to_numpy("float64", na_value=0)
    whole = (np.isinf(first) | (first % 1 == 0)).all(axis=0)
    return [str(name) for name, is_whole in zip(numbers, whole, strict=True) if is_whole]


def _large(frame: pd.DataFrame, file: CsvFile) -> dict[str, int]:
    """The columns of numbers with a whole one of which a float does not hold every digit."""
    import numpy as np

    numbers = frame.select_dtypes("number")
    names = _beyond_64_bits(frame)
    step = max(1, MOST_CELLS // max(1, len(numbers)))
    for first in range(0, len(numbers.columns), step):
        some = numbers.iloc[:, first : first + step]
        far = np.abs(some.to_numpy("float64", na_value=0)) >= EXACT
        names.extend(some.columns[far.any(axis=0)])
    raw = file.frame(usecols=names, dtype="str") if names else frame.iloc[:, :0]
    numerals = Numerals(file.spec)
    found: dict[str, int] = {}
    for name, texts in raw.items():
        wholes = (numerals.whole(text) for text in texts.dropna().unique())
        large = (value for value in wholes if value is not None and abs(value) > EXACT)
        found |= {str(name): value for value in large if len(str(value)) < _MOST_DIGITS}
    return found


def _beyond_64_bits(frame: pd.DataFrame) -> list[str]:
    """The columns of whole numbers that pandas keeps as objects."""
    objects = frame.iloc[:, [place for place, kind in enumerate(frame.dtypes) if kind == "object"]]
    return [
        str(name)
        for name, cells in objects.items()
        if any(isinstance(cell, int) and abs(cell) >= EXACT for cell in cells)
    ]


def _too_exact(large: Mapping[str, int], spec: DataSpec, *, typed: bool = False) -> list[DataFault]:
    """What is wrong with features of which different values would be one."""
    left_out = {*spec.drop, *spec.target, *spec.apart}
    found = ((name, value) for name, value in large.items() if name not in left_out)
    faults = (inference.fault_of_size(name, value, typed=typed) for name, value in found)
    return [DataFault("data.source", fault) for fault in faults]


def _lines(file: CsvFile, rows: Iterable[int]) -> dict[int, str]:
    return {row: f"line {line}" for row, line in file.lines(rows).items()}


def _gaps(file: CsvFile, frame: pd.DataFrame, spec: DataSpec) -> dict[str, int]:
    """The texts of target columns that count as gaps, and how often they are there."""
    names = [n for n in spec.target if n in file.names and frame[n].isna().any()]
    if not names:
        return {}
    raw = file.frame(usecols=names, dtype="str", na_values=[""])
    return dict(Counter(text for name in names for text in raw[name][frame[name].isna()].dropna()))


def _of_parquet(path: Path, spec: DataSpec, pin: Pin) -> Source:
    source, largest = spec.filled_source, most_memory()
    if path.is_dir():
        rows = parquet_files.read(parquet_files.files_of(path), path, source, largest, pin)
    else:
        rows = parquet_files.read([path], path.parent, source, largest)
    frame, faults = inference.settled(
        rows.frame, spec, lambda found: {row: f"row {row + 1}" for row in found}, rows.texts
    )
    faults += _too_exact(rows.large, spec, typed=True)
    left_out = {*spec.drop, *spec.target, *spec.apart}
    faults += [
        DataFault(
            "data.source",
            f"every file of a folder must have the same columns, but {file!r} has no "
            f"{name!r}. Write it again, or add drop: [{notation.name(name)}] under data.",
        )
        for name, file in rows.lacking.items()
        if name not in spec.drop
    ]
    faults += [
        DataFault(
            "data.source",
            f"columns must hold numbers, text or truth values, but {name!r} holds {kind} "
            f"values. Convert it, or add drop: [{notation.name(name)}].",
        )
        for name, kind in rows.nested.items()
        if name not in left_out
    ]
    return Source(frame, tuple(faults))


def most_memory() -> float:
    """The bytes that the rows of a source may take."""
    return MOST_OF_MEMORY * _memory()


def _memory() -> int:
    """The bytes of memory of this machine."""
    import psutil

    return int(psutil.virtual_memory().total)
