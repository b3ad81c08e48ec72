"""Receivers: each is told of each sweep once, and none of them can do harm."""

from __future__ import annotations

import json
import signal
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from types import ModuleType, SimpleNamespace

import pytest
import skops.io  # noqa: F401 - it looks into every module there is, and Airflow's warn of that
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent

from sweepstake.champions import approval, model_faults, notices, rounds, telling
from sweepstake.champions.digest import Digest, Status
from sweepstake.champions.model_faults import Fault
from sweepstake.champions.telling import digest_of
from sweepstake.errors import CancelledError, ReceiverError, SettingsError
from sweepstake.mlflow_client import version_tags
from sweepstake.mlflow_client.registry import Registry
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import cancellation, sweep
from sweepstake.sweeps.plan import Plan

TAG = WebhookEntity.MODEL_VERSION_TAG
EVIL = "{{ 6 * 7 }}"


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path, mlflow_uri):
    """A home for Airflow of its own, and the settings of the stack in the environment."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("SWEEPSTAKE_HOME", str(tmp_path))
    monkeypatch.setenv("SWEEPSTAKE_GRIDS", str(tmp_path / "grids"))
    monkeypatch.setenv("SWEEPSTAKE_NOTIFIERS", "receivers:notifiers")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)


@pytest.fixture
def workspace(settings):
    """The workspace of the sweeps."""
    return Workspace(settings.workspace)


@pytest.fixture
def finish(submit, run, settings, workspace):
    """A function that sweeps as Airflow would, and judges if asked; returns the sweep's id."""

    def whole(*, judged=True, **changes):
        drop = submit(**{"grid": {"max_depth": [1, 3]}} | changes)
        notices.keep(workspace, notice(drop.sweep))
        sweep_id = run(drop)
        if judged:
            rounds.judge_all(settings)
        return sweep_id

    return whole


@pytest.fixture
def receivers(monkeypatch):
    """A function that makes these notifiers those that the operator named."""

    def have(*found):
        module = ModuleType("receivers")
        module.notifiers = list(found)
        monkeypatch.setitem(sys.modules, "receivers", module)

    return have


@pytest.fixture
def post():
    """A kind of notifier that keeps what it was told, and fails while it is told to."""
    from airflow.sdk import BaseNotifier

    class Post(BaseNotifier):
        template_fields = ("text",)
        got: list[str]

        def __init__(self, text="{{ digest.subject }}|{{ digest.reason }}", *, error=None):
            super().__init__()
            self.text, self.box = text, SimpleNamespace(got=[], error=error, then=lambda: None)

        def __deepcopy__(self, memo):
            made = type(self)(self.text)
            made.box = self.box  # the one that the test looks into
            return made

        def notify(self, context):
            if self.box.error:
                raise self.box.error
            self.box.got.append(self.text)
            self.box.then()
            self.box.then = lambda: None

    return Post


@pytest.fixture
def tell(monkeypatch):
    """A function that does the tasks of the DAG, where Airflow's runs are in this state.

    It returns what went wrong.
    """
    from sweepstake.airflow import notifying

    def once(state="success"):
        def count(dag_id, run_ids, states):
            assert (dag_id, 1) == ("sweep", len(run_ids))
            return int(state in states)

        context = {"ti": SimpleNamespace(get_dr_count=count), "dag": None}
        monkeypatch.setattr(notifying, "get_current_context", lambda: context)
        faults = []
        for receiver in notifying.look():
            try:
                notifying.tell(receiver)
            except ReceiverError as error:
                faults.append(str(error))
        notifying.look()
        return faults

    return once


def notice(sweep_id, **changes):
    """A notice of a sweep."""
    return replace(notices.of_run(sweep_id, "sweep", sweep_id), **changes)


def ago(hours):
    """A moment so long ago."""
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


