"""Intake: one sweep for each content that appears in the watched folder."""

from typing import Any

from airflow.sdk import dag

from sweepstake.airflow.adapter import (
    PATIENT,
    grid_folder,
    new_sweeps,
    on_change_or_time,
    start_sweep,
    task,
)
from sweepstake.settings import load_settings


@dag(
    schedule=on_change_or_time("* * * * *", grid_folder(load_settings().grids)),
    catchup=False,
    max_active_runs=1,
    default_args=PATIENT,
    tags=["sweepstake"],
    doc_md=__doc__,
)
def intake() -> None:
    @task()
    def scan() -> list[dict[str, Any]]:
        from sweepstake.intake.intake import scan

        return new_sweeps(scan(load_settings()))

    start_sweep(task_id="start").expand_kwargs(scan())


made = intake()
