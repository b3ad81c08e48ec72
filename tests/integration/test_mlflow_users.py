"""An MLflow with users: what one who reads, and one who edits, can and cannot do to the stack."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from mlflow import MlflowClient

from sweepstake.champions import model_faults, rounds
from sweepstake.doctor import places
from sweepstake.errors import (
    ArtifactPlaceError,
    ModelFaultsError,
    ModelFileError,
    NotFoundError,
    SettingsError,
)
from sweepstake.mlflow_client import aliases
from sweepstake.mlflow_client.connection import Connection
from sweepstake.mlflow_client.registry import Registry
from sweepstake.serving.app import Host
from sweepstake.storage.workspace import Workspace

PASSWORDS = {who: f"the password of {who}" for who in ("admin", "airflow", "reader")}

PERMISSIONS = "/api/3.0/mlflow/users/permissions"


class Listener(BaseHTTPRequestHandler):
    """Notes whatever it is asked, and with which log-in."""

    def do_GET(self):
        """Say that there is nothing."""
        self.server.heard.append((self.path, self.headers["Authorization"]))
        self.send_response(404)
        self.end_headers()

    do_PUT = do_POST = do_GET  # noqa: N815 - the names that the library looks for

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def listener():
    """A server of the attacker's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    server.heard = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def logged_in(user):
    """Be this user of MLflow inside the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_USERNAME", user)
        patch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORDS[user])
        yield


@pytest.fixture(scope="module")
def mlflow_uri(start_mlflow, tmp_path_factory):
    """The address of a server with users: the stack's, and one who reads what is not his own."""
    home = tmp_path_factory.mktemp("users")
    ini = home / "users.ini"
    ini.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{home}/users.db\n"
        "admin_username = admin\nauth_cache_ttl_seconds = 60\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_AUTH_CONFIG_PATH", str(ini))
        patch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", PASSWORDS["admin"])
        patch.setenv("MLFLOW_FLASK_SERVER_SECRET_KEY", "a key of this test")
        patch.setenv("MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES", "http")  # the worst case
        uri = start_mlflow("--app-name", "sweepstake-basic-auth").uri
    with logged_in("admin"):
        for user in ("airflow", "reader"):
            given = {"username": user, "password": PASSWORDS[user]}
            Connection(uri).post("/api/2.0/mlflow/users/create", given)
    return uri


@pytest.fixture(autouse=True)
def as_airflow():
    """Tests act as the stack unless they say otherwise."""
    with logged_in("airflow"):
        yield


@pytest.fixture
def client(mlflow_uri):
    """MLflow's own client, for whoever is logged in."""
    return MlflowClient(mlflow_uri)


@pytest.fixture
def grant(mlflow_uri):
    """A function by which the administrator lets a user do something to a model."""

    def give(user, model, permission):
        with logged_in("admin"):
            given = {"username": user, "resource_type": "registered_model", "resource_id": model}
            with suppress(NotFoundError):  # there is none to be replaced
                Connection(mlflow_uri).post(f"{PERMISSIONS}/revoke", given)
            Connection(mlflow_uri).post(f"{PERMISSIONS}/grant", {**given, "permission": permission})

    return give


@pytest.fixture
def trained(submit, run):
    """The id of a sweep of one tree, whose version waits to be judged."""
    return run(submit(grid={"max_depth": [3]}))


@pytest.fixture
def borrow(client, trained, name, listener):
    """A function by which the reader makes a version with the tags of the sweep and files of his.

    It takes the model that it shall be of, and gives the version's number.
    """
    place = f"http://127.0.0.1:{listener.server_port}/files"
    (version,) = client.search_model_versions(f"name = '{name}'")

    def make(model):
        with logged_in("reader"):
            experiment = client.create_experiment(f"{name}-theirs", artifact_location=place)
            run_id = client.create_run(experiment).info.run_id
            if model != name:
                client.create_registered_model(model, tags={"sweepstake.managed": "true"})
            tags = {**version.tags, "sweepstake.files": f"{place}/model"}
            tags["sweepstake.decision"] = "pending"
            source = f"runs:/{run_id}/model"
            return client.create_model_version(model, source, run_id, tags=tags).version

    return make


def crown(client, model, version):
    """Let the reader put a version into service."""
    with logged_in("reader"):
        client.set_registered_model_alias(model, "champion", version)


def verdicts(client, model):
    """The decision on each version, by its number."""
    found = client.search_model_versions(f"name = '{model}'")
    return {each.version: each.tags["sweepstake.decision"] for each in found}


def test_a_readers_own_model_is_nothing_to_the_stack(borrow, client, name, settings, listener):
    """With borrowed tags it is neither judged nor loaded, and nobody logs in at its place."""
    theirs = borrow(f"{name}-theirs")
    crown(client, f"{name}-theirs", theirs)
    entries = rounds.judge_all(settings)
    assert ([name], []) == ([entry.model for entry in entries], listener.heard)
    assert {theirs: "pending"} == verdicts(client, f"{name}-theirs")