def told(sweep_id, settings, *, failed=False, **changes):
    """What there is to say of a sweep whose run has ended."""
    return digest_of(notice(sweep_id, **changes), settings, failed=failed)


def test_each_receiver_is_told_once(finish, receivers, post, tell, name, workspace):
    """The promotion is told to all of them, and then no more."""
    receivers(first := post(), second := post("{{ digest.sweep }}"))
    sweep_id = finish()
    for _ in range(3):
        tell()
    (line,) = first.box.got
    assert line.startswith(f"{name}: v2 is champion now|Trial 1 (v2), the best of 2")
    assert [sweep_id] == second.box.got
    assert () == notices.every(workspace)


def test_a_running_sweep_is_no_news(finish, receivers, post, tell, workspace):
    """Nothing is told before its run has ended."""
    receivers(each := post())
    finish()
    for state in ("queued", "running"):
        tell(state)
    assert ([], 1) == (each.box.got, len(notices.every(workspace)))


@pytest.mark.parametrize("error", [ConnectionError("gone"), SystemExit("gone")])
def test_a_receiver_that_fails_is_asked_again_alone(finish, receivers, post, tell, error):
    """The others are told at once, and once; the round was over before any of it."""
    receivers(broken := post(error=error), other := post())
    sweep_id = finish()
    said = f"{sweep_id}: Post must take the digest, but {type(error).__name__}: gone."
    assert [[said], [said]] == [tell(), tell()]
    broken.box.error = None
    assert [[], []] == [tell(), tell()]
    assert (1, 1) == (len(broken.box.got), len(other.box.got))


def test_a_receiver_that_fails_for_a_day_is_given_up(receivers, post, tell, workspace):
    """It keeps nothing from being told to others later."""
    receivers(post(error=ConnectionError("gone")))
    digest = Digest(sweep="s__1", status=Status.FINISHED).to_json()
    notices.keep(workspace, notice("s__1", digest=digest, due=ago(25)))
    tell()
    assert () == notices.every(workspace)


def test_what_is_wrong_with_one_sweep_keeps_no_other_back(
    finish, receivers, post, tell, workspace, monkeypatch
):
    """That it cannot be read is told of it."""
    receivers(each := post("{{ digest.sweep }} {{ digest.status }}"))
    first, second = finish(), finish(seed=1)
    true = telling.digest_of

    def broken(asked, *args, **kwargs):
        if asked.sweep == first:
            raise KeyError("tag")  # noqa: EM101
        return true(asked, *args, **kwargs)

    monkeypatch.setattr(telling, "digest_of", broken)
    tell()
    assert {f"{first} undecided", f"{second} kept"} == set(each.box.got)
    assert () == notices.every(workspace)


def test_a_receiver_in_front_of_the_others_is_told_as_they_are(finish, receivers, post, tell):
    """Who was told does not depend on the place in the list."""

    class Other(post):
        """A notifier of another class."""

    receivers(old := post(), broken := Other(error=ConnectionError("gone")))
    finish()
    tell()
    receivers(new := Other(), old)
    tell()
    assert (1, 1, 0) == (len(old.box.got), len(new.box.got), len(broken.box.got))


def test_a_sweep_that_is_retried_meanwhile_is_told_anew(finish, receivers, post, tell, workspace):
    """Its new notice is not taken for the old one."""
    receivers(each := post("{{ digest.status }}"))
    sweep_id = finish()
    each.box.then = lambda: notices.keep(workspace, notice(sweep_id))
    tell()
    tell()
    assert ["promoted", "finished"] == each.box.got


