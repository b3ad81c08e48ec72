"""The champion behind a real HTTP server, through swaps and tampering."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import uvicorn
from mlflow import MlflowClient
from modelserver import SECONDS, wait_for
from sklearn.datasets import load_iris

from sweepstake.champions import rounds
from sweepstake.mlflow_client.registry import Registry
from sweepstake.serving import app
from sweepstake.serving.app import Capacity, Host, application
from sweepstake.storage.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore:(?s).*transition_model_version_stage:FutureWarning")
"""A pool that forks in another thread resets the filter which hides it in this one."""
CAPACITY = Capacity(processes=1)


@pytest.fixture
def registry(mlflow_uri):
    """The registry of the session's server."""
    return Registry(mlflow_uri)


@pytest.fixture
def crown(submit, run, settings):
    """A function that trains a tree of a depth and lets it be judged; deeper ones win here."""

    def champion_of(depth):
        run(submit(grid={"max_depth": [depth]}))
        rounds.judge_all(settings)

    return champion_of


@pytest.fixture
def server(registry, settings, name, monkeypatch):
    """A running server for this test's model, which may have no champion yet."""
    monkeypatch.setattr(app, "POLL_SECONDS", 0.05)
    registry.ensure_model(name)
    host = Host(registry, Workspace(settings.workspace), name, CAPACITY)
    config = uvicorn.Config(application(host), port=0, log_config=None, access_log=False)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=asyncio.run, args=(running.serve(),))
    thread.start()
    wait_for(lambda: running.started)
    port = running.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
        yield client
    running.should_exit = True
    thread.join()


def rows(count=3):
    """The first rows of the data, as MLflow's scoring format has them."""
    frame = load_iris(as_frame=True).data.head(count)
    return {"dataframe_split": frame.to_dict(orient="split", index=False)}


def await_version(server, version):
    """Wait until the server answers with a version."""
    wait_for(lambda: server.get("/version").json().get("version") == version)


def test_before_the_first_champion_the_server_says_so(server, name):
    """Health and predictions answer 503 with a sentence; nothing crashes."""
    answers = [server.get("/health"), server.get("/ping"), server.post("/invocations", json=rows())]
    expected = {"error": f"{name}: has no champion loaded yet. Run a sweep, or wait."}
    assert [(503, expected)] * 3 == [(answer.status_code, answer.json()) for answer in answers]


def test_the_champion_answers(server, crown, registry, name):
    """Predictions are those of the model, in each form of a request, with its version."""
    crown(3)
    await_version(server, "1")
    frame = load_iris(as_frame=True).data
    model = registry.files.load(registry.champion(name))
    bodies = [
        rows(150),
        {"dataframe_records": frame.to_dict(orient="records")},
        {"inputs": frame.to_dict(orient="list")},
        {"inputs": frame.to_dict(orient="records")},
    ]
    answers = [server.post("/invocations", json=body) for body in bodies]
    expected = (200, "1", {"predictions": model.predict(frame).tolist()})
    assert [expected] * 4 == [
        (answer.status_code, answer.headers["X-Model-Version"], answer.json()) for answer in answers
    ]
    assert (200, {"model": name, "version": "1"}) == (
        server.get("/health").status_code,
        server.get("/version").json(),
    )


def test_a_swap_drops_no_request(server, crown):
    """While the champion changes under load, every request is answered, by one or the other."""
    crown(1)
    await_version(server, "1")
    over = threading.Event()

    def ask(_):
        answers = []
        while not over.is_set():
            answer = server.post("/invocations", json=rows())
            answers.append((answer.status_code, answer.headers.get("X-Model-Version")))
            time.sleep(0.05)  # else the sweep beside it gets no processor
        return answers

    with ThreadPoolExecutor(4) as pool:
        asking = pool.map(ask, range(4))
        try:
            crown(3)
            await_version(server, "2")
        finally:
            over.set()
        answers = [answer for part in asking for answer in part]
    assert {(200, "1"), (200, "2")} == set(answers)


def test_a_tampered_champion_is_not_served(server, crown, name, mlflow_uri, registry, caplog):
    """The one before goes on answering, and the log says why."""
    crown(1)
    await_version(server, "1")
    client = MlflowClient(mlflow_uri)
    first = client.get_model_version(name, "1")
    tags = {**first.tags, "sweepstake.sha256": "0"}
    client.create_model_version(name, first.source, first.run_id, tags=tags)
    client.set_registered_model_alias(name, "champion", "2")
    wait_for(lambda: "cannot load the champion" in caplog.text)
    answer = server.post("/invocations", json=rows())
    assert (200, "1") == (answer.status_code, answer.headers["X-Model-Version"])
    assert f"{name} v2: must have been trained by a sweep of this workspace" in caplog.text


def test_the_follower_outlives_any_error(server, crown, monkeypatch, registry, caplog):
    """Even an error that no one foresaw is logged, and the next champion is served."""

    def fail(_):
        message = "no one foresaw this"
        raise RuntimeError(message)

    crown(1)
    with monkeypatch.context() as patch:
        patch.setattr(registry, "champion", fail)
        wait_for(lambda: "no one foresaw this" in caplog.text)
    await_version(server, "1")
