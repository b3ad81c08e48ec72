"""What MLflow's API takes, the route takes, with equal rows; what it refuses, the route refuses."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from copy import deepcopy
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweepstake.mlflow_client.bulk import RUNS, VERSION_TAGS

TIME = 1_790_000_000_000
MODEL, PROMPT = f"model-{uuid4().hex}", f"prompt-{uuid4().hex}"
OFTEN = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

GOOD = ["a", "a b", "a/b", "a.b-c:d", "é", "mlflow.user", "mlflow.note.content", "k" * 250, "a\n"]
BAD = ["", "a/../b", "/a", "a//b", "..", "a%", "a\nb", "k" * 251, "🎲"]
KEYS = st.sampled_from(GOOD * 8 + BAD)
TEXTS = st.sampled_from(["", "x", "Ж\n'\"\\;--", "t" * 6000, "t" * 6001, "t" * 8000, "t" * 8001])
MAPS = st.dictionaries(KEYS, TEXTS, max_size=4)
NUMBERS = st.floats(width=64) | st.integers(-(2**53), 2**53) | st.just(-0.0)
STEPS = st.sampled_from([0, 0, 1, 2, -1, 2**63 - 1])
POINTS = st.lists(
    st.tuples(st.sampled_from(["m"] * 9 + ["n"] * 3 + ["a/../b"]), NUMBERS, STEPS), max_size=8
)
ENDS = st.sampled_from(
    [("RUNNING", None), ("FINISHED", TIME + 5), ("FAILED", TIME + 5), ("FINISHED", -1)]
)


@st.composite
def runs(draw):
    """A run as a bulk has it, of which the id is yet to be put in."""
    status, ended = draw(ENDS)
    return {
        "status": status,
        "started": draw(st.sampled_from([TIME, 0, -1, 2**63 - 1])),
        "ended": ended,
        "tags": {**draw(MAPS), "mlflow.runName": draw(st.sampled_from(["name", "n" * 300]))},
        "params": draw(MAPS),
        "metrics": [list(point) for point in draw(POINTS)],
        "version": draw(st.none() | MAPS | st.just({"mlflow.prompt.is_prompt": "true"})),
    }


@pytest.fixture(scope="module")
def server(mlflow_server):
    """A server that takes many runs at once."""
    return mlflow_server


@pytest.fixture(scope="module")
def client(server):
    """A connection to it."""
    with httpx.Client(base_url=server.uri, timeout=120) as opened:
        yield opened


@pytest.fixture(scope="module")
def places(client):
    """Experiments and registered models by what is with them."""
    live, dead = (
        ask(client, "experiments/create", {"name": name})["experiment_id"]
        for name in ("a" + MODEL, "b" + MODEL)
    )
    ask(client, "experiments/delete", {"experiment_id": dead})
    mark = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    ask(client, "registered-models/create", {"name": MODEL})
    ask(client, "registered-models/create", {"name": PROMPT, "tags": [mark]})
    return {"live": live, "dead": dead, "missing": "987654"}


def ask(client, path, body):
    """An answer of MLflow's API that must not be refused."""
    answer = client.post(f"/api/2.0/mlflow/{path}", json=body)
    assert 200 == answer.status_code, answer.text
    return answer.json()


def pairs(texts):
    """A mapping as MLflow's API takes it."""
    return [{"key": key, "value": text} for key, text in texts.items()]


def spelt(value):
    """A number as the bulk writes it."""
    return value if math.isfinite(value) else str(value)


def by_api(client, experiment, name, run, run_id=None):
    """The code of the first refusal of MLflow's own requests, empty for none; the run's id."""
    tags = run["tags"]
    if run_id is None:
        body = {"experiment_id": experiment, "start_time": run["started"]}
        body |= {"user_id": tags.get("mlflow.user", "")[:8000], "run_name": tags["mlflow.runName"]}
        answer = client.post("/api/2.0/mlflow/runs/create", json=body)
        if answer.status_code != 200:
            return answer.json()["error_code"], None
        run_id = answer.json()["run"]["info"]["run_id"]
    moment = run["started"] if run["ended"] is None else run["ended"]
    points = [
        {"key": key, "value": _number(value), "timestamp": moment, "step": step}
        for key, value, step in run["metrics"]
    ]
    logged = {"params": pairs(run["params"]), "tags": pairs(tags), "metrics": points}
    state = {"status": run["status"]} | ({} if run["ended"] is None else {"end_time": run["ended"]})
    requests = [("runs/log-batch", logged), ("runs/update", state)]
    if run["version"] is not None and run["status"] == "FINISHED":
        version = {"name": name, "source": f"runs:/{run_id}/model", "tags": pairs(run["version"])}
        requests.append(("model-versions/create", version))
    for path, body in requests:
        answer = client.post(f"/api/2.0/mlflow/{path}", json={**body, "run_id": run_id})
        if answer.status_code != 200:
            return answer.json()["error_code"], run_id
    return "", run_id


def _number(value):
    names = {math.inf: "Infinity", -math.inf: "-Infinity"}
    return "NaN" if math.isnan(value) else names.get(value, value)


def by_route(client, experiment, name, run, run_id=None):
    """The same by one request."""
    run_id = run_id or uuid4().hex
    points = [[key, spelt(value), step] for key, value, step in run["metrics"]]
    body = {"experiment_id": experiment, "name": name}
    body["runs"] = [{**run, "run_id": run_id, "metrics": points}]
    answer = client.post(RUNS, json=body)
    return answer.json().get("error_code", ""), run_id


TABLES = {
    "runs": "run_uuid",
    "tags": "run_uuid",
    "params": "run_uuid",
    "metrics": "run_uuid",
    "latest_metrics": "run_uuid",
    "model_versions": "run_id",
}
PASSING = {"creation_time", "last_updated_time", "version"}
"""What no two versions have in common."""


