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

from sweepstake import approval, cancellation, champion, modelfaults, notices, sweep
from sweepstake.digest import Digest, Status
from sweepstake.errors import CancelledError, ReceiverError, SettingsError
from sweepstake.modelfaults import Fault
from sweepstake.notices import Notice
from sweepstake.registry import Registry
from sweepstake.telling import digest_of
from sweepstake.workspace import Workspace

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
        sweep_id = run(submit(**{"grid": {"max_depth": [1, 3]}} | changes))
        notices.keep(workspace, Notice(sweep_id, "sweep", sweep_id))
        if judged:
            champion.judge_all(settings)
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

        def __init__(self, text="{{ digest.subject }}|{{ digest.reason }}", *, broken=False):
            super().__init__()
            self.text, self.box = text, SimpleNamespace(got=[], broken=broken)

        def __deepcopy__(self, memo):
            made = type(self)(self.text)
            made.box = self.box  # the one that the test looks into
            return made

        def notify(self, context):
            if self.box.broken:
                message = "gone"
                raise ConnectionError(message)
            self.box.got.append(self.text)

    return Post


@pytest.fixture
def tell(monkeypatch):
    """A function that does the task of the DAG, where Airflow's runs are in this state."""
    from sweepstake import notifying

    def once(state="success"):
        def count(dag_id, run_ids, states):
            assert (dag_id, 1) == ("sweep", len(run_ids))
            return int(state in states)

        context = {"ti": SimpleNamespace(get_dr_count=count), "dag": None}
        monkeypatch.setattr(notifying, "get_current_context", lambda: context)
        notifying.tell()

    return once


def notice(sweep_id, **changes):
    """A notice of a sweep."""
    return Notice(sweep_id, "sweep", sweep_id, **changes)


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


def test_a_receiver_that_fails_is_asked_again_alone(finish, receivers, post, tell):
    """The others are told at once, and once; the round was over before any of it."""
    receivers(broken := post(broken=True), other := post())
    sweep_id = finish()
    for _ in range(2):
        with pytest.raises(ReceiverError) as caught:
            tell()
    assert f"{sweep_id}: Post must take the digest, but ConnectionError: gone." == str(caught.value)
    broken.box.broken = False
    tell()
    tell()
    assert (1, 1) == (len(broken.box.got), len(other.box.got))


def test_a_receiver_that_fails_for_a_day_is_given_up(finish, receivers, post, tell, workspace):
    """It keeps nothing from being told to others later."""
    receivers(post(broken=True))
    finish()
    with pytest.raises(ReceiverError):
        tell()
    (left,) = notices.every(workspace)
    old = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
    notices.keep(workspace, notice(left.sweep, digest=left.digest, due=old))
    tell()
    assert () == notices.every(workspace)


def test_texts_of_users_are_no_templates(receivers, post, tell, workspace):
    """What a digest holds is put in as it is; only the operator's text is rendered."""
    receivers(each := post("{{ 6 * 7 }} {{ digest.reason }}"))
    digest = Digest(sweep="s__1", status=Status.FAILED, reason=EVIL)
    due = datetime.now(UTC).isoformat()
    notices.keep(workspace, notice("s__1", digest=digest.to_json(), due=due))
    tell()
    assert [f"42 {EVIL}"] == each.box.got


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "must be module:attribute that can be imported, but No module named 'receivers'."),
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


def test_a_kept_champion_is_told_with_the_reason(finish, settings, name):
    """The digest is that of the round, with the figures of the sweep."""
    finish()
    second = finish(seed=1)
    digest = told(second, settings)
    assert (Status.KEPT, name, 2, 0) == (digest.status, digest.model, digest.trials, digest.failed)
    assert digest.reason == Registry(settings.tracking_uri).history(name)[0].reason
    assert second in digest.subject


def test_a_sweep_waits_for_its_round(finish, settings, workspace, name):
    """Nothing is told before it, unless it is late: then why, as far as that is known."""
    sweep_id = finish(judged=False)
    late = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    assert None is told(sweep_id, settings)
    assert None is told(sweep_id, settings, due=datetime.now(UTC).isoformat())
    assert "runs of the DAG champion" in told(sweep_id, settings, due=late).reason
    modelfaults.keep(workspace, Fault(name, "judge", "no right"))
    digest = told(sweep_id, settings, due=late)
    assert (Status.UNDECIDED, f"judge {name}: no right") == (digest.status, digest.reason)


def test_who_waits_for_approval_is_not_late(finish, settings, workspace, name):
    """People were asked; the digest comes with the answer."""
    finish(grid={"max_depth": [1]})
    policy = {"min_delta": 0.01, "approval": True}
    sweep_id = finish(grid={"max_depth": [3]}, promotion=policy)
    asked = approval.waiting(workspace, name)
    late = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    assert (sweep_id, None) == (asked.sweep, told(sweep_id, settings, due=late))
    question = approval.digest(asked)
    assert (Status.ASKED, f"{name}: v{asked.version} waits for approval") == (
        question.status,
        question.subject,
    )
    approval.answer(workspace, name, approval.Answer(approved=True, by="ann"))
    champion.judge_all(settings)
    assert Status.PROMOTED is told(sweep_id, settings).status


def test_failures_are_told_as_such(submit, settings, run):
    """One that was never planned, one whose tasks died, one with too many failed trials."""
    assert Status.FAILED is told("never__1", settings, failed=True).status
    drop = submit(grid={"max_depth": [1]})
    sweep.plan(drop, settings)
    digest = told(drop.sweep, settings, failed=True)
    assert (Status.FAILED, True) == (digest.status, "before it was closed" in digest.reason)


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
    (entry,) = champion.judge_all(settings)
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
        patch.setattr(Registry, "_tag_all", killed)
        with pytest.raises(KeyboardInterrupt):
            champion.judge_all(settings)
    champion.judge_all(settings)
    tags = Registry(settings.tracking_uri).version(name, "2").tags
    assert sweep_id == Digest.from_json(tags["sweepstake.digest"]).sweep
