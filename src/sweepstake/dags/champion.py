"""Champion: judge new model versions against the incumbent on the same holdout rows."""

from typing import Any

from airflow.sdk import dag

from sweepstake.airflow import MODEL_VERSIONS, PATIENT, closed_days, on_change_or_time, task
from sweepstake.settings import load_settings
from sweepstake.workspace import Workspace

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
    def find(dag_run: Any = None) -> list[dict[str, str]]:
        from sweepstake.champion import find

        rounds = find(dag_run.run_id, load_settings())
        return [{"key": judged.key, "model": judged.model} for judged in rounds]

    @task()
    def divide(rounds: Any) -> list[dict[str, Any]]:
        from dataclasses import asdict

        from sweepstake.champion import divide

        return [
            asdict(heat) for judged in rounds for heat in divide(**judged, settings=load_settings())
        ]

    @task(map_index_template="{{ task.op_kwargs['heat']['label'] }}")
    def score(heat: dict[str, Any]) -> None:
        from sweepstake.champion import Heat, score

        score(Heat(**heat), load_settings())

    @task(map_index_template="{{ task.op_kwargs['judged']['model'] }}", trigger_rule="all_done")
    def decide(judged: dict[str, str]) -> dict[str, str]:
        from sweepstake.champion import judge

        judge(**judged, settings=load_settings())
        return judged

    @task(map_index_template="{{ task.op_kwargs['judged']['model'] }}", trigger_rule="all_done")
    def promote(judged: dict[str, str]) -> None:
        from sweepstake.champion import promote

        promote(**judged, settings=load_settings())

    @task()
    def past() -> list[str]:
        from sweepstake.asof import models

        return list(models(load_settings()))

    @task(map_index_template="{{ task.op_kwargs['model'] }}")
    def replay(model: str) -> None:
        from sweepstake.asof import replay

        replay(model, load_settings())

    @task(trigger_rule="none_failed")
    def tell_faults() -> None:
        from sweepstake.modelfaults import tell

        tell(Workspace(load_settings().workspace))

    rounds = find()
    decided = decide.expand(judged=rounds)
    score.expand(heat=divide(rounds)) >> decided
    promote.expand(judged=decided)
    models = past()
    rounds >> models
    [models, decided] >> tell_faults()
    replay.expand(model=models)


made = champion()
