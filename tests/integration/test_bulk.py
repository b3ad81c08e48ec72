"""Whole runs in one request: the same as by MLflow's API, once, and only for those who may."""

from __future__ import annotations

import json
import math
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import httpx
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.domain.trial import Curve, Trial, TrialResult, TrialState
from sweepstake.errors import NotFoundError, SettingsError
from sweepstake.mlflow_client.bulk import (
    MOST_BYTES,
    MOST_POINTS,
    MOST_RUNS,
    RUNS,
    VERSION_TAGS,
    Bulk,
    RunRecord,
    VersionTags,
)
from sweepstake.mlflow_client.model_version import first_tags
from sweepstake.mlflow_client.registry import Registry
from sweepstake.mlflow_client.run_datasets import RunDataset
from sweepstake.mlflow_client.runs import (
    TrialRun,
    child_tags,
    result_metrics,
    result_params,
    result_tags,
)
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.mlflow_server import app
from sweepstake.mlflow_server.bulk_body import read_runs

STARTED, ENDED = 1_790_000_000_000, 1_790_000_001_500
TRIAL = Trial(3, "k3", EstimatorSpec("sklearn.tree.DecisionTreeClassifier", {"max_depth": 2}))
RESULT = TrialResult(
    trial=TRIAL,
    params={"max_depth": "2", "strange=name": "x"},
    metrics={"mean_cv_f1": 0.5, "test_roc_auc": math.nan, "test_log_loss": math.inf},
    curves=(Curve("cv_f1", ((0, 0.75), (1, 0.25), (2, 0.25))),),
    confusion=(),
    labels=(),
    warnings=("It did not converge.",),
)
ORIGIN = {"sweepstake.sweep": "s", "sweepstake.trial_key": "k3", "sweepstake.sha256": "abc"}
DATASET = RunDataset(
    name="iris",
    digest="0123456789abcdef",
    source_type="code",
    source='{"tags": {"mlflow.source.name": "sklearn:iris"}}',
    schema='{"mlflow_colspec":[{"type":"double","name":"x"}]}',
    profile='{"num_rows": 3}',
)


@pytest.fixture
def tracking(mlflow_uri):
    """The runs on a server that takes many at once."""
    return Tracking(mlflow_uri)


@pytest.fixture
def client(mlflow_uri):
    """MLflow's own client, to look at what was written."""
    return MlflowClient(mlflow_uri)


@pytest.fixture
def sweep(tracking, mlflow_uri, name):
    """An open sweep in an experiment of its own, and a registered model of the same name."""
    Registry(mlflow_uri).ensure_model(name)
    experiment = tracking.ensure_experiment(name, "mean_cv_f1")
    opened = tracking.open_sweep(experiment, f"{name}__1", {"sweepstake.seed": "0"})
    return replace(opened, dataset=DATASET)


def record(sweep, **changes):
    """A finished run that shall be a version."""
    whole = RunRecord(
        run_id=uuid4().hex,
        status="FINISHED",
        started=STARTED,
        ended=ENDED,
        tags=child_tags(sweep, TRIAL, "0") | result_tags(RESULT, "abc"),
        params=result_params(RESULT),
        metrics=result_metrics(RESULT),
        version=first_tags(ORIGIN),
    )
    return replace(whole, **changes)


def begun(sweep, run_id):
    """The same run while it is trained."""
    tags = child_tags(sweep, TRIAL, "0")
    return record(
        sweep, run_id=run_id, status="RUNNING", ended=None, tags=tags, params={}, metrics=(),
        version=None,
    )  # fmt: skip


def post(tracking, sweep, name, *records):
    """Send records."""
    tracking.post(Bulk(sweep.experiment_id, name, records, sweep.dataset))


def versions(client, name):
    """The versions of a model, oldest first."""
    return client.search_model_versions(f"name = '{name}'", order_by=["version_number ASC"])


