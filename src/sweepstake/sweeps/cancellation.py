"""Cancellation: a note in the workspace that a sweep shall end, which its tasks look for."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sweepstake.errors import CancelledError, NotFoundError, SettingsError, TransientError

if TYPE_CHECKING:
    from sweepstake.storage.workspace import Workspace

LOOK_SECONDS = 2.0
"""How often a task looks; in a bucket each look is a request."""


@dataclass(slots=True)
class Cancellation:
    """Whether a sweep is cancelled, as of the last few seconds.

    A workspace that does not answer is asked again: no trial is given up for it.
    """

    workspace: Workspace
    sweep: str
    _reason: str = ""
    _looked: float = field(default=-LOOK_SECONDS)

    @property
    def reason(self) -> str:
        """Who cancelled it and why, as a sentence; empty where nobody did."""
        now = time.monotonic()
        if not self._reason and now - self._looked >= LOOK_SECONDS:
            self._looked = now
            with suppress(TransientError, SettingsError, OSError):  # no fit is given up for it
                self._reason = reason_of(self.workspace, self.sweep)
        return self._reason

    def check(self) -> None:
        """Go on only if nobody cancelled the sweep.

        Raises:
            CancelledError: somebody did.
        """
        if self.reason:
            raise CancelledError(self.reason)


def note(workspace: Workspace, sweep: str, by: str, why: str) -> None:
    """Cancel a sweep; the first who does is told of."""
    workspace.create_record(_record(sweep), {"by": by, "why": why})


def lift(workspace: Workspace, sweep: str) -> None:
    """Let a sweep go on."""
    workspace.remove_record(_record(sweep))


def reason_of(workspace: Workspace, sweep: str) -> str:
    """Who cancelled a sweep and why, as a sentence; empty where nobody did."""
    try:
        found = workspace.read_record(_record(sweep))
    except NotFoundError:
        return ""
    why = f" ({found['why']})" if found["why"] else ""
    return f"{sweep}: cancelled by {found['by']}{why}."


def _record(sweep: str) -> str:
    return f"cancelled/{sweep}"
