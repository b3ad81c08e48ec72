"""How trials are kept while the next is trained: on servers that take many at once, and others."""

from __future__ import annotations

import json
import signal
import time

import pytest
from mlflow import MlflowClient

from sweepstake.domain.trial import TrialResult
from sweepstake.errors import TrackingUnavailableError
from sweepstake.intake import intake
from sweepstake.settings import load_settings
from sweepstake.sweeps import sweep
from sweepstake.sweeps.planned_sweep import open_planned
from sweepstake.sweeps.recorder import WRITE_SECONDS, BulkWriter, Recorder, RestWriter

PATIENCE_SECONDS = 30


@pytest.fixture
def bench(either_uri, tmp_path, name):
    """A planned sweep of six trees, on a server of either kind."""
    return planned(either_uri, tmp_path, name)


def planned(uri, tmp_path, name):
    """A sweep that was planned on a server."""
    (tmp_path / "grids").mkdir()
    environ = {"SWEEPSTAKE_HOME": str(tmp_path), "SWEEPSTAKE_GRIDS": str(tmp_path / "grids")}
    settings = load_settings({**environ, "MLFLOW_TRACKING_URI": uri})
    grid = {
        "name": name,
        "data": {"source": "sklearn:iris"},
        "estimator": "DecisionTreeClassifier",
        "grid": {"max_depth": [1, 2, 3, 4, 5, 6]},
        "metric": "accuracy",
    }
    drop = intake.drop(json.dumps(grid).encode(), name, f"{name}.json", settings)
    sweep.plan(drop, settings)
    return open_planned(drop.sweep, settings)


def result(trial):
    """What a trial of no time at all reports."""
    metrics = {"mean_cv_accuracy": 0.5}
    return TrialResult(trial, {"max_depth": "1"}, metrics, (), ((1,),), ("a",))


def write_model(recorder, begun):
    """A file where a model would be."""
    folder = recorder.folder(begun) / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text("{}")


def states(bench):
    """The state of each child by number."""
    return {child.number: child.state.value for child in bench.tracking.children(bench.sweep)}


def wait(condition):
    """Wait until it holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def test_the_writer_is_chosen_by_what_the_server_takes(bench, mlflow_uri):
    """Many at once where that is offered, one by one elsewhere."""
    expected = BulkWriter if bench.tracking.client.uri == mlflow_uri else RestWriter
    with Recorder(bench, "0") as recorder:
        assert isinstance(recorder.writer, expected)


def test_what_ended_is_kept_with_its_files_and_its_version(bench):
    """After the block every trial is in MLflow: run, files, version, or why it failed."""
    with Recorder(bench, "0") as recorder:
        for trial in bench.trials[:3]:
            begun = recorder.begin(trial)
            write_model(recorder, begun)
            recorder.complete(begun, result(trial), "abc")
        begun = recorder.begin(bench.trials[3])
        recorder.fail(begun, "ValueError: no")
    found = bench.tracking.children(bench.sweep)
    client = MlflowClient(bench.tracking.client.uri)
    assert {0: "COMPLETE", 1: "COMPLETE", 2: "COMPLETE", 3: "FAILED"} == states(bench)
    assert "ValueError: no" == found[3].reason
    assert ["confusion_matrix.json", "model"] == sorted(
        file.path for file in client.list_artifacts(found[0].run_id)
    )
    assert {child.run_id for child in found[:3]} == {v.run_id for v in bench.versions()}


def test_a_trial_that_takes_long_is_shown_while_it_runs(bench):
    """It is RUNNING in MLflow before it ends, and the one before it is there."""
    with Recorder(bench, "0") as recorder:
        first = recorder.begin(bench.trials[0])
        write_model(recorder, first)
        recorder.complete(first, result(bench.trials[0]), "abc")
        second = recorder.begin(bench.trials[1])
        assert wait(lambda: {0: "COMPLETE", 1: "RUNNING"} == states(bench))
        write_model(recorder, second)
        recorder.complete(second, result(bench.trials[1]), "abc")
    assert {0: "COMPLETE", 1: "COMPLETE"} == states(bench)


def test_a_run_that_was_left_blank_is_used_again(bench):
    """What a killed attempt left open becomes the run of the next one."""
    bench.tracking.start_trial(bench.sweep, bench.trials[0], "0")
    (left,) = bench.tracking.children(bench.sweep)
    with Recorder(bench, "0") as recorder:
        begun = recorder.begin(bench.trials[0], left)
        write_model(recorder, begun)
        recorder.complete(begun, result(bench.trials[0]), "abc")
    assert [left.run_id] == [child.run_id for child in bench.tracking.children(bench.sweep)]


def test_what_failed_before_is_replaced(bench):
    """A trial that is trained again after it failed has one run, the new one."""
    with Recorder(bench, "0") as recorder:
        recorder.fail(recorder.begin(bench.trials[0]), "ValueError: no")
    (left,) = bench.tracking.children(bench.sweep)
    with Recorder(bench, "0") as recorder:
        begun = recorder.begin(bench.trials[0], left)
        write_model(recorder, begun)
        recorder.complete(begun, result(bench.trials[0]), "abc")
    assert {0: "COMPLETE"} == states(bench)


def test_an_interrupted_batch_keeps_what_had_ended(bench):
    """Whatever ends the block, trials that were over are not trained again."""

    def train_on():
        with Recorder(bench, "0") as recorder:
            begun = recorder.begin(bench.trials[0])
            write_model(recorder, begun)
            recorder.complete(begun, result(bench.trials[0]), "abc")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_on()
    assert "COMPLETE" == states(bench)[0]


def test_more_trials_than_may_wait_are_written_at_once(bench, monkeypatch):
    """Training does not run away from a slow server: nothing piles up."""
    monkeypatch.setattr("sweepstake.sweeps.recorder.MOST_UNWRITTEN", 2)
    monkeypatch.setattr("sweepstake.sweeps.recorder.WRITE_SECONDS", 3600.0)
    with Recorder(bench, "0") as recorder:
        for trial in bench.trials[:4]:
            begun = recorder.begin(trial)
            write_model(recorder, begun)
            recorder.complete(begun, result(trial), "abc")
        assert dict.fromkeys(range(4), "COMPLETE") == states(bench)


def test_a_server_that_stays_away_ends_the_task(start_mlflow, tmp_path, name, monkeypatch):
    """When the batch is over and what ended cannot be kept, the task fails and is tried again."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    server = start_mlflow("--app-name", "sweepstake")
    bench = planned(server.uri, tmp_path, name)

    def train_on():
        with Recorder(bench, "0") as recorder:
            begun = recorder.begin(bench.trials[0])
            write_model(recorder, begun)
            server.signal(signal.SIGKILL)
            recorder.complete(begun, result(bench.trials[0]), "abc")

    with pytest.raises(TrackingUnavailableError):
        train_on()


def test_a_server_that_is_away_while_a_trial_is_trained_costs_nothing(
    start_mlflow, tmp_path, name, monkeypatch
):
    """What ended before and what ends afterwards is kept, and the task does not notice."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    server = start_mlflow("--app-name", "sweepstake")
    bench = planned(server.uri, tmp_path, name)
    with Recorder(bench, "0") as recorder:
        for trial in bench.trials[:2]:
            begun = recorder.begin(trial)
            write_model(recorder, begun)
            server.signal(signal.SIGKILL)
            recorder.complete(begun, result(trial), "abc")
            time.sleep(3 * WRITE_SECONDS)  # in which writes fail
        server.start()
    assert {0: "COMPLETE", 1: "COMPLETE"} == states(bench)
