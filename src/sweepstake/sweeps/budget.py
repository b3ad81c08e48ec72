"""The budget of a search: when no trial of a sweep begins any more, and why."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sweepstake.domain.search import Search
from sweepstake.errors import NotFoundError, SettingsError, TransientError

if TYPE_CHECKING:
    from sweepstake.storage.workspace import Workspace
    from sweepstake.sweeps.plan import Plan

NO_SCORE = "No trial of a rung had a score, so that none could go on."
LOOK_SECONDS = 2.0
"""How often a task looks whether the search has ended; in a bucket each look is a request."""


@dataclass(slots=True)
class Budget:
    """What a sweep may still begin, as of the last few seconds."""

    workspace: Workspace
    plan: Plan
    _reason: str = ""
    _looked: float = field(default=-LOOK_SECONDS)

    @property
    def spent(self) -> str:
        """Why no further trial begins, as a sentence; empty while one may."""
        search = self.plan.spec.search
        now = time.monotonic()
        if self._reason or search == Search() or now - self._looked < LOOK_SECONDS:
            return self._reason
        self._looked = now
        with suppress(TransientError, SettingsError, OSError):  # no trial is left out for it
            self._reason = ended(self.workspace, self.plan)
            if not self._reason and time_left(self.workspace, self.plan) <= 0:
                self.end(out_of_time(search))
        return self._reason

    def note(self, score: float | None) -> None:
        """Take note of the score of a trial, which may be good enough to stop."""
        target = self.plan.spec.search.stop.target
        if target is not None and score is not None and score >= target:
            self.end(f"A trial reached the target of {target:g}.")

    def end(self, reason: str) -> None:
        """Let no further trial begin; the first reason stays."""
        end(self.workspace, self.plan, reason)
        self._reason = ended(self.workspace, self.plan)


def begin(workspace: Workspace, plan: Plan, *, again: bool) -> None:
    """Let the time of a search begin; of one that is asked for ``again`` it begins once more.

    A search that has ended for another reason stays ended.
    """
    if plan.spec.search == Search():
        return
    if again:
        if not is_final(workspace, plan):
            workspace.remove_record(_record(plan, "ended"))
        workspace.write_record(_record(plan, "begun"), time.time())
    workspace.create_record(_record(plan, "begun"), time.time())


def end(workspace: Workspace, plan: Plan, reason: str) -> None:
    """End a search; the first reason stays."""
    workspace.create_record(_record(plan, "ended"), reason)


def ended(workspace: Workspace, plan: Plan) -> str:
    """Why a search has ended before its trials were used up; empty where it has not."""
    if plan.spec.search == Search():
        return ""
    try:
        return str(workspace.read_record(_record(plan, "ended")))
    except NotFoundError:
        return ""


def is_final(workspace: Workspace, plan: Plan) -> bool:
    """Whether a search has ended for good: with more time, or a score, it may be gone on with."""
    told = ended(workspace, plan)
    return told not in {"", NO_SCORE, out_of_time(plan.spec.search)}


def time_left(workspace: Workspace, plan: Plan) -> float:
    """Seconds for which trials may still begin; infinite where they are not counted."""
    longest = plan.spec.search.max_time
    if longest is None:
        return math.inf
    try:
        begun = float(workspace.read_record(_record(plan, "begun")))
    except NotFoundError:
        return longest
    return begun + longest - time.time()


def out_of_time(search: Search) -> str:
    """What is told of a search whose time is over."""
    return f"Its time ({timedelta(seconds=search.max_time or 0)}, search.max_time) was over."


def _record(plan: Plan, name: str) -> str:
    return f"{plan.search_folder}/{name}"
