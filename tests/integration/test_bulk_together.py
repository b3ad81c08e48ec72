"""Many who post at the same time: each is answered, none is sent away, and all is written once."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pgserver
import pytest
from tests.integration.conftest import free_port

from sweepstake.mlflow_client.bulk import RUNS, VERSION_TAGS

TIME = 1_790_000_000_000
WRITERS, REQUESTS = 8, 60


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def client(request, start_mlflow):
    """A connection to a server that takes many at once, on either kind of database."""
    if request.param == "sqlite":
        with _connected(request.getfixturevalue("mlflow_uri")) as client:
            yield client
        return
    with pgserver.running(free_port()) as uri:
        server = start_mlflow("--app-name", "sweepstake", "--backend-store-uri", uri)
        with _connected(server.uri) as client:
            yield client


def _connected(uri):
    return httpx.Client(base_url=uri, timeout=300, limits=httpx.Limits(max_connections=WRITERS))


@pytest.fixture
def place(client, name):
    """An experiment and a registered model."""
    ask(client, "registered-models/create", {"name": name})
    return ask(client, "experiments/create", {"name": name})["experiment_id"]


def ask(client, path, body):
    """An answer of MLflow's API that must not be refused."""
    answer = client.post(f"/api/2.0/mlflow/{path}", json=body)
    assert 200 == answer.status_code, answer.text
    return answer.json()


def element(run_id, **changes):
    """A finished run that becomes a version."""
    return {
        "run_id": run_id,
        "status": "FINISHED",
        "started": TIME,
        "ended": TIME + 1,
        "tags": {"mlflow.runName": "x", "a": "1", "b": "2"},
        "params": {"p": "1", "q": "2"},
        "metrics": [["m", 0.5, 0], ["m", "nan", 1]],
        "version": {"t": "x"},
    } | changes


def together(client, route, bodies):
    """The statuses of requests that are sent at the same time."""
    with ThreadPoolExecutor(WRITERS) as pool:
        return [
            answer.status_code
            for answer in pool.map(lambda body: client.post(route, json=body), bodies)
        ]


def versions(client, name):
    """The versions of a model, by their run."""
    body = {"filter": f"name = '{name}'", "max_results": 1000}
    found = client.get("/api/2.0/mlflow/model-versions/search", params=body).json()
    return {version["run_id"]: version for version in found["model_versions"]}


def test_writers_of_the_same_new_tags_are_all_served(client, place, name):
    """The last to come wins, version by version, and no database is locked in a circle."""
    ids = [uuid4().hex for _ in range(20)]
    runs = [element(run_id) for run_id in ids]
    body = {"experiment_id": place, "name": name, "runs": runs}
    numbers = [str(number) for number in client.post(RUNS, json=body).json()["versions"].values()]

    def mixed():
        chosen = random.sample(numbers, len(numbers))
        keys = random.sample([f"key{number}" for number in range(10)], 6)
        return {"name": name, "tags": {number: dict.fromkeys(keys, "x") for number in chosen}}

    assert [200] * REQUESTS == together(client, VERSION_TAGS, [mixed() for _ in range(REQUESTS)])
    last = {"name": name, "tags": {number: {"key0": "last"} for number in numbers}}
    assert 200 == client.post(VERSION_TAGS, json=last).status_code
    tags = [
        {tag["key"]: tag["value"] for tag in v["tags"]} for v in versions(client, name).values()
    ]
    assert ["last"] * 20 == [each["key0"] for each in tags]


def test_writers_of_the_same_runs_are_all_served(client, place, name):
    """Whoever sends a run again while it is written finds it written: one run, one version."""
    ids = [uuid4().hex for _ in range(20)]

    def mixed():
        chosen = random.sample(ids, 10)
        begun = {"status": "RUNNING", "ended": None, "params": {}, "metrics": [], "version": None}
        runs = [element(run_id, **random.choice([{}, begun])) for run_id in chosen]
        return {"experiment_id": place, "name": name, "runs": runs}

    assert [200] * REQUESTS == together(client, RUNS, [mixed() for _ in range(REQUESTS)])
    whole = {"experiment_id": place, "name": name, "runs": [element(run_id) for run_id in ids]}
    assert 200 == client.post(RUNS, json=whole).status_code
    found = versions(client, name)
    assert sorted(ids) == sorted(found)
    assert set(range(1, 21)) == {int(version["version"]) for version in found.values()}
    run = client.get("/api/2.0/mlflow/runs/get", params={"run_id": ids[0]}).json()["run"]
    assert (2, 1) == (len(run["data"]["params"]), len(run["data"]["metrics"]))


@pytest.mark.parametrize(
    "runs",
    [
        [element("1" * 32, metrics=[["m", "nan", 0], ["m", "nan", 0], ["n", 1, 0], ["n", 1.0, 0]])],
        [element("2" * 32), element("2" * 32)],
        [element("3" * 32, status="RUNNING", ended=None), element("3" * 32)],
        [element("4" * 32), element("4" * 32, status="RUNNING", ended=None, params={"p": "3"})],
        [element("5" * 32, metrics=[["m", "inf", 0], ["m", 1.7976931348623157e308, 0]])],
    ],
    ids=["a figure", "a run", "begun and ended", "ended and begun", "what is one to databases"],
)
def test_what_is_given_twice_is_written_once(client, place, name, runs):
    """The request is taken, however often it is sent, as if its parts had come one by one."""
    fresh = uuid4().hex
    runs = [{**run, "run_id": fresh} for run in runs]
    body = {"experiment_id": place, "name": name, "runs": runs}
    answers = [client.post(RUNS, json=body) for _ in range(2)]
    assert [200, 200] == [answer.status_code for answer in answers], answers[0].text
    run = client.get("/api/2.0/mlflow/runs/get", params={"run_id": fresh}).json()["run"]
    params = {param["key"]: param["value"] for param in run["data"]["params"]}
    assert ("FINISHED", {"p": "1", "q": "2"}) == (run["info"]["status"], params)
    assert [fresh] == list(versions(client, name))
