"""Who may post: each element is allowed to whom MLflow's own API allows it, and to nobody else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from uuid import uuid4

import httpx
import pytest

from sweepstake.mlflow_client.bulk import RUNS, VERSION_TAGS

ADMIN = ("admin", "correct horse battery")
MODEL, PROMPT = "the-model", "the-prompt"
TIME = 1_790_000_000_000

LEVELS = ("READ", "USE", "EDIT", "MANAGE", "DENY")
FULL = {"experiment": "EDIT", "registered_model": "EDIT", "prompt": "EDIT"}
PARENTS, CHILDREN = tuple(FULL), ("run", "registered_model_version", "prompt_version")
GRANTS = {
    "nothing": {},
    **{f"{kind}={level}": {**FULL, kind: level} for kind in PARENTS for level in LEVELS},
    **{f"{kind}={level}": {**FULL, kind: level} for kind in CHILDREN for level in LEVELS},
    **{f"only {kind}": {kind: "EDIT"} for kind in (*PARENTS, *CHILDREN)},
    "reader who may change runs": {**FULL, "experiment": "READ", "run": "EDIT"},
    "reader who may change versions": {
        **FULL,
        "registered_model": "READ",
        "registered_model_version": "EDIT",
    },
}
"""What users were granted: on one experiment, model and prompt, and on all that is in them."""


@pytest.fixture(scope="module")
def server(start_mlflow, tmp_path_factory):
    """A server with users, who may read everything where nothing else is said."""
    home = tmp_path_factory.mktemp("users")
    (home / "users.ini").write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{home}/users.db\n"
        "admin_username = admin\nauth_cache_ttl_seconds = 600\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_AUTH_CONFIG_PATH", str(home / "users.ini"))
        patch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", ADMIN[1])
        patch.setenv("MLFLOW_FLASK_SERVER_SECRET_KEY", "a key of this test")
        return start_mlflow("--app-name", "sweepstake-basic-auth")


class Caller:
    """A user of the server's API."""

    def __init__(self, client, name, password):
        self._client, self._login = client, (name, password)

    def post(self, path, body):
        """What the server answers."""
        return self._client.post(path, json=body, auth=self._login)

    def ask(self, path, body):
        """An answer of MLflow's API that must not be refused."""
        answer = self.post(f"/api/2.0/mlflow/{path}", body)
        assert 200 == answer.status_code, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def client(server):
    """The connection of all users."""
    with httpx.Client(base_url=server.uri, timeout=120) as opened:
        yield opened


@pytest.fixture(scope="module")
def admin(client):
    """The administrator."""
    return Caller(client, *ADMIN)


@pytest.fixture(scope="module")
def things(admin):
    """What there is: experiments with runs, a registered model and a prompt with a version each."""
    mine, other = (
        admin.ask("experiments/create", {"name": name})["experiment_id"] for name in "ab"
    )
    opened, ended, foreign = (_run(admin, experiment) for experiment in (mine, mine, other))
    admin.ask("runs/update", {"run_id": ended, "status": "FINISHED", "end_time": TIME})
    mark = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    for name, tags in {MODEL: [], PROMPT: [mark]}.items():
        admin.ask("registered-models/create", {"name": name, "tags": tags})
        source = {"source": f"runs:/{ended}/model", "run_id": ended}
        admin.ask("model-versions/create", {"name": name, **source})
    return {"mine": mine, "other": other, "open": opened, "ended": ended, "foreign": foreign}


