"""Notices: the sweeps that receivers are still to be told of.

A notice lies in the workspace from the moment a sweep begins until all receivers have taken its
digest, so that a killed process loses none.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweepstake.workspace import Workspace

FOLDER = "notices"


@dataclass(frozen=True, slots=True)
class Notice:
    """A sweep, and the run of Airflow that is at work on it.

    ``digest`` is JSON, empty until there is something to tell; ``due`` says since when there is, or
    since when a decision is waited for. ``told`` are the numbers of the receivers that have taken
    it.
    """

    sweep: str
    dag: str
    run: str
    digest: str = ""
    due: str = ""
    told: tuple[int, ...] = ()

    @property
    def age(self) -> timedelta:
        """For how long it has been due."""
        return datetime.now(UTC) - datetime.fromisoformat(self.due) if self.due else timedelta()


def keep(workspace: Workspace, notice: Notice) -> None:
    """Write a notice down, replacing the one of its sweep."""
    workspace.write_record(f"{FOLDER}/{notice.sweep}", asdict(notice))


def drop(workspace: Workspace, notice: Notice) -> None:
    """Take a notice away: nobody is to be told any more."""
    workspace.remove_record(f"{FOLDER}/{notice.sweep}")


def every(workspace: Workspace) -> tuple[Notice, ...]:
    """All notices, by the names of their sweeps."""
    records = workspace.records(FOLDER)
    return tuple(Notice(**record | {"told": tuple(record["told"])}) for record in records)


def now() -> str:
    """This moment, as a notice has it."""
    return datetime.now(UTC).isoformat()
