"""Data in buckets: files below the addresses that are among the data roots.

Messages start with the place in the grid file that has to change: ``data.source: ...``.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from sweepstake.errors import DataError
from sweepstake.storage.bucket import Bucket, BucketStore
from sweepstake.storage.scratch import scratch
from sweepstake.storage.store import checked
from sweepstake.wording.near_misses import did_you_mean, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SCHEME = "s3://"
MOST_FILES = 10_000
"""Each is a request of its own."""


@dataclass(frozen=True, slots=True)
class Found:
    """What lies at an address: ``sizes`` are the bytes of its file, or of each file of a folder."""

    source: str
    store: BucketStore
    name: str
    sizes: Mapping[str, int]

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder with files of the right kind."""
        return bool(self.sizes) and self.name not in self.sizes

    @contextmanager
    def copied(self, limit: float) -> Iterator[Path]:
        """A copy of it on this host, for as long as the block runs.

        Raises:
            DataError: it is not there, or has more than ``limit`` bytes.
        """
        if not self.sizes:
            raise _missing(self.source, self.store, self.name)
        _check_size(self.source, self.sizes, limit)
        with scratch() as folder:
            home = folder / Path(self.name).name
            for name in sorted(self.sizes):  # a file before what lies below its name
                _fetch(self.store, name, home / name.removeprefix(self.name).lstrip("/"))
            yield home


def find(source: str, roots: Sequence[Path | Bucket], suffixes: tuple[str, ...]) -> Found:
    """The file at the address ``source``, or the files below it whose names end in ``suffixes``.

    Files of a folder are left out where they or a folder above them are hidden.

    Raises:
        DataError: it lies below none of the ``roots``.
        SettingsError: the bucket is not there, or not open to the credentials of the environment.
        StoreUnavailableError: its server does not answer.
    """
    root = _root(source, roots)
    store, name = BucketStore(root), source.removeprefix(f"{root.url}/").rstrip("/")
    sizes = store.sizes(name)
    if name not in sizes:
        sizes = {each: size for each, size in sizes.items() if _is_part(each, name, suffixes)}
    return Found(source, store, name, sizes)


def _is_part(file: str, folder: str, suffixes: tuple[str, ...]) -> bool:
    path = file.removeprefix(f"{folder}/")
    hidden = any(part.startswith((".", "_")) for part in path.split("/"))
    return path.lower().endswith(suffixes) and not hidden


def _check_size(source: str, sizes: Mapping[str, int], limit: float) -> None:
    """Hold a file or the files of a folder against what this host can read.

    Raises:
        DataError: they are too large, or too many.
    """
    size = sum(sizes.values())
    if size > limit:
        message = "must fit into half of the memory, but "
        message += f"{source!r} has {size / 1e9:,.1f} GB. Take part of its rows or columns."
        raise DataError.one(message, "data.source")
    if len(sizes) > MOST_FILES:
        message = f"must be a folder of at most {MOST_FILES:,} files, but "
        message += f"{source!r} has {len(sizes):,}. Write its rows into fewer."
        raise DataError.one(message, "data.source")


def _fetch(store: BucketStore, name: str, path: Path) -> None:
    checked(name)  # before its parts are a path here
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        store.fetch(name, path)
    except (FileExistsError, IsADirectoryError, NotADirectoryError):
        message = "must be a folder in which a name is a file or a folder, but "
        message += f"{shown(name)} is both. Rename one of them."
        raise DataError.one(message, "data.source") from None


def matching(pattern: str, roots: Sequence[Path | Bucket]) -> list[str]:
    """The addresses that fit an address with ``*``, ``?`` and ``[0-9]`` in it, in their order.

    Raises:
        DataError: it lies below none of the ``roots``.
    """
    root = _root(pattern, roots)
    return BucketStore(root).matching(pattern.removeprefix(f"{root.url}/"))


def _root(source: str, roots: Sequence[Path | Bucket]) -> Bucket:
    buckets = [root for root in roots if isinstance(root, Bucket)]
    for root in buckets:
        if source.startswith(f"{root.url}/"):
            return root
    known = f"such as {listed(map(str, buckets))}" if buckets else "which has none"
    shown = f"{SCHEME}{source.removeprefix(SCHEME).rpartition('@')[2]}"  # a key may stand before it
    message = f"must lie below an address in SWEEPSTAKE_DATA_ROOTS, {known}, but got "
    message += f"{shown!r}. Copy the file there, or add its folder."
    raise DataError.one(message, "data.source")


def _missing(source: str, store: BucketStore, name: str) -> DataError:
    folder, slash, _ = name.rpartition("/")
    hint = did_you_mean(source, store.matching(f"{escape(folder)}{slash}*"))
    message = "must be a file or a folder of Parquet files, but there is no "
    return DataError.one(
        f"{message}{source!r}.{hint} Copy it there, or correct the name.", "data.source"
    )