def seen(client, run_id):
    """All that MLflow shows of a run, but for its id and its times."""
    run = client.get_run(run_id).to_dictionary()
    for place in ("run_id", "run_uuid", "start_time", "end_time", "artifact_uri"):
        run["info"].pop(place, None)
    curve = client.get_metric_history(run_id, "cv_f1")
    points = [(point.step, point.value) for point in curve]
    return json.dumps({**run, "curve": points}, sort_keys=True)


def test_a_posted_run_is_what_the_api_would_have_made(tracking, client, sweep, name, mlflow_uri):
    """MLflow shows no difference between a run by its API and one by the route, or a version."""
    run = tracking.start_trial(sweep, TRIAL, "0")
    tracking.log_result(run.run_id, RESULT, "abc")
    tracking.finish(run.run_id, TrialState.COMPLETE)
    Registry(mlflow_uri).register(name, run.run_id, ORIGIN)

    posted = record(sweep, version=first_tags(ORIGIN))
    post(tracking, sweep, name, posted)

    assert seen(client, run.run_id) == seen(client, posted.run_id)
    slow, quick = (dict(version) for version in versions(client, name))
    own = {"version", "run_id", "source", "creation_timestamp", "last_updated_timestamp"}
    assert {k: v for k, v in slow.items() if k not in own} == {
        k: v for k, v in quick.items() if k not in own
    }
    assert (f"runs:/{posted.run_id}/model", posted.run_id) == (quick["source"], quick["run_id"])


def test_the_files_of_a_posted_run_are_where_its_client_puts_them(tracking, client, sweep, name):
    """The client knows the place before the run exists."""
    run_id = uuid4().hex
    place = tracking.files.root(sweep.experiment_id)(run_id)
    post(tracking, sweep, name, record(sweep, run_id=run_id))
    made = tracking.start_trial(sweep, TRIAL, "0")
    assert place == client.get_run(run_id).info.artifact_uri
    assert made.artifact_uri == place.replace(run_id, made.run_id)


def test_a_run_is_shown_while_it_is_trained_and_ended_later(tracking, client, sweep, name):
    """First it is RUNNING with its tags alone, then it is whole."""
    run_id = uuid4().hex
    post(tracking, sweep, name, begun(sweep, run_id))
    first = client.get_run(run_id)
    post(tracking, sweep, name, record(sweep, run_id=run_id))
    second = client.get_run(run_id)
    assert ("RUNNING", None, {}) == (first.info.status, first.info.end_time, first.data.params)
    assert ("FINISHED", ENDED, "2") == (
        second.info.status,
        second.info.end_time,
        second.data.params["max_depth"],
    )
    assert "It did not converge." == second.data.tags["sweepstake.warnings"]


def test_a_run_that_the_api_began_is_ended_by_the_route(tracking, client, sweep, name):
    """What a task without the route left open, one with it completes."""
    run = tracking.start_trial(sweep, TRIAL, "0")
    post(tracking, sweep, name, record(sweep, run_id=run.run_id))
    assert "FINISHED" == client.get_run(run.run_id).info.status


def test_a_request_that_is_sent_twice_changes_nothing(tracking, client, sweep, name):
    """A lost reply costs a request and makes no second run, point or version."""
    sent = record(sweep)
    post(tracking, sweep, name, sent)
    before = seen(client, sent.run_id)
    post(tracking, sweep, name, sent, begun(sweep, sent.run_id))
    assert before == seen(client, sent.run_id)
    assert 1 == len(versions(client, name))


def inputs(client, run_id):
    """The data sets of a run."""
    found = client.get_run(run_id).inputs.dataset_inputs
    return [(each.dataset.name, each.dataset.digest, each.tags[0].value) for each in found]


