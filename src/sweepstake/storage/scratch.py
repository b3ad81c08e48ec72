"""Scratch folders: gone with the block that uses them; a later process removes what is left."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "sweepstake-"
LOCK = "lock"
OLD_SECONDS = 3600.0
"""A younger folder may belong to a process that has not locked it yet."""


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder for as long as the block runs.

    The process and its forks hold a lock on it. The first folder of a process removes what killed
    processes of the same user have left, which is seen by their locks.
    """
    clear_left()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        home = Path(name)
        lock = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder = home / "files"
            folder.mkdir()
            yield folder
        finally:
            os.close(lock)


@cache
def clear_left() -> None:
    """Remove the folders of processes that ended without doing so, once in a process."""
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another process clears as well, or it is somebody's own
            _remove_left(home)


def _remove_left(home: Path) -> None:
    about = home.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
        return
    if time.time() - about.st_mtime < OLD_SECONDS:
        return
    lock = os.open(home / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(home)
    finally:
        os.close(lock)
