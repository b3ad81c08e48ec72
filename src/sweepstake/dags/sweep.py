"""One sweep: plan its trials, train them in parallel, close the books.

A run is started by the intake DAG, whose drop is its configuration: `file`, `snapshot`, `sweep`.
"""

from airflow.sdk import dag

from sweepstake.airflow import PATIENT
from sweepstake.intake import Drop
from sweepstake.taskgraph import plan_train_close


@dag(schedule=None, default_args=PATIENT, tags=["sweepstake"], doc_md=__doc__)
def sweep() -> None:
    plan_train_close(lambda run: Drop(**run.conf))


made = sweep()