def test_a_run_has_its_data_as_an_input_once(tracking, client, sweep, name, mlflow_server):
    """While it is trained and afterwards; the data set is one row for all runs of an experiment."""
    first, second = uuid4().hex, uuid4().hex
    post(tracking, sweep, name, begun(sweep, first))
    shown = inputs(client, first)
    post(tracking, sweep, name, record(sweep, run_id=first), record(sweep, run_id=second))
    post(tracking, sweep, name, record(sweep, run_id=second))
    assert [[("iris", "0123456789abcdef", "training")]] * 3 == [
        shown,
        inputs(client, first),
        inputs(client, second),
    ]
    with closing(sqlite3.connect(mlflow_server.home / "mlflow.db")) as database:
        rows = database.execute(
            "SELECT count(*) FROM datasets WHERE experiment_id = ?", [int(sweep.experiment_id)]
        ).fetchone()
    assert (1,) == rows


def test_runs_are_found_by_their_data(tracking, client, sweep, name):
    """MLflow's filter for data sets finds those that were trained on them, and no others."""
    sent = record(sweep)
    post(tracking, sweep, name, sent)
    post(tracking, replace(sweep, dataset=None), name, record(sweep))
    found = client.search_runs([sweep.experiment_id], "dataset.digest = '0123456789abcdef'")
    assert [sent.run_id] == [run.info.run_id for run in found]


def test_runs_that_begin_at_once_share_their_data(tracking, client, sweep, name):
    """Whoever writes the data set at the same time as another finds the other's."""
    runs = [record(sweep, version=None) for _ in range(6)]
    posts = [threading.Thread(target=post, args=(tracking, sweep, name, run)) for run in runs]
    for each in posts:
        each.start()
    for each in posts:
        each.join()
    assert [1] * 6 == [len(inputs(client, run.run_id)) for run in runs]


@pytest.mark.parametrize(
    "changes", [{"digest": "d" * 37}, {"name": "n" * 501}, {"source": "s" * 65_536}]
)
def test_data_that_the_api_would_refuse_are_refused(tracking, sweep, name, changes):
    """They are held to MLflow's own rules, and no run is written."""
    odd = replace(sweep, dataset=replace(DATASET, **changes))
    with pytest.raises(MlflowException, match="exceeds the maximum length"):
        post(tracking, odd, name, record(sweep))
    assert () == tracking.children(sweep)


def test_a_run_in_the_bin_stays_there(tracking, client, sweep, name):
    """A worker that was overtaken does not bring back what was removed."""
    run_id = uuid4().hex
    post(tracking, sweep, name, begun(sweep, run_id))
    client.delete_run(run_id)
    post(tracking, sweep, name, record(sweep, run_id=run_id))
    assert ("deleted", []) == (
        client.get_run(run_id).info.lifecycle_stage,
        list(versions(client, name)),
    )


def test_versions_are_counted_one_after_another(tracking, client, sweep, name):
    """Whoever posts at the same time gets numbers of its own, and none is left out."""
    client.delete_model_version(name, _first(tracking, client, sweep, name))
    posts = [
        threading.Thread(target=post, args=(tracking, sweep, name, record(sweep), record(sweep)))
        for _ in range(4)
    ]
    for each in posts:
        each.start()
    for each in posts:
        each.join()
    assert [str(number) for number in range(2, 10)] == [
        version.version for version in versions(client, name)
    ]


def _first(tracking, client, sweep, name):
    """The number of a first version."""
    post(tracking, sweep, name, record(sweep))
    return versions(client, name)[0].version


def test_a_failed_run_is_no_version(tracking, client, sweep, name):
    """It has its reason, and nothing is registered whatever the request says."""
    tags = child_tags(sweep, TRIAL, "0") | {"sweepstake.error": "ValueError: no"}
    failed = record(sweep, status="FAILED", tags=tags, params={}, metrics=())
    post(tracking, sweep, name, failed)
    assert ("FAILED", []) == (client.get_run(failed.run_id).info.status, versions(client, name))


