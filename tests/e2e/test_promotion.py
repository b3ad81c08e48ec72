"""A champion that earned it: contested, asked about, rolled back, and served through all of it.

One model on the real stack. What each sweep should come to is decided by its trees: deeper ones are
better, and one with a limit that does not bind is the same tree.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import mlflow
import pandas as pd
import pytest
from hands import ANSWER_SECONDS, Hands, send
from hands import wait as hands_wait
from sklearn.datasets import load_iris

from e2e.test_main_job import Airflow, wait
from sweepstake.champions import approval, by_hand
from sweepstake.mlflow_client.registry import Registry
from sweepstake.storage.workspace import Workspace

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(1800),
    # MLflow's import of its own agent types warns about them
    pytest.mark.filterwarnings("ignore:(?s).*Any type hint is inferred as AnyType:UserWarning"),
]

MODEL = "iris-promotion"
PROGRAM = str(Path(sys.executable).with_name("sweepstake"))
COLUMNS = ["sepal length", "sepal width", "petal length", "petal width"]
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.2, 2.9, 4.3, 1.3], [7.7, 3.0, 6.1, 2.3]]
THREADS = 2


@pytest.fixture(scope="module")
def airflow(stack):
    """Airflow's API."""
    return Airflow(stack.settings)


@pytest.fixture(scope="module")
def registry(stack):
    """The registry of the stack."""
    return Registry(stack.settings.tracking_uri)


@pytest.fixture(scope="module")
def table(stack):
    """Irises in the watched folder: all columns, and a table without the last one."""
    found = load_iris(as_frame=True).frame.set_axis([*COLUMNS, "kind"], axis=1)
    found.to_csv(stack.settings.grids / "irises.csv", index=False)
    found.drop(columns=COLUMNS[-1]).to_csv(stack.settings.grids / "fewer.csv", index=False)


@pytest.fixture(scope="module")
def submit(stack, table):
    """A function that drops a grid of trees into the folder."""

    def put(name, grid, **changes):
        content = {
            "name": name,
            "model": MODEL,
            "data": {"source": "irises.csv", "target": "kind"},
            "estimator": "DecisionTreeClassifier",
            "grid": grid,
            "metric": "accuracy",
        }
        path = stack.settings.grids / f"{name}.json"
        path.write_text(json.dumps(content | changes), encoding="utf-8")

    return put


@pytest.fixture(scope="module")
def decided(registry):
    """A function that waits for the round of a sweep and gives its entry in the ledger."""

    def entry(name):
        def found():
            history = registry.history(MODEL) if MODEL in registry.names() else ()
            rounds = (each for each in history if each.sweep.startswith(f"{name}__"))
            return next((each for each in rounds if each.complete), None)

        return wait(f"the round of {name}", found)

    return entry


@pytest.fixture(scope="module")
def first(submit, decided):
    """The first champion: a stump."""
    submit("promotion-first", {"max_depth": [1]})
    return decided("promotion-first")


@pytest.fixture(scope="module")
def load(stack, first):
    """A server of the champion, asked all the while; every answer so far."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [PROGRAM, "serve", MODEL, "--port", str(port), "--processes", "1"]
    server = subprocess.Popen(
        command, env=stack.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    load = Load(f"http://127.0.0.1:{port}")
    threads = [threading.Thread(target=load.ask) for _ in range(THREADS)]
    try:
        wait("the server", load.is_up)
        for each in threads:
            each.start()
        yield load
    finally:
        load.over.set()
        for each in threads:
            each.join()
        server.send_signal(signal.SIGTERM)
        server.wait(60)


class Load:
    """Requests all the while, and what came of them."""

    def __init__(self, url):
        self.url, self.over = url, threading.Event()
        self.answers: Counter = Counter()

    def is_up(self):
        """Whether the server has a champion."""
        try:
            return httpx.get(f"{self.url}/health", timeout=ANSWER_SECONDS).is_success
        except httpx.HTTPError:
            return False

    def ask(self):
        """Ask until it is over."""
        body = {"dataframe_split": {"columns": COLUMNS, "data": ROWS}}
        with httpx.Client(timeout=60) as client:
            while not self.over.wait(0.2):
                answer = client.post(f"{self.url}/invocations", json=body)
                version = answer.headers.get("X-Model-Version", "")
                self.answers[answer.status_code, version, answer.text] += 1

    def serves(self, version):
        """Whether this version answers now."""
        return httpx.get(f"{self.url}/version", timeout=ANSWER_SECONDS).json()["version"] == version


def champion(registry):
    """The version in service."""
    return registry.champion(MODEL).version


def question(airflow, asked):
    """What Airflow asks about a promotion, once it waits without a slot."""
    run = f"/dags/approval/dagRuns/{asked.run_id}"
    answer = httpx.get(
        f"{airflow.url}{run}/taskInstances/ask", headers=airflow.headers, timeout=ANSWER_SECONDS
    )
    if answer.status_code != httpx.codes.OK or answer.json()["state"] != "awaiting_input":
        return None
    return airflow.get(f"{run}/taskInstances/ask/-1/hitlDetails")


def digests(stack):
    """What the receiver of the stack was told, by sweep's name and status."""
    lines = stack.received.read_text(encoding="utf-8").splitlines()
    told = [json.loads(line) for line in lines]
    return {(each["sweep"].rpartition("__")[0], each["status"]): each for each in told}


