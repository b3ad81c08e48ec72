"""The page Sweeps over sweeps of every kind, made by the real code without Airflow's scheduler.

``with running(folder) as shown`` has an MLflow server and an api-server; what is swept is small.
"""

from __future__ import annotations

import json
import signal
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import airflowserver
from airflowserver import Airflow
from mlflowserver import Server, free_port

from sweepstake.champions import rounds
from sweepstake.intake import intake
from sweepstake.mlflow_client.connection import prepare_environment
from sweepstake.settings import Settings, load_settings
from sweepstake.sweeps import sweep
from sweepstake.sweeps.planned_sweep import open_planned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODEL = "flowers"
HOSTILE = "<img src=x onerror=alert(1)>"
"""A text that is markup if anything draws it as such."""


@dataclass(frozen=True)
class Shown:
    """The servers, and the ids of sweeps by what they are."""

    airflow: Airflow
    settings: Settings
    first: str
    """Complete; its best was the first champion."""
    second: str
    """Complete; its best took over from the first, and one of its trials failed."""
    waiting: str
    """Queued in Airflow, and not planned."""
    running: str
    """At work: half of its trials are trained."""


@contextmanager
def running(folder: Path) -> Iterator[Shown]:
    """Everything, as it is when somebody opens the page."""
    _import_mlflow()
    (folder / "mlflow").mkdir()
    (folder / "grids").mkdir()
    mlflow = Server(folder / "mlflow", free_port(), ("--app-name", "sweepstake"))
    mlflow.start()
    environ = {
        "SWEEPSTAKE_HOME": str(folder / "home"),
        "SWEEPSTAKE_GRIDS": str(folder / "grids"),
        "MLFLOW_TRACKING_URI": mlflow.uri,
    }
    try:
        settings = load_settings(environ)
        ids = _sweeps(settings)
        with airflowserver.running(folder, free_port(), environ) as airflow:
            _add_runs(airflow, ids)
            yield Shown(airflow, settings, **ids)
    finally:
        mlflow.signal(signal.SIGKILL)


def _import_mlflow() -> None:
    """Import it with its warnings about itself, before warnings count as errors."""
    prepare_environment()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc
        import mlflow.sklearn  # noqa: F401


def _sweeps(settings: Settings) -> dict[str, str]:
    first = _drop(settings, "flowers-first", grid={"max_depth": [1], "criterion": ["gini"]})
    second = _drop(settings, "flowers-second", grid={"max_depth": [2, 3, 4, 5]})
    going = _drop(settings, "flowers-running", grid={"min_samples_leaf": [2, 3, 4, 5]})
    _run(first, settings)
    rounds.judge(MODEL, settings)
    _run(second, settings)
    _fail_one(second.sweep, settings)
    rounds.judge(MODEL, settings)
    batches = sweep.plan(going, settings)
    sweep.train(batches[0], settings)
    waiting = "flowers-waiting__0123456789ab"
    return {
        "first": first.sweep,
        "second": second.sweep,
        "waiting": waiting,
        "running": going.sweep,
    }


def _drop(settings: Settings, name: str, **changes: Any) -> intake.Drop:
    grid = {
        "name": name,
        "model": MODEL,
        "data": {"source": "sklearn:iris"},
        "estimator": "DecisionTreeClassifier",
        "cv": 3,
        "metric": "accuracy",
        "limits": {"trials_per_task": 2, "max_failed": 0.5},
    }
    content = json.dumps({**grid, **changes}).encode()
    return intake.drop(content, name, f"{name}.json", settings)


def _run(drop: intake.Drop, settings: Settings) -> None:
    for batch in sweep.plan(drop, settings):
        sweep.train(batch, settings)
    sweep.close(drop.sweep, settings)


def _fail_one(sweep_id: str, settings: Settings) -> None:
    """Let the last trial have failed, for a reason that is markup."""
    planned = open_planned(sweep_id, settings)
    *_, last = planned.tracking.children(planned.sweep)
    planned.tracking.client.set_tag(last.run_id, "sweepstake.error", f"It broke: {HOSTILE}")
    planned.tracking.client.update_run(last.run_id, status="FAILED")
    sweep.close(sweep_id, settings)


def _add_runs(airflow: Airflow, ids: dict[str, str]) -> None:
    states = {"first": "success", "second": "success", "waiting": "queued", "running": "running"}
    for kind, state in states.items():
        airflow.add_run("sweep", ids[kind], state)
    batches = [
        {"sweep": ids["second"], "first": 0, "last": 1, "label": "trials 0000 to 0001"},
        {"sweep": ids["second"], "first": 2, "last": 3, "label": "trials 0002 to 0003"},
    ]
    airflow.push("sweep", ids["second"], "plan", "return_value", batches)