def test_runs_of_another_experiment_are_refused(tracking, client, sweep, name):
    """Who may write to one experiment cannot change the runs of another."""
    other = tracking.open_sweep(tracking.ensure_experiment(f"{name}-2", "m"), "other__1", {})
    with pytest.raises(MlflowException, match="all runs must be of experiment"):
        post(tracking, sweep, name, record(sweep, run_id=other.run_id))
    assert "RUNNING" == client.get_run(other.run_id).info.status


@pytest.mark.parametrize(
    "changes",
    [
        {"run_id": "../../etc"},
        {"status": "DANCING"},
        {"tags": {"mlflow.runName": "x", "a/../b": "x"}},
        {"metrics": (("a\x00b", 1.0, 0),)},
    ],
    ids=["run_id", "status", "tag", "metric"],
)
def test_what_the_api_would_refuse_is_refused(tracking, sweep, name, changes):
    """Ids, states and names are held to MLflow's own rules, and nothing is written."""
    with pytest.raises(MlflowException):
        post(tracking, sweep, name, record(sweep, **changes))
    assert () == tracking.children(sweep)


def test_a_body_is_read_no_further_than_its_limits(mlflow_uri):
    """Too long, too many of anything, nested without end, no JSON: all are refused in words."""
    run = {"run_id": "0" * 32, "status": "RUNNING", "started": 0, "ended": None, "params": {}}
    run |= {"metrics": [], "version": None, "tags": {"mlflow.runName": "x"}}
    bodies = {
        "at most 16,000,000 bytes": b" " * (MOST_BYTES + 1),
        "at most 500 items": _body([run] * (MOST_RUNS + 1)),
        "at most 5000 items": _body([{**run, "metrics": [["m", 1, 0]] * (MOST_POINTS + 1)}]),
        "at most 1000 items": _body([{**run, "tags": {str(key): "" for key in range(1001)}}]),
        "recursion limit": b"[" * 100_000,
        "valid string": _body([{**run, "metrics": [[0] * 3] * 5_000}] * 100),
        "Invalid JSON": b"{",
    }
    answers = {rule: _post(mlflow_uri, body).json()["message"] for rule, body in bodies.items()}
    assert dict.fromkeys(bodies, True) == {rule: rule in answers[rule] for rule in bodies}
    assert [] == [text for text in answers.values() if len(text) > 1000]


def _body(runs):
    return json.dumps({"experiment_id": "0", "name": "x", "runs": runs}).encode()


def _post(uri, body, kind="application/json"):
    return httpx.post(uri + RUNS, content=body, headers={"Content-Type": kind}, timeout=300)


def test_what_a_page_of_another_site_may_send_is_refused(mlflow_uri):
    """A browser sends forms and plain text to any server without asking it."""
    answer = _post(mlflow_uri, _body([]), kind="text/plain")
    assert (400, True) == (answer.status_code, "must be of type application/json" in answer.text)


def test_a_great_bulk_is_sent_in_parts():
    """Each part is one that a server takes, and all runs are in one, in their order."""
    tags = {"mlflow.runName": "x", "text": "x" * 5000}
    runs = tuple(RunRecord(f"{number:032x}", "RUNNING", 0, None, tags) for number in range(2000))
    parts = list(Bulk("0", "x", runs).parts())
    sizes = [len(json.dumps(part.to_json())) for part in parts]
    assert runs == tuple(run for part in parts for run in part.runs)
    assert (True, True) == (max(sizes) < MOST_BYTES, len(parts[0].runs) < MOST_RUNS)
    assert [()] == [part.runs for part in Bulk("0", "x", ()).parts()]


