"""Outages: MLflow is away for two minutes, then the database restarts, while a sweep runs."""

from __future__ import annotations

import time
from dataclasses import dataclass

import mlflow
import pytest

from sweepstake import embedded
from sweepstake.airflow_client.api import AirflowApi
from sweepstake.embedded import supervisor
from sweepstake.embedded.layout import Layout
from sweepstake.errors import SweepstakeError
from sweepstake.gridfile import loader

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.timeout(0),
    # MLflow's import of its own agent types warns about them
    pytest.mark.filterwarnings("ignore:(?s).*Any type hint is inferred as AnyType:UserWarning"),
]

PATIENCE_SECONDS = 900
AWAY_SECONDS = 120
NAME = "outage"
TRIALS = 30
GRID = f"""\
data: {{source: "sklearn:digits", holdout: 0.25}}
estimator: ExtraTreesClassifier
params: {{n_estimators: 60}}
grid: {{min_samples_leaf: {list(range(1, TRIALS + 1))}}}
cv: 3
limits: {{trials_per_task: 3}}
"""


@dataclass(frozen=True)
class Swept:
    """A sweep that has ended, its DAG run, and the tries that its training tasks took."""

    client: mlflow.MlflowClient
    sweep_id: str
    state: str
    tries: list[int]

    def children(self):
        """The child runs, by number."""
        found = trials(self.client)
        return sorted(found, key=lambda run: int(run.data.tags["sweepstake.trial_number"]))


def trials(client, status="%"):
    """The child runs in a state."""
    experiment = client.get_experiment_by_name(NAME)
    query = f"tags.`sweepstake.role` = 'trial' and attributes.status LIKE '{status}'"
    return client.search_runs([experiment.experiment_id], query) if experiment else []


def wait(what, condition):
    """Wait until ``condition`` gives something true, and return it; no answer is none."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            found = condition()
        except (SweepstakeError, mlflow.MlflowException):
            found = None
        if found:
            return found
        time.sleep(1)
    raise TimeoutError(what)


def stop(layout, name):
    """Stop a component and wait until its process is gone."""
    supervisor.stop(layout, [name])
    wait(f"the end of {name}", lambda: not supervisor.describe(layout)[name]["pid"])


def ended(api, sweep_id):
    """The state of the DAG run and the tries of its training tasks, once it is over."""
    path = f"/dags/sweep/dagRuns/{sweep_id}"
    state = api.call("GET", path).json()["state"]
    if state not in {"success", "failed"}:
        return None
    tasks = api.call("GET", f"{path}/taskInstances?limit=100").json()["task_instances"]
    return state, [task["try_number"] for task in tasks if task["task_id"] == "train"]


@pytest.fixture(scope="module")
def swept(stack):
    """Drop a sweep; take MLflow away and the database down while it trains; wait for its end."""
    settings, layout = stack.settings, Layout(stack.settings.home)
    sweep_id = loader.parse(GRID.encode(), f"{NAME}.yaml", settings).sweep_id
    (settings.grids / f"{NAME}.yaml").write_text(GRID, encoding="utf-8")
    client = mlflow.MlflowClient(settings.tracking_uri)
    wait("three trials", lambda: len(trials(client, "FINISHED")) > 2)
    stop(layout, "mlflow")
    time.sleep(AWAY_SECONDS)
    supervisor.start(layout, ["mlflow"])
    wait("more trials", lambda: len(trials(client, "FINISHED")) > TRIALS / 2)
    stop(layout, "postgres")
    supervisor.start(layout, ["postgres"])
    password = settings.airflow_password
    with AirflowApi(settings.airflow_url, settings.airflow_user, password) as api:
        state, tries = wait(sweep_id, lambda: ended(api, sweep_id))
    wait("its champion", lambda: client.get_model_version_by_alias(NAME, "champion"))
    embedded.up(settings, stack.said.append, stack.environ)
    return Swept(client, sweep_id, state, tries)


def test_tasks_are_tried_again_until_the_server_is_back(swept):
    """The sweep succeeds, and some of its tasks needed more than one try."""
    assert ("success", True) == (swept.state, max(swept.tries) > 1)


def test_nothing_is_lost_or_doubled(swept):
    """Each trial is one finished run and one version."""
    runs = swept.children()
    assert [(str(n), "FINISHED") for n in range(TRIALS)] == [
        (run.data.tags["sweepstake.trial_number"], run.info.status) for run in runs
    ]
    versions = swept.client.search_model_versions(f"name = '{NAME}'")
    assert sorted(run.info.run_id for run in runs) == sorted(each.run_id for each in versions)


def test_no_figure_is_logged_twice(swept):
    """The score of each fold is there once."""
    for run in swept.children():
        history = swept.client.get_metric_history(run.info.run_id, "cv_f1_macro")
        assert [0, 1, 2] == sorted(point.step for point in history)
