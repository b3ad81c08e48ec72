"""Notify: tells receivers how each sweep ended; there only where the operator names some."""

from airflow.sdk import dag

from sweepstake.airflow import PATIENT, ROUNDS, on_change_or_time, task
from sweepstake.settings import load_settings


@dag(
    schedule=on_change_or_time("*/5 * * * *", ROUNDS),
    catchup=False,
    max_active_runs=1,
    default_args=PATIENT,
    tags=["sweepstake"],
    doc_md=__doc__,
)
def notify() -> None:
    @task()
    def tell() -> None:
        from sweepstake.notifying import tell

        tell()

    tell()


if load_settings().notifiers:
    made = notify()
