"""Champion: the best of each closed sweep meets the champion, on rows new to both."""

from typing import Any

from airflow.sdk import dag

from sweepstake.airflow.adapter import (
    MODEL_VERSIONS,
    PATIENT,
    ROUNDS,
    closed_days,
    on_change_or_time,
    task,
)
from sweepstake.airflow.asking import ask_in_airflow
from sweepstake.settings import load_settings
from sweepstake.storage.workspace import Workspace

CLOSED_DAYS = closed_days(Workspace(load_settings().workspace))


@dag(
    schedule=on_change_or_time("*/10 * * * *", MODEL_VERSIONS, CLOSED_DAYS),
    catchup=False,
    max_active_runs=1,
    default_args=PATIENT,
    tags=["sweepstake"],
    doc_md=__doc__,
)
def champion() -> None:
    @task()
    def find() -> list[str]:
        from sweepstake.champions.rounds import find

        return list(find(load_settings()))

    @task(map_index_template="{{ task.op_kwargs['model'] }}")
    def judge(model: str) -> None:
        from sweepstake.champions.rounds import judge

        judge(model, load_settings())

    @task()
    def past() -> list[str]:
        from sweepstake.champions.past_days import models

        return list(models(load_settings()))

    @task(map_index_template="{{ task.op_kwargs['model'] }}")
    def replay(model: str) -> None:
        from sweepstake.champions.past_days import replay

        replay(model, load_settings())

    @task(trigger_rule="none_failed")
    def tell_faults() -> None:
        from sweepstake.champions.model_faults import tell

        tell(Workspace(load_settings().workspace))

    @task(trigger_rule="all_done", outlets=[ROUNDS])
    def waiting() -> list[dict[str, Any]]:
        from sweepstake.airflow.asking import questions

        return questions()

    models = find()
    judged = judge.expand(model=models)
    days = past()
    models >> days
    [days, judged] >> tell_faults()
    replay.expand(model=days)
    questions = waiting()
    judged >> questions
    ask_in_airflow(task_id="ask").expand_kwargs(questions)


made = champion()