def _run(admin, experiment):
    return admin.ask("runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]


@pytest.fixture(scope="module")
def known():
    """The users made so far."""
    return {}


@pytest.fixture
def caller(request, client, admin, things, known):
    """A user who was granted what the parameter says."""
    granted = request.param
    if granted not in known:
        name, password = f"user{len(known)}", "a long enough password"
        admin.ask("users/create", {"username": name, "password": password})
        places = {"experiment": things["mine"], "registered_model": MODEL, "prompt": PROMPT}
        for kind, level in GRANTS[granted].items():
            grant = {"username": name, "resource_type": kind, "permission": level}
            path = "/api/3.0/mlflow/users/permissions/grant"
            answer = admin.post(path, {**grant, "resource_id": places.get(kind, "*")})
            assert 200 == answer.status_code, answer.text
        known[granted] = Caller(client, name, password)
    return known[granted]


def element(run_id, **changes):
    """A run of a bulk, finished where nothing else is said."""
    return {
        "run_id": run_id,
        "status": "FINISHED",
        "started": TIME,
        "ended": TIME + 1,
        "tags": {"mlflow.runName": "x"},
        "params": {},
        "metrics": [],
        "version": None,
    } | changes


def begun(run_id):
    """A run that is still open."""
    return element(run_id, status="RUNNING", ended=None)


DATA = {
    "name": "iris",
    "digest": "0123456789abcdef",
    "source_type": "code",
    "source": "{}",
    "schema": None,
    "profile": "{}",
}
WITH_DATA = {"begun with data", "open with data"}
VERSION = {"sweepstake.decision": "pending"}
MARKED = {"mlflow.prompt.is_prompt": "true"}
ELEMENTS = {
    "begun": lambda things: (begun(uuid4().hex), MODEL),
    "finished": lambda things: (element(uuid4().hex), MODEL),
    "with figures": lambda things: (element(uuid4().hex, metrics=[["f1", 0.5, 0]]), MODEL),
    "with a version": lambda things: (element(uuid4().hex, version=VERSION), MODEL),
    "with a prompt's version": lambda things: (element(uuid4().hex, version=VERSION), PROMPT),
    "marked as a prompt's": lambda things: (element(uuid4().hex, version=MARKED), MODEL),
    "of no model": lambda things: (element(uuid4().hex, version=VERSION), "no-such-model"),
    "begun with data": lambda things: (begun(uuid4().hex), MODEL),
    "open": lambda things: (begun(things["open"]), MODEL),
    "open with data": lambda things: (begun(things["open"]), MODEL),
    "ended": lambda things: (element(things["ended"], version=VERSION), MODEL),
}

PAIRS = [
    pytest.param(granted, kind, marks=[] if (row + column) % 4 == 0 else pytest.mark.long)
    for row, granted in enumerate(GRANTS)
    for column, kind in enumerate(ELEMENTS)
]
"""Every grant and every kind of element with a few of the others; all pairs in `make test-long`."""


def by_api(caller, experiment, run, name, exists, dataset=None):
    """The status of the first of MLflow's own requests that is refused, or of the last."""
    tags = [{"key": key, "value": text} for key, text in run["tags"].items()]
    run_id, answer = run["run_id"], None
    if not exists:
        body = {"experiment_id": experiment, "start_time": run["started"], "tags": tags}
        answer = caller.post("/api/2.0/mlflow/runs/create", body)
        if answer.status_code != 200:
            return answer.status_code
        run_id = answer.json()["run"]["info"]["run_id"]
    later = [("runs/log-batch", {"run_id": run_id, "tags": tags, "metrics": _metrics(run)})]
    ended = {"end_time": run["ended"]} if run["ended"] else {}
    later.append(("runs/update", {"run_id": run_id, "status": run["status"], **ended}))
    if run["version"] is not None:
        given = [{"key": key, "value": text} for key, text in run["version"].items()]
        source = {"source": f"runs:/{run_id}/model", "run_id": run_id}
        later.append(("model-versions/create", {"name": name, **source, "tags": given}))
    needed = later if exists or run["ended"] else []
    if dataset is not None:
        context = [{"key": "mlflow.data.context", "value": "training"}]
        given = {"run_id": run_id, "datasets": [{"dataset": dataset, "tags": context}]}
        needed = [*needed, ("runs/log-inputs", given)]
    for path, body in needed:
        answer = caller.post(f"/api/2.0/mlflow/{path}", body)
        if answer.status_code != 200:
            break
    return answer.status_code


def _metrics(run):
    return [
        {"key": key, "value": value, "timestamp": TIME, "step": step}
        for key, value, step in run["metrics"]
    ]


def counted(server):
    """How many rows there are of all that a bulk may write."""
    tables = ("runs", "tags", "metrics", "model_versions", "model_version_tags")
    tables += ("datasets", "inputs", "input_tags")
    with closing(sqlite3.connect(server.home / "mlflow.db")) as database:
        return [database.execute(f"SELECT count(*) FROM {name}").fetchone() for name in tables]


@pytest.mark.parametrize(("caller", "kind"), PAIRS, indirect=["caller"])
def test_a_run_is_allowed_to_whom_the_api_allows_it(server, caller, things, kind):
    """The route answers as the API does, and writes nothing where it refuses."""
    run, name = ELEMENTS[kind](things)
    dataset = DATA if kind in WITH_DATA else None
    exists = kind in {"open", "ended", "open with data"}
    sent = dataset and {key: text for key, text in dataset.items() if text is not None}
    expected = by_api(caller, things["mine"], run, name, exists, sent)
    before = counted(server)
    body = {"experiment_id": things["mine"], "name": name, "runs": [run], "dataset": dataset}
    answer = caller.post(RUNS, body)
    assert expected == answer.status_code, answer.text
    assert (expected == 200) or before == counted(server)


@pytest.mark.parametrize("name", [MODEL, PROMPT])
@pytest.mark.parametrize("caller", GRANTS, indirect=True)
def test_a_tag_is_allowed_to_whom_the_api_allows_it(server, caller, things, name):
    """The tags of a model's versions and of a prompt's are held to MLflow's own rule."""
    tag = {"key": "a", "value": "1"}
    asked = caller.post(
        "/api/2.0/mlflow/model-versions/set-tag", {"name": name, "version": "1", **tag}
    )
    before = counted(server)
    answer = caller.post(VERSION_TAGS, {"name": name, "tags": {"1": {"b": "1"}}})
    assert asked.status_code == answer.status_code, answer.text
    assert (answer.status_code == 200) or before == counted(server)


@pytest.mark.parametrize("caller", ["experiment=EDIT"], indirect=True)
def test_one_refused_element_refuses_them_all(server, caller, things):
    """What the user may write is not written either, wherever the other stands in the body."""
    fine, foreign = element(uuid4().hex), element(things["foreign"], status="FAILED")
    for runs in ([fine, foreign], [foreign, fine]):
        before = counted(server)
        body = {"experiment_id": things["mine"], "name": MODEL, "runs": runs}
        assert 403 == caller.post(RUNS, body).status_code
        assert before == counted(server)


@pytest.mark.parametrize("caller", ["experiment=DENY"], indirect=True)
@pytest.mark.parametrize("spelling", ["{}", "00{}", "+{}", " {}", "{}_0"])
def test_no_spelling_of_an_experiment_passes_its_denial(caller, things, spelling):
    """MLflow's database finds 007 where the denial is for 7: one spelling is taken."""
    body = {"experiment_id": spelling.format(things["mine"]), "name": MODEL, "runs": []}
    body["runs"] = [element(uuid4().hex)]
    assert caller.post(RUNS, body).status_code in {400, 403}
    assert 400 == caller.post(RUNS, {**body, "experiment_id": int(things["mine"])}).status_code
