"""Telling: what there is to say of a sweep whose run in Airflow has ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sweepstake.champions import approval, model_faults
from sweepstake.champions.digest import TOO_MANY, Digest, Status, about, of_round
from sweepstake.domain.ranking import leaderboard
from sweepstake.errors import GridFileError, NotFoundError
from sweepstake.mlflow_client.model_version import PENDING
from sweepstake.mlflow_client.registry import Registry
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps.plan import Plan
from sweepstake.sweeps.planned_sweep import open_planned
from sweepstake.sweeps.provenance import Provenance
from sweepstake.sweeps.settlement import judged_before, stand

if TYPE_CHECKING:
    from sweepstake.champions.notices import Notice
    from sweepstake.mlflow_client.runs import Parent
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
    if _waits(plan, settings):
        return None
    return _decided(notice, plan, parent, settings, failed=failed)


def late_of(notice: Notice, settings: Settings) -> Digest:
    """What is told of a sweep whose round is late: what keeps it, as far as that is known."""
    workspace = Workspace(settings.workspace)
    plan = Plan.load(workspace, notice.sweep)
    parent = Tracking(settings.tracking_uri).parent(plan.parent_run_id)
    faults = [str(each) for each in model_faults.known(workspace) if each.model == plan.model]
    reason = " ".join(faults) or "Look at the runs of the DAG champion."
    return about(plan, parent, Status.UNDECIDED, reason, settings)


def is_asked(notice: Notice, settings: Settings) -> bool:
    """Whether somebody is asked about the sweep's model, so that its round has to wait."""
    workspace = Workspace(settings.workspace)
    return approval.waiting(workspace, Plan.load(workspace, notice.sweep).model) is not None


def _waits(plan: Plan, settings: Settings) -> bool:
    """Whether versions that the sweep trained have no verdict yet."""
    provenance = Provenance(Workspace(settings.workspace))
    versions = Registry(settings.tracking_uri).versions(plan.model, plan.sweep)
    return any(each.decision == PENDING and provenance.is_own(each) for each in versions)


def _decided(
    notice: Notice, plan: Plan, parent: Parent, settings: Settings, *, failed: bool
) -> Digest:
    """The digest of a sweep that waits for nothing: of its round, if that was since it began."""
    history = Registry(settings.tracking_uri).history(plan.model)
    entry = next((each for each in history if each.sweep == plan.sweep and each.complete), None)
    if entry and entry.decided >= datetime.fromisoformat(notice.begun):
        return of_round(plan, parent, entry, settings)
    if failed:
        reason = TOO_MANY if parent.status == "FAILED" else NOT_CLOSED
        return about(plan, parent, Status.FAILED, reason, settings)
    if entry:
        reason = f"It was judged before. {entry.reason}"
        return about(plan, parent, Status.FINISHED, reason, settings)
    return about(plan, parent, Status.FINISHED, _earlier(plan, settings), settings)


def _earlier(plan: Plan, settings: Settings) -> str:
    """What was said of the best trial in an earlier sweep; its grid file may be unreadable now."""
    try:
        planned = open_planned(plan.sweep, settings)
    except (GridFileError, NotFoundError):
        return ""
    return judged_before(planned, leaderboard(stand(planned), planned.spec.metric))
