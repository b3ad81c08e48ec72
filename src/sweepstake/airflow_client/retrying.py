"""Retrying: what failed in a sweep that Airflow has run is done again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.airflow_client.backfill_api import BackfillApi
from sweepstake.errors import NotFoundError
from sweepstake.intake.daily_files import PREFIX
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import cancellation, progress

if TYPE_CHECKING:
    from sweepstake.airflow_client.api import AirflowApi
    from sweepstake.settings import Settings

DAG = "sweep"
OF_A_DAY = re.compile(r"__[0-9a-f]{12}__\d{4}-\d{2}-\d{2}$")
"""How the id of a sweep on the data of a day ends."""


@dataclass(frozen=True, slots=True)
class Retried:
    """The run of a sweep, and whether it had anything left to do."""

    dag: str
    run: str
    goes_on: bool


def retry(name: str, settings: Settings) -> Retried:
    """Plan a sweep again, train what is not COMPLETE and close it.

    ``name`` is the sweep's id, or its name: then its latest run is meant. Trials that are COMPLETE
    stay as they are, those that failed are trained again. One that did all it had to is left alone,
    also while its report is made; one that was cancelled goes on.

    Raises:
        NotFoundError: Airflow has no run of such a sweep.
        StackError: Airflow does not answer.
    """
    with BackfillApi.of(settings) as api:
        dag, run = find(name, api, settings)
        sweep = run if dag == DAG else api.sweep_of(dag, run)
        if sweep:
            _lift(sweep, Workspace(settings.workspace))
        goes_on = dag != DAG or api.run_state(dag, run) == "failed" or _is_left(run, settings)
        if goes_on:
            api.clear(dag, run, "plan")
    return Retried(dag, run, goes_on)


def find(name: str, api: AirflowApi, settings: Settings) -> tuple[str, str]:
    """The DAG and the id of the run of a sweep with this id, or of the latest of this name.

    Raises:
        NotFoundError: Airflow has no run of such a sweep.
    """
    if OF_A_DAY.search(name):
        return _of_a_day(name, settings)
    mine = re.compile(re.escape(name) + "(__[0-9a-f]{12})?")
    found = [(DAG, run) for run in api.runs(DAG, name) if mine.fullmatch(run)]
    found = found or [(PREFIX + name, run) for run in api.runs(PREFIX + name)]
    if not found:
        message = f"{name}: must be a sweep's name or id, but Airflow has run none such. "
        message += "A file that was just submitted begins within seconds: try again, or look at "
        raise NotFoundError(message + f"{settings.airflow_url}/dags/{DAG}.")
    return found[0]


def _of_a_day(sweep: str, settings: Settings) -> tuple[str, str]:
    """The run that was last at work on the sweep of a day, which has an id of its own."""
    try:
        dag, run = Workspace(settings.workspace).read_record(f"working/{sweep}")
    except NotFoundError:
        message = f"{sweep}: must have been run by Airflow, but was not. Backfill its day."
        raise NotFoundError(message) from None
    return dag, run


def _lift(sweep: str, workspace: Workspace) -> None:
    """Take a cancellation back; where there is none, nothing need be written."""
    if cancellation.reason_of(workspace, sweep):
        cancellation.lift(workspace, sweep)


def _is_left(sweep: str, settings: Settings) -> bool:
    """Whether a trial is not done yet; a run whose report alone is not made yet needs no retry."""
    try:
        now = progress.look(sweep, settings)
    except NotFoundError:  # it is not planned yet
        return True
    return now.complete + now.skipped < now.total