def test_a_version_lies_where_the_operator_lets_versions_lie(start_mlflow, name, monkeypatch):
    """MLflow's own pattern for the places of versions holds for those that are posted."""
    monkeypatch.setenv("MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX", "^s3://")
    uri = start_mlflow("--app-name", "sweepstake").uri
    tracking = Tracking(uri)
    Registry(uri).ensure_model(name)
    sweep = tracking.open_sweep(tracking.ensure_experiment(name, "m"), f"{name}__1", {})
    with pytest.raises(MlflowException, match="must be versions of places like"):
        post(tracking, sweep, name, record(sweep))
    assert () == tracking.children(sweep)


def test_something_else_is_refused_in_words(tracking):
    """A body that is no bulk is told what it should have been."""
    with pytest.raises(MlflowException, match="experiment_id: Field required"):
        tracking.client.post(RUNS, {"runs": [{"run_id": 7}]})


@pytest.fixture
def listener():
    """A server that keeps the events it is told of."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    httpd.told = []
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield httpd
    httpd.shutdown()
    httpd.server_close()
    thread.join()


class Listener(BaseHTTPRequestHandler):
    """Takes what is posted."""

    def do_POST(self):
        """Keep it."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        """Say nothing."""


def test_webhooks_hear_of_posted_versions_and_tags(start_mlflow, listener, name, monkeypatch):
    """Whoever waits for MLflow's events gets them from the routes too, once for each."""
    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http")
    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true")
    uri = start_mlflow("--app-name", "sweepstake").uri
    tracking, client = Tracking(uri), MlflowClient(uri)
    events = ["model_version.created", "model_version_tag.set"]
    client.create_webhook(name, f"http://127.0.0.1:{listener.server_port}/", events)
    Registry(uri).ensure_model(name)
    sweep = tracking.open_sweep(tracking.ensure_experiment(name, "m"), f"{name}__1", {})
    sent = record(sweep)
    for _ in range(2):
        post(tracking, sweep, name, sent)
    tags = VersionTags(name, {1: {"sweepstake.decision": "keep"}})
    tracking.client.post(VERSION_TAGS, tags.to_json())

    deadline = time.monotonic() + 30
    while len(listener.told) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    by_action = {each["action"]: each["data"] for each in listener.told}
    assert (2, {"created", "set"}) == (len(listener.told), by_action.keys())
    assert ("1", sent.run_id) == (by_action["created"]["version"], by_action["created"]["run_id"])
    assert ("sweepstake.decision", "keep") == (by_action["set"]["key"], by_action["set"]["value"])


def test_a_plain_server_takes_no_bulk(plain_uri, mlflow_uri):
    """The route is asked for before it is used."""
    assert (True, False) == (Tracking(mlflow_uri).takes_bulk(), Tracking(plain_uri).takes_bulk())


def test_only_users_who_may_write_may_post(start_mlflow, name, monkeypatch, tmp_path):
    """Where MLflow has users, a reader posts neither runs nor tags, and a writer both."""
    ini = tmp_path / "users.ini"
    ini.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{tmp_path}/users.db\n"
        "admin_username = admin\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    monkeypatch.setenv("MLFLOW_AUTH_CONFIG_PATH", str(ini))
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "correct horse battery")
    monkeypatch.setenv("MLFLOW_FLASK_SERVER_SECRET_KEY", "a key of this test")
    uri = start_mlflow("--app-name", "sweepstake-basic-auth").uri
    log_in(monkeypatch, "admin", "correct horse battery")
    tracking, client = Tracking(uri), MlflowClient(uri)
    for user in ("writer", "reader"):
        given = {"username": user, "password": f"the password of {user}"}
        tracking.client.post("/api/2.0/mlflow/users/create", given)

    log_in(monkeypatch, "writer", "the password of writer")
    Registry(uri).ensure_model(name)
    experiment = tracking.ensure_experiment(name, "mean_cv_f1")
    sweep = tracking.open_sweep(experiment, f"{name}__1", {})
    assert tracking.takes_bulk()
    post(tracking, sweep, name, record(sweep))
    tags = VersionTags(name, {1: {"sweepstake.decision": "keep"}}).to_json()
    tracking.client.post(VERSION_TAGS, tags)

    log_in(monkeypatch, "reader", "the password of reader")
    with pytest.raises(SettingsError, match="must allow this to its user"):
        post(tracking, sweep, name, record(sweep))
    with pytest.raises(SettingsError, match="must allow this to its user"):
        tracking.client.post(VERSION_TAGS, tags)
    log_in(monkeypatch, "nobody", "no password at all")
    with pytest.raises(SettingsError):
        tracking.takes_bulk()

    log_in(monkeypatch, "admin", "correct horse battery")
    (version,) = versions(client, name)
    assert "keep" == version.tags["sweepstake.decision"]
    assert 1 == len(tracking.children(sweep))