def test_an_equal_sweep_is_kept_out(load, submit, decided, registry):
    """The same tree under another key gains nothing, and takes nothing over."""
    submit("promotion-equal", {"max_depth": [1], "max_leaf_nodes": [1000]})
    entry = decided("promotion-equal")
    assert ("keep", "1", "1") == (entry.verdict, entry.previous, champion(registry))


def test_a_running_sweep_is_not_touched(stack, load, submit, decided, registry):
    """Its versions wait while another sweep of the model is judged, until it has closed itself."""
    hands = Hands(stack.settings)
    limits = {"trials_per_task": 1}
    grid = {"max_depth": [1], "min_samples_leaf": [2, 3, 4, 5]}
    submit("promotion-running", grid, limits=limits)
    run = wait("its run", lambda: hands.next_run("promotion-running"))
    held = hands_wait("a task that is held", lambda: hands.hold_task(run))
    try:
        hands_wait("versions of its other tasks", lambda: registry.versions(MODEL, run))
        submit("promotion-other", {"max_depth": [1], "min_samples_leaf": [6]})
        assert "keep" == decided("promotion-other").verdict
        assert {"pending"} == {each.decision for each in registry.versions(MODEL, run)}
        assert "running" == hands.run_state(run)
    finally:
        send(held, signal.SIGCONT)
    assert "keep" == decided("promotion-running").verdict
    assert {"keep"} == {each.decision for each in registry.versions(MODEL, run)}


def test_a_better_one_is_asked_about_and_promoted(stack, load, airflow, submit, registry):
    """The champion stays until somebody says otherwise on the page; then it is served."""
    workspace = Workspace(stack.settings.workspace)
    submit("promotion-better", {"max_depth": [3]}, promotion={"approval": True, "wait": "1h"})
    asked = wait("the question", lambda: approval.waiting(workspace, MODEL))
    shown = wait("the question in Airflow", lambda: question(airflow, asked))
    assert ("1", [approval.KEEP]) == (champion(registry), shown["defaults"])
    assert f"May {MODEL} v{asked.version} become champion?" == shown["subject"]
    assert "| gain |" in shown["body"]
    assert "●" in shown["body"]

    page = httpx.Client(
        base_url=f"{stack.stack.airflow_url}/sweepstake/models",
        headers={**airflow.headers, "X-Sweepstake": "page", "HX-Request": "true"},
        timeout=ANSWER_SECONDS,
    )
    with page:
        assert f"May v{asked.version} take over?" in page.get(f"/{MODEL}").text
        form = {"answer": "approve", "key": asked.key, "why": "{{ 6 * 7 }}"}
        assert f"v{asked.version} is approved." in page.post(f"/{MODEL}/answer", data=form).text
    wait("the promotion", lambda: champion(registry) == asked.version)
    wait("the ledger", lambda: registry.history(MODEL)[0].complete)
    entry = registry.history(MODEL)[0]
    assert (stack.settings.airflow_user, True) == (entry.by, entry.reason.endswith("{{ 6 * 7 }}."))
    wait("the server", lambda: load.serves(asked.version))


def test_a_dropped_column_is_not_promoted(load, submit, decided, registry):
    """A champion that cannot be scored any more stays, and the reason says how to replace it."""
    before = champion(registry)
    submit("promotion-fewer", {"max_depth": [2]}, data={"source": "fewer.csv", "target": "kind"})
    entry = decided("promotion-fewer")
    assert ("keep", before, before) == (entry.verdict, entry.previous, champion(registry))
    assert "have no column 'petal width' any more" in entry.reason
    assert f"sweepstake champion {MODEL} --replace" in entry.reason


def test_a_rollback_is_one_step(stack, load, registry):
    """The champion before is back at once, for readers and for the server."""
    by_hand.roll_back(MODEL, "", "slow", stack.settings)
    assert ("1", "1") == (champion(registry), registry.history(MODEL)[0].champion)
    wait("the server", lambda: load.serves("1"))


def test_every_answer_was_that_of_its_version(stack, load, registry):
    """Through all of it no request failed, and none was answered by two versions."""
    time.sleep(1)
    seen = {version for _, version, _ in load.answers}
    assert {200} == {status for status, _, _ in load.answers}
    assert {"1", registry.history(MODEL)[0].previous} == seen
    mlflow.set_tracking_uri(stack.settings.tracking_uri)
    frame = pd.DataFrame(ROWS, columns=COLUMNS)
    for version in sorted(seen):
        model = mlflow.pyfunc.load_model(f"models:/{MODEL}/{version}")
        expected = model.predict(frame).tolist()
        texts = [text for _, named, text in load.answers if named == version]
        assert [expected] == [json.loads(text)["predictions"] for text in texts]


def test_receivers_were_told_of_each_sweep(stack, load):
    """One digest for each, and one more for the question."""
    names = [f"promotion-{name}" for name in ("first", "equal", "other", "running", "fewer")]
    expected = {(name, "kept") for name in names[1:]} | {(names[0], "promoted")}
    expected |= {("promotion-better", status) for status in ("asked", "promoted")}
    told = wait("the digests", lambda: digests(stack) if expected <= set(digests(stack)) else None)
    assert f"{MODEL}: v1 is champion now" == told["promotion-first", "promoted"]["subject"]
