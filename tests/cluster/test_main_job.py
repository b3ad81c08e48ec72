"""The main job on hosts that share no disk."""

import json
import time

import pytest

from cluster import WORKERS

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(400)]

GRID = """\
name: NAME
model: digits
data: {source: "sklearn:digits", holdout: 0.25}
estimator: DecisionTreeClassifier
grid:
  max_depth: [2, 5, 9]
  min_samples_leaf: [1, 8]
metric: f1_macro
cv: 3
"""
FORESTS = """\
name: killed
model: forests
data: {source: "sklearn:digits", holdout: 0.25}
estimator: RandomForestClassifier
grid:
  n_estimators: [150, 200]
  min_samples_leaf: [1, 2, 3, 4, 5, 6, 7, 8]
metric: f1_macro
cv: 3
"""
WATCHERS = ("dag-processor", "triggerer", *WORKERS)
PATIENCE_SECONDS = 240


def drop(cluster, name, text):
    """Put a grid file on every host that looks at the folder."""
    for host in WATCHERS:
        folder = cluster.hosts[host].disk / "grids"
        (folder / f".{name}").write_text(text)
        (folder / f".{name}").replace(folder / f"{name}.yaml")


def ask(cluster, *words):
    """What the command line answers on the scheduler's host."""
    done = cluster.hosts["scheduler"].run(("sweepstake", *words), cluster.environment("scheduler"))
    return json.loads(done.stdout) if done.returncode == 0 else None


def wait(cluster, *words, until=bool):
    """The answer once it is as wished."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = ask(cluster, *words)
        if answer and until(answer):
            return answer
        cluster.check_alive()
        time.sleep(1)
    raise TimeoutError(words)


def finished(board):
    """Whether the sweep of a leaderboard has ended well."""
    return board["state"] == "FINISHED"


@pytest.fixture(scope="module")
def swept(cluster):
    """A sweep that has ended, and its champion's answer."""
    drop(cluster, "main-job", GRID.replace("NAME", "main-job"))
    return wait(cluster, "champion", "digits", "--json")


def test_a_grid_file_becomes_a_champion_through_s3(cluster, swept):
    """Plans, staged data and models pass from host to host in the bucket alone."""
    board = ask(cluster, "leaderboard", "main-job", "--json")
    assert 6 == len(board["standings"])
    bucket = cluster.hosts["minio"].disk / "buckets" / "sweepstake"
    assert {"mlflow", "workspace"} <= {path.name for path in bucket.iterdir()}


def training(cluster, sweep):
    """The workers that have logged training tasks of a sweep."""
    pattern = f"airflow/logs/dag_id=sweep/run_id={sweep}*/task_id=train/*/*.log"
    return [host for host in WORKERS if [*cluster.hosts[host].disk.glob(pattern)]]


def test_the_trials_of_a_killed_host_are_finished_by_the_other(cluster, swept):
    """A worker host that dies in the middle of a sweep costs time, and no trial."""
    drop(cluster, "killed", FORESTS)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := training(cluster, "killed")) and time.monotonic() < deadline:
        time.sleep(0.2)
    victim = found[0]
    cluster.hosts[victim].kill()
    board = wait(cluster, "leaderboard", "killed", "--json", until=finished)
    cluster.launch(victim)
    assert 16 == len(board["standings"])
