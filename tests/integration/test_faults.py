"""Sweeps by the library while things break: trials, the tracking server, the disk."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from mlflow import MlflowClient
from sklearn.tree import DecisionTreeClassifier

from sweepstake.champions import rounds
from sweepstake.errors import CancelledError, DiskFullError, TrackingUnavailableError
from sweepstake.processes import isolation
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import cancellation, leaderboard, recorder, sweep
from sweepstake.sweeps.planned_sweep import open_planned

ROWS_OF_A_REHEARSAL = 60


BULK = ("--app-name", "sweepstake")
EITHER = pytest.mark.parametrize("server", [BULK, ()], ids=["bulk", "plain"], indirect=True)
"""On a server that takes many runs at once, then on one that does not."""


@pytest.fixture(scope="module")
def server(request, start_mlflow):
    """A server of this file's own, as it is stopped and killed."""
    return start_mlflow(*getattr(request, "param", BULK))


@pytest.fixture(scope="module")
def mlflow_uri(server):
    """The address of that server."""
    return server.uri


@pytest.fixture
def impatient(monkeypatch):
    """Let MLflow's client give up soon."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")


@pytest.fixture
def wicked(monkeypatch):
    """A function that lets the fit of the trees with entropy and depth 2 do something."""
    fit = DecisionTreeClassifier.fit

    def become(act):
        def wicked_fit(self, rows, *args, **kwargs):
            small = len(rows) <= ROWS_OF_A_REHEARSAL
            if not small and (self.criterion, self.max_depth) == ("entropy", 2):
                act()
            return fit(self, rows, *args, **kwargs)

        monkeypatch.setattr(DecisionTreeClassifier, "fit", wicked_fit)

    return become


@pytest.fixture
def broken(wicked, submit):
    """A function that submits a sweep of one batch in which one trial is wicked."""

    def put(act, limits):
        wicked(act)
        return submit(limits={**limits, "trials_per_task": 6})

    return put


@pytest.fixture
def held(mlflow_uri, name):
    """A function that asks MLflow what it holds: the sweep's children and its model's versions."""
    client = MlflowClient(mlflow_uri)

    def ask():
        experiment = client.get_experiment_by_name(name).experiment_id
        found = client.search_runs([experiment], "tags.`sweepstake.role` = 'trial'")
        children = sorted((int(run.data.tags["sweepstake.trial_number"]), run) for run in found)
        versions = client.search_model_versions(f"name = '{name}'")
        return [run for _, run in children], sorted(version.run_id for version in versions)

    return ask


def statuses(children):
    """The numbers and statuses of child runs."""
    return [(int(run.data.tags["sweepstake.trial_number"]), run.info.status) for run in children]


def whole(held):
    """Whether each of the six trials is one finished run and one version."""
    children, versions = held()
    registered = sorted(run.info.run_id for run in children)
    return (statuses(children), versions) == ([(n, "FINISHED") for n in range(6)], registered)


def crash():
    """Read where nothing is."""
    ctypes.string_at(0)


def hang():
    """Never come back."""
    time.sleep(3600)


def be_killed():
    """End as by somebody's `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


def eat():
    """Take memory until there is none."""
    eaten = []
    while True:
        eaten.append(bytearray(os.urandom(1000) * 20_000))


def test_a_trial_that_stands_still_twice_fails_alone(broken, run, held, monkeypatch):
    """No limit was asked for; the five others are done and registered."""
    monkeypatch.setattr(isolation, "STILL_SECONDS", 2)
    run(broken(hang, {}))
    children, versions = held()
    failed = children.pop(4)
    reason = "It used no processor for 2 s and was ended."
    assert ("FAILED", reason) == (failed.info.status, failed.data.tags["sweepstake.error"])
    assert [(n, "FINISHED") for n in (0, 1, 2, 3, 5)] == statuses(children)
    assert sorted(run.info.run_id for run in children) == versions


def test_a_trial_that_stands_still_once_is_trained_again(broken, run, held, tmp_path, monkeypatch):
    """What was locked at the fork is not locked at the next."""
    monkeypatch.setattr(isolation, "STILL_SECONDS", 2)
    once = tmp_path / "once"

    def hang_once():
        if not once.exists():
            once.touch()
            hang()

    run(broken(hang_once, {}))
    assert once.exists()
    assert whole(held)


def test_a_trial_that_is_killed_once_is_trained_again(broken, run, held, tmp_path):
    """Whoever killed the process in the middle of its fit did not mean the trial."""
    once = tmp_path / "once"

    def be_killed_once():
        if not once.exists():
            once.touch()
            be_killed()

    run(broken(be_killed_once, {}))
    assert once.exists()
    assert whole(held)


