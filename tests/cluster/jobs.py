"""What is asked of a cluster: sweeps, and what has become of them."""

import json
import time

from cluster import WORKERS

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
name: NAME
model: NAME
data: {source: "sklearn:digits", holdout: 0.25}
estimator: RandomForestClassifier
params: {n_estimators: 150}
grid:
  min_samples_leaf: [1, 2, 3, 4, 5, 6, 7, 8]
  max_features: [4, 8]
metric: f1_macro
cv: 3
limits: {trials_per_task: 1}
"""
TRIALS = 16
"""Of ``FORESTS``; some four seconds of a core each."""
WATCHERS = ("dag-processor", "triggerer", *WORKERS)
PATIENCE_SECONDS = 300


def drop(cluster, name, text):
    """Put a grid file on every host that looks at the folder."""
    for host in WATCHERS:
        folder = cluster.hosts[host].disk / "grids"
        (folder / f".{name}").write_text(text.replace("NAME", name))
        (folder / f".{name}").replace(folder / f"{name}.yaml")


def ask(cluster, *words):
    """What the command line answers on the scheduler's host."""
    done = cluster.run("scheduler", "sweepstake", *words, "--json")
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


def await_training(cluster, name, hosts=WORKERS):
    """The first of these hosts that has logged a training task of a sweep."""
    pattern = f"airflow/logs/dag_id=sweep/run_id={name}*/task_id=train/*/*.log"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for host in hosts:
            if any(cluster.hosts[host].disk.glob(pattern)):
                return host
        time.sleep(0.2)
    raise TimeoutError(name)


def check_whole(cluster, name):
    """Wait for a sweep of forests; each trial has ended well and is one version, no more."""
    board = wait(cluster, "leaderboard", name, until=finished)
    states = [standing["state"] for standing in board["standings"]]
    versions = {standing["version"] for standing in board["standings"]}
    assert (["COMPLETE"] * TRIALS, TRIALS) == (states, len(versions))
    return board
