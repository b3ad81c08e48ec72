"""An MLflow with users: what one who reads, and one who edits, can and cannot do to the stack."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from mlflow import MlflowClient
from mlflow.server.auth.client import AuthServiceClient

from sweepstake import champion, modelfaults
from sweepstake.doctor import places
from sweepstake.errors import ArtifactPlaceError, ModelFaultsError, ModelFileError, SettingsError
from sweepstake.registry import Registry
from sweepstake.serving import Host
from sweepstake.workspace import Workspace

PASSWORDS = {who: f"the password of {who}" for who in ("admin", "airflow", "reader")}


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
        uri = start_mlflow("--app-name", "sweepstake-basic-auth").uri
    with logged_in("admin"):
        for user in ("airflow", "reader"):
            AuthServiceClient(uri).create_user(user, PASSWORDS[user])
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
            auth = AuthServiceClient(mlflow_uri)
            auth.grant_user_permission(user, "registered_model", model, permission)

    return give


@pytest.fixture
def workspace(settings):
    """The stack's workspace."""
    return Workspace(settings.workspace)


@pytest.fixture
def trained(submit, run):
    """The id of a sweep of one tree, whose version waits to be judged."""
    return run(submit(grid={"max_depth": [3]}))


def their_run(client, listener, name):
    """A run of the reader's, whose files are said to be at the listener's."""
    place = f"http://127.0.0.1:{listener.server_port}/files"
    experiment = client.create_experiment(f"{name}-theirs", artifact_location=place)
    return client.create_run(experiment).info.run_id


def borrow(client, model, run_id, version, listener):
    """A version of a model that bears the tags of another, and names a place of the attacker's."""
    files = f"http://127.0.0.1:{listener.server_port}/files/model"
    tags = {**version.tags, "sweepstake.files": files, "sweepstake.decision": "pending"}
    return client.create_model_version(model, f"runs:/{run_id}/model", run_id, tags=tags)


def verdicts(client, model):
    """The decision on each version, by its number."""
    found = client.search_model_versions(f"name = '{model}'")
    return {each.version: each.tags["sweepstake.decision"] for each in found}


def test_a_readers_own_model_is_nothing_to_the_stack(trained, client, name, settings, listener):
    """With borrowed tags it is neither judged nor loaded, and nobody logs in at its place."""
    (version,) = client.search_model_versions(f"name = '{name}'")
    with logged_in("reader"):
        run_id = their_run(client, listener, name)
        client.create_registered_model(f"{name}-theirs", tags={"sweepstake.managed": "true"})
        theirs = borrow(client, f"{name}-theirs", run_id, version, listener)
        client.set_registered_model_alias(f"{name}-theirs", "champion", theirs.version)
    entries = champion.hold_round("r1", settings)
    assert ([name], []) == ([entry.model for entry in entries], listener.heard)
    assert {theirs.version: "pending"} == verdicts(client, f"{name}-theirs")


def test_nobody_serves_a_model_that_was_not_trained_here(
    trained, client, name, settings, workspace, listener
):
    """Whatever its tags say, its place is not looked at."""
    (version,) = client.search_model_versions(f"name = '{name}'")
    with logged_in("reader"):
        run_id = their_run(client, listener, name)
        client.create_registered_model(f"{name}-theirs")
        theirs = borrow(client, f"{name}-theirs", run_id, version, listener)
        client.set_registered_model_alias(f"{name}-theirs", "champion", theirs.version)
    registry = Registry(settings.tracking_uri)
    with pytest.raises(ModelFileError, match="must have been trained by a sweep"):
        Host(registry, workspace, f"{name}-theirs").refresh()
    with pytest.raises(ArtifactPlaceError):
        registry.load(registry.version(f"{name}-theirs", theirs.version))
    assert [] == listener.heard


def test_an_editor_cannot_have_a_foreign_model_judged(
    trained, client, name, settings, grant, listener
):
    """A version in the stack's own model whose run was not trained here is refused, unread."""
    grant("reader", name, "EDIT")
    (version,) = client.search_model_versions(f"name = '{name}'")
    with logged_in("reader"):
        borrow(client, name, their_run(client, listener, name), version, listener)
    (entry,) = champion.hold_round("r1", settings)
    assert {"1": "promote", "2": "refuse"} == verdicts(client, name)
    assert ("1", []) == (entry.version, listener.heard)


