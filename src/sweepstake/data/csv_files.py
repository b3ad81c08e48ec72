"""CSV files: their bytes as checked text, their header, their cells, and the lines rows stand on.

Messages start with the place in the grid file that has to change: ``data.source: ...``.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sweepstake.data import text_files
from sweepstake.errors import DataError
from sweepstake.storage.scratch import scratch
from sweepstake.wording import notation
from sweepstake.wording.near_misses import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    import pandas as pd

    from sweepstake.data.text_files import Text
    from sweepstake.domain.spec import CsvSpec, DataSpec

MOST_COLUMNS = 100_000
"""Wider than any table that a classifier learns from; a header of more is a bomb or a mistake."""
TAB_SUFFIXES = (".tsv", ".tab")
SEPARATORS = {";": ";", "\t": "tab", "|": "|", ",": ","}
"""What may separate columns, and how a grid file writes it."""
UNNAMED = "Unnamed: {}"
"""What pandas calls a column without a name, by its position."""
_EXCEL = re.compile(r"sep=(.)\s*", re.IGNORECASE)
"""The first line that Excel follows, and writes nothing else into."""
_COMMA_NUMBER = re.compile(r"\d,\d")
_FIRST_LINES = 20
_LEAST_SWALLOWED = 2


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file that is ready to be parsed.

    ``before`` counts the lines before the header, or before the first row where ``spec`` names the
    columns.
    """

    text: Text
    source: str
    spec: CsvSpec
    separator: str
    before: int
    names: tuple[str, ...]

    @property
    def may_hold_codes(self) -> bool:
        """Whether a cell may be a whole number with a leading zero."""
        return self.text.codes or self.separator not in text_files.CELL_ENDS

    def frame(self, **options: Any) -> pd.DataFrame:
        """The rows as pandas reads them, gaps and types by ``spec``.

        Raises:
            DataError: a row has more or fewer values than the header has names, a quote is left
                open, or pandas cannot read it for another reason.
        """
        import pandas as pd

        try:
            with warnings.catch_warnings():
                # A row longer than the header is a warning to pandas, which then drops its end.
                warnings.simplefilter("error", pd.errors.ParserWarning)
                with self._table() as table:
                    frame: pd.DataFrame = pd.read_csv(table, **(self._options() | options))
        except (OSError, ValueError, pd.errors.ParserWarning) as error:
            self._check_shape()
            raise unreadable(self.source, "CSV with a header", error) from None
        last = frame.iloc[:, -1:]
        if last.isna().to_numpy().any() or self.text.lines > len(frame) + self.before + 1:
            self._check_shape()  # a row that is too short ends in gaps, an open quote takes lines
        return frame

    def chunks(self, rows: int) -> Iterator[pd.DataFrame]:
        """The rows as text with gaps by ``spec``, so many at a time; whatever the file's size.

        Raises:
            DataError: as for `frame`.
        """
        import pandas as pd

        self._check_shape()
        try:
            options = self._options() | {"dtype": "str", "chunksize": rows}
            with self._table() as table, pd.read_csv(table, **options) as reader:
                yield from reader
        except (OSError, ValueError) as error:
            raise unreadable(self.source, "CSV with a header", error) from None

    def lines(self, rows: Iterable[int]) -> dict[int, int]:
        """The line on which each of some rows begins; rows count from 0."""
        wanted, found = set(rows), {}
        for row, (line, _) in enumerate(self._rows()):
            if row in wanted:
                found[row] = line
                if len(found) == len(wanted):
                    break
        return found

    @contextmanager
    def _table(self) -> Iterator[Path | TextIO]:
        """What pandas reads: the file, or what is left of it after the lines before the table.

        A quote in those lines opens no cell, as it would if pandas left them out.
        """
        if not self.before:
            yield self.text.path
            return
        with _opened(self.text.path) as text:
            for _ in range(self.before):
                text.readline()
            yield text

    def _options(self) -> dict[str, Any]:
        named = bool(self.spec.columns)
        return {
            "encoding": "utf-8-sig",
            "compression": None,  # not by its name
            "sep": self.separator,
            "header": None if named else 0,
            "names": list(self.names) if named else None,
            "index_col": False,
            "low_memory": False,
            "decimal": self.spec.decimal,
            "comment": self.spec.comment or None,
            "keep_default_na": False,
            "na_values": ["", *self.spec.missing],
        }

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row below the header with the line that it begins on."""
        with _opened(self.text.path) as text:
            lines = islice(text, self.before, None)
            reader = csv.reader(self._uncommented(lines), delimiter=self.separator)
            before = 0
            header = not self.spec.columns
            for values in reader:
                line, before = self.before + before + 1, reader.line_num
                if values and header:
                    header = False
                elif values:
                    yield line, values

    def _uncommented(self, lines: Iterable[str]) -> Iterator[str]:
        """The lines without comments, as many as before."""
        sign = self.spec.comment
        for line in lines:
            quoted = '"' in line and not line.startswith(sign or '"')
            yield line if not sign or quoted else f"{line.partition(sign)[0].rstrip()}\n"

    def _check_shape(self) -> None:
        """Hold every row against the header.

        Raises:
            DataError: the first row that has another number of values, or a quote left open.
        """
        try:
            for line, values in self._rows():
                fault = self._open_quote(line, values) or self._uneven(line, len(values))
                if fault:
                    raise DataError.one(fault, "data.source")
        except csv.Error as error:
            raise unreadable(self.source, "CSV with a header", error) from None

    def _uneven(self, line: int, count: int) -> str:
        width = len(self.names)
        if count == width:
            return ""
        has = f"line {line} of {self.source!r} has {count} value{'' if count == 1 else 's'}"
        message = f"every row must have a value for each of {width} columns, but {has}"
        if width == 1:
            way_out = "Where lines stand before the header, write csv: {skip: 1} under data."
            return f"{message}. {way_out}"
        if count > width and self.separator == ",":
            return f"{message}. Quote values that hold a comma, or fix the line."
        return f"{message}. Fix the line: a gap is an empty value between separators."

    def _open_quote(self, line: int, values: Sequence[str]) -> str:
        """What is wrong with a cell that has swallowed whole rows; empty where none has.

        In a table of two columns, text of several lines may look the same.
        """
        least = max(_LEAST_SWALLOWED, len(self.names) - 1)
        for value in values:
            swallowed = value.splitlines()[1:] if "\n" in value or "\r" in value else []
            if any(each.count(self.separator) == least for each in swallowed):
                return (
                    f"a quote must be closed in its row, but one in line {line} of "
                    f"{self.source!r} is not before the next row. Close it, or remove it."
                )
        return ""


@contextmanager
def opened(path: Path, data: DataSpec, largest: float) -> Iterator[CsvFile]:
    """A CSV file, packed or in another encoding or not, for as long as the block runs.

    A column without a name that is dropped has the name that pandas gives it.

    Raises:
        DataError: it holds no text of its encoding, has more than ``largest`` bytes when unpacked,
            or a header that is none.
    """
    with scratch() as folder:
        source, spec = data.filled_source, data.csv
        text = text_files.as_utf8(path, source, spec.encoding, largest, folder)
        before, separator = _beginning(text.path, source, spec)
        names = spec.columns or _header(text.path, source, before, separator, spec)
        names = tuple(_named(names, data.drop))
        check_names(names, source)
        yield CsvFile(text, source, spec, separator, before, names)


def _named(names: Sequence[str], drop: Sequence[str]) -> Iterator[str]:
    """The names, with those that pandas gives where there is none and a grid file drops it."""
    for place, name in enumerate(names):
        given = UNNAMED.format(place)
        yield given if given in drop and not name.strip() else name


def _beginning(path: Path, source: str, spec: CsvSpec) -> tuple[int, str]:
    """How many lines come before the table, and what separates its columns."""
    tabs = PurePosixPath(source).name.lower().removesuffix(".gz").removesuffix(".zst")
    separator = spec.separator or ("\t" if tabs.endswith(TAB_SUFFIXES) else ",")
    with _opened(path) as text:
        first = next(islice(text, spec.skip, None), "")
    excel = _EXCEL.fullmatch(first)
    if excel:
        return spec.skip + 1, spec.separator or excel[1]
    tabbed = not spec.separator and "\t" in first and separator not in first
    return spec.skip, "\t" if tabbed else separator


def _header(path: Path, source: str, before: int, separator: str, spec: CsvSpec) -> tuple[str, ...]:
    """The names in the first line that is neither empty nor a comment.

    Raises:
        DataError: it has far too many names, or another separator than the file should have.
    """
    with _opened(path) as text:
        lines = [line for line in islice(text, before, before + _FIRST_LINES) if line.strip()]
    rest = [line for line in lines if not spec.comment or not line.startswith(spec.comment)]
    if not rest:
        return ()
    if rest[0].count(separator) >= MOST_COLUMNS:
        message = f"must have at most {MOST_COLUMNS:,} columns, but {source!r} has "
        message += f"{rest[0].count(separator) + 1:,}. Take part of them."
        raise DataError.one(message, "data.source")
    try:
        names = next(csv.reader(rest, delimiter=separator), [])
    except csv.Error as error:
        raise unreadable(source, "CSV with a header", error) from None
    if len(names) == 1 and not spec.separator:
        _check_separator(source, separator, rest)
    if not spec.comment and rest[0].startswith(("#", "%", "//")) and len(names) == 1:
        message = f"the first line of {source!r} must be its header, but is a "
        message += f"comment, {shown(rest[0].strip())}. Write csv: {{skip: 1}} under data"
        message += f", or csv: {notation.flow({'comment': rest[0][0]})}."
        raise DataError.one(message, "data.source")
    return tuple(names)


def _check_separator(source: str, separator: str, lines: Sequence[str]) -> None:
    """Refuse a file whose columns another sign separates: its header would be one name."""
    counts = {sign: lines[0].count(sign) for sign in SEPARATORS if sign != separator}
    sign = max(counts, key=counts.__getitem__)
    if not counts[sign]:
        return
    options = {"separator": SEPARATORS[sign]}
    if sign != "," and any(_COMMA_NUMBER.search(line) for line in lines[1:]):
        options["decimal"] = ","
    message = f"columns must be separated by {_sign(separator)}, but those of "
    message += f"{source!r} are by {_sign(sign)}. Write csv: {notation.flow(options)} under data."
    raise DataError.one(message, "data.source")


def _sign(separator: str) -> str:
    return "a tab" if separator == "\t" else repr(separator)


def check_names(names: Sequence[str], source: str) -> None:
    """Hold the header against its rule: pandas would invent names for blanks and duplicates.

    Raises:
        DataError: there is no header, or a name is missing or there twice.
    """
    blank = next((place for place, name in enumerate(names, 1) if not name.strip()), 0)
    doubled = [name for name, count in Counter(names).items() if count > 1]
    way_out = "Fix the header."
    if not names:
        fault = "has no header"
    elif blank:
        fault = f"has no name for column {blank} of {len(names)}"
        dropped = notation.flow([UNNAMED.format(blank - 1)])
        way_out = f"Fix the header, or add drop: {dropped}; pandas writes its index as such a "
        way_out += "column unless told index=False."
    elif doubled:
        fault = f"has more than one column named {min(doubled)!r}"
    else:
        return
    message = f"every column must have a name of its own, but {source!r} {fault}. "
    raise DataError.one(message + way_out, "data.source")


def unreadable(source: str, form: str, error: BaseException) -> DataError:
    """The error for a file that its reader gave up on."""
    cause = " ".join(str(error).split())[:200].rstrip(".")
    message = f"{source!r} must be {form}, but reading it ended with: {cause}."
    return DataError.one(f"{message} Fix the file or write it again.", "data.source")


def _opened(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", newline="")
