"""Chaos: three sweeps run while processes of every kind are killed outright, again and again.

`make test-long` kills one of each kind, `make chaos` thirty; `SWEEPSTAKE_TEST_KILLS` and
`SWEEPSTAKE_TEST_SEED` choose others. `make test` kills each at a held moment: `test_stalls.py`.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import httpx
import mlflow
import psutil
import pytest

from sweepstake import embedded
from sweepstake.data import dataset, splitting
from sweepstake.embedded import ComponentState, processes
from sweepstake.gridfile import loader, search_space
from sweepstake.training import fit_trial

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.timeout(0),
    # MLflow's import of its own agent types warns about them
    pytest.mark.filterwarnings("ignore:(?s).*Any type hint is inferred as AnyType:UserWarning"),
]

KINDS = ("task", "worker", "scheduler", "triggerer", "dag-processor", "api-server", "mlflow")
KINDS += ("postgres",)
KILLS = int(os.environ.get("SWEEPSTAKE_TEST_KILLS", len(KINDS)))
SEED = int(os.environ.get("SWEEPSTAKE_TEST_SEED", "4"))
TRIALS = KILLS + 2
PATIENCE_SECONDS = 900 + 60 * KILLS
PAUSE_SECONDS = (1.0, 8.0)
TASK = re.compile("airflow worker -- [0-9a-f]")
WORKER = re.compile("airflow worker -- ForkExecutor: [0-9a-f]")
"""Ids follow, cut off where the title grows beyond the room it has."""
GRID = """\
model: {name}
data: {{source: "sklearn:digits", holdout: 0.25}}
estimator: {estimator}
params: {{n_estimators: 60}}
grid:
  min_samples_leaf: {leaves}
metric: f1_macro
cv: 3
limits: {{trials_per_task: 2}}
"""
ESTIMATORS = {
    "chaos-forest": "RandomForestClassifier",
    "chaos-extra": "ExtraTreesClassifier",
    "chaos-bagging": "BaggingClassifier",
}


@dataclass(frozen=True)
class Sweep:
    """A sweep that was dropped: its id and what its file says."""

    sweep_id: str
    spec: object


def drop(settings, name, estimator):
    """Put one of the grid files into the watched folder."""
    content = GRID.format(name=name, estimator=estimator, leaves=list(range(1, TRIALS + 1)))
    if estimator == "BaggingClassifier":
        content = content.replace("min_samples_leaf: ", "max_samples: ")
        content = content.replace(str(list(range(1, TRIALS + 1))), shares())
    grid = loader.parse(content.encode(), f"{name}.yaml", settings)
    (settings.grids / f"{name}.yaml").write_text(content, encoding="utf-8")
    return Sweep(grid.sweep_id, grid.spec)


def shares():
    """As many shares of the rows as there shall be trials."""
    return str([round((n + 1) / (TRIALS + 1), 4) for n in range(TRIALS)])


class Killer:
    """Kills processes of the stack by their kind, never by their name alone."""

    def __init__(self, settings, random):
        self.settings = settings
        self.random = random
        self.killed = []

    def kill(self, kind):
        """Kill a process of this kind as soon as there is one, unless that takes minutes."""
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            victims = self.victims(kind)
            for victim in victims:
                with suppress(psutil.NoSuchProcess):
                    victim.kill()
            if victims:
                self.killed.append(kind)
                return
            time.sleep(0.2)

    def victims(self, kind):
        """One task or worker; or a component, at times with all that it started."""
        if kind in {"task", "worker"}:
            found = self.busy(TASK if kind == "task" else WORKER)
            return self.random.sample(found, min(1, len(found)))
        (pid,) = [part.pid for part in embedded.status(self.settings) if part.name == kind]
        if pid is None:
            return []
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            family = process.children(recursive=True) if self.random.random() < 0.5 else []
            return [process, *family]
        return []

    def busy(self, title):
        """The processes with this title; what a task has forked has its title, but not its kind."""
        found = []
        for process in processes.of_stack(self.settings.home):
            with suppress(psutil.Error):
                parent = process.parent()
                mine = title.match(" ".join(process.cmdline()))
                if mine and (title is WORKER or is_worker(parent)):
                    found.append(process)
        return found


def is_worker(process):
    """Whether a process is a worker of Airflow's executor."""
    return process is not None and WORKER.match(" ".join(process.cmdline())) is not None


def kinds(random):
    """Every kind once in each round, in a new order."""
    while True:
        yield from random.sample(KINDS, len(KINDS))


class Airflow:
    """Airflow's REST API, asked as any client would."""

    def __init__(self, settings):
        self.settings = settings
        self.headers = {}

    def run(self, dag, run_id):
        """A run of a DAG, empty while Airflow cannot tell."""
        path = f"{self.settings.airflow_url}/api/v2/dags/{dag}/dagRuns/{run_id}"
        with suppress(httpx.HTTPError):
            answer = httpx.get(path, headers=self.headers, timeout=30)
            if answer.is_success:
                return answer.json()
            self.log_in()
        return {}

    def log_in(self):
        """Get a token."""
        body = {
            "username": self.settings.airflow_user,
            "password": self.settings.airflow_password,
        }
        answer = httpx.post(f"{self.settings.airflow_url}/auth/token", json=body, timeout=30)
        if answer.is_success:
            self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}


