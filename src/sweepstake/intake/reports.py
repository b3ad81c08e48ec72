"""Reports: the mistakes of a grid file, written beside it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sweepstake.gridfile import file_names
from sweepstake.storage import files
from sweepstake.storage.store import write_atomically

if TYPE_CHECKING:
    from sweepstake.intake.sightings import Sighting
    from sweepstake.settings import Settings

REPORT_SUFFIX = ".errors.txt"


LONGEST_OF_SYSTEM = 255
"""Bytes that file systems let a name have."""


def write(settings: Settings, file: str, text: str) -> None:
    """Put the mistakes of a grid file beside it, where whoever dropped it looks first.

    A folder that is read-only costs the report, nothing else.
    """
    with suppress(OSError):
        put(settings, name_of(file), f"{text}\n".encode())


def clear(settings: Settings, file: str) -> None:
    """Take the report of earlier mistakes away: the file is right now."""
    with suppress(OSError):
        (settings.grids / name_of(file)).unlink()


def name_of(file: str) -> str:
    """The name of a file's report; one that would be too long is called after the sweep."""
    name = file + REPORT_SUFFIX
    if len(os.fsencode(name)) > LONGEST_OF_SYSTEM:
        return file_names.default_name(file) + REPORT_SUFFIX
    return name


def put(settings: Settings, name: str, content: bytes) -> None:
    """Have a file with this content in the watched folder; a link in its place is not followed."""
    with suppress(OSError):
        if files.read_inside(settings.grids, name, len(content)) == content:
            return
    write_atomically(settings.grids / name, content)


def clear_older(sighting: Sighting, settings: Settings) -> None:
    """Take away what was said about a content that the file no longer has."""
    with suppress(OSError):
        report = settings.grids / name_of(sighting.path.name)
        if report.lstat().st_mtime_ns < sighting.modified_ns:
            report.unlink()