def test_an_editor_cannot_exchange_what_is_in_service(
    trained, client, name, settings, workspace, grant, listener
):
    """The alias on a foreign version neither replaces what is served nor loses its place."""
    champion.hold_round("r1", settings)
    host = Host(Registry(settings.tracking_uri), workspace, name)
    host.refresh()
    grant("reader", name, "EDIT")
    (version,) = client.search_model_versions(f"name = '{name}'")
    with logged_in("reader"):
        theirs = borrow(client, name, their_run(client, listener, name), version, listener)
        client.set_registered_model_alias(name, "champion", theirs.version)
    with pytest.raises(ModelFileError):
        host.refresh()
    assert ("1", []) == (host.served.version.version, listener.heard)


def test_a_tag_does_not_vouch_for_a_hash(trained, client, name, settings, workspace, grant):
    """The hash of an editor's, on a version that was trained here, is not the noted one."""
    grant("reader", name, "EDIT")
    with logged_in("reader"):
        client.set_model_version_tag(name, "1", "sweepstake.sha256", "0" * 64)
    assert () == champion.hold_round("r1", settings)
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
def other(submit, run, name):
    """The name of a second model, with a version that waits too."""
    run(submit(name=f"{name}-other", grid={"max_depth": [2]}))
    return f"{name}-other"


def test_a_model_that_may_not_be_changed_stops_no_other(
    trained, other, client, name, settings, grant, workspace
):
    """It is told in every place, no round of it is opened, and it is judged once that is mended."""
    grant("airflow", name, "READ")
    entries = champion.hold_round("r1", settings)
    (fault,) = modelfaults.known(workspace)
    assert ([other], name) == ([entry.model for entry in entries], fault.model)
    assert "must allow this to its user" in fault.message
    assert () == Registry(settings.tracking_uri).history(name)
    for tell in (modelfaults.tell, lambda _: places.models(settings.workspace)):
        with pytest.raises(ModelFaultsError, match=name):
            tell(workspace)

    grant("airflow", name, "MANAGE")
    assert [name] == [entry.model for entry in champion.hold_round("r2", settings)]
    assert () == modelfaults.known(workspace)
    assert {"1": "promote"} == verdicts(client, name)


def test_a_right_that_is_lost_before_a_promotion_opens_no_round(trained, name, settings, grant):
    """The right is tried before the ledger is written."""
    champion.find("r1", settings)
    for heat in champion.divide("r1", name, settings):
        champion.score(heat, settings)
    champion.judge("r1", name, settings)
    grant("airflow", name, "READ")
    with pytest.raises(SettingsError):
        champion.promote("r1", name, settings)
    assert () == Registry(settings.tracking_uri).history(name)


def test_an_open_round_that_cannot_be_ended_stops_no_other(
    trained, other, name, settings, grant, workspace, monkeypatch
):
    """A right that is lost within a round leaves it open; the others go on, and so does it later."""
    with monkeypatch.context() as patch:
        patch.setattr(Registry, "_crown", _killed)
        with pytest.raises(KeyboardInterrupt):
            champion.hold_round("r1", settings)
    stuck = next(m for m in (name, other) if Registry(settings.tracking_uri).history(m))
    free = name if stuck == other else other
    grant("airflow", stuck, "READ")
    assert [free] == [entry.model for entry in champion.hold_round("r2", settings)]
    assert [stuck] == [fault.model for fault in modelfaults.known(workspace)]

    grant("airflow", stuck, "MANAGE")
    champion.hold_round("r3", settings)
    registry = Registry(settings.tracking_uri)
    assert ([True], "1") == (
        [entry.complete for entry in registry.history(stuck)],
        registry.champion(stuck).version,
    )
    assert () == modelfaults.known(workspace)


def _killed(*_args, **_kwargs):
    raise KeyboardInterrupt
