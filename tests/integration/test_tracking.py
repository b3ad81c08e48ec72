"""Runs on a real server: one parent, one child per trial, whatever is lost on the way."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from mlflow import MlflowClient

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.domain.trial import Curve, Trial, TrialResult, TrialState
from sweepstake.errors import NotFoundError, TrackingUnavailableError
from sweepstake.mlflow_client.comparison import view
from sweepstake.mlflow_client.runs import library_tags
from sweepstake.mlflow_client.tracking import Tracking

TAGS = {"sweepstake.data_digest": "d" * 64, "sweepstake.seed": "0", **library_tags()}


@pytest.fixture
def tracking(mlflow_uri):
    """The runs on the session's server."""
    return Tracking(mlflow_uri)


@pytest.fixture
def client(mlflow_uri):
    """MLflow's own client, to look at what was written."""
    return MlflowClient(mlflow_uri)


@pytest.fixture
def sweep(tracking, name):
    """An open sweep in an experiment of its own."""
    return tracking.open_sweep(tracking.ensure_experiment(name, "mean_cv_f1"), f"{name}__1", TAGS)


@pytest.fixture
def forgetful(mlflow_uri):
    """A proxy before the server: it loses the first reply to each call named in ``lost``."""
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Forgetful)
    proxy.server = urlsplit(mlflow_uri)
    proxy.lost = set()
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    yield proxy
    proxy.shutdown()
    proxy.server_close()
    thread.join()


