"""Overlap: trials of a sweep that another one, begun before it, is about to train.

A sweep waits until those others have ended, and then reuses what they trained. Nobody waits for a
sweep that began later, so no two wait for each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweepstake import loader, space
from sweepstake.errors import GridFileError, NotFoundError, OverlapError
from sweepstake.tracking import Tracking
from sweepstake.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sweepstake.runs import OpenSweep, SweepRun
    from sweepstake.settings import Settings

    IsLive = Callable[[str], bool]
    """Whether the sweep with this id is in work."""


def check_again(sweep_id: str, is_live: IsLive, workspace: Workspace) -> None:
    """Go on only if the sweeps that this one waits for, as far as is known, have ended.

    Raises:
        OverlapError: one of them is in work.
    """
    others = waits_for(sweep_id, workspace)
    if any(map(is_live, others)):
        raise OverlapError(sweep_id, others)
    if others:
        workspace.remove_record(_record(sweep_id))


def check(sweep: SweepRun, missing: Collection[str], is_live: IsLive, settings: Settings) -> None:
    """Go on only if no sweep that is in work and began before trains any of the ``missing`` keys.

    Raises:
        OverlapError: some do.
    """
    found = Tracking(settings.tracking_uri).open_sweeps(sweep) if missing else ()
    begun = next((each.begun for each in found if each.run_id == sweep.run_id), None)
    earlier = (each for each in found if begun and each.begun < begun and is_live(each.sweep_id))
    others = [
        each.sweep_id for each in earlier if not _keys(each, sweep, settings).isdisjoint(missing)
    ]
    if others:
        Workspace(settings.workspace).write_record(_record(sweep.sweep_id), others)
        raise OverlapError(sweep.sweep_id, others)


def waits_for(sweep_id: str, workspace: Workspace) -> list[str]:
    """The sweeps that a sweep waited for when it was last looked at."""
    try:
        return [str(each) for each in workspace.read_record(_record(sweep_id))]
    except NotFoundError:
        return []


def _keys(other: OpenSweep, sweep: SweepRun, settings: Settings) -> set[str]:
    """The keys of the trials of another sweep; none of one that this workspace does not know."""
    try:
        content = Workspace(settings.workspace).read_snapshot(other.snapshot)
        spec = loader.parse(content, other.sweep_id, settings).spec
    except (GridFileError, NotFoundError):
        return set()
    return {trial.key for trial in space.trials(spec, sweep.tags["sweepstake.data_digest"])}


def _record(sweep_id: str) -> str:
    return f"waiting/{sweep_id}"
