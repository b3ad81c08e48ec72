"""Sources of rows: scikit-learn's own sets, and CSV and Parquet files under the data roots.

Messages start with the place in the grid file that has to change: ``data.source: ...``.
"""

from __future__ import annotations

import csv
import re
import warnings
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from sweepstake import remote
from sweepstake.errors import DataError
from sweepstake.nearmiss import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from sweepstake.store import Bucket

SKLEARN = "sklearn:"
SKLEARN_SETS = ("breast_cancer", "digits", "iris", "wine")
SKLEARN_TARGET = "target"
"""The label column of scikit-learn's own data sets."""
SUFFIXES = (".csv", ".parquet", ".pq")
MOST_OF_MEMORY = 0.5

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def load(source: str, roots: Sequence[Path | Bucket]) -> pd.DataFrame:
    """The columns of a source as they stand in it, with their names as text.

    ``source`` is ``sklearn:<name>``, or the path or ``s3://`` address of a ``.csv``, ``.parquet``
    or ``.pq`` file. A relative path is looked up under each root in turn; the file must lie inside
    a root, symbolic links followed.

    Raises:
        DataError: there is no such source, it lies outside the roots, cannot be read, or a column
            has no name or the name of another one.
        SettingsError: a bucket is not there, or not open to the credentials of the environment.
        StoreUnavailableError: the server of a bucket does not answer.
    """
    if source.startswith(SKLEARN):
        return _load_sklearn(source.removeprefix(SKLEARN))
    with _on_this_host(source, roots) as path:
        _check_size(path, source)
        csv_file = path.suffix.lower() == ".csv"
        frame = _read_csv(path, source) if csv_file else _read_parquet(path, source)
    _check_names([str(name) for name in frame.columns], source)
    return frame.set_axis([str(name) for name in frame.columns], axis=1)


@contextmanager
def _on_this_host(source: str, roots: Sequence[Path | Bucket]) -> Iterator[Path]:
    """The file of a source, for as long as the block runs."""
    if not source.startswith(remote.SCHEME):
        yield locate(source, [root for root in roots if isinstance(root, Path)])
        return
    _check_form(source)
    with remote.copied(source, roots, MOST_OF_MEMORY * _memory()) as path:
        yield path


def matching(pattern: str, roots: Sequence[Path | Bucket]) -> list[str]:
    """The files that fit a source with ``*``, ``?`` and ``[0-9]`` in it, as sources name them."""
    if pattern.startswith(remote.SCHEME):
        return remote.matching(pattern, roots)
    if pattern.startswith("/"):
        return []
    folders = [root for root in roots if isinstance(root, Path)]
    return [
        path.relative_to(root).as_posix() for root in folders for path in sorted(root.glob(pattern))
    ]


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
        if path.is_file():
            return path
    if inside:
        message = (
            f"data.source: must be a file under {listed(map(str, homes))}, but got {source!r}."
            f"{did_you_mean(source, _files_beside(source, homes))} "
            "Copy it there, or correct the name."
        )
    else:
        message = (
            f"data.source: must lie inside a data folder, but got {source!r}. "
            "Copy it there, or add its folder to SWEEPSTAKE_DATA_ROOTS."
        )
    raise DataError(message)


def _check_form(source: str) -> None:
    scheme = _SCHEME.match(source)
    if scheme and not source.startswith(remote.SCHEME):
        fault = f"the scheme {scheme.group()!r} is not supported"
    elif scheme and "@" in source:  # a key may stand before it
        fault = "must not hold a key; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    elif not source or "\0" in source or ".." in PurePosixPath(source).parts:
        fault = f"must be a path without '..', but got {source!r}"
    elif PurePosixPath(source).suffix.lower() not in SUFFIXES:
        fault = f"must end in .csv, .parquet or .pq, but got {source!r}"
    else:
        return
    message = (
        f"data.source: {fault}. Write sklearn:<name> or the path of a CSV or Parquet file, "
        "relative to a data folder, or its s3:// address."
    )
    raise DataError(message)


