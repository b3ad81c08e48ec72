"""Sightings: the grid files of a folder, and whether each is complete.

A file is complete once no process holds it open for writing (where the system can tell) and it has
been quiet for `QUIET_SECONDS`; one that is quiet but does not parse gets `PATIENCE_SECONDS` before
it counts as wrong, because its writer may only be slow.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.storage import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


SUFFIXES = (".yaml", ".yml", ".json")


QUIET_SECONDS = 1.0


PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file as one look at the folder saw it; two equal sightings mean that nothing happened."""

    path: Path
    modified_ns: int
    size: int
    quiet: bool
    """No writer has touched it for `QUIET_SECONDS`."""
    patient: bool
    """... nor for `PATIENCE_SECONDS`."""
    new: bool
    """It comes to rest within `QUIET_SECONDS`, if nobody holds it open."""


def look(folder: Path, now: float | None = None) -> tuple[Sighting, ...]:
    """Every grid file in ``folder``, by name; sub-folders and hidden files are not looked into."""
    now = time.time() if now is None else now
    return tuple(_sightings(folder, now))


def _sightings(folder: Path, now: float) -> Iterator[Sighting]:
    for path in sorted(folder.iterdir() if folder.is_dir() else ()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            with suppress(OSError):  # a link to nothing or to itself, or gone by now
                if not path.is_dir():
                    yield _sighting(path, now)


def _sighting(path: Path, now: float) -> Sighting:
    stat = path.stat()
    age = now - min(stat.st_mtime, stat.st_ctime)  # a copied time may lie in the future
    quiet = age >= QUIET_SECONDS and not (age < PATIENCE_SECONDS and _has_writer(path))
    patient, new = quiet and age >= PATIENCE_SECONDS, not quiet and age < 2 * QUIET_SECONDS
    return Sighting(path, stat.st_mtime_ns, stat.st_size, quiet, patient, new)


def _has_writer(path: Path) -> bool:
    """Whether some process on this machine holds the file open for writing (Linux only).

    A read lease is granted only on a file that nobody has open for writing; see fcntl(2).
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        handle = files.open_inside(path.parent, path.name)
    except OSError:
        return False  # not to be read either, which will be told
    try:
        # a writer who comes meanwhile sends a signal: one that is ignored, not SIGIO, which kills
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False  # leases need ownership and a local file system: then quiet alone decides
    else:
        return False
    finally:
        os.close(handle)
