"""Retrying: what failed in a sweep that Airflow has run is done again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sweepstake.airflow_api import AirflowApi
from sweepstake.dailies import PREFIX
from sweepstake.errors import NotFoundError

if TYPE_CHECKING:
    from sweepstake.settings import Settings

DAG = "sweep"


def retry(name: str, settings: Settings) -> tuple[str, str]:
    """Plan a sweep anew, train what is not COMPLETE and close it; returns its DAG's and run's ids.

    ``name`` is the sweep's id, or its name: then its latest run is meant. Trials that are COMPLETE
    stay as they are, those that failed are trained again.

    Raises:
        NotFoundError: Airflow has no run of such a sweep.
        StackError: Airflow does not answer.
    """
    mine = re.compile(re.escape(name) + "(__[0-9a-f]{12})?")
    with AirflowApi.of(settings) as api:
        found = [(DAG, run) for run in api.runs(DAG, name) if mine.fullmatch(run)]
        found = found or [(PREFIX + name, run) for run in api.runs(PREFIX + name)]
        if not found:
            message = f"{name}: must be a sweep's name or id, but Airflow has run none such. "
            raise NotFoundError(message + f"Look at {settings.airflow_url}/dags/{DAG}.")
        api.clear(*found[0], "plan")
    return found[0]
