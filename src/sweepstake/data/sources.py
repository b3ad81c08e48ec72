"""Sources of rows: scikit-learn's own sets, and CSV and Parquet files under the data roots.

Messages start with the place in the grid file that has to change: ``data.source: ...``.
"""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from glob import escape
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from sweepstake.data import bucket_files, csv_files, parquet_files, reading
from sweepstake.data.reading import Source
from sweepstake.domain.spec import PARTITION
from sweepstake.errors import DataError
from sweepstake.storage import files
from sweepstake.wording.near_misses import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from sweepstake.domain.spec import DataSpec
    from sweepstake.storage.bucket import Bucket

SKLEARN = "sklearn:"
SKLEARN_SETS = ("breast_cancer", "diabetes", "digits", "iris", "wine")
SKLEARN_TARGET = "target"
"""The label column of scikit-learn's own data sets."""
CSV_SUFFIXES = (*(".csv", ".csv.gz", ".csv.zst"), *(".tsv", ".tsv.gz", ".tsv.zst"))
SUFFIXES = (*CSV_SUFFIXES, *parquet_files.SUFFIXES)
WAYS = {
    ".zip": "Unpack it.",
    ".xlsx": "Save its sheet as CSV in UTF-8.",
    ".xls": "Save its sheet as CSV in UTF-8.",
    ".ods": "Save its sheet as CSV in UTF-8.",
    ".bz2": "Pack it by gzip, as .csv.gz.",
    ".xz": "Pack it by gzip, as .csv.gz.",
    ".txt": "Name it .csv, and its separator under data, as csv: {separator: tab}.",
    ".data": "Name it .csv, and its columns under data, as csv: {columns: [a, b]}.",
    ".json": "Write it as CSV or Parquet.",
    ".feather": "Write it as Parquet.",
    ".pkl": "Write it as Parquet.",
}
"""What to do about files of other kinds."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def load(spec: DataSpec, roots: Sequence[Path | Bucket]) -> Source:
    """The rows of ``spec.filled_source``.

    It is ``sklearn:<name>``, or the path or ``s3://`` address of a CSV or Parquet file or of a
    folder of Parquet files. A relative path is looked up under each root in turn; what is read
    must lie inside a root, symbolic links followed.

    Raises:
        DataError: there is no such source, it lies outside the roots, cannot be read, or a column
            has no name or the name of another one.
        SettingsError: a bucket is not there, or not open to the credentials of the environment.
        StoreUnavailableError: the server of a bucket does not answer.
    """
    source = spec.filled_source
    if source.startswith(SKLEARN):
        return Source(_load_sklearn(source.removeprefix(SKLEARN)))
    if source.startswith(bucket_files.SCHEME):
        _check_form(source)
        found = bucket_files.find(source, roots, parquet_files.SUFFIXES)
        if not found.is_folder:
            _check_suffix(source)
        with found.copied(reading.most_memory()) as path:
            return reading.read(path, spec, nullcontext)
    with on_this_host(source, roots) as path:
        return reading.read(path, spec, partial(_pinned_inside, source=source, roots=roots))


@contextmanager
def on_this_host(source: str, roots: Sequence[Path | Bucket]) -> Iterator[Path]:
    """The file of a source, for as long as the block runs."""
    path = locate(source, [root for root in roots if isinstance(root, Path)])
    if path.is_dir():
        yield path  # each of its files is pinned when its turn comes
    else:
        with _pinned_inside(path, source, roots) as pin:
            yield pin


@contextmanager
def _pinned_inside(file: Path, source: str, roots: Sequence[Path | Bucket]) -> Iterator[Path]:
    """A path that leads to this file of a source, whatever is put in its place in the block."""
    homes = [root.resolve() for root in roots if isinstance(root, Path)]
    home = next(home for home in homes if file.is_relative_to(home))
    with ExitStack() as stack:
        try:
            path = stack.enter_context(files.pinned(home, str(file.relative_to(home))))
        except files.OutsideError:
            message = "must hold no link that leads out of the data folders, but "
            message += f"{source!r} has {file.name!r}. Copy the file there."
            raise DataError.one(message, "data.source") from None
        except OSError as error:
            raise csv_files.unreadable(source, "a file that can be read", error) from None
        yield path


def matching(source: str, filler: str, roots: Sequence[Path | Bucket]) -> list[str]:
    """The files inside the roots that a source stands for, as sources name them.

    ``filler`` stands in the place of the partition, and may have ``*``, ``?`` and ``[0-9]`` in it.

    Raises:
        DataError: the source leaves the roots.
    """
    _check_form(source)
    pattern = filler.join(escape(part) for part in source.split(PARTITION))
    if pattern.startswith(bucket_files.SCHEME):
        return bucket_files.matching(pattern, roots)
    if pattern.startswith("/"):
        return []
    folders = [root for root in roots if isinstance(root, Path)]
    fixed = PurePosixPath(source.partition(PARTITION)[0] + "_").parent
    return [
        path.relative_to(root).as_posix()
        for root in folders
        if _is_inside(root / fixed, root)  # asked before its files are listed
        for path in sorted(root.glob(pattern))
        if _is_inside(path, root)
    ]


def _is_inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())


def locate(source: str, roots: Sequence[Path]) -> Path:
    """The file of a source, resolved and inside one of the roots.

    Raises:
        DataError: the path has a scheme or ``..``, leaves the roots, or is no CSV or Parquet file.
    """
    _check_form(source)
    homes = [root.resolve() for root in roots]
    pairs = [(home, (home / source).resolve()) for home in homes]
    inside = [path for home, path in pairs if path.is_relative_to(home)]
    for path in inside:
        if path.is_dir() and parquet_files.files_of(path):
            return path
    _check_suffix(source)
    for path in inside:
        if path.is_file():
            return path
    if inside:
        message = (
            f"must be a file under {listed(map(str, homes))}, but got {source!r}."
            f"{did_you_mean(source, _files_beside(source, homes))} "
            "Copy it there, or correct the name."
        )
    else:
        message = (
            f"must lie inside a data folder, but got {source!r}. "
            "Copy it there, or add its folder to SWEEPSTAKE_DATA_ROOTS."
        )
    raise DataError.one(message, "data.source")


def is_file(source: str) -> bool:
    """Whether a source names a file or a folder of this host, one and not one for each day."""
    return not source.startswith((SKLEARN, bucket_files.SCHEME)) and PARTITION not in source


def is_found(source: str, roots: Sequence[Path | Bucket]) -> bool:
    """Whether a file of this host lies inside the roots."""
    try:
        locate(source, [root for root in roots if isinstance(root, Path)])
    except DataError:
        return False
    return True


def _check_form(source: str) -> None:
    """Hold an address or a path against the rules for them.

    Raises:
        DataError: it has another scheme, a key or ``..``.
    """
    scheme = _SCHEME.match(source)
    if scheme and not source.startswith(bucket_files.SCHEME):
        fault = f"the scheme {scheme.group()!r} is not supported"
        if len(scheme.group()) == len("C:"):
            fault = f"must not begin with a drive, but got {source!r}"
    elif scheme and "@" in source:  # a key may stand before it
        fault = "must not hold a key; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    elif not source or "\0" in source or ".." in PurePosixPath(source).parts:
        fault = f"must be a path without '..', but got {source!r}"
    else:
        return
    message = (
        f"{fault}. Write sklearn:<name> or the path of a CSV or Parquet file, "
        "relative to a data folder, or its s3:// address."
    )
    raise DataError.one(message, "data.source")


def _check_suffix(source: str) -> None:
    """Refuse files of other kinds by their names.

    Raises:
        DataError: the name ends otherwise than those of CSV and Parquet files.
    """
    if not source.lower().endswith(SUFFIXES):
        way_out = WAYS.get(PurePosixPath(source).suffix.lower(), "Write it as CSV or Parquet.")
        message = "must end in .csv, .tsv (also with .gz or .zst), .parquet or .pq, or "
        message += f"be a folder of Parquet files, but got {source!r}. {way_out}"
        raise DataError.one(message, "data.source")


def _files_beside(source: str, homes: Sequence[Path]) -> Iterable[str]:
    """Data files of the folder that ``source`` names, written as a source would name them."""
    folder = PurePosixPath(source).parent
    for home in homes:
        beside = (home / folder).glob("*.*") if _is_inside(home / folder, home) else ()
        for path in sorted(beside):
            if _is_inside(path, home) and path.name.lower().endswith(SUFFIXES):
                yield str(folder / path.name)


def _load_sklearn(name: str) -> pd.DataFrame:
    if name not in SKLEARN_SETS:
        message = (
            f"scikit-learn's data sets here are {listed(SKLEARN_SETS, 'and')}, "
            f"but got {name!r}.{did_you_mean(name, SKLEARN_SETS)}"
        )
        raise DataError.one(message, "data.source")
    import sklearn.datasets

    frame: pd.DataFrame = getattr(sklearn.datasets, f"load_{name}")(as_frame=True).frame
    return frame
