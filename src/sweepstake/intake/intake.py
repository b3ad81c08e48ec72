"""Intake: from files in the watched folder to sweeps that should exist.

Intake looks and keeps no state of its own: whoever asks compares the drops with the sweeps that
exist already.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from sweepstake.errors import GridFileError, NotFoundError, Problem, SettingsError
from sweepstake.gridfile import file_names
from sweepstake.intake import daily_files, reports, sightings
from sweepstake.intake.daily_files import Daily
from sweepstake.storage import files
from sweepstake.storage.disk import disk_faults
from sweepstake.storage.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import date

    from sweepstake.gridfile.grid_file import GridFile
    from sweepstake.intake.sightings import Sighting
    from sweepstake.settings import Settings

log = logging.getLogger(__name__)

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


def scan(settings: Settings) -> tuple[Drop, ...]:
    """The sweeps that the watched folder asks for: one for each content, named by the first file.

    The bytes of each are kept in the workspace, so that a later change of the file cannot reach a
    sweep that has begun. A file with data by day asks for no sweep, but for a DAG of its own.
    """
    workspace = Workspace(settings.workspace)
    known = {daily.file for daily in daily_files.published(workspace)}
    found = [_look_into(sighting, known, settings) for sighting in sightings.look(settings.grids)]
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
        SettingsError: the folder cannot be written to.
        DiskFullError: there is no space.
    """
    if fault := file_names.fault(file):
        raise GridFileError(file, [Problem(0, "", fault)])
    try:
        with disk_faults():
            reports.put(settings, file, content)
    except OSError as error:
        message = f"{settings.grids}: must let {file} be written there, but got {error.strerror!r}."
        message += " Let the user of this program write to the folder, or put the file there."
        raise SettingsError(message) from error
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
    reports.clear_older(sighting, settings)
    return Daily.of(grid.spec, file)


def _of_refused_file(file: str, error: GridFileError, settings: Settings) -> str:
    """The name again, once its mistake is told; what is not there any more is none."""
    if not isinstance(error.__cause__, FileNotFoundError):
        log.warning("%s", error)
        reports.write(settings, file, str(error))
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
        reports.write(settings, file, str(error))
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
            reports.write(settings, daily.file, f"{daily.file}: {message} Choose another.")
