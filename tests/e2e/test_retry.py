"""Trying again on the real stack: by the command, and by a clear in Airflow."""

from __future__ import annotations

import json
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import mlflow
import pytest
from hands import Hands, send, wait
from typer.testing import CliRunner

from sweepstake.cli import main
from sweepstake.gridfile import loader
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import overlap

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(0),
    # MLflow's import of its own agent types warns about them
    pytest.mark.filterwarnings("ignore:(?s).*Any type hint is inferred as AnyType:UserWarning"),
]

PATIENCE_SECONDS = 600
NAME = "tried-again"
GRID = """\
data: {source: "sklearn:iris"}
estimator: DecisionTreeClassifier
grid: {max_depth: [1, 2, 3, 4]}
cv: 3
register: best
limits: {trials_per_task: 2}
"""


@dataclass(frozen=True)
class Swept:
    """A sweep that has ended, and the clients to ask about it."""

    settings: Any
    environ: dict
    sweep_id: str
    client: mlflow.MlflowClient
    headers: dict

    def runs(self):
        """Its parent run and its child runs, the latter by number."""
        experiment = self.client.get_experiment_by_name(NAME).experiment_id
        found = self.client.search_runs([experiment], "tags.`sweepstake.role` != 'ledger'")
        children = [run for run in found if "mlflow.parentRunId" in run.data.tags]
        (parent,) = (run for run in found if "mlflow.parentRunId" not in run.data.tags)
        return parent, sorted(children, key=number)

    def identities(self):
        """The ids of the child runs."""
        return [run.info.run_id for run in self.runs()[1]]

    def fail(self, position):
        """Let a trial that is not the best have failed."""
        _, children = self.runs()
        best = max(child.data.metrics["mean_cv_f1_macro"] for child in children)
        assert children[position].data.metrics["mean_cv_f1_macro"] < best
        self.client.update_run(children[position].info.run_id, status="FAILED")

    def clear(self, *tasks):
        """Clear tasks and what follows them, as the button in Airflow does; wait for the end."""
        body = {
            "dag_run_id": self.sweep_id,
            "task_ids": list(tasks),
            "include_downstream": True,
            "only_failed": False,
            "dry_run": False,
        }
        url = f"{self.settings.airflow_url}/api/v2/dags/sweep/clearTaskInstances"
        answer = httpx.post(url, json=body, headers=self.headers, timeout=60)
        assert answer.is_success, answer.text
        self.wait()

    def wait(self):
        """Wait for the DAG run to succeed."""
        url = f"{self.settings.airflow_url}/api/v2/dags/sweep/dagRuns/{self.sweep_id}"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError, KeyError):
                state = httpx.get(url, headers=self.headers, timeout=60).json()["state"]
                assert state != "failed"
                if state == "success":
                    return
            time.sleep(0.5)
        raise TimeoutError(self.sweep_id)


def number(run):
    """The number of a child run's trial."""
    return int(run.data.tags["sweepstake.trial_number"])


@pytest.fixture(scope="module")
def swept(stack):
    """A sweep of four trials in two tasks, of which the best becomes a version."""
    settings = stack.settings
    sweep_id = loader.parse(GRID.encode(), f"{NAME}.yaml", settings).sweep_id
    (settings.grids / f"{NAME}.yaml").write_text(GRID, encoding="utf-8")
    body = {"username": settings.airflow_user, "password": settings.airflow_password}
    token = httpx.post(f"{settings.airflow_url}/auth/token", json=body, timeout=60).json()[
        "access_token"
    ]
    client = mlflow.MlflowClient(settings.tracking_uri)
    headers = {"Authorization": f"Bearer {token}"}
    made = Swept(settings, stack.environ, sweep_id, client, headers)
    made.wait()
    return made


def is_whole(swept):
    """Whether there are four finished trials under a finished parent."""
    parent, children = swept.runs()
    ends = [(number(run), run.info.status) for run in children]
    return (parent.info.status, ends) == ("FINISHED", [(n, "FINISHED") for n in range(4)])


def changed(before, after):
    """The positions at which two lists differ."""
    return [n for n, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]


def test_retry_trains_only_what_failed(swept, monkeypatch):
    """`sweepstake retry NAME` replaces the failed run and leaves the others as they are."""
    for name, value in swept.environ.items():
        monkeypatch.setenv(name, value)
    before = swept.identities()
    swept.fail(0)
    result = CliRunner().invoke(main.app, ["retry", NAME])
    assert (0, True) == (result.exit_code, swept.sweep_id in result.output)
    swept.wait()
    assert is_whole(swept)
    assert [0] == changed(before, swept.identities())


def test_clearing_a_task_tries_its_failed_trials_again(swept):
    """The failed trial of the cleared batch is trained again, and the books are closed again."""
    before = swept.identities()
    swept.fail(0)
    swept.clear("train")
    assert is_whole(swept)
    assert [0] == changed(before, swept.identities())


@pytest.mark.parametrize("task", ["close", "plan"])
def test_clearing_where_nothing_failed_trains_nothing(swept, task):
    """`close` ranks and reports once more, `plan` finds nothing to do: each run stays as it is."""
    before, version = swept.identities(), versions(swept)
    swept.clear(task)
    assert is_whole(swept)
    assert (before, version) == (swept.identities(), versions(swept))


