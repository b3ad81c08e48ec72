"""Data in buckets: files below the addresses that are among the data roots.

Messages start with the place in the grid file that has to change: ``data.source: ...``.
"""

from __future__ import annotations

from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from sweepstake.errors import DataError
from sweepstake.nearmiss import did_you_mean, listed
from sweepstake.scratch import scratch
from sweepstake.store import Bucket, BucketStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCHEME = "s3://"


@contextmanager
def copied(source: str, roots: Sequence[Path | Bucket], limit: float) -> Iterator[Path]:
    """A copy on this host of the file at the address ``source``, for as long as the block runs.

    Raises:
        DataError: it lies below none of the ``roots``, is not there, or has more than ``limit``
            bytes.
        SettingsError: the bucket is not there, or not open to the credentials of the environment.
        StoreUnavailableError: its server does not answer.
    """
    root = _root(source, roots)
    store, name = BucketStore(root), source.removeprefix(f"{root.url}/")
    try:
        size = store.size(name)
    except FileNotFoundError:
        raise _missing(source, store, name) from None
    if size > limit:
        held = f"{source!r} has {size / 1e9:,.1f} GB"
        message = f"data.source: must fit into half of the memory, but {held}. "
        raise DataError(message + "Take part of its rows or columns.")
    with scratch() as folder:
        path = folder / Path(name).name
        store.fetch(name, path)
        yield path


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
    message = f"data.source: must lie below an address in SWEEPSTAKE_DATA_ROOTS, {known}, but got "
    message += f"{shown!r}. Copy the file there, or add its folder."
    raise DataError(message)


def _missing(source: str, store: BucketStore, name: str) -> DataError:
    folder, slash, _ = name.rpartition("/")
    hint = did_you_mean(source, store.matching(f"{escape(folder)}{slash}*"))
    message = f"data.source: must be a file, but there is no {source!r}.{hint}"
    return DataError(f"{message} Copy it there, or correct the name.")
