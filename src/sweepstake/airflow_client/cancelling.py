"""Cancelling: a sweep that Airflow runs ends before its time, and keeps what it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.airflow_client.backfill_api import BackfillApi
from sweepstake.airflow_client.retrying import DAG, find
from sweepstake.errors import NotFoundError
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import cancellation
from sweepstake.wording.markup import escaped

if TYPE_CHECKING:
    from sweepstake.settings import Settings

LIVE = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The run of a sweep, the sweep, and whether there was anything to cancel."""

    dag: str
    run: str
    sweep: str
    was_live: bool


def cancel(name: str, by: str, why: str, settings: Settings) -> Cancelled:
    """End a sweep: the trial at hand is given up, none is begun, and those that are done stay.

    ``name`` is the sweep's id, or its name: then its latest run is meant. One that has ended is
    left alone.

    Raises:
        NotFoundError: Airflow has no run of such a sweep, or it has not begun.
        StackError: Airflow does not answer.
    """
    with BackfillApi.of(settings) as api:
        dag, run = find(name, api, settings)
        sweep = run if dag == DAG else api.sweep_of(dag, run)
        if not sweep:
            message = f"{run}: must have begun, but waits for its turn. Mark the run as failed at "
            raise NotFoundError(message + api.run_url(dag, run))
        was_live = api.run_state(dag, run) in LIVE
        if was_live:
            api.note(dag, run, escaped(f"Cancelled by {by}. {why}".strip()))
            cancellation.note(Workspace(settings.workspace), sweep, by, why)
    return Cancelled(dag, run, sweep, was_live)
