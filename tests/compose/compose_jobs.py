"""What is asked of a project: sweeps, and what has become of them."""

import mlflow
import pytest
from project import until

TREES = """\
name: NAME
model: NAME
data: {source: "sklearn:digits", holdout: 0.25}
estimator: DecisionTreeClassifier
grid:
  max_depth: [2, 5, 9]
  min_samples_leaf: [1, 8]
metric: f1_macro
cv: 3
limits: {trials_per_task: 1}
"""
TRIALS = 6
"""Of ``TREES``, each in a task of its own."""


@pytest.fixture(scope="module")
def client(project):
    """MLflow's own client, as a reader outside of the containers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_USERNAME", "reader")
        patch.setenv("MLFLOW_TRACKING_PASSWORD", project.secret("MLFLOW_READER_PASSWORD"))
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        yield mlflow.MlflowClient(f"http://{project.address}:5000")


def sweeps(client, name):
    """The parent runs of a sweep."""
    experiment = client.get_experiment_by_name(name)
    query = f"tags.`mlflow.runName` LIKE '{name}%'"
    found = client.search_runs([experiment.experiment_id], query) if experiment else []
    return [run for run in found if "mlflow.parentRunId" not in run.data.tags]


def await_champion(client, model):
    """The version that has the alias."""
    return until(
        f"champion of {model}", lambda: client.get_model_version_by_alias(model, "champion")
    )


def await_training(project, name):
    """Wait until a training task of a sweep runs."""

    def running():
        runs = [
            each["dag_run_id"]
            for each in project.airflow("/dags/sweep/dagRuns", order_by="-run_after")["dag_runs"]
            if each["dag_run_id"].startswith(f"{name}__")
        ]
        tasks = project.airflow(f"/dags/sweep/dagRuns/{runs[0]}/taskInstances") if runs else {}
        return any(
            each["task_id"] == "train" and each["state"] in ("running", "success")
            for each in tasks.get("task_instances", ())
        )

    until(f"training of {name}", running)


def check_whole(client, name, trials=TRIALS):
    """Wait for a sweep's champion; each of its trials has ended well and is one version."""
    champion = await_champion(client, name)
    until(f"end of {name}", lambda: [r.info.status for r in sweeps(client, name)] == ["FINISHED"])
    experiment = client.get_experiment_by_name(name).experiment_id
    runs = client.search_runs([experiment], max_results=1000)
    trained = [run.info.status for run in runs if "mlflow.parentRunId" in run.data.tags]
    versions = client.search_model_versions(f"name = '{name}'")
    assert (["FINISHED"] * trials, trials) == (trained, len(versions))
    return champion