class Forgetful(BaseHTTPRequestHandler):
    """Passes requests on; closes the connection instead of passing on a reply that is lost."""

    def _pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        there = HTTPConnection(self.server.server.hostname, self.server.server.port)
        there.request(self.command, self.path, body, dict(self.headers))
        reply = there.getresponse()
        content = reply.read()
        there.close()
        lost = {call for call in self.server.lost if self.path.endswith(call)}
        self.server.lost -= lost
        if not lost:
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.headers["Content-Type"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        self.close_connection = True

    do_GET = do_POST = do_PATCH = do_DELETE = _pass_on  # noqa: N815  the names that Python calls

    def log_message(self, *args):
        """Say nothing."""


def trial(number=7, key="k7"):
    """A trial of a forest."""
    params = {"max_depth": 4, "n_estimators": 100}
    return Trial(number, key, EstimatorSpec("sklearn.ensemble.RandomForestClassifier", params))


def result(of):
    """What a trial of two folds reports."""
    return TrialResult(
        trial=of,
        params={"max_depth": "4", "n_estimators": "100", "criterion": "gini"},
        metrics={"mean_cv_f1": 0.75, "std_cv_f1": 0.25, "test_roc_auc": math.nan},
        curves=(Curve("cv_f1", ((0, 0.5), (1, 1.0))),),
        confusion=((3, 1), (0, 4)),
        labels=("a", "b"),
        warnings=("It did not converge.",),
    )


def test_a_finished_trial_is_a_nested_child_with_everything_on_it(tracking, client, sweep):
    """Name, parent, tags, parameters, metrics, curve, warnings and status are MLflow's own."""
    run = tracking.start_trial(sweep, trial(), "0")
    tracking.log_result(run.run_id, result(trial()), "abc")
    tracking.finish(run.run_id, TrialState.COMPLETE)

    found = client.get_run(run.run_id)
    curve = client.get_metric_history(run.run_id, "cv_f1")

    assert "#7 RandomForestClassifier max_depth=4 n_estimators=100" == found.info.run_name
    assert "FINISHED" == found.info.status
    assert {"max_depth": "4", "n_estimators": "100", "criterion": "gini"} == found.data.params
    assert 0.75 == found.data.metrics["mean_cv_f1"]
    assert math.isnan(found.data.metrics["test_roc_auc"])
    assert [(0, 0.5), (1, 1.0)] == [(point.step, point.value) for point in curve]
    expected = {
        **TAGS,
        "mlflow.parentRunId": sweep.run_id,
        "sweepstake.sweep": sweep.sweep_id,
        "sweepstake.trial_key": "k7",
        "sweepstake.trial_number": "7",
        "sweepstake.batch": "0",
        "sweepstake.estimator": "sklearn.ensemble.RandomForestClassifier",
        "sweepstake.warnings": "It did not converge.",
        "sweepstake.sha256": "abc",
    }
    assert expected == {name: found.data.tags.get(name) for name in expected}


def test_a_sweep_has_one_parent_however_often_it_is_opened(tracking, client, sweep):
    """Opening again finds the same run, running again, named after the sweep."""
    tracking.finish(sweep.run_id, TrialState.COMPLETE)
    again = tracking.open_sweep(sweep.experiment_id, sweep.sweep_id, TAGS)
    found = client.get_run(sweep.run_id).info
    assert (sweep, "RUNNING", sweep.sweep_id) == (again, found.status, found.run_name)


def test_an_experiment_that_was_deleted_is_restored(tracking, client, sweep, name):
    """Dropping a grid file again after a clean-up in MLflow's pages works."""
    client.delete_experiment(sweep.experiment_id)
    assert sweep.experiment_id == tracking.ensure_experiment(name, "mean_cv_f1")
    assert "active" == client.get_experiment(sweep.experiment_id).lifecycle_stage


def test_a_retry_takes_over_a_blank_run(tracking, sweep):
    """A run that was created and not written to is used again: no second child."""
    first = tracking.start_trial(sweep, trial(), "0")
    (left,) = tracking.children(sweep)
    second = tracking.start_trial(sweep, trial(), "0", left)
    assert (first, [first.run_id]) == (second, [c.run_id for c in tracking.children(sweep)])


def test_a_retry_replaces_a_run_that_was_logged_in_part(tracking, sweep):
    """Figures of a killed attempt do not mix with those of the next one."""
    first = tracking.start_trial(sweep, trial(), "0")
    tracking.log_result(first.run_id, result(trial()))
    (left,) = tracking.children(sweep)
    second = tracking.start_trial(sweep, trial(), "0", left)
    assert first.run_id != second.run_id
    assert [second.run_id] == [child.run_id for child in tracking.children(sweep)]


def test_a_lost_reply_doubles_a_run_and_deduplicate_mends_it(tracking, forgetful, sweep):
    """After the repair one child is left: the one that was finished."""
    unlucky = Tracking(f"http://127.0.0.1:{forgetful.server_port}")
    forgetful.lost.add("runs/create")
    run = unlucky.start_trial(sweep, trial(), "0")
    tracking.finish(run.run_id, TrialState.COMPLETE)
    doubled = tracking.children(sweep)

    kept = tracking.deduplicate(doubled)

    assert (2, [run.run_id]) == (len(doubled), [child.run_id for child in kept])
    assert kept == tracking.children(sweep)


def test_a_lost_reply_to_the_parent_leaves_one_parent(tracking, forgetful, client, name):
    """Whoever opens the sweep gets the oldest of the doubled parents, and the other one goes."""
    unlucky = Tracking(f"http://127.0.0.1:{forgetful.server_port}")
    experiment = tracking.ensure_experiment(name, "mean_cv_f1")
    forgetful.lost.add("runs/create")
    opened = unlucky.open_sweep(experiment, name, TAGS)
    left = client.search_runs([experiment])
    assert (opened, [opened.run_id]) == (
        tracking.open_sweep(experiment, name, TAGS),
        [run.info.run_id for run in left],
    )


def test_a_lost_reply_to_the_figures_doubles_nothing(tracking, forgetful, client, sweep):
    """Every point of a curve is there once."""
    unlucky = Tracking(f"http://127.0.0.1:{forgetful.server_port}")
    run = unlucky.start_trial(sweep, trial(), "0")
    forgetful.lost.add("runs/log-batch")
    unlucky.log_result(run.run_id, result(trial()))
    points = client.get_metric_history(run.run_id, "cv_f1")
    assert [(0, 0.5), (1, 1.0)] == [(point.step, point.value) for point in points]


def test_of_doubled_runs_the_registered_one_stays(tracking, sweep):
    """A model version never points to a run that was deleted as a double."""
    runs = [tracking.start_trial(sweep, trial(), "0") for _ in range(3)]
    for run in runs:
        tracking.finish(run.run_id, TrialState.COMPLETE)
    kept = tracking.deduplicate(tracking.children(sweep), {runs[2].run_id})
    assert [runs[2].run_id] == [child.run_id for child in kept]


def test_a_trial_beyond_the_limits_of_one_call_is_logged_whole(tracking, client, sweep):
    """130 parameters, a parameter of 7,000 characters and 2,000 points all arrive."""
    params = {f"p{i}": "x" * 7000 if i == 0 else str(i) for i in range(129)} | {"lr(1)__C": "1"}
    curve = Curve("loss", tuple((step, step / 7) for step in range(2000)))
    run = tracking.start_trial(sweep, trial(), "0")
    tracking.log_result(run.run_id, replace(result(trial()), params=params, curves=(curve,)))

    (child,) = tracking.children(sweep)

    assert 130 == len(child.params)
    assert "x" * 5999 + "…" == child.params["p0"]
    assert "1" == child.params["lr_1___C"]
    assert 2000 == len(client.get_metric_history(run.run_id, "loss"))


def test_a_failed_trial_says_why(tracking, sweep):
    """The reason stands on the run, its state is FAILED."""
    run = tracking.start_trial(sweep, trial(), "0")
    tracking.finish(run.run_id, TrialState.FAILED, "ValueError: too few rows")
    (child,) = tracking.children(sweep)
    assert (child.state, child.reason) == (TrialState.FAILED, "ValueError: too few rows")


def test_children_are_listed_by_batch(tracking, sweep):
    """A task sees the trials of its own batch, in their order."""
    for number, batch in ((2, "1"), (0, "0"), (1, "1")):
        tracking.start_trial(sweep, trial(number, f"k{number}"), batch)
    by_batch = [[c.number for c in tracking.children(sweep, b)] for b in ("0", "1", None)]
    assert [[0], [1, 2], [0, 1, 2]] == by_batch


def test_finished_trials_are_found_by_later_sweeps(tracking, sweep, name):
    """Only COMPLETE trials on the same data count; they can be read back by run id."""
    done = tracking.start_trial(sweep, trial(1, "done"), "0")
    tracking.finish(done.run_id, TrialState.COMPLETE)
    failed = tracking.start_trial(sweep, trial(2, "failed"), "0")
    tracking.finish(failed.run_id, TrialState.FAILED, "no")
    tracking.start_trial(sweep, trial(3, "running"), "0")
    keys = ["done", "failed", "running", "never"]

    found = tracking.completed(sweep.experiment_id, keys, "d" * 64)
    elsewhere = tracking.completed(sweep.experiment_id, keys, "e" * 64)
    read = tracking.runs(sweep.experiment_id, found.values())

    assert (found, elsewhere) == ({"done": done.run_id}, {})
    assert ["done"] == [child.key for child in read]


def test_uploaded_files_arrive_with_mlmodel_last(tracking, client, sweep, tmp_path, monkeypatch):
    """The folder becomes a model by its last file."""
    for file in ("model/MLmodel", "model/model.skops", "confusion_matrix.json"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(file)
    run = tracking.start_trial(sweep, trial(), "0")
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    order = []
    real = LocalArtifactRepository.log_artifact
    monkeypatch.setattr(
        LocalArtifactRepository,
        "log_artifact",
        lambda self, file, path=None: (order.append(file), real(self, file, path)),
    )
    tracking.files.upload(run, tmp_path)

    stored = [
        item.path
        for folder in (None, "model")
        for item in client.list_artifacts(run.run_id, folder)
    ]
    assert [
        "confusion_matrix.json",
        "model",
        "model/MLmodel",
        "model/model.skops",
    ] == sorted(stored)
    assert order[-1] == str(tmp_path / "model/MLmodel")


def test_a_closed_sweep_carries_its_report(tracking, client, sweep, tmp_path):
    """Figures, note and files are on the parent, which has ended; closing again changes nothing."""
    (tmp_path / "report.html").write_text("<p>")
    for _ in range(2):
        tracking.close_sweep(sweep, TrialState.COMPLETE, {"best": 0.5}, "**Best**", tmp_path)
    found = client.get_run(sweep.run_id)
    files = [item.path for item in client.list_artifacts(sweep.run_id)]
    assert ("FINISHED", {"best": 0.5}, ["report.html"]) == (
        found.info.status,
        found.data.metrics,
        files,
    )
    told = "**Best**\n\n**Decision: none yet.**"
    assert told == found.data.tags["mlflow.note.content"]


def test_a_sweep_that_is_closed_again_keeps_its_decision(tracking, client, sweep, tmp_path):
    """Whoever clears the task that ranks finds in the note what was decided before."""
    tracking.close_sweep(sweep, TrialState.COMPLETE, {}, "**Best**\n\nThe rest.", tmp_path)
    tracking.tell_decision(sweep.run_id, "promote", "It gains 0.1 *surely*.")
    told = client.get_run(sweep.run_id).data.tags["mlflow.note.content"]
    tracking.close_sweep(sweep, TrialState.COMPLETE, {}, "**Best**\n\nThe rest.", tmp_path)
    assert told == client.get_run(sweep.run_id).data.tags["mlflow.note.content"]
    decided = r"**Decision: promote.** It gains 0.1 \*surely\*."
    assert f"**Best**\n\n{decided}\n\nThe rest." == told


def test_the_comparison_is_among_the_experiments_views(tracking, client, sweep):
    """The tag that MLflow's page reads is there under the key of the link."""
    page = view(sweep, ["mean_cv_f1"], ["max_depth"])
    offered = tracking.share_view(sweep, page)
    tags = client.get_experiment(sweep.experiment_id).tags
    assert (True, page.state) == (offered, tags[f"mlflow.sharedViewState.{page.key}"])


def test_a_server_that_does_not_answer_is_a_transient_error(monkeypatch):
    """No answer is worth a retry; the message hides user and password of the address."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingUnavailableError) as caught:
        Tracking("http://me:secret@127.0.0.1:9").ensure_experiment("x", "mean_cv_f1")
    said = str(caught.value)
    assert said.startswith("MLflow at http://127.0.0.1:9: must answer, but got ")
    assert "secret" not in said


def test_an_unknown_run_is_a_permanent_error(tracking):
    """What does not exist will not exist on a retry."""
    with pytest.raises(NotFoundError):
        tracking.finish("0" * 32, TrialState.COMPLETE)


@pytest.mark.parametrize("typed", ["none", "it's", 'the "odd"', 'it\'s "odd"', "a\\", "' or 1 = 1"])
def test_a_name_that_no_sweep_has_is_not_found(tracking, typed):
    """Whatever is typed is a name and no part of a filter."""
    with pytest.raises(NotFoundError):
        tracking.latest_sweep(typed)


def test_a_sweep_is_found_by_its_id(tracking, sweep):
    """With its status in MLflow; another one of the same experiment is not taken for it."""
    other = tracking.open_sweep(sweep.experiment_id, f"{sweep.sweep_id[:-1]}0123456789ab", TAGS)
    assert (other.sweep_id, "RUNNING") == tracking.latest_sweep(other.sweep_id)
