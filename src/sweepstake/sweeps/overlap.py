"""Overlap: trials of a sweep that another one, begun before it, is about to train.

A sweep waits until those others have ended, and then reuses what they trained. Nobody waits for a
sweep that began later, so no two wait for each other.
"""

from __future__ import annotations

import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from sweepstake.domain.tags import Tag
from sweepstake.errors import GridFileError, NotFoundError, OverlapError
from sweepstake.gridfile import draws, loader
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sweepstake.gridfile.search_space import SearchSpace
    from sweepstake.mlflow_client.runs import SweepRun
    from sweepstake.settings import Settings

    IsLive = Callable[[str], bool]
    """Whether the sweep with this id is in work."""


def check_again(
    sweep_id: str, is_live: IsLive, workspace: Workspace, *, asked: bool = False
) -> None:
    """Go on only if the sweeps that this one waits for, as far as is known, have ended.

    One that somebody has ``asked`` for begins now, unless it waits already: tried again after
    others began, it waits for them.

    Raises:
        OverlapError: one of them is in work.
    """
    others = waits_for(sweep_id, workspace)
    if asked and not others:
        workspace.write_record(_beginning(sweep_id), time.time())
    begun = _begun(sweep_id, workspace)
    if any(_begun(other, workspace) < begun and is_live(other) for other in others):
        raise OverlapError(sweep_id, others)
    if others:
        workspace.remove_record(_waiting(sweep_id))


def check(sweep: SweepRun, missing: Collection[str], is_live: IsLive, settings: Settings) -> None:
    """Go on only if no sweep that is in work and began before trains any of the ``missing`` keys.

    MLflow is asked which sweeps are open; when each began, and what it sweeps, is for the workspace
    to say, which MLflow's users cannot change.

    Raises:
        OverlapError: some do.
    """
    workspace = Workspace(settings.workspace)
    begun = _begin(sweep.sweep_id, workspace)
    found = Tracking(settings.tracking_uri).open_sweeps(sweep) if missing else {}
    others = [
        other
        for other, snapshot in found.items()
        if _begun(other, workspace) < begun
        and is_live(other)
        and not _keys(other, snapshot, sweep, settings).isdisjoint(missing)
    ]
    if others:
        workspace.write_record(_waiting(sweep.sweep_id), others)
        raise OverlapError(sweep.sweep_id, others)


def waits_for(sweep_id: str, workspace: Workspace) -> list[str]:
    """The sweeps that a sweep waited for when it was last looked at."""
    try:
        return [str(each) for each in workspace.read_record(_waiting(sweep_id))]
    except NotFoundError:
        return []


def _begin(sweep_id: str, workspace: Workspace) -> tuple[float, str]:
    """When a sweep began; the same for whoever asks."""
    workspace.create_record(_beginning(sweep_id), time.time())
    return _begun(sweep_id, workspace)


def _begun(sweep_id: str, workspace: Workspace) -> tuple[float, str]:
    """When a sweep began, with its id: no two are equal. One that never did is last."""
    try:
        return float(workspace.read_record(_beginning(sweep_id))), sweep_id
    except NotFoundError:
        return inf, sweep_id


def _keys(other: str, snapshot: str, sweep: SweepRun, settings: Settings) -> set[str]:
    """The keys of the trials of another sweep; none where the snapshot is not that of the sweep."""
    workspace = Workspace(settings.workspace)
    try:
        if workspace.claimed(snapshot).sweep != other:
            return set()
        trials = _trials(other, snapshot, sweep.tags[Tag.DATA_DIGEST], workspace, settings)
    except (GridFileError, NotFoundError):
        return set()
    return {trial.key for trial in trials}


def _trials(
    other: str, snapshot: str, digest: str, workspace: Workspace, settings: Settings
) -> SearchSpace:
    """The trials that a sweep has chosen so far; before it is planned, those of its grid file."""
    with suppress(NotFoundError):
        plan = Plan.load(workspace, other)
        if plan.data_digest == digest:
            return plan.trials
    return draws.trials_of(
        loader.parse(workspace.read_snapshot(snapshot), other, settings).spec, digest
    )


def _beginning(sweep_id: str) -> str:
    return f"begun/{sweep_id}"


def _waiting(sweep_id: str) -> str:
    return f"waiting/{sweep_id}"
