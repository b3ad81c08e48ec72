"""Our way: a grid file is dropped into the watched folder of the warm stack."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bench.stack import wait
from bench.timeline import Ended, Timeline, build

from sweepstake.gridfile import loader
from sweepstake.storage.store import write_atomically

if TYPE_CHECKING:
    from bench.stack import Stack
    from bench.workloads import Workload

PAGE = 1000


def sweep(
    stack: Stack, workload: Workload, model: str, *, judged: bool = True, **limits: int
) -> Timeline:
    """Drop the grid file and wait for the leaderboard, and for the champion if it is to be judged.

    Raises:
        RuntimeError: the sweep failed, or it did not keep a version of each trial.
    """
    content, file = workload.grid_file(model, **limits), f"{model}.json"
    sweep_id = loader.parse(content, file, stack.settings).sweep_id
    dropped = time.time()
    write_atomically(stack.settings.grids / file, content)
    run = wait("the sweep to end", lambda: ended(stack, sweep_id))
    champion = wait("the champion", lambda: _judgement(stack, model, run)) if judged else None
    return build(dropped, _collect(stack, model, run, champion))


def ended(stack: Stack, sweep_id: str) -> dict[str, Any] | None:
    """The sweep's run once it is over."""
    found = stack.ask("/dags/sweep/dagRuns", run_id_pattern=sweep_id, limit=1)["dag_runs"]
    if not found or found[0]["state"] not in {"success", "failed"}:
        return None
    if found[0]["state"] == "failed":
        message = f"sweep {sweep_id}: must succeed, but failed. Its logs are in {stack.folder}."
        raise RuntimeError(message)
    return dict(found[0])


def _judgement(stack: Stack, model: str, run: dict[str, Any]) -> dict[str, Any] | None:
    """The run of the champion DAG that has judged the model, once it is over."""
    pending = f"name = '{model}' and tags.`sweepstake.decision` = 'pending'"
    if stack.mlflow.search_model_versions(pending, max_results=1):
        return None
    recent = stack.ask("/dags/champion/dagRuns", order_by="-start_date", limit=5)["dag_runs"]
    over = (r for r in recent if r["state"] == "success" and r["end_date"] > run["start_date"])
    return next((each for each in over if _judged(stack, each, model)), None)


def _judged(stack: Stack, champion: dict[str, Any], model: str) -> bool:
    """Whether this run of the champion DAG was about the model."""
    tasks = stack.tasks("champion", champion["dag_run_id"])
    return any(t["task_id"] == "judge" and t["rendered_map_index"] == model for t in tasks)


def _collect(
    stack: Stack, model: str, run: dict[str, Any], champion: dict[str, Any] | None
) -> Ended:
    """Everything that the servers know about the sweep."""
    experiment = stack.mlflow.get_experiment_by_name(model).experiment_id
    of_sweep = f"tags.`sweepstake.sweep` = '{run['dag_run_id']}'"
    runs = every(stack.mlflow.search_runs, [experiment], of_sweep)
    versions = every(stack.mlflow.search_model_versions, f"name = '{model}' and {of_sweep}")
    (parent,) = (each for each in runs if "mlflow.parentRunId" not in each.data.tags)
    children = [each.info for each in runs if each is not parent]
    if len(children) != len(versions):
        message = f"{model}: must keep a version for each of {len(children)} runs, "
        raise RuntimeError(message + f"but has {len(versions)}.")
    return Ended(
        run=run,
        tasks=stack.tasks("sweep", run["dag_run_id"]),
        children=[(info.start_time, info.end_time) for info in children],
        versions=[version.creation_timestamp for version in versions],
        parent_end=parent.info.end_time,
        champion=champion,
        judged=stack.tasks("champion", champion["dag_run_id"]) if champion else (),
    )


def every(search: Any, *query: Any) -> list[Any]:
    """All pages of a search."""
    found, token = [], None
    while True:
        page = search(*query, max_results=PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found
