"""Telling: what there is to say of a sweep whose run in Airflow has ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sweepstake import approval, modelfaults
from sweepstake.digest import TOO_MANY, Digest, Status, about
from sweepstake.errors import NotFoundError
from sweepstake.modelversion import PENDING
from sweepstake.plan import Plan
from sweepstake.ranking import leaderboard
from sweepstake.registry import Registry
from sweepstake.settlement import judged_before, stand
from sweepstake.tracking import Tracking
from sweepstake.workbench import open_workbench
from sweepstake.workspace import Workspace

if TYPE_CHECKING:
    from sweepstake.notices import Notice
    from sweepstake.runs import Parent
    from sweepstake.settings import Settings

LATE = timedelta(hours=1)
"""So long a sweep may wait for its round before people are told that it does."""
NOT_PLANNED = "It was not planned. Read the report beside its grid file, or the log of its task."
NOT_CLOSED = "Its tasks failed before it was closed. Read their logs, then retry the sweep."
UNFINISHED = {
    "RUNNING": (Status.FAILED, NOT_CLOSED),
    "KILLED": (Status.CANCELLED, "What is done stays."),
}
"""By the status of the parent run."""


def digest_of(notice: Notice, settings: Settings, *, failed: bool) -> Digest | None:
    """The digest of a sweep, ``None`` while its round is waited for.

    ``failed`` says how Airflow's run has ended.

    Raises:
        TransientError: MLflow or the workspace does not answer.
    """
    try:
        plan = Plan.load(Workspace(settings.workspace), notice.sweep)
    except NotFoundError:
        return Digest(sweep=notice.sweep, status=Status.FAILED, reason=NOT_PLANNED)
    parent = Tracking(settings.tracking_uri).parent(plan.parent_run_id)
    if parent.status in UNFINISHED:
        return about(plan, parent, *UNFINISHED[parent.status], settings)
    versions = Registry(settings.tracking_uri).versions(plan.model, plan.sweep)
    if any(version.decision == PENDING for version in versions):
        return _undecided(notice, plan, parent, settings)
    return _decided(plan, parent, settings, failed=failed)


def _undecided(notice: Notice, plan: Plan, parent: Parent, settings: Settings) -> Digest | None:
    """Nothing, until the round is late and nobody was told why."""
    workspace = Workspace(settings.workspace)
    if approval.waiting(workspace, plan.model) or notice.age < LATE:
        return None
    faults = [str(each) for each in modelfaults.known(workspace) if each.model == plan.model]
    reason = " ".join(faults) or "Look at the runs of the DAG champion."
    return about(plan, parent, Status.UNDECIDED, reason, settings)


def _decided(plan: Plan, parent: Parent, settings: Settings, *, failed: bool) -> Digest:
    history = Registry(settings.tracking_uri).history(plan.model)
    told = next((each.digest for each in history if each.sweep == plan.sweep and each.digest), "")
    if told:
        return Digest.from_json(told)
    if failed:
        return about(plan, parent, Status.FAILED, TOO_MANY, settings)
    bench = open_workbench(plan.sweep, settings)
    ranked = leaderboard(stand(bench), bench.spec.metric)
    return about(plan, parent, Status.FINISHED, judged_before(bench, ranked), settings)
