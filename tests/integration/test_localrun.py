"""`sweepstake run`: a whole sweep from the command line, without Airflow."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading

import psutil
import pytest
from mlflow import MlflowClient

from sweepstake.cli import main
from sweepstake.errors import SweepFailedError, TransientError
from sweepstake.sweeps import local_run, sweep

GRID = """
data: {source: "sklearn:iris"}
estimator: DecisionTreeClassifier
grid: {max_depth: [1, 2, 3], criterion: [gini]}
metric: accuracy
cv: 3
limits: {trials_per_task: 1}
"""


@pytest.fixture
def grid(tmp_path, name):
    """A grid file outside the watched folder."""
    path = tmp_path / f"{name}.yaml"
    path.write_text(GRID)
    return path


@pytest.fixture
def call(settings, monkeypatch, capsys):
    """A function that runs the installed command: its exit code, stdout and stderr."""
    monkeypatch.setenv("SWEEPSTAKE_HOME", str(settings.home))
    monkeypatch.setenv("SWEEPSTAKE_GRIDS", str(settings.grids))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.tracking_uri)

    def command(*args):
        monkeypatch.setattr(sys, "argv", ["sweepstake", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main.main()
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out, captured.err

    return command


def workers():
    """The processes of this one that train: children of the server that forks them."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if "forkserver" in " ".join(process.parent().cmdline()) and process.ppid() != os.getpid()
    ]


def test_a_run_ends_with_leaderboard_and_champion(call, grid, name):
    """One command trains, ranks, registers and promotes; the other commands see it."""
    code, out, err = call("run", grid, "--jobs", 2)
    board = json.loads(call("leaderboard", name, "--json")[1])
    current = json.loads(call("champion", name, "--json")[1])
    history = json.loads(call("champion", name, "--history", "--json")[1])["history"]
    assert (0, "FINISHED", ["COMPLETE"] * 3) == (
        code,
        board["state"],
        [each["state"] for each in board["standings"]],
    )
    assert f"Leaderboard of {board['sweep']} (FINISHED)" in out
    assert f"{board['url']}\n" in out
    assert out.endswith(
        f"{name} v{current['champion']['version']}: promote. {history[0]['reason']}\n"
    )
    assert ("Production", 1) == (current["champion"]["stage"], len(history))
    scores = [each["metrics"]["mean_cv_accuracy"] for each in board["standings"]]
    assert sorted(scores, reverse=True) == scores
    assert "3/3" in err


def test_what_people_see_names_the_same(call, grid, name):
    """Without --json the tables hold the same trials, versions and reasons."""
    call("run", grid)
    _, board, _ = call("leaderboard", name)
    _, current, _ = call("champion", name)
    _, history, _ = call("champion", name, "--history")
    assert 3 == board.count("DecisionTreeClassifier max_depth=")
    assert current.startswith(f"{name}: champion is v")
    assert f"Decisions about {name}" in history


def test_a_second_run_trains_nothing(call, grid, name, settings):
    """The same file again finds everything done and changes no champion."""
    call("run", grid)
    before = call("champion", name, "--json")[1]
    code, out, _ = call("run", grid)
    client = MlflowClient(settings.tracking_uri)
    versions = client.search_model_versions(f"name = '{name}'")
    assert (0, before, 3) == (code, call("champion", name, "--json")[1], len(versions))
    assert "promote" not in out


def test_a_file_with_mistakes_runs_nothing(call, grid, name, settings):
    """Mistakes of the file and of its data come together; nothing is tracked."""
    grid.write_text('data: {source: "nowhere.csv"}\nestimator: Tree\n')
    code, out, err = call("run", grid)
    places = [line.split(": ")[1:3] for line in err.splitlines()]
    assert (1, "", [["line 1", "data.source"], ["line 2", "estimator"]]) == (code, out, places)
    assert None is MlflowClient(settings.tracking_uri).get_experiment_by_name(name)


def test_a_sweep_without_a_champion_is_an_answer(call, grid, name, settings):
    """Asking for what is not there exits 1 with a sentence."""
    code, out, err = call("champion", f"{name}-nobody")
    assert (1, "", 1) == (code, out, len(err.splitlines()))
    code, out, err = call("leaderboard", f"{name}-nobody")
    assert (1, "", True) == (code, out, err.startswith(f"{name}-nobody: must be a sweep's name"))


def test_a_run_that_fails_leaves_its_report(grid, name, settings, monkeypatch):
    """Too many failed trials are an error, and are to be seen all the same."""
    close = sweep.close

    def fail(sweep_id, settings):
        close(sweep_id, settings)
        message = "too many"
        raise SweepFailedError(message)

    monkeypatch.setattr(sweep, "close", fail)
    with pytest.raises(SweepFailedError):
        local_run.run(grid, settings, 1, lambda *_: None)
    client = MlflowClient(settings.tracking_uri)
    experiment = client.get_experiment_by_name(name).experiment_id
    (parent,) = client.search_runs([experiment], "tags.`sweepstake.role` = 'sweep'")
    assert "report.html" in {file.path for file in client.list_artifacts(parent.info.run_id)}


def test_a_killed_worker_is_a_sentence_and_the_next_run_goes_on(grid, settings, monkeypatch):
    """What was trained before the kill is kept; nothing is trained or registered twice."""
    monkeypatch.setattr(local_run, "POLL_SECONDS", 0.02)
    over = threading.Event()

    def kill(_, seen):
        if seen.complete and not over.is_set():
            over.set()
            for worker in workers():
                worker.send_signal(signal.SIGKILL)

    with pytest.raises(TransientError, match=r"one was killed\. Run it again"):
        local_run.run(grid, settings, 1, kill)
    sweep_id = local_run.run(grid, settings, 1, lambda *_: None)
    client = MlflowClient(settings.tracking_uri)
    experiment = client.get_experiment_by_name(sweep_id.rpartition("__")[0])
    query = f"tags.`sweepstake.sweep` = '{sweep_id}' and tags.`sweepstake.role` = 'trial'"
    found = client.search_runs([experiment.experiment_id], query)
    versions = client.search_model_versions(f"name = '{experiment.name}'")
    assert ["0", "1", "2"] == sorted(run.data.tags["sweepstake.trial_number"] for run in found)
    assert {run.info.run_id for run in found} == {version.run_id for version in versions}
    assert 3 == len(versions)


def test_an_interrupted_run_begins_nothing_more(grid, settings, monkeypatch):
    """After Ctrl-C the trials that had not begun do not begin."""
    monkeypatch.setattr(local_run, "POLL_SECONDS", 0.02)
    seen = []

    def interrupt(sweep_id, progress):
        seen.append((sweep_id, progress))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        local_run.run(grid, settings, 1, interrupt)
    ((sweep_id, at_once),) = seen
    after = local_run.progress.look(sweep_id, settings)
    assert (3, 0) == (at_once.total, at_once.complete)
    assert 0 == after.running
    assert after.complete <= 1  # the first one, where it had begun