def wait(what, condition):
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not in time"
        time.sleep(1)


def is_healthy(settings):
    """Whether every component does its work."""
    return all(part.state is ComponentState.HEALTHY for part in embedded.status(settings))


@dataclass(frozen=True)
class Chaos:
    """Three sweeps after the kills, the clients to ask about them, and what was killed."""

    settings: object
    airflow: Airflow
    client: mlflow.MlflowClient
    sweeps: list[Sweep]
    killed: Counter


@pytest.fixture(scope="module")
def chaos(stack):
    """Three sweeps while processes of every kind are killed, waited for to their verdicts."""
    settings, airflow = stack.settings, Airflow(stack.settings)
    sweeps = [drop(settings, name, estimator) for name, estimator in ESTIMATORS.items()]
    killer = Killer(settings, random.Random(SEED))
    order = kinds(killer.random)
    while len(killer.killed) < KILLS:
        killer.kill(next(order))
        time.sleep(killer.random.uniform(*PAUSE_SECONDS))
    killed = Counter(killer.killed)
    print(f"\nseed {SEED}: killed {dict(killed)}")  # noqa: T201 - to do it again
    wait("a healthy stack", lambda: is_healthy(settings))
    for sweep in sweeps:
        wait(
            f"the end of {sweep.sweep_id}",
            lambda sweep=sweep: (
                airflow.run("sweep", sweep.sweep_id).get("state") in {"success", "failed"}
            ),
        )
    client = mlflow.MlflowClient(settings.tracking_uri)
    for sweep in sweeps:
        wait(f"verdicts on {sweep.sweep_id}", lambda sweep=sweep: judged(client, sweep))
    return Chaos(settings, airflow, client, sweeps, killed)


def judged(client, sweep):
    """Whether none of the versions of a sweep waits for its verdict."""
    query = f"name = '{sweep.spec.model}' and tags.`sweepstake.decision` = 'pending'"
    return not client.search_model_versions(query)


@pytest.fixture(params=range(len(ESTIMATORS)), ids=list(ESTIMATORS))
def swept(chaos, request):
    """One of the sweeps, and the clients to ask about it."""
    return chaos.settings, chaos.airflow, chaos.client, chaos.sweeps[request.param]


def runs(client, sweep):
    """The parent runs of a sweep and its child runs, the latter by number."""
    experiment = client.get_experiment_by_name(sweep.spec.model).experiment_id
    found = client.search_runs([experiment], f"tags.`sweepstake.sweep` = '{sweep.sweep_id}'")
    children = [run for run in found if "mlflow.parentRunId" in run.data.tags]
    parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    return parents, sorted(children, key=lambda run: int(run.data.tags["sweepstake.trial_number"]))


def test_every_kind_was_killed(chaos):
    """No kind was spared: single tasks and workers were caught at their work as well."""
    assert set(KINDS) == set(chaos.killed)


def test_the_sweep_ends_well(swept):
    """Its DAG run is a success and its only parent run is closed."""
    _, airflow, client, sweep = swept
    parents, _ = runs(client, sweep)
    assert "success" == airflow.run("sweep", sweep.sweep_id)["state"]
    assert ["FINISHED"] == [run.info.status for run in parents]


def test_every_trial_is_one_finished_run(swept):
    """No run is missing, none is doubled, and none is left running."""
    _, _, client, sweep = swept
    _, children = runs(client, sweep)
    assert [(str(n), "FINISHED") for n in range(TRIALS)] == [
        (run.data.tags["sweepstake.trial_number"], run.info.status) for run in children
    ]


def test_every_trial_is_one_version(swept):
    """There are as many versions as trials, each of its run, and one of them is the champion."""
    _, _, client, sweep = swept
    _, children = runs(client, sweep)
    versions = client.search_model_versions(f"name = '{sweep.spec.model}'")
    assert sorted(run.info.run_id for run in children) == sorted(v.run_id for v in versions)
    aliases = client.get_registered_model(sweep.spec.model).aliases
    in_service = [v.version for v in versions if v.current_stage == "Production"]
    assert [aliases["champion"]] == in_service


def test_the_figures_are_those_of_an_undisturbed_sweep(swept):
    """Scores and curves are what training here gives, and no point was logged twice over."""
    settings, _, client, sweep = swept
    table = dataset.read(sweep.spec.data, settings.data_roots)
    rows = dataset.divide(table, splitting.split(table, sweep.spec.data.holdout, sweep.spec.seed))
    for trial, run in zip(
        search_space.trials(sweep.spec, table.digest), runs(client, sweep)[1], strict=True
    ):
        _, result = fit_trial.train(trial, sweep.spec, rows)
        scored = {name for name in result.metrics if not name.endswith("seconds")}
        assert {name: result.metrics[name] for name in scored} == {
            name: pytest.approx(run.data.metrics[name], abs=1e-12) for name in scored
        }
        (curve,) = (curve for curve in result.curves if curve.name == "cv_f1_macro")
        history = client.get_metric_history(run.info.run_id, "cv_f1_macro")
        assert list(curve.points) == [
            (point.step, pytest.approx(point.value, abs=1e-12))
            for point in sorted(history, key=lambda point: point.step)
        ]
