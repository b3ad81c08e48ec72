"""One sweep: plan its trials, train them in parallel, close the books.

A run is started by the intake DAG. Its configuration is `snapshot`, the SHA-256 of a grid file that
intake has kept.
"""

from airflow.sdk import dag

from sweepstake.airflow.adapter import PATIENT
from sweepstake.airflow.task_graph import plan_train_close
from sweepstake.intake.intake import asked_for
from sweepstake.settings import load_settings


@dag(schedule=None, default_args=PATIENT, tags=["sweepstake"], doc_md=__doc__)
def sweep() -> None:
    plan_train_close(lambda run: asked_for(run.conf, load_settings()))


made = sweep()