def test_texts_of_users_are_no_templates(receivers, post, tell, workspace):
    """What a digest holds is put in as it is; only the operator's text is rendered."""
    receivers(each := post("{{ 6 * 7 }} {{ digest.reason }}"))
    digest = Digest(sweep="s__1", status=Status.FAILED, reason=EVIL)
    notices.keep(workspace, notices.of_digest("s__1", "s__1", digest.to_json()))
    tell()
    assert [f"42 {EVIL}"] == each.box.got


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            None,
            "must be module:attribute that can be imported, but ModuleNotFoundError: ",
        ),
        ([3], "must be a list of Airflow's notifiers, but got int."),
    ],
)
def test_what_is_no_notifier_is_refused(receivers, tell, found, message):
    """The sentence names the setting."""
    if found:
        receivers(*found)
    with pytest.raises(SettingsError) as caught:
        tell()
    assert str(caught.value).startswith(f"SWEEPSTAKE_NOTIFIERS: {message}")


def test_a_module_that_cannot_be_imported_is_refused(tell, monkeypatch, tmp_path):
    """Whatever it raises, the sentence names the setting."""
    (tmp_path / "receivers.py").write_text("import os\nos.environ['NO_SUCH_TOKEN']\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SettingsError, match=r"imported, but KeyError: 'NO_SUCH_TOKEN'\. Put it"):
        tell()


def test_a_kept_champion_is_told_with_the_reason(finish, settings, name):
    """The digest is that of the round, with the figures of the sweep."""
    finish()
    since = notices.now()
    second = finish(seed=1)
    digest = told(second, settings, begun=since)
    assert (Status.KEPT, name, 2, 0) == (digest.status, digest.model, digest.trials, digest.failed)
    assert digest.reason == Registry(settings.tracking_uri).history(name)[0].reason
    assert f"{name}: champion v2 stays after sweep {second}" == digest.subject


def test_a_sweep_waits_for_its_round(finish, receivers, post, tell, settings, name):
    """That it is late is told, with why; and then what came of it."""
    workspace = Workspace(settings.workspace)
    receivers(each := post("{{ digest.status }}: {{ digest.reason }}"))
    finish(judged=False)
    tell()
    (waiting,) = notices.every(workspace)
    assert ([], "") == (each.box.got, waiting.digest)
    model_faults.keep(workspace, Fault(name, "judge", "no right"))
    notices.keep(workspace, replace(waiting, due=ago(2)))
    tell()
    tell()
    assert [f"undecided: judge {name}: no right"] == each.box.got
    rounds.judge_all(settings)
    tell()
    assert each.box.got[1].startswith("promoted: ")
    assert (2, ()) == (len(each.box.got), notices.every(workspace))


def test_a_version_that_others_made_is_not_waited_for(finish, settings, name):
    """It only says that it is of the sweep."""
    since = notices.now()
    sweep_id = finish()
    tags = {"sweepstake.sweep": sweep_id, "sweepstake.decision": "pending"}
    client = MlflowClient(settings.tracking_uri, settings.tracking_uri)
    client.create_model_version(name, "s3://elsewhere/model", tags=tags)
    assert Status.PROMOTED is told(sweep_id, settings, begun=since).status


def test_figures_that_are_none_stop_no_round(finish, settings, name):
    """Whoever may write metrics on the parent run spoils a message, not the decision."""
    sweep_id = finish(judged=False)
    client = MlflowClient(settings.tracking_uri, settings.tracking_uri)
    parent = Plan.load(Workspace(settings.workspace), sweep_id).parent_run_id
    client.log_metric(parent, "trials_total", float("nan"))
    client.log_metric(parent, "best_mean_cv_accuracy", float("nan"))
    (entry,) = rounds.judge_all(settings)
    digest = Digest.from_json(entry.digest)
    assert ("promote", 0, None) == (entry.verdict, digest.trials, digest.best)


def test_who_waits_for_approval_is_not_late(finish, receivers, post, tell, settings, name):
    """People were asked: that is told, and then what they said."""
    workspace = Workspace(settings.workspace)
    receivers(each := post("{{ digest.status }}"))
    finish(grid={"max_depth": [1]})
    tell()
    finish(grid={"max_depth": [3]}, promotion={"min_delta": 0.01, "approval": True})
    (waiting,) = notices.every(workspace)
    notices.keep(workspace, replace(waiting, due=ago(2)))
    asked = approval.waiting(workspace, name)
    question = approval.digest(asked)
    notices.add(workspace, notices.of_digest(asked.key, asked.sweep, question.to_json()))
    tell()
    approval.answer(workspace, name, approval.Answer(approved=True, by="ann"))
    rounds.judge_all(settings)
    tell()
    assert ["promoted", "asked", "promoted"] == each.box.got
    assert f"{name}: v{asked.version} waits for approval" == question.subject


def test_failures_are_told_as_such(submit, finish, settings):
    """One that was never planned, one whose tasks died, a retry that failed after all was well."""
    assert Status.FAILED is told("never__1", settings, failed=True).status
    drop = submit(grid={"max_depth": [1]})
    sweep.plan(drop, settings)
    digest = told(drop.sweep, settings, failed=True)
    assert (Status.FAILED, True) == (digest.status, "before it was closed" in digest.reason)
    again = told(finish(), settings, failed=True)
    assert (Status.FAILED, True) == (again.status, "before it was closed" in again.reason)


def test_a_first_sweep_that_is_kept_out_leaves_no_champion(finish, settings, name):
    """Nobody stays who was not there."""
    since = notices.now()
    sweep_id = finish(promotion={"floor": 1.0})
    digest = told(sweep_id, settings, begun=since)
    assert f"{name}: still no champion after sweep {sweep_id}" == digest.subject


def test_a_cancelled_sweep_is_told_at_once(submit, settings):
    """It has no round to wait for."""
    drop = submit()
    sweep.plan(drop, settings)
    cancellation.note(Workspace(settings.workspace), drop.sweep, "ann", "")
    with pytest.raises(CancelledError):
        sweep.close(drop.sweep, settings)
    assert Status.CANCELLED is told(drop.sweep, settings, failed=True).status


@pytest.fixture
def hooks(settings, start_mlflow, monkeypatch, name):
    """What an MLflow server of its own tells by a webhook, and the settings of its sweeps."""
    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http")
    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true")
    server = start_mlflow("--app-name", "sweepstake")
    digests = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            """Keep the digest among the tags; say that it was not taken."""
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if event["data"]["key"] == "sweepstake.digest":
                digests.put(event["data"])
            self.send_response(410)
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{receiver.server_port}/"
        client = MlflowClient(server.uri, server.uri)
        client.create_webhook("digests", url, [WebhookEvent(TAG, WebhookAction.SET)])
        yield replace(settings, tracking_uri=server.uri), digests
        receiver.shutdown()
    server.signal(signal.SIGKILL)


def test_a_webhook_of_mlflow_is_told_the_digest(hooks, submit, name):
    """It is a tag of the finalist; a receiver that refuses it is no matter of the round."""
    settings, digests = hooks
    drop = submit(grid={"max_depth": [1, 3]})
    for batch in sweep.plan(drop, settings):
        sweep.train(batch, settings)
    sweep.close(drop.sweep, settings)
    (entry,) = rounds.judge_all(settings)
    event = digests.get(timeout=60)
    assert (name, "2", entry.digest) == (event["name"], event["version"], event["value"])
    assert Status.PROMOTED is Digest.from_json(event["value"]).status
    assert digests.empty()


def test_a_killed_round_tells_its_digest(finish, settings, name, monkeypatch):
    """Whoever ends the round writes it."""

    def killed(*_):
        raise KeyboardInterrupt

    sweep_id = finish(judged=False)
    with monkeypatch.context() as patch:
        patch.setattr(version_tags, "tag_all", killed)
        with pytest.raises(KeyboardInterrupt):
            rounds.judge_all(settings)
    rounds.judge_all(settings)
    tags = Registry(settings.tracking_uri).version(name, "2").tags
    assert sweep_id == Digest.from_json(tags["sweepstake.digest"]).sweep