def rows(server, run_id):
    """All that the database has of a run, its id and the numbers of its versions taken out."""
    with closing(sqlite3.connect(server.home / "mlflow.db")) as database:
        database.row_factory = sqlite3.Row
        found = {
            table: database.execute(f"SELECT * FROM {table} WHERE {key} = ?", [run_id]).fetchall()
            for table, key in TABLES.items()
        }
        found["model_version_tags"] = database.execute(
            "SELECT t.key, t.value FROM model_version_tags t JOIN model_versions v"
            " ON t.name = v.name AND t.version = v.version WHERE v.run_id = ?",
            [run_id],
        ).fetchall()
    return {
        table: sorted(json.dumps(_shown(row), sort_keys=True).replace(run_id, "ID") for row in each)
        for table, each in found.items()
    }


def _shown(row):
    return {key: row[key] for key in row.keys() if key not in PASSING}  # noqa: SIM118 - a row's


@OFTEN
@given(
    run=runs(),
    experiment=st.sampled_from(["live"] * 8 + ["dead", "missing"]),
    name=st.sampled_from([MODEL] * 6 + [PROMPT, "no-such-model", "bad/name", ""]),
)
def test_a_new_run_is_taken_or_refused_as_by_the_api(server, client, places, run, experiment, name):
    """The codes are equal, and so are the rows of what is taken."""
    expected, made = by_api(client, places[experiment], name, run)
    actual, posted = by_route(client, places[experiment], name, run)
    assert expected == actual
    if not expected:
        assert rows(server, made) == rows(server, posted)


@OFTEN
@given(before=runs(), after=runs())
def test_an_open_run_goes_on_as_by_the_api(server, client, places, before, after):
    """What was logged before stays, is replaced or forbids what comes, as MLflow's API has it."""
    open_run = {**before, "status": "RUNNING", "ended": None, "version": None}
    twins = [by_api(client, places["live"], MODEL, open_run)[1] for _ in range(2)]
    expected, made = by_api(client, places["live"], MODEL, after, twins[0])
    actual, posted = by_route(client, places["live"], MODEL, after, twins[1])
    assert expected == actual
    if not expected:
        assert rows(server, made) == rows(server, posted)


@OFTEN
@given(tags=MAPS, name=st.sampled_from([MODEL, PROMPT, "no-such-model", "bad/name"]))
def test_tags_are_taken_or_refused_as_by_the_api(server, client, places, tags, name):
    """One request for all tags of two versions says and writes what one for each tag would."""
    sample = {"status": "FINISHED", "started": TIME, "ended": TIME, "params": {}, "metrics": []}
    run = {**sample, "tags": {"mlflow.runName": "x"}, "version": {"a": "before"}}
    known = name if name in {MODEL, PROMPT} else MODEL
    first, second = (by_route(client, places["live"], known, run)[1] for _ in range(2))
    numbers = [_version(server, run_id) for run_id in (first, second)]
    refused = set()
    for key, value in tags.items():
        body = {"name": name, "version": numbers[0], "key": key, "value": value}
        answer = client.post("/api/2.0/mlflow/model-versions/set-tag", json=body)
        refused.add(answer.json().get("error_code", ""))
    answer = client.post(VERSION_TAGS, json={"name": name, "tags": {numbers[1]: tags}})
    assert answer.json().get("error_code", "") in (refused - {""} or {""}) or not tags
    if refused <= {""}:
        assert rows(server, first) == rows(server, second)


def _version(server, run_id):
    with closing(sqlite3.connect(server.home / "mlflow.db")) as database:
        query = "SELECT version FROM model_versions WHERE run_id = ?"
        return str(database.execute(query, [run_id]).fetchone()[0])


WHOLE = {
    "experiment_id": "0",
    "name": MODEL,
    "runs": [
        {
            "run_id": "0" * 32,
            "status": "FINISHED",
            "started": TIME,
            "ended": TIME,
            "tags": {"mlflow.runName": "x"},
            "params": {"p": "1"},
            "metrics": [["m", 0.5, 0]],
            "version": {"t": "x"},
        }
    ],
}
"""A body of which each place gets something else."""
OTHERS = [None, True, 0, 1.5, "x", [], {}, ["x"], {"x": 1}, [[]], "\x00", "1", 2**63, -(2**70)]


def _leaves(value, path=()):
    """The places of a body."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _leaves(value[key], (*path, key))


def _fits(old, new):
    """Whether something else may stand in a place, as it is of the kind that belongs there."""
    if isinstance(old, float):
        return isinstance(new, int | float) and not isinstance(new, bool)
    if isinstance(old, dict):
        return new is None or new == {}  # no version; no parameters
    if isinstance(old, list):
        return new == []
    return type(old) is type(new) and new != "\x00" and (not isinstance(new, int) or new < 2**63)


@pytest.mark.parametrize("path", list(_leaves(WHOLE)), ids=lambda path: ".".join(map(str, path)))
def test_what_is_of_another_type_is_refused(server, client, places, path):
    """A number is no text and a text no number: nothing is converted, and nothing written."""
    before = rows(server, "0" * 32)
    for other in OTHERS:
        body = deepcopy({"": WHOLE})
        place = body
        for key in ("", *path)[:-1]:
            place = place[key]
        key = ("", *path)[-1]
        if not _fits(place[key], other):
            place[key] = other
            answer = client.post(RUNS, json=body[""])
            assert (400, "INVALID_PARAMETER_VALUE") == (
                answer.status_code,
                answer.json()["error_code"],
            ), body
    assert before == rows(server, "0" * 32)
