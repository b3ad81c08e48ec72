"""The leaderboard of a sweep as its parent run keeps it, or as it stands while the sweep runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.domain import ranking
from sweepstake.errors import NotFoundError, OverlapError
from sweepstake.mlflow_client.comparison import run_url
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import progress
from sweepstake.sweeps.cancellation import reason_of
from sweepstake.sweeps.overlap import waits_for
from sweepstake.sweeps.planned_sweep import open_planned
from sweepstake.sweeps.search_state import state_of, told_of_search
from sweepstake.sweeps.settlement import judged_before, stand

if TYPE_CHECKING:
    from sweepstake.domain.trial import Standing
    from sweepstake.settings import Settings
    from sweepstake.sweeps.planned_sweep import PlannedSweep


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The trials of a sweep, ranked; ``state`` is the parent run's status in MLflow.

    ``finalist`` is the version that met the champion, ``decision`` what came of it, and
    ``champion`` the version in service now; each is empty where there is none (yet). Of a cancelled
    sweep, ``decision`` is who cancelled it and why; of one whose best trial an earlier sweep has
    trained, what was decided about it then.
    """

    sweep: str
    state: str
    metric: str
    url: str
    standings: tuple[Standing, ...]
    finalist: str = ""
    champion: str = ""
    decision: str = ""
    warnings: tuple[str, ...] = ()
    """What deserves a look in the data."""
    metrics: tuple[str, ...] = ()
    """What is tracked beside the metric that ranks."""
    search: str = ""
    """How a search spent its budget, or how far it is; empty for a whole grid."""


def read(name: str, settings: Settings) -> Leaderboard:
    """The leaderboard of the sweep with this id, or of the latest sweep of this name.

    Raises:
        NotFoundError: MLflow knows no such sweep (yet).
    """
    sweep_id, status = _latest(name, settings)
    planned = _opened(sweep_id, settings)
    champion = planned.registry.champion(planned.spec.model)
    entries = planned.registry.history(planned.spec.model)
    judged = next((each for each in entries if each.sweep == sweep_id and each.record), None)
    standings = ranking.leaderboard(stand(planned), planned.spec.metric)
    other = reason_of(planned.workspace, sweep_id) or judged_before(planned, standings)
    return Leaderboard(
        sweep=sweep_id,
        state=status,
        metric=planned.spec.metric,
        url=run_url(settings.mlflow_pages, planned.plan.experiment_id, planned.plan.parent_run_id),
        standings=standings,
        finalist=judged.version if judged else "",
        champion=champion.version if champion else "",
        decision=judged.reason if judged else other,
        warnings=planned.plan.warnings,
        metrics=planned.spec.metrics,
        search=_search(planned, standings, status),
    )


def _search(planned: PlannedSweep, standings: tuple[Standing, ...], status: str) -> str:
    if status == "RUNNING" and (words := state_of(planned).words):
        return f"{words[:1].upper()}{words[1:]}."
    return told_of_search(planned, standings)


def _opened(sweep_id: str, settings: Settings) -> PlannedSweep:
    """A planned sweep; of one that waits for another it is told that it does."""
    try:
        return open_planned(sweep_id, settings)
    except NotFoundError:
        others = waits_for(sweep_id, Workspace(settings.workspace))
        if not others:
            raise
        raise NotFoundError(str(OverlapError(sweep_id, others))) from None


def _latest(name: str, settings: Settings) -> tuple[str, str]:
    try:
        return Tracking(settings.tracking_uri).latest_sweep(name)
    except NotFoundError:
        found = progress.submitted(name, settings)
        if not found:
            raise
        workspace = Workspace(settings.workspace)
        if cancelled := next(filter(None, (reason_of(workspace, each) for each in found)), ""):
            message = f"{cancelled} It had not begun. Go on by sweepstake retry {name}"
            raise NotFoundError(message) from None
        message = f"{name}: must have begun, but is not planned yet. Ask again in some seconds; "
        message += "where nothing happens, sweepstake status tells why."
        raise NotFoundError(message) from None
