"""Notify: tells receivers how each sweep ended; there only where the operator names some."""

from datetime import timedelta

from airflow.sdk import dag

from sweepstake.airflow.adapter import PATIENT, ROUNDS, on_change_or_time, task
from sweepstake.settings import load_settings

RECEIVER = "{{ task.op_kwargs['receiver'] }}"
LONGEST = timedelta(minutes=2)
"""A receiver that takes longer is interrupted."""


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
    def look() -> list[str]:
        from sweepstake.airflow.notifying import look

        return look()

    # The next run tries again: meanwhile no other receiver is to wait for one that fails.
    @task(retries=0, execution_timeout=LONGEST, map_index_template=RECEIVER)
    def tell(receiver: str) -> None:
        from sweepstake.airflow.notifying import tell

        tell(receiver)

    tell.expand(receiver=look())


if load_settings().notifiers:
    made = notify()
