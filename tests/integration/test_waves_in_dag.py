"""A search in waves, run by Airflow's scheduler in one process, beside the same one without it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweepstake.domain.trial import TrialState
from sweepstake.sweeps import asking, leaderboard, sweep
from sweepstake.sweeps.planned_sweep import open_planned

DAGS = Path(__file__).parents[2] / "src" / "sweepstake" / "dags"
GRID = {"max_depth": {"min": 1, "max": 9}, "ccp_alpha": {"min": 0.0001, "max": 0.1, "log": True}}
RUN = """if True:
    import json, sys
    from pathlib import Path
    from airflow.dag_processing.dagbag import DagBag
    from airflow.utils.db import initdb

    dags, snapshot, out = sys.argv[1:]
    initdb()
    bag = DagBag(Path(dags), bundle_path=Path(dags), bundle_name="dags-folder")
    run = bag.dags["sweep"].test(run_conf={"snapshot": snapshot})
    states = {}
    for task in run.get_task_instances():
        states.setdefault(str(task.task_id), []).append(str(task.state))
    Path(out).write_text(json.dumps({"state": str(run.state), "tasks": states}))
"""


@pytest.fixture
def in_airflow(settings, tmp_path):
    """A function that runs the DAG of a drop in a process of its own; what became of its tasks."""

    def run(drop):
        out = tmp_path / "states.json"
        environ = {
            **os.environ,
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "SWEEPSTAKE_HOME": str(settings.home),
            "SWEEPSTAKE_GRIDS": str(settings.grids),
            "MLFLOW_TRACKING_URI": settings.tracking_uri,
        }
        command = [sys.executable, "-c", RUN, str(DAGS), drop.snapshot, str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
        assert 0 == done.returncode, done.stderr[-3000:]
        return json.loads(out.read_text())

    return run


def test_airflow_trains_the_waves_that_a_run_without_it_trains(submit, in_airflow, settings, name):
    """The same trials in the same order; the tasks of waves that are not needed are skipped."""
    search = {"method": "halving", "trials": 3}
    drop = submit(grid=GRID, search=search)
    found = in_airflow(drop)
    tasks = found["tasks"]
    assert "success" == found["state"]
    assert [["success"]] * 3 == [tasks[task] for task in ("train", "waves.ask_1", "waves.train_1")]
    assert {"skipped"} == {
        state for wave in range(2, 16) for state in tasks[f"waves.train_{wave}"]
    } | {state for wave in range(2, 16) for state in tasks[f"waves.ask_{wave}"]}
    standings = leaderboard.read(drop.sweep, settings).standings
    assert [TrialState.COMPLETE] * 4 == [each.state for each in standings]
    other = submit(grid=GRID, search=search, name=f"{name}-alone")
    first = sweep.plan(other, settings)
    for batches in itertools.chain([first], asking.later_waves(other.sweep, settings)):
        for batch in batches:
            sweep.train(batch, settings)
    planned = [open_planned(each.sweep, settings) for each in (drop, other)]
    chosen = [[trial.estimator for trial in each.trials] for each in planned]
    assert chosen[0] == chosen[1]
