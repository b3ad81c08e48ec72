"""What is asked of a cluster: sweeps, and what has become of them."""

import json
import time
from contextlib import suppress

import httpx

from cluster import PATIENCE_SECONDS, WORKERS

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


def drop(cluster, name, text):
    """Put a grid file on every host that looks at the folder."""
    for host in WATCHERS:
        folder = cluster.hosts[host].disk / "grids"
        (folder / f".{name}").write_text(text.replace("NAME", name))
        (folder / f".{name}").replace(folder / f"{name}.yaml")


def ask(cluster, *words):
    """What the command line answers where the operator runs it."""
    done = cluster.run("doctor", "sweepstake", *words, "--json")
    assert 0 == done.returncode, done.stdout + done.stderr
    return json.loads(done.stdout)


def wait(cluster, what, condition):
    """What a condition finds in MLflow, as a reader; the command line would cost a core."""
    password = cluster.services["users"].environment["MLFLOW_READER_PASSWORD"]
    url = f"http://{cluster.hosts['mlflow'].address}:5000/api/2.0/mlflow"
    headers = {"Host": "mlflow:5000"}
    deadline = time.monotonic() + PATIENCE_SECONDS
    with httpx.Client(
        base_url=url, auth=("reader", password), headers=headers, timeout=60
    ) as mlflow:
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError, ValueError):  # it may be down, or up by half
                if found := condition(mlflow):
                    return found
            cluster.check_alive()
            time.sleep(0.5)
    raise TimeoutError(what)


def await_champion(cluster, model):
    """The version of the first champion of a model."""

    def champion(mlflow):
        query = {"name": model, "alias": "champion"}
        answer = mlflow.get("/registered-models/alias", params=query)
        return answer.json()["model_version"]["version"] if answer.is_success else None

    return wait(cluster, f"champion of {model}", champion)


def await_end(cluster, name):
    """How the sweep of a model of the same name has ended."""

    def status(mlflow):
        query = {"experiment_name": name}
        found = mlflow.get("/experiments/get-by-name", params=query).json().get("experiment")
        if found is None:
            return None
        ours = f"tags.`mlflow.runName` LIKE '{name}__%'"
        body = {"experiment_ids": [found["experiment_id"]], "filter": ours}
        runs = mlflow.post("/runs/search", json=body).json().get("runs", [])
        ended = (run["info"]["status"] for run in runs if run["info"]["status"] != "RUNNING")
        return next(ended, None)

    return wait(cluster, f"end of {name}", status)


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


def check_whole(cluster, name, trials=TRIALS):
    """Wait for a sweep; each of its trials has ended well and is one version, no more."""
    assert "FINISHED" == await_end(cluster, name)
    board = ask(cluster, "leaderboard", name)
    states = [standing["state"] for standing in board["standings"]]
    versions = {standing["version"] for standing in board["standings"]}
    assert (["COMPLETE"] * trials, trials) == (states, len(versions))
    return board