def test_nobody_serves_a_model_that_was_not_trained_here(borrow, client, name, settings, listener):
    """Whatever its tags say, its place is not looked at."""
    theirs = borrow(f"{name}-theirs")
    crown(client, f"{name}-theirs", theirs)
    registry = Registry(settings.tracking_uri)
    with pytest.raises(ModelFileError, match="must have been trained by a sweep"):
        Host(registry, Workspace(settings.workspace), f"{name}-theirs").refresh()
    with pytest.raises(ArtifactPlaceError):
        registry.files.load(registry.version(f"{name}-theirs", theirs))
    assert [] == listener.heard


def test_an_editor_cannot_have_a_foreign_model_judged(
    borrow, client, name, settings, grant, listener
):
    """A version in the stack's own model whose run was not trained here is refused, unread."""
    grant("reader", name, "EDIT")
    borrow(name)
    (entry,) = rounds.judge_all(settings)
    assert {"1": "promote", "2": "refuse"} == verdicts(client, name)
    assert ("1", []) == (entry.version, listener.heard)


@pytest.fixture
def host(trained, name, settings):
    """A server's host that has loaded the sweep's champion."""
    rounds.judge_all(settings)
    made = Host(Registry(settings.tracking_uri), Workspace(settings.workspace), name)
    made.refresh()
    return made


def test_an_editor_cannot_have_a_foreign_model_served(host, borrow, client, name, grant, listener):
    """The alias on a foreign version does not replace what is served, and nobody logs in there."""
    grant("reader", name, "EDIT")
    crown(client, name, borrow(name))
    with pytest.raises(ModelFileError):
        host.refresh()
    assert ("1", []) == (host.served.version.version, listener.heard)


def test_a_tag_does_not_vouch_for_a_hash(trained, client, name, settings, grant):
    """The hash of an editor's, on a version that was trained here, is not the noted one."""
    grant("reader", name, "EDIT")
    with logged_in("reader"):
        client.set_model_version_tag(name, "1", "sweepstake.sha256", "0" * 64)
    assert () == rounds.judge_all(settings)
    assert {"1": "refuse"} == verdicts(client, name)


@pytest.mark.parametrize("place", ["http://127.0.0.1:{}/files", "file:///{}/elsewhere"])
def test_an_experiment_of_another_with_a_place_of_its_own_is_refused(
    submit, run, client, name, listener, place
):
    """Whoever was first to make the experiment does not decide where models are written."""
    with logged_in("reader"):
        client.create_experiment(name, artifact_location=place.format(listener.server_port))
    with pytest.raises(ArtifactPlaceError, match="must be in the artifact store"):
        run(submit())
    assert [] == listener.heard


@pytest.fixture
def two(trained, submit, run, name):
    """The names of two models with a version each that waits; the first is judged first."""
    run(submit(name=f"{name}-other", grid={"max_depth": [2]}))
    return name, f"{name}-other"


@pytest.fixture
def faults(settings):
    """A function that gives the models that have a fault, after looking in every place for it."""
    workspace = Workspace(settings.workspace)

    def look():
        for fault in model_faults.known(workspace):
            for tell in (model_faults.tell, lambda _: places.models(settings.workspace)):
                with pytest.raises(ModelFaultsError, match=re.escape(str(fault))):
                    tell(workspace)
        return [fault.model for fault in model_faults.known(workspace)]

    return look


def test_a_model_that_may_not_be_changed_stops_no_other(two, client, settings, grant, faults):
    """It is told, no round of it is opened, and it is judged once that is fixed."""
    stuck, free = two
    grant("airflow", stuck, "READ")
    entries = rounds.judge_all(settings)
    assert ([free], [stuck]) == ([entry.model for entry in entries], faults())
    assert () == Registry(settings.tracking_uri).history(stuck)

    grant("airflow", stuck, "MANAGE")
    assert [stuck] == [entry.model for entry in rounds.judge_all(settings)]
    assert ([], {"1": "promote"}) == (faults(), verdicts(client, stuck))


def test_a_right_that_is_lost_before_a_promotion_opens_no_round(trained, name, settings, grant):
    """The right is tried before the ledger is written."""
    assert (name,) == rounds.find(settings)
    grant("airflow", name, "READ")
    with pytest.raises(SettingsError):
        rounds.judge(name, settings)
    assert () == Registry(settings.tracking_uri).history(name)


def test_an_open_round_that_cannot_be_ended_stops_no_other(two, settings, grant, faults):
    """A right that is lost within a round leaves it open until the right is back; others go on."""
    stuck, free = two
    registry = Registry(settings.tracking_uri)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aliases, "move", _killed)
        with pytest.raises(KeyboardInterrupt):
            rounds.judge_all(settings)
    grant("airflow", stuck, "READ")
    entries = rounds.judge_all(settings)
    assert ([free], [stuck]) == ([entry.model for entry in entries], faults())
    assert [False] == [entry.complete for entry in registry.history(stuck)]

    grant("airflow", stuck, "MANAGE")
    rounds.judge_all(settings)
    assert [True] == [entry.complete for entry in registry.history(stuck)]
    assert ([], "1") == (faults(), registry.champion(stuck).version)


def _killed(*_args, **_kwargs):
    raise KeyboardInterrupt
