"""Parquet files and folders of them, read in batches under a cap that counts what is expanded.

Messages start with the place in the grid file that has to change: ``data.source: ...``.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sweepstake.data.csv_files import MOST_COLUMNS, check_names, unreadable
from sweepstake.data.inference import EXACT
from sweepstake.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet

SUFFIXES = (".parquet", ".pq")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""How Hive names the folder of rows that have no value of its column."""
BATCH_BYTES = 1 << 26
"""What the numbers of one batch take at most."""
NUMBER_BYTES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of Parquet files: ``texts`` are the columns of text, which are categories here.

    ``nested`` says of columns of lists or records what they hold; they are read as gaps. ``large``
    are columns with a whole number that `EXACT` does not bound, each with one, and ``lacking``
    those that some file has not, each with such a file.
    """

    frame: pd.DataFrame
    texts: tuple[str, ...]
    nested: Mapping[str, str]
    large: Mapping[str, int]
    lacking: Mapping[str, str]


def files_of(folder: Path) -> list[Path]:
    """The Parquet files below a folder in the order of their paths, hidden ones left out."""
    found = (path for path in folder.rglob("*") if path.name.lower().endswith(SUFFIXES))
    return sorted(path for path in found if not _is_hidden(path.relative_to(folder)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def read(
    files: Sequence[Path],
    folder: Path,
    source: str,
    largest: float,
    pin: Callable[[Path], AbstractContextManager[Path]] = nullcontext,
) -> Rows:
    """The rows of files, in their order, with the columns that folders named ``key=value`` give.

    ``pin`` opens a file for as long as it is read, and gives the path to read it by.

    Raises:
        DataError: a file cannot be read or does not go with the others, or all of them need more
            than ``largest`` bytes.
    """
    import pyarrow as pa

    left, tables = largest, []
    kinds: dict[str, pa.DataType] = {}
    with _told(source):
        for file in files:
            with pin(file) as path:
                table, schema = _read(path, source, left)
            tables.append(_with_keys(table, file.relative_to(folder), kinds))
            kinds |= {field.name: field.type for field in schema}
            left -= table.nbytes
        large = {name: value for table in tables for name, value in _large(table)}
        lacking = dict(_lacking(tables, files))
        whole = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
        check_names(whole.schema.names, source)
        frame = _frame(whole)
    return Rows(
        frame,
        tuple(name for name, kind in kinds.items() if _is_text(kind) and name in frame.columns),
        {name: str(kind) for name, kind in kinds.items() if pa.types.is_nested(kind)},
        large,
        lacking,
    )


@contextmanager
def _told(source: str) -> Iterator[None]:
    """Tell what goes wrong inside the block: damaged files make pyarrow raise anything."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        raise unreadable(source, "Parquet", error) from None


def _read(file: Path, source: str, largest: float) -> tuple[pa.Table, pa.Schema]:
    """The table of one file, text as codes and a dictionary; and the schema that it has there."""
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetFile(file) as plain:
        schema, about = plain.schema_arrow, plain.metadata
    check_names(schema.names, source)
    _check_size(about, source, largest)
    texts = [field.name for field in schema if _is_text(field.type)]
    kept = [field.name for field in schema if not pa.types.is_nested(field.type)]
    with parquet.ParquetFile(file, read_dictionary=texts) as opened:
        batches = list(_batches(opened, kept, source, largest)) if kept else []
        flat = pa.schema([opened.schema_arrow.field(name) for name in kept], schema.metadata)
    table = pa.Table.from_batches(batches, flat)
    for place, name in enumerate(schema.names):
        if name not in kept:
            table = table.add_column(place, name, pa.nulls(about.num_rows))
    return table, schema


def _check_size(about: parquet.FileMetaData, source: str, largest: float) -> None:
    """Refuse by what the file says of itself: repeated values are packed to next to nothing."""
    if about.num_columns > MOST_COLUMNS:
        message = f"must have at most {MOST_COLUMNS:,} columns, but {source!r} has "
        message += f"{about.num_columns:,}. Take part of them."
        raise DataError.one(message, "data.source")
    packed = sum(about.row_group(place).total_byte_size for place in range(about.num_row_groups))
    needed = max(NUMBER_BYTES * about.num_rows * about.num_columns, packed)
    if needed > largest:
        raise too_large(source, largest, f"needs about {needed / 1e9:,.1f} GB")


def _batches(
    opened: parquet.ParquetFile, kept: Sequence[str], source: str, largest: float
) -> Iterator[pa.RecordBatch]:
    size, rows = 0, max(1, BATCH_BYTES // (NUMBER_BYTES * len(kept)))
    for batch in opened.iter_batches(batch_size=min(rows, 65_536), columns=list(kept)):
        size += batch.nbytes
        if size > largest:
            raise too_large(source, largest, "has more")
        yield batch


def too_large(source: str, largest: float, has: str) -> DataError:
    """The error for rows that would need more than ``largest`` bytes."""
    message = f"must fit into half of the memory ({largest / 1e9:.1f} GB), but "
    return DataError.one(
        f"{message}{source!r} {has}. Take part of its rows or columns.", "data.source"
    )


def _with_keys(table: pa.Table, path: Path, kinds: dict[str, Any]) -> pa.Table:
    """The table with a column of text for each folder named ``key=value`` above its file."""
    import pyarrow as pa

    for part in path.parts[:-1]:
        key, equals, value = part.partition("=")
        if equals and key not in table.schema.names:
            cell = None if value == NO_VALUE else unquote(value)
            column = pa.repeat(pa.scalar(cell, pa.string()), len(table))
            table = table.append_column(key, column.dictionary_encode())
            kinds[key] = pa.string()
    return table


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _lacking(tables: Sequence[pa.Table], files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """The columns that one file has and another has not."""
    every = dict.fromkeys(name for table in tables for name in table.schema.names)
    for table, file in zip(tables, files, strict=True):
        present = set(table.schema.names)
        yield from ((name, file.name) for name in every if name not in present)


def _large(table: pa.Table) -> Iterator[tuple[str, int]]:
    """The columns of whole numbers of which one is not the float that it becomes."""
    import pyarrow as pa
    from pyarrow import compute

    for field, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_integer(field.type) or pa.types.is_decimal(field.type):
            bounds = compute.min_max(column).as_py()
            found = [value for value in bounds.values() if value is not None]
            largest = max(found, key=abs, default=0)
            if abs(largest) > EXACT and largest == int(largest):
                yield field.name, int(largest)


def _frame(table: pa.Table) -> pd.DataFrame:
    """The table as pandas has it, an index with a name among the columns."""
    frame: pd.DataFrame = table.to_pandas()
    for column in frame.select_dtypes("category"):
        list(frame[column].cat.categories)  # text that is not UTF-8 shows only here
    named = [level for level in frame.index.names if level is not None]
    frame = frame.reset_index(level=named).reset_index(drop=True)
    return frame.set_axis([str(name) for name in frame.columns], axis=1)