def grid(trees, leaves, **limits):
    """A grid file of one trial a task, whose trials take long by their many trees."""
    return json.dumps(
        {
            "data": {"source": "sklearn:iris"},
            "estimator": "ExtraTreesClassifier",
            "grid": {"n_estimators": [trees], "min_samples_leaf": leaves},
            "limits": {"trials_per_task": 1, **limits},
        }
    )


def test_cancel_ends_a_sweep_and_retry_does_the_rest(swept, monkeypatch):
    """Who cancelled it and why stands on its run in Airflow; what was done is not done again."""
    for name, value in swept.environ.items():
        monkeypatch.setenv(name, value)
    hands = Hands(swept.settings)
    (swept.settings.grids / "slow.json").write_text(grid(200, [1, 2, 3, 4]), encoding="utf-8")
    run = wait("its run", lambda: hands.next_run("slow"))
    held = wait("a task that is held", lambda: hands.hold_task(run))
    try:
        wait("a trial that is done", lambda: "COMPLETE" in states("slow"), pause=1)
        assert "ends within seconds" in call("cancel", "slow", "--why", "wrong *data*")
        send([each for each in held if each.parent() not in held], signal.SIGCONT)  # not its fit
        ended = wait("the end of the run", lambda: over(swept, "slow"), pause=1)
    finally:
        send(held, signal.SIGCONT)
    assert ("failed", True) == (ended["state"], r"wrong \*data\*" in ended["note"])
    before = states("slow")
    assert {"COMPLETE", "CANCELLED"} == set(before)
    assert "(wrong *data*)." in call("leaderboard", "slow")
    assert "nothing to cancel" in call("cancel", "slow")
    call("retry", "slow", "--wait")
    assert ["COMPLETE"] * 4 == states("slow")


def test_an_edited_file_waits_for_the_trials_that_are_on_their_way(swept, monkeypatch):
    """The second sweep reuses them as soon as the first has ended; none is trained twice."""
    for name, value in swept.environ.items():
        monkeypatch.setenv(name, value)
    hands, workspace = Hands(swept.settings), Workspace(swept.settings.workspace)
    file = swept.settings.grids / "edited.json"
    file.write_text(grid(150, [1, 2, 3]), encoding="utf-8")
    first = wait("its run", lambda: hands.next_run("edited"))
    held = wait("a task that is held", lambda: hands.hold_task(first))
    try:
        edited = grid(150, [1, 2, 3, 4])  # the trial that is held is one of them
        file.write_text(edited, encoding="utf-8")
        second = loader.parse(edited.encode(), file.name, swept.settings).sweep_id
        wait("the second sweep to wait", lambda: [first] == overlap.waits_for(second, workspace))
    finally:
        send(held, signal.SIGCONT)
    call("submit", str(file), "--wait")
    experiment = swept.client.get_experiment_by_name("edited").experiment_id
    found = swept.client.search_runs(
        [experiment], "tags.`sweepstake.role` = 'trial'", run_view_type=3
    )
    keys = [run.data.tags["sweepstake.trial_key"] for run in found]
    assert 4 == len(keys) == len(set(keys))
    assert ["COMPLETE"] * 4 == states("edited")


def test_a_task_whose_trial_failed_says_so_in_its_name(swept, monkeypatch):
    """In Airflow it succeeds, as the sweep may go on without the trial; our page counts them."""
    for name, value in swept.environ.items():
        monkeypatch.setenv(name, value)
    slower = grid(2_000, [1, 2, 3], trial_timeout=1, max_failed=3)
    (swept.settings.grids / "slower.json").write_text(slower, encoding="utf-8")
    ended = wait("the end of the run", lambda: over(swept, "slower"), pause=1)
    url = f"{swept.settings.airflow_url}/api/v2/dags/sweep/dagRuns/{ended['dag_run_id']}"
    found = httpx.get(f"{url}/taskInstances", headers=swept.headers, timeout=60).json()
    names = [each["rendered_map_index"] for each in found["task_instances"]]
    assert 3 == sum(str(name).startswith("1 failed: ") for name in names)
    page = httpx.get(f"{swept.settings.airflow_url}/sweepstake/", headers=swept.headers, timeout=60)
    row = page.text.partition(f'title="{ended["dag_run_id"]}"')[2].partition("</tr>")[0]
    assert ">3 failed</strong>" in row


def call(*args):
    """What a command prints on its way to success."""
    result = CliRunner().invoke(main.app, args)
    assert 0 == result.exit_code, result.output
    return result.output


def states(name):
    """The states of a sweep's trials, as soon as it is planned."""
    result = CliRunner().invoke(main.app, ["leaderboard", name, "--json"])
    return (
        [each["state"] for each in json.loads(result.stdout)["standings"]] if result.stdout else []
    )


def over(swept, name):
    """The latest run of a sweep in Airflow, once it has ended."""
    url = f"{swept.settings.airflow_url}/api/v2/dags/sweep/dagRuns"
    query = {"run_id_prefix_pattern": name, "state": ["success", "failed"]}
    runs = httpx.get(url, params=query, headers=swept.headers, timeout=60).json()["dag_runs"]
    return runs[0] if runs else None


def versions(swept):
    """The versions of the model and their runs."""
    found = swept.client.search_model_versions(f"name = '{NAME}'")
    return [(version.version, version.run_id) for version in found]