@pytest.mark.parametrize(
    ("act", "limits", "reason"),
    [
        (be_killed, {}, "It was killed from outside (SIGKILL): it had 0.0 GB when last seen."),
        (crash, {}, "It crashed the interpreter (SIGSEGV)."),
        (hang, {"trial_timeout": 6}, "It took longer than limits.trial_timeout = 6 s."),
        (
            eat,
            {"trial_memory": "400MB"},
            "It needed more memory than limits.trial_memory = 0.4 GB.",
        ),
    ],
)
def test_a_trial_that_breaks_its_process_fails_alone(broken, run, held, act, limits, reason):
    """Its run is FAILED with its reason in plain words; the five others are done and registered."""
    run(broken(act, limits))
    children, versions = held()
    failed = children.pop(4)
    assert ("FAILED", reason) == (failed.info.status, failed.data.tags["sweepstake.error"])
    assert [(n, "FINISHED") for n in (0, 1, 2, 3, 5)] == statuses(children)
    assert sorted(run.info.run_id for run in children) == versions


def test_a_retry_leaves_failed_trials_and_a_new_try_trains_them(submit, settings, wicked, held):
    """Airflow's own retry resumes; whoever clears the task or plans again tries again."""
    wicked(crash)
    drop = submit()
    (batch,) = sweep.plan(drop, settings)
    sweep.train(batch, settings)
    before = [run.info.run_id for run in held()[0]]
    sweep.train(batch, settings, again=False)
    assert before == [run.info.run_id for run in held()[0]]
    wicked(lambda: None)
    sweep.train(batch, settings)
    assert whole(held)
    assert [4] == [n for n, run in enumerate(held()[0]) if run.info.run_id not in before]


def test_a_cancelled_sweep_ends_at_once_and_a_retry_does_the_rest(
    submit, settings, wicked, held, run
):
    """Trials that are done stay, the one at hand leaves nothing, and nothing of it is judged."""
    begun = settings.home / "begun"

    def begin():
        begun.touch()
        hang()

    wicked(begin)
    drop, workspace = submit(), Workspace(settings.workspace)
    (batch,) = sweep.plan(drop, settings)
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(sweep.train, batch, settings)
        wait_until(lambda: begun.exists() and "RUNNING" in dict(statuses(held()[0])).values())
        cancellation.note(workspace, drop.sweep, "ann", "wrong data")
        training.result()
    with pytest.raises(CancelledError, match=r"by ann \(wrong data\). What is done stays"):
        sweep.close(drop.sweep, settings)
    board = leaderboard.read(drop.sweep, settings)
    states = [each.state for each in sorted(board.standings, key=lambda each: each.number)]
    assert ["COMPLETE"] * 4 + ["CANCELLED"] * 2 == states
    assert ("KILLED", f"{drop.sweep}: cancelled by ann (wrong data).") == (
        board.state,
        board.decision,
    )
    assert [(n, "FINISHED") for n in range(4)] == statuses(held()[0])
    name = drop.sweep.rpartition("__")[0]
    assert name not in rounds.find(settings)
    cancellation.lift(workspace, drop.sweep)
    wicked(lambda: None)
    run(drop)
    assert whole(held)
    assert name in rounds.find(settings)


def test_no_trial_of_a_cancelled_sweep_is_begun(submit, settings, held):
    """Tasks that wait for a slot have nothing to do when their turn comes."""
    drop = submit()
    (batch,) = sweep.plan(drop, settings)
    cancellation.note(Workspace(settings.workspace), drop.sweep, "ann", "")
    sweep.train(batch, settings)
    with pytest.raises(CancelledError, match=r"cancelled by ann\. What"):
        sweep.close(drop.sweep, settings)
    assert ([], []) == held()


def test_a_trial_that_is_not_shown_yet_is_given_up(submit, settings, wicked, held, monkeypatch):
    """Cancelled in the second before MLflow is told that it runs."""
    monkeypatch.setattr(recorder, "WRITE_SECONDS", 3600)
    monkeypatch.setattr(cancellation, "LOOK_SECONDS", 0)
    drop, workspace = submit(), Workspace(settings.workspace)
    (batch,) = sweep.plan(drop, settings)

    def be_cancelled():
        cancellation.note(workspace, drop.sweep, "ann", "")
        hang()

    wicked(be_cancelled)
    assert 0 == sweep.train(batch, settings).failed
    assert [(n, "FINISHED") for n in range(4)] == statuses(held()[0])


def test_what_a_killed_task_left_open_is_cancelled_too(submit, settings, held):
    """Its task is not tried again for the trial: the run is removed when the books are closed."""
    drop = submit()
    sweep.plan(drop, settings)
    bench = open_planned(drop.sweep, settings)
    bench.tracking.start_trial(bench.sweep, bench.trials[2], "0")
    cancellation.note(bench.workspace, drop.sweep, "ann", "")
    with pytest.raises(CancelledError):
        sweep.close(drop.sweep, settings)
    board = leaderboard.read(drop.sweep, settings)
    assert ({"CANCELLED"}, ([], [])) == ({each.state for each in board.standings}, held())


