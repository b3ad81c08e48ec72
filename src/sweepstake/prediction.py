"""Prediction: a file of any size through a version, a chunk of rows at a time.

A CSV file is read by the rules by which the version's own data were: its grid file says what
separates columns, and the version itself what the text of a cell means.
"""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweepstake import csvfile, loader, parquetfile
from sweepstake.errors import DataError, GridFileError, NotFoundError
from sweepstake.plan import Plan
from sweepstake.spec import CsvSpec, DataSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from sweepstake.modelversion import Version
    from sweepstake.settings import Settings
    from sweepstake.workspace import Workspace

MOST_ROWS = 10_000
MOST_CELLS = 2_000_000
"""So much is held at once; a cell of text takes a hundred bytes."""
ADDED = ("prediction", "version")
"""The columns that are added to those of the file."""


def predict(
    model: Any, version: Version, rows: Path, spec: CsvSpec, tell: Callable[[int], None]
) -> Iterator[list[list[Any]]]:
    """The header and then the rows of the file with what ``model`` predicts, in chunks.

    ``tell`` hears how many rows are done.

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
        raise DataError(message)


def rules(version: Version, workspace: Workspace, settings: Settings) -> CsvSpec:
    """How the data of a version are written, by its grid file; where that is not here, plainly."""
    try:
        plan = Plan.load(workspace, version.sweep)
        content = workspace.read_snapshot(plan.snapshot)
        return loader.parse(content, plan.file, settings).spec.data.csv
    except (GridFileError, NotFoundError):
        return CsvSpec()


def write(chunks: Iterator[list[list[Any]]], out: Path | None, stream: Any) -> None:
    """Write rows as CSV to ``out``, which is there in whole or not at all, or to a stream."""
    if out is None:
        writer = csv.writer(stream, lineterminator="\n")
        for chunk in chunks:
            writer.writerows(chunk)
        return
    descriptor, draft = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            write(chunks, None, file)
        Path(draft).replace(out)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


@contextmanager
def _chunks(path: Path, spec: CsvSpec) -> Iterator[Iterator[pd.DataFrame]]:
    if not path.is_file():
        message = f"{path}: must be a CSV or Parquet file, but there is none. Correct the path."
        raise DataError(message)
    if path.name.lower().endswith(parquetfile.SUFFIXES):
        yield _of_parquet(path)
        return
    data = DataSpec(path.name, csv=spec)
    with csvfile.opened(path, data, shutil.disk_usage(tempfile.gettempdir()).free) as file:
        yield file.chunks(_at_once(len(file.names)))


def _at_once(columns: int) -> int:
    """How many rows of so many columns are held at once."""
    return max(1, min(MOST_ROWS, MOST_CELLS // max(1, columns)))


def _of_parquet(path: Path) -> Iterator[pd.DataFrame]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:  # else a whole row group is held
            for batch in file.iter_batches(_at_once(len(file.schema_arrow))):
                yield batch.to_pandas()
    except (OSError, ValueError) as error:
        raise csvfile.unreadable(path.name, "Parquet", error) from None


def _asked(model: Any, frame: pd.DataFrame, path: Path, done: int) -> list[Any]:
    try:
        found: list[Any] = model.predict(frame).tolist()
    except (ValueError, TypeError, LookupError) as error:
        said = " ".join(str(error).split())
        where = f"{path.name}: rows {done + 1:,} to {done + len(frame):,}"
        message = f"{where} must fit the model, but: {said}"
        raise DataError(message) from None
    return found


def _check_added(names: Any, path: Path) -> None:
    taken = [name for name in ADDED if name in names]
    if taken:
        message = f"{path.name}: must have no column {taken[0]!r}, as one is added, but has one."
        message += " Rename it."
        raise DataError(message)
