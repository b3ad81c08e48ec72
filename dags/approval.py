"""Approval: one run for each promotion that somebody is asked about."""

from typing import Any

from airflow.sdk import dag

from sweepstake.airflow.adapter import PATIENT, ROUNDS, task
from sweepstake.airflow.asking import AskApproval
from sweepstake.champions.approval import DAG_ID


@dag(dag_id=DAG_ID, schedule=None, default_args=PATIENT, tags=["sweepstake"], doc_md=__doc__)
def approval() -> None:
    @task(outlets=[ROUNDS])
    def settle(given: dict[str, Any], dag_run: Any = None) -> None:
        from sweepstake.airflow.asking import take_answer

        take_answer(dag_run.conf, given)

    answered: Any = AskApproval(task_id="ask").output
    settle(answered)


made = approval()