def test_who_cancels_while_the_books_are_closed_comes_too_late(submit, settings, monkeypatch):
    """The sweep is whole, and nothing of the attempt is left to harm a later one."""
    drop, workspace = submit(), Workspace(settings.workspace)
    (batch,) = sweep.plan(drop, settings)
    sweep.train(batch, settings)
    settle = sweep.settle

    def settle_late(*args):
        cancellation.note(workspace, drop.sweep, "ann", "")
        return settle(*args)

    monkeypatch.setattr(sweep, "settle", settle_late)
    assert sweep.close(drop.sweep, settings)
    assert "" == cancellation.reason_of(workspace, drop.sweep)
    assert "FINISHED" == leaderboard.read(drop.sweep, settings).state


def wait_until(true):
    """Wait for a moment that comes within a minute."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_planning_anew_trains_what_failed_and_nothing_else(submit, settings, wicked, held, run):
    """What `sweepstake retry` does: one batch with the one trial, then the books are closed."""
    wicked(crash)
    drop = submit()
    run(drop)
    before = [child.info.run_id for child in held()[0]]
    wicked(lambda: None)
    (batch,) = sweep.plan(drop, settings)
    assert (0, 0) == (batch.first, batch.last)
    sweep.train(batch, settings)
    sweep.close(drop.sweep, settings)
    assert whole(held)
    assert 5 == len(set(before) & {child.info.run_id for child in held()[0]})


@EITHER
def test_a_batch_waits_for_a_server_that_comes_back(submit, settings, server, held):
    """A server that is killed and started again meanwhile costs time, no trial and no task."""
    drop = submit()
    (batch,) = sweep.plan(drop, settings)
    starts = []

    def follow():
        if not starts:
            server.signal(signal.SIGKILL)
            starts.append(threading.Timer(3, server.start))
            starts[0].start()

    sweep.train(batch, settings, follow)
    starts[0].join()
    sweep.close(drop.sweep, settings)
    assert whole(held)


@EITHER
def test_a_server_that_stays_away_ends_the_attempt_only(submit, settings, server, held, impatient):
    """The task fails with an error that is retried; the retry doubles nothing."""
    drop = submit()
    (batch,) = sweep.plan(drop, settings)
    with pytest.raises(TrackingUnavailableError, match="must answer, but got"):
        sweep.train(batch, settings, lambda: server.signal(signal.SIGKILL))
    server.start()
    sweep.train(batch, settings, again=False)
    sweep.close(drop.sweep, settings)
    assert whole(held)


@EITHER
def test_a_doubled_run_does_not_hide_the_finished_one(submit, settings, mlflow_uri, held):
    """A lost reply opened a run twice: the next attempt keeps the one that is finished."""
    drop = submit()
    (batch,) = sweep.plan(drop, settings)
    sweep.train(batch, settings)
    before = [run.info.run_id for run in held()[0]]
    (first, *_), _ = held()
    MlflowClient(mlflow_uri).create_run(first.info.experiment_id, tags=first.data.tags)
    sweep.train(batch, settings)
    assert whole(held)
    assert before == [run.info.run_id for run in held()[0]]


@EITHER
def test_a_server_that_hangs_and_answers_late_doubles_nothing(
    submit, settings, server, held, impatient
):
    """What it was asked while it hung it does later, twice even: `close` removes the doubles."""
    drop = submit()
    (batch,) = sweep.plan(drop, settings)
    with pytest.raises(TrackingUnavailableError):
        sweep.train(batch, settings, lambda: server.signal(signal.SIGSTOP))
    server.signal(signal.SIGCONT)
    sweep.train(batch, settings, again=False)
    sweep.close(drop.sweep, settings)
    assert whole(held)


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    """Leave no space in a file system."""
    with (folder / "ballast").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1000))


def in_workspace(disk, settings, request):
    """Settings with a workspace on the small disk."""
    return replace(settings, workspace=disk / "workspace")


def in_artifacts(disk, settings, request):
    """The same settings; the models of the sweep are to lie on the small disk."""
    client = MlflowClient(settings.tracking_uri)
    name = request.getfixturevalue("name")
    client.create_experiment(name, artifact_location=(disk / "models").as_uri())
    request.getfixturevalue("monkeypatch").setenv("SWEEPSTAKE_ARTIFACT_ROOTS", disk.as_uri())
    return settings


@pytest.mark.parametrize("use", [in_workspace, in_artifacts])
def test_a_full_disk_is_told_and_waited_for(small_disk, submit, settings, held, use, request):
    """Neither the workspace nor a model can be written: once there is space, the task goes on."""
    drop = submit()
    settings = use(small_disk, settings, request)
    Workspace(settings.workspace).keep_snapshot((settings.grids / drop.file).read_bytes())
    (batch,) = sweep.plan(drop, settings)
    fill(small_disk)
    with pytest.raises(DiskFullError, match=r"must have space .* Free some space"):
        sweep.train(batch, settings)
    (small_disk / "ballast").unlink()
    sweep.train(batch, settings, again=False)
    sweep.close(drop.sweep, settings)
    assert whole(held)