def _files_beside(source: str, homes: Sequence[Path]) -> Iterable[str]:
    """Data files of the folder that ``source`` names, written as a source would name them."""
    folder = PurePosixPath(source).parent
    for home in homes:
        for path in sorted((home / folder).glob("*.*")):
            if path.resolve().is_relative_to(home) and path.name.lower().endswith(SUFFIXES):
                yield str(folder / path.name)


def _load_sklearn(name: str) -> pd.DataFrame:
    if name not in SKLEARN_SETS:
        message = (
            f"data.source: scikit-learn's data sets here are {listed(SKLEARN_SETS, 'and')}, "
            f"but got {name!r}.{did_you_mean(name, SKLEARN_SETS)}"
        )
        raise DataError(message)
    import sklearn.datasets

    frame: pd.DataFrame = getattr(sklearn.datasets, f"load_{name}")(as_frame=True).frame
    return frame


def _check_size(path: Path, source: str) -> None:
    """Refuse what cannot be held: rows are read in whole, and staged beside the frame."""
    needed, present = _bytes_in_memory(path, source), _memory()
    if needed > MOST_OF_MEMORY * present:
        message = (
            f"data.source: must fit into half of the memory ({present / 1e9:.1f} GB), but "
            f"{source!r} needs about {needed / 1e9:,.1f} GB. Take part of its rows or columns."
        )
        raise DataError(message)


def _memory() -> int:
    """The bytes of memory of this machine."""
    import psutil

    return int(psutil.virtual_memory().total)


def _bytes_in_memory(path: Path, source: str) -> int:
    """An estimate: a number takes eight bytes, and two or more as text. Packed files say theirs."""
    if path.suffix.lower() == ".csv":
        return 4 * path.stat().st_size
    import pyarrow.parquet

    try:
        about = pyarrow.parquet.read_metadata(path)
    except Exception as error:  # noqa: BLE001 - damaged metadata makes pyarrow raise anything
        raise _unreadable(source, "Parquet", error) from None
    return 8 * int(about.num_rows) * int(about.num_columns)


def _read_csv(path: Path, source: str) -> pd.DataFrame:
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader(file), [])
        _check_names(names, source)
        with warnings.catch_warnings():
            # A row longer than the header is a warning to pandas, which then drops its end.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(path, encoding="utf-8-sig", index_col=False, low_memory=False)
    except (OSError, ValueError, csv.Error, pd.errors.ParserWarning) as error:
        raise _unreadable(source, "CSV in UTF-8 with a header", error) from None


def _read_parquet(path: Path, source: str) -> pd.DataFrame:
    import pandas as pd

    try:
        with path.open("rb") as file:  # a path would add columns for folders named like key=value
            frame = pd.read_parquet(file, engine="pyarrow")
        frame.select_dtypes(["string"]).to_numpy()  # text that is not UTF-8 shows only here
    except Exception as error:  # noqa: BLE001 - damaged metadata makes pyarrow raise anything
        raise _unreadable(source, "Parquet", error) from None
    named = [level for level in frame.index.names if level is not None]
    return frame.reset_index(level=named).reset_index(drop=True)


def _unreadable(source: str, form: str, error: BaseException) -> DataError:
    cause = " ".join(str(error).split())[:200].rstrip(".")
    message = f"data.source: {source!r} must be {form}, but reading it ended with: {cause}."
    return DataError(f"{message} Mend the file or write it anew.")


def _check_names(names: Sequence[str], source: str) -> None:
    """Hold the header against its rule: pandas would invent names for blanks and duplicates."""
    blank = [position for position, name in enumerate(names, 1) if not name.strip()]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if not names:
        fault = "has no header"
    elif blank:
        fault = f"has no name for column {blank[0]} of {len(names)}"
    elif doubled:
        fault = f"has more than one column named {doubled[0]!r}"
    else:
        return
    message = (
        f"data.source: every column must have a name of its own, but {source!r} {fault}. "
        "Mend the header; pandas writes its index as such a column unless told index=False."
    )
    raise DataError(message)