def log_in(monkeypatch, user, password):
    """Be this user of MLflow from here on."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", user)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)


def test_an_unknown_model_is_told(tracking, sweep, name):
    """Versions need a registered model, as by MLflow's API."""
    with pytest.raises(NotFoundError, match="no-such-model"):
        post(tracking, sweep, "no-such-model", record(sweep))


def test_tags_of_many_versions_change_in_one_request(tracking, client, sweep, name):
    """New tags are added, known ones changed, others left; a version that is gone needs none."""
    post(tracking, sweep, name, record(sweep), record(sweep), record(sweep))
    client.delete_model_version(name, "2")
    given = {"sweepstake.decision": "keep", "sweepstake.score": "0.5"}
    sent = VersionTags(name, {1: given, 2: given, 3: {**given, "sweepstake.score": "0.25"}})
    for _ in range(2):
        tracking.client.post(VERSION_TAGS, sent.to_json())
    first, last = versions(client, name)
    before = first_tags(ORIGIN)
    assert {**before, **given} == first.tags
    assert {**before, **given, "sweepstake.score": "0.25"} == last.tags


@pytest.mark.parametrize("tags", [{"1": "x"}, {"one": {}}, [1], {"1": {"a/../b": "x"}}])
def test_strange_tags_are_refused(tracking, sweep, name, tags):
    """What is no mapping of tags by version is told, and changes nothing."""
    post(tracking, sweep, name, record(sweep))
    with pytest.raises(MlflowException, match="INVALID_PARAMETER_VALUE"):
        tracking.client.post(VERSION_TAGS, {"name": name, "tags": tags})


def test_a_bulk_is_read_as_it_was_written(sweep):
    """Figures that JSON has no word for come back as they were."""
    sent = Bulk("7", "model", (record(sweep), begun(sweep, "a" * 32)))
    assert repr(sent) == repr(read_runs(json.dumps(sent.to_json()).encode()))


def test_the_place_of_a_version_is_that_of_its_run():
    """A run's model lies in the folder that versions are made of."""
    assert "x/model" == TrialRun("1", "x").model_uri


# MLflow's import of its stores with workspaces warns about how it uses SQLAlchemy
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_a_server_with_workspaces_takes_nothing_in_bulk(monkeypatch):
    """MLflow's workspaces are rooms of different people, which the statements do not know."""
    from flask import Flask
    from mlflow.server import handlers
    from mlflow.store.model_registry import sqlalchemy_workspace_store as registries
    from mlflow.store.tracking import sqlalchemy_workspace_store as trackings

    tracking = object.__new__(trackings.WorkspaceAwareSqlAlchemyStore)
    registry = object.__new__(registries.WorkspaceAwareSqlAlchemyStore)
    monkeypatch.setattr(handlers, "_get_tracking_store", lambda: tracking)
    monkeypatch.setattr(handlers, "_get_model_registry_store", lambda: registry)
    with Flask("test").test_request_context():
        assert {"offered": False} == app.offer().get_json()
        for take in (app.take_runs, app.take_tags):
            monkeypatch.setattr(app, "_posted", lambda _: None)
            with pytest.raises(MlflowException, match="takes runs one by one"):
                take()
