"""Intake: from files in the watched folder to sweeps that should exist.

Intake looks and keeps no state of its own: whoever asks compares the drops with the sweeps that
exist already. A file counts as complete once no process holds it open for writing (where the
system can tell) and it has been quiet for `QUIET_SECONDS`; a file that is quiet but does not parse
gets `PATIENCE_SECONDS` before it counts as wrong, because its writer may only be slow.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from sweepstake.errors import GridFileError, NotFoundError, Problem
from sweepstake.gridfile import file_names
from sweepstake.intake import daily_files
from sweepstake.intake.daily_files import Daily
from sweepstake.storage import files
from sweepstake.storage.store import write_atomically
from sweepstake.storage.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from sweepstake.gridfile.grid_file import GridFile
    from sweepstake.settings import Settings

log = logging.getLogger(__name__)

SUFFIXES = (".yaml", ".yml", ".json")
QUIET_SECONDS = 1.0
PATIENCE_SECONDS = 30.0
REPORT_SUFFIX = ".errors.txt"
LONGEST_OF_SYSTEM = 255
"""Bytes that file systems let a name have."""
MOST_STARTED = 500
"""Sweeps that one run of the intake DAG starts: the longest list that a task returns."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A complete grid file: its name in the folder, its bytes' SHA-256, the sweep it stands for.

    On data by day it stands for a sweep only together with a ``partition``; ``backfill`` says that
    the sweep was asked for, other than by the file's schedule.
    """

    file: str
    snapshot: str
    sweep: str
    partition: str = ""
    backfill: bool = False

    def on(self, day: date, *, backfill: bool) -> Drop:
        """The sweep of this content on the data of one day."""
        return replace(self, sweep=f"{self.sweep}__{day}", partition=str(day), backfill=backfill)


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


def look(folder: Path, now: float | None = None) -> tuple[Sighting, ...]:
    """Every grid file in ``folder``, by name; sub-folders and hidden files are not looked into."""
    now = time.time() if now is None else now
    return tuple(_sightings(folder, now))


def scan(settings: Settings) -> tuple[Drop, ...]:
    """The sweeps that the watched folder asks for: one for each content, named by the first file.

    The bytes of each are kept in the workspace, so that a later change of the file cannot reach a
    sweep that has begun. A file with data by day asks for no sweep, but for a DAG of its own.
    """
    workspace = Workspace(settings.workspace)
    known = {daily.file for daily in daily_files.published(workspace)}
    found = [_look_into(sighting, known, settings) for sighting in look(settings.grids)]
    undecided = {each for each in found if isinstance(each, str)}
    daily = [each for each in found if isinstance(each, Daily)]
    daily_files.publish(_first_of_each_name(daily, settings), undecided, workspace)
    drops: dict[str, Drop] = {}
    for each in found:
        if isinstance(each, Drop):
            drops.setdefault(each.snapshot, each)
    return tuple(drops.values())


def take(name: str, day: date, settings: Settings, *, backfill: bool) -> Drop:
    """The sweep of a file with data by day as it is now, on the data of one day.

    Raises:
        GridFileError: the file cannot be read or is wrong; its mistakes are also written beside it.
        NotFoundError: no file of the folder has this name for its sweep, or it has another by now.
    """
    daily = daily_files.find(name, Workspace(settings.workspace))
    content = _read(daily.file, settings)
    found, parses = identify(content, daily.file, settings)
    if parses and found != name:
        message = f"{daily.file}: must be the grid file of {name!r}, but is that of {found!r} now."
        raise NotFoundError(message)
    return claim(content, name, daily.file, settings).on(day, backfill=backfill)


def _read(file: str, settings: Settings) -> bytes:
    """The bytes of a file in the watched folder, at most one more than a grid file may have.

    A link must stay in the folder, as those of mounted configuration do: whoever may put files
    there shall not have others read that only this process may.

    Raises:
        GridFileError: the file cannot be read, is no file, is a link that leads out of the folder,
            or has a name that is not allowed.
    """
    from sweepstake.gridfile import loader

    path = str(settings.grids / file)
    if fault := file_names.fault(file):
        raise GridFileError(path, [Problem(0, "", fault)]) from PermissionError()
    try:
        return files.read_inside(settings.grids, file, loader.LARGEST)
    except OSError as error:
        raise loader.unreadable(path, error) from error


def identify(content: bytes, file: str, settings: Settings) -> tuple[str, bool]:
    """The name that a grid file gives its sweep, and whether the file parses."""
    from sweepstake.gridfile import loader

    try:
        return loader.parse(content, file, settings).spec.name, True
    except GridFileError:
        return file_names.default_name(file), False


def drop(content: bytes, name: str, file: str, settings: Settings) -> Drop:
    """Put a grid file into the watched folder, complete from the first look at it.

    Raises:
        GridFileError: its name is not allowed there.
    """
    if fault := file_names.fault(file):
        raise GridFileError(file, [Problem(0, "", fault)])
    _put(settings, file, content)
    return claim(content, name, file, settings)


def replaces(content: bytes, file: str, settings: Settings) -> bool:
    """Whether a file of this name with another content lies in the watched folder."""
    from sweepstake.gridfile import loader

    try:
        return files.read(settings.grids / file, loader.LARGEST) != content
    except OSError:
        return False


def claim(content: bytes, name: str, file: str, settings: Settings) -> Drop:
    """The sweep of a content: that of the name under which it was first seen."""
    workspace = Workspace(settings.workspace)
    digest = workspace.keep_snapshot(content)
    return Drop(file, digest, workspace.claim(digest, f"{name}__{digest[:12]}", file).sweep)


def own(grid: GridFile, file: str, settings: Settings) -> None:
    """Hold that a sweep that is named after its file shares its model with no other file's.

    A content that stands for a sweep already may lie there under any name.

    Raises:
        GridFileError: the file of another name got this name first.
    """
    workspace = Workspace(settings.workspace)
    if not {"name", "model"}.isdisjoint(grid.lines) or workspace.is_claimed(grid.digest):
        return
    stem, model = PurePath(file).stem, grid.spec.model
    first = workspace.own(model, stem)
    if first != stem:
        same = normalize("NFC", first) == normalize("NFC", stem)
        whose = f"that of a file called {first!r}{', in letters that look the same' * same}"
        fault = f"must have a name of its own, but the model {model!r} is {whose}. "
        way_out = f"Write model: {model} to train the same one, or choose another name or model."
        raise GridFileError(file, [Problem(0, "", fault + way_out)])


def asked_for(conf: Mapping[str, Any] | None, settings: Settings) -> Drop:
    """The sweep that a DAG run's configuration asks for by the digest ``snapshot``.

    Whoever may trigger a run writes its configuration: nothing else in it is believed.

    Raises:
        NotFoundError: intake has taken in no such content.
    """
    digest = str((conf or {}).get("snapshot", ""))
    claimed = Workspace(settings.workspace).claimed(digest)
    return Drop(claimed.file, digest, claimed.sweep)


def is_watched(drop: Drop, settings: Settings) -> bool:
    """Whether the watched folder still holds what was dropped, under its name."""
    try:
        content = _read(drop.file, settings)
    except GridFileError:
        return False
    return sha256(content).hexdigest() == drop.snapshot


def write_report(settings: Settings, file: str, text: str) -> None:
    """Put the mistakes of a grid file beside it, where whoever dropped it looks first.

    A folder that is read-only costs the report, nothing else.
    """
    with suppress(OSError):
        _put(settings, _report(file), f"{text}\n".encode())


def clear_report(settings: Settings, file: str) -> None:
    """Take the report of earlier mistakes away: the file is right now."""
    with suppress(OSError):
        (settings.grids / _report(file)).unlink()


def _report(file: str) -> str:
    """The name of a file's report; one that would be too long is called after the sweep."""
    name = file + REPORT_SUFFIX
    if len(os.fsencode(name)) > LONGEST_OF_SYSTEM:
        return file_names.default_name(file) + REPORT_SUFFIX
    return name


