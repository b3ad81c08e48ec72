"""Prediction: a file of any size through a version, a chunk of rows at a time.

A CSV file is read by the rules by which the version's own data were: its grid file says what
separates columns, and the version itself what the text of a cell means.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sweepstake.data import csv_files, parquet_files
from sweepstake.domain.spec import DataSpec
from sweepstake.errors import DataError, NotFoundError
from sweepstake.sweeps.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.storage.workspace import Workspace

MOST_ROWS = 10_000
MOST_CELLS = 2_000_000
"""So much is held at once; a cell of text takes a hundred bytes."""
_NO_NAME = re.compile(r"__index_level_\d+__")
"""How pandas calls an index that has no name; training knows no such column either."""
ADDED = ("prediction", "version")
"""The columns that are added to those of the file."""


def predict(
    model: Any, version: Version, rows: Path, spec: DataSpec, tell: Callable[[int], None]
) -> Iterator[list[list[Any]]]:
    """The header and then the rows of the file with what ``model`` predicts, in chunks.

    The file is written as ``spec`` says of the data that the version was trained on. ``tell`` hears
    how many rows are done.

    Raises:
        DataError: the file cannot be read, or a row does not fit; lines are not written yet then.
    """
    done = 0
    with _chunks(rows, spec) as chunks:
        for frame in (each for each in chunks if len(each)):
            if not done:
                _check_added(frame.columns, rows)
                yield [[*frame.columns, *ADDED]]
            cells = frame.astype(object).where(frame.notna(), None)
            found = _asked(model, cells, rows, done)
            added = zip(cells.to_numpy().tolist(), found, strict=True)
            yield [[*row, each, version.version] for row, each in added]
            done += len(frame)
            tell(done)
    if not done:
        message = f"{rows.name}: must have rows, but has none. Add one."
        raise DataError.one(message)


def rules(version: Version, workspace: Workspace) -> DataSpec:
    """How the data of a version are written, by its grid file; where that is not here, plainly."""
    try:
        return Plan.load(workspace, version.sweep).spec.data
    except NotFoundError:
        return DataSpec("")


def write(chunks: Iterator[list[list[Any]]], out: Path | None, stream: Any) -> None:
    """Write rows as CSV to ``out``, which is there in whole or not at all, or to a stream.

    A link is followed; into a pipe or a device is written as into a stream.

    Raises:
        DataError: ``out`` cannot be written; nothing is predicted then.
    """
    if out is None:
        writer = csv.writer(stream, lineterminator="\n")
        for chunk in chunks:
            writer.writerows(chunk)
    elif out.exists() and not out.is_file() and not out.is_dir():
        with out.open("w", encoding="utf-8", newline="") as file:
            write(chunks, None, file)
    else:
        with _draft(out.resolve()) as file:
            write(chunks, None, file)


@contextmanager
def _draft(out: Path) -> Iterator[TextIO]:
    """A file that takes the place of ``out`` at the end, if all goes well."""
    if out.is_dir() or not out.parent.is_dir():
        found = "is a folder" if out.is_dir() else "lies in no folder that there is"
        message = f"--out: must be a file to write, but {out} {found}. Correct the path."
        raise DataError.one(message)
    try:
        descriptor, draft = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.", suffix=".part")
    except OSError as error:
        message = f"--out: must be a file to write, but {out}: {error.strerror}. Name another."
        raise DataError.one(message) from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
        Path(draft).chmod(_mode(out))
        Path(draft).replace(out)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _mode(out: Path) -> int:
    """The permissions of the file that is there, or those that a new one would have."""
    if out.exists():
        return stat.S_IMODE(out.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def _chunks(path: Path, spec: DataSpec) -> Iterator[Iterator[pd.DataFrame]]:
    if not path.is_file():
        message = f"{path}: must be a CSV or Parquet file, but there is none. Correct the path."
        raise DataError.one(message)
    if path.name.lower().endswith(parquet_files.SUFFIXES):
        yield _of_parquet(path)
        return
    data = DataSpec(path.name, csv=spec.csv, drop=spec.drop)
    with csv_files.opened(path, data, shutil.disk_usage(tempfile.gettempdir()).free) as file:
        yield file.chunks(_at_once(len(file.names)))


def _at_once(columns: int) -> int:
    """How many rows of so many columns are held at once."""
    return max(1, min(MOST_ROWS, MOST_CELLS // max(1, columns)))


def _of_parquet(path: Path) -> Iterator[pd.DataFrame]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:  # else a whole row group is held
            for batch in file.iter_batches(_at_once(len(file.schema_arrow))):
                # Whole numbers stay such beside gaps, and an index is a column, as in training.
                frame = batch.to_pandas(ignore_metadata=True, integer_object_nulls=True)
                yield frame.drop(columns=filter(_NO_NAME.fullmatch, frame.columns))
    except Exception as error:  # noqa: BLE001 - damaged files make pyarrow raise anything
        raise csv_files.unreadable(path.name, "Parquet", error) from None


def _asked(model: Any, frame: pd.DataFrame, path: Path, done: int) -> list[Any]:
    try:
        found: list[Any] = model.predict(frame).tolist()
    except (ValueError, TypeError, LookupError) as error:
        said = " ".join(str(error).split())
        where = f"{path.name}: rows {done + 1:,} to {done + len(frame):,}"
        message = f"{where} must fit the model, but: {said}"
        raise DataError.one(message) from None
    return found


def _check_added(names: Any, path: Path) -> None:
    taken = [name for name in ADDED if name in names]
    if taken:
        message = f"{path.name}: must have no column {taken[0]!r}, as one is added, but has one."
        message += " Rename it."
        raise DataError.one(message)
