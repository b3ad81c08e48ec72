"""Notices: the sweeps that receivers are still to be told of, and who was told what.

A notice lies in the workspace from the moment a sweep begins until all receivers have taken its
digest, so that a killed process loses none.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sweepstake.errors import NotFoundError

if TYPE_CHECKING:
    from sweepstake.storage.workspace import Workspace

FOLDER = "notices"
TOLD = "told"


@dataclass(frozen=True, slots=True)
class Notice:
    """What receivers are told once it is there: about a sweep, and the run of Airflow that does it.

    ``key`` says what it is about, ``begun`` when it was written: a sweep that is retried is told
    again. ``digest`` is JSON, empty until there is something to tell; ``due`` says since when there
    is, or since when a decision is waited for. ``late`` says that this was told.
    """

    key: str
    sweep: str
    begun: str
    dag: str = ""
    run: str = ""
    digest: str = ""
    due: str = ""
    late: bool = False

    @property
    def age(self) -> timedelta:
        """For how long it has been due."""
        return datetime.now(UTC) - datetime.fromisoformat(self.due) if self.due else timedelta()


def of_run(sweep: str, dag: str, run: str) -> Notice:
    """The notice of a sweep that begins."""
    return Notice(key=sweep, sweep=sweep, begun=now(), dag=dag, run=run)


def of_digest(key: str, sweep: str, digest: str) -> Notice:
    """The notice of something that there is to tell already."""
    return Notice(key=key, sweep=sweep, begun=now(), digest=digest, due=now())


def keep(workspace: Workspace, notice: Notice) -> None:
    """Write a notice down, replacing the one of its key."""
    workspace.write_record(_place(notice), asdict(notice))


def add(workspace: Workspace, notice: Notice) -> None:
    """Write a notice down unless there is one of its key."""
    workspace.create_record(_place(notice), asdict(notice))


def drop(workspace: Workspace, notice: Notice) -> None:
    """Take a notice away: nobody is to be told any more. One that was renewed meanwhile stays."""
    if is_current(workspace, notice):
        workspace.remove_record(_place(notice))
        for record in workspace.records(_told(notice)):
            workspace.remove_record(f"{_told(notice)}/{record}")


def is_current(workspace: Workspace, notice: Notice) -> bool:
    """Whether no other was written in its place since it was read."""
    try:
        return bool(workspace.read_record(_place(notice))["begun"] == notice.begun)
    except NotFoundError:
        return False


def every(workspace: Workspace) -> tuple[Notice, ...]:
    """All notices."""
    return tuple(Notice(**record) for record in workspace.records(FOLDER))


def is_told(workspace: Workspace, notice: Notice, receiver: str) -> bool:
    """Whether a receiver has taken it."""
    return _name(receiver) in workspace.records(_told(notice))


def note_told(workspace: Workspace, notice: Notice, receiver: str) -> None:
    """Write down that a receiver has taken it."""
    workspace.write_record(f"{_told(notice)}/{_name(receiver)}", _name(receiver))


def now() -> str:
    """This moment, as a notice has it."""
    return datetime.now(UTC).isoformat()


def _place(notice: Notice) -> str:
    return f"{FOLDER}/{_name(notice.key)}"


def _told(notice: Notice) -> str:
    return f"{TOLD}/{_name(f'{notice.key} {notice.begun}')}"


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