def _put(settings: Settings, name: str, content: bytes) -> None:
    """Have a file with this content in the watched folder; a link in its place is not followed."""
    with suppress(OSError):
        if files.read_inside(settings.grids, name, len(content)) == content:
            return
    write_atomically(settings.grids / name, content)


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
    return Sighting(path, stat.st_mtime_ns, stat.st_size, quiet, quiet and age >= PATIENCE_SECONDS)


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


def _look_into(
    sighting: Sighting, known: Collection[str], settings: Settings
) -> Drop | Daily | str:
    """What a file asks for; its name again where that cannot be told, or not yet.

    A file of the ``known`` dailies that has mistakes now keeps its DAG, whose next run tells them.
    """
    from sweepstake.gridfile import loader

    file = sighting.path.name
    if not sighting.quiet:
        return file
    try:
        content = _read(file, settings)
    except GridFileError as error:
        return _of_refused_file(file, error, settings)
    try:
        grid = loader.parse(content, file, settings)
    except GridFileError as error:
        return _of_wrong_file(sighting, content, error, known, settings)
    try:
        return _of_sound_file(sighting, content, grid, settings)
    except GridFileError as error:
        return _of_refused_file(file, error, settings)


def _of_sound_file(
    sighting: Sighting, content: bytes, grid: GridFile, settings: Settings
) -> Drop | Daily:
    """The sweep that its content stands for, unless it is a file with data by day."""
    file = sighting.path.name
    own(grid, file, settings)
    if not grid.spec.data.by_day:
        return claim(content, grid.spec.name, file, settings)
    _clear_older_report(sighting, settings)
    return Daily.of(grid.spec, file)


def _of_refused_file(file: str, error: GridFileError, settings: Settings) -> str:
    """The name again, once its mistake is told; what is not there any more is none."""
    if not isinstance(error.__cause__, FileNotFoundError):
        log.warning("%s", error)
        write_report(settings, file, str(error))
    return file


def _of_wrong_file(
    sighting: Sighting,
    content: bytes,
    error: GridFileError,
    known: Collection[str],
    settings: Settings,
) -> Drop | str:
    """A sweep that fails for all to see; the name again for what is no sweep, or not wrong yet."""
    file = sighting.path.name
    if not sighting.patient:
        return file
    if file in known:
        log.warning("%s", error)
        write_report(settings, file, str(error))
        return file
    return claim(content, file_names.default_name(file), file, settings)


def _first_of_each_name(found: Iterable[Daily], settings: Settings) -> Iterator[Daily]:
    """A name is one DAG: whoever comes second by file name is told so."""
    first: dict[str, Daily] = {}
    for daily in found:
        if first.setdefault(daily.name, daily) is daily:
            yield daily
        else:
            other = first[daily.name].file
            message = f"name: must be no other file's, but {daily.name!r} is that of {other}."
            write_report(settings, daily.file, f"{daily.file}: {message} Choose another.")


def _clear_older_report(sighting: Sighting, settings: Settings) -> None:
    """Take away what was said about a content that the file no longer has."""
    with suppress(OSError):
        report = settings.grids / _report(sighting.path.name)
        if report.lstat().st_mtime_ns < sighting.modified_ns:
            report.unlink()
