"""Triggers: what wakes a DAG in Airflow's triggerer, beside the clock."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from sweepstake.errors import SweepstakeError
from sweepstake.intake.sightings import look
from sweepstake.storage.bucket import Bucket, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sweepstake.intake.sightings import Sighting

log = logging.getLogger(__name__)
POLL_SECONDS = 1.0
NEW_SECONDS = 0.1
"""Between two looks while a file has not come to rest."""
FEW_FILES = 100
"""A folder of more is looked at every second at most, whoever writes into it."""


class GridFolderTrigger(BaseEventTrigger):
    """Wakes the intake DAG when a grid file has come to rest in a folder, or is gone from it.

    The event carries nothing: intake looks for itself, so a lost or doubled event does no harm. The
    first look after a start always wakes, if there is any file.
    """

    def __init__(self, folder: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.folder = folder

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and the arguments that make this trigger again."""
        return "sweepstake.airflow.triggers.GridFolderTrigger", {"folder": self.folder}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the folder every second; yield when a file has come to rest there, or is gone.

        While one of few files is new, look more often: it is noticed as soon as it is at rest.
        """
        known: frozenset[Sighting] = frozenset()
        while True:
            seen = await asyncio.to_thread(look, Path(self.folder))
            at_rest = frozenset(sighting for sighting in seen if sighting.quiet)
            gone = {each.path for each in known} - {each.path for each in seen}
            if at_rest - known or gone:
                yield TriggerEvent({"files": len(at_rest)})  # type: ignore[no-untyped-call]
            known = at_rest
            await asyncio.sleep(pause_after(seen))


class TouchTrigger(BaseEventTrigger):
    """Wakes a DAG when a file was written; the event carries nothing."""

    def __init__(self, path: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.path = path

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and the arguments that make this trigger again."""
        return "sweepstake.airflow.triggers.TouchTrigger", {"path": self.path}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the file every second; yield for each writing, and for what is there at first.

        Where it cannot be looked at, that is told in the log, once for each reason.
        """
        known, told = 0, ""
        while True:
            written, reason = await asyncio.to_thread(written_at, self.path)
            if reason and reason != told:
                log.warning("%s DAGs that wait for it begin by the clock alone.", reason)
            told = reason
            if written != known and not reason:
                known = written
                yield TriggerEvent({"written": written})  # type: ignore[no-untyped-call]
            await asyncio.sleep(POLL_SECONDS)


def pause_after(seen: Sequence[Sighting]) -> float:
    """Seconds until the next look at a folder."""
    new = len(seen) <= FEW_FILES and any(sighting.new for sighting in seen)
    return NEW_SECONDS if new else POLL_SECONDS


def written_at(path: str) -> tuple[int, str]:
    """When a file was written, in nanoseconds, 0 where there is none; and why that is not known."""
    folder, _, name = path.rpartition("/")
    place = Bucket(folder, Path()) if "://" in path else Path(folder)
    try:
        return open_store(place).written(name), ""
    except FileNotFoundError:
        return 0, ""
    except (OSError, SweepstakeError) as error:
        return 0, f"{path}: must be readable, but got {type(error).__name__}: {error}"
