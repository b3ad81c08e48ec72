"""The executor, with Airflow's own base class around it and no scheduler."""

from __future__ import annotations

import os
import signal
import time
from types import SimpleNamespace
from uuid import uuid4

import pytest

PATIENCE_SECONDS = 30


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """A home for Airflow of its own, set before anything of Airflow is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        yield


@pytest.fixture
def executor(monkeypatch):
    """An executor of two slots whose workloads are functions; nothing of it is left running."""
    from sweepstake.airflow.executor import ForkExecutor

    monkeypatch.setattr(ForkExecutor, "run_workload", staticmethod(lambda load, **_: load.work()))
    started = ForkExecutor(parallelism=2)
    started.start()
    yield started
    started.queued_tasks.clear()  # else a slot that is free first lets the next one begin
    started.terminate()
    settle(started)


def workload(work, name="plan", attempt=1, running_state=None):
    """A workload of a task that does ``work``."""
    from airflow.models.taskinstancekey import TaskInstanceKey
    from airflow.utils.state import TaskInstanceState

    return SimpleNamespace(
        key=TaskInstanceKey("sweep", name, "run", attempt),
        work=work,
        display_name=str(uuid4()),
        running_state=running_state,
        success_state=TaskInstanceState.SUCCESS,
        failure_state=TaskInstanceState.FAILED,
    )


def queue(executor, *workloads):
    """Hand workloads to the executor as the scheduler does."""
    executor.queued_tasks |= {load.key: load for load in workloads}


def order(executor, monkeypatch):
    """Workloads of these tests carry no priority: take them in the order in which they came."""
    monkeypatch.setattr(
        executor, "order_queued_tasks_by_priority", lambda: list(executor.queued_tasks.items())
    )


@pytest.fixture(autouse=True)
def in_order(executor, monkeypatch):
    """Take workloads in the order in which they came."""
    order(executor, monkeypatch)


def settle(executor):
    """Beat until no process is left."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while executor.forks:
        assert time.monotonic() < deadline
        executor.heartbeat()
        time.sleep(0.01)


def states(executor):
    """What the scheduler is told: states by task."""
    return {key.task_id: str(state) for key, (state, _) in executor.get_event_buffer().items()}


def sleep():
    """Take longer than any test."""
    time.sleep(600)


def fail():
    """Raise what nobody expects."""
    message = "on purpose"
    raise ValueError(message)


def test_what_is_done_is_a_success(executor):
    """A workload that ends well leaves its slot and is reported."""
    queue(executor, workload(lambda: None))
    executor.heartbeat()
    settle(executor)
    assert ({"plan": "success"}, set()) == (states(executor), executor.running)


def test_what_raises_has_failed(executor):
    """An error is reported as a failure."""
    queue(executor, workload(fail))
    executor.heartbeat()
    settle(executor)
    assert {"plan": "failed"} == states(executor)


def test_a_process_that_is_killed_is_reported_with_its_signal(executor):
    """No death is silent: whoever reads the report sees what ended the task."""
    load = workload(sleep)
    queue(executor, load)
    executor.heartbeat()
    (pid,) = executor.forks
    os.kill(pid, signal.SIGKILL)
    settle(executor)
    state, told = executor.get_event_buffer()[load.key]
    assert ("failed", "Its process was killed by signal 9.") == (str(state), told)


def test_no_more_processes_than_slots(executor):
    """What finds no slot waits in the queue, where it counts as the scheduler's."""
    loads = [workload(sleep, name) for name in ("a", "b", "c")]
    queue(executor, *loads)
    executor.heartbeat()
    executor.heartbeat()
    assert (2, 0, ["c"]) == (
        len(executor.forks),
        executor.slots_available + 1,
        [key.task_id for key in executor.queued_tasks],
    )


def test_a_fork_that_the_system_refuses_has_failed(executor, monkeypatch):
    """Without memory for a process, the task fails and is tried again; the scheduler goes on."""

    def refuse():
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(os, "fork", refuse)
    queue(executor, workload(sleep))
    executor.heartbeat()
    assert ({"plan": "failed"}, {}) == (states(executor), executor.forks)


def test_a_revoked_task_ends_and_is_not_reported(executor):
    """Airflow sets the state of what it revokes; no process may go on with it."""
    load = workload(sleep)
    queue(executor, load)
    executor.heartbeat()
    executor.revoke_task(ti=SimpleNamespace(key=load.key))
    settle(executor)
    assert ({}, set()) == (states(executor), executor.running)


def test_a_task_in_the_queue_can_be_revoked(executor):
    """What has no process yet never gets one."""
    load = workload(sleep)
    queue(executor, load)
    executor.revoke_task(ti=SimpleNamespace(key=load.key))
    executor.heartbeat()
    assert ({}, {}) == (executor.queued_tasks, executor.forks)


def test_a_task_that_airflow_gave_up_is_ended(executor):
    """A task without a heartbeat is tried again: its process must not train beside the next."""
    load = workload(sleep)
    queue(executor, load)
    executor.heartbeat()
    executor.fail(load.key)
    executor.get_event_buffer()
    settle(executor)
    assert {} == states(executor)


def test_the_end_of_a_deferred_task_is_not_that_of_its_successor(executor):
    """A task that woke before its first process was gone has two for a moment, under one key."""
    queue(executor, workload(lambda: None))
    executor.trigger_tasks(1)
    queue(executor, workload(sleep))
    executor.trigger_tasks(1)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(executor.forks) > 1:
        assert time.monotonic() < deadline
        executor.sync()
    assert ({}, 1) == (states(executor), len(executor.running))


def test_a_heartbeat_notices_at_once_that_a_task_has_ended(executor, monkeypatch):
    """The scheduler does not sleep in between; where no task ends, it sleeps as long here."""
    from sweepstake.airflow import executor as module

    monkeypatch.setattr(module, "IDLE_SECONDS", PATIENCE_SECONDS)
    queue(executor, workload(lambda: None))
    executor.heartbeat()
    executor.heartbeat()
    assert {"plan": "success"} == states(executor)
    slept = []
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(
        module, "time", SimpleNamespace(monotonic=time.monotonic, sleep=slept.append)
    )
    executor.heartbeat()
    assert {0.05} == set(slept)


def test_what_runs_is_reported_where_airflow_asks_for_it(executor):
    """A callback has no api-server to tell that it runs: its executor does."""
    from airflow.utils.state import CallbackState

    queue(executor, workload(sleep, running_state=CallbackState.RUNNING))
    executor.heartbeat()
    assert ({"plan": "running"}, 1) == (states(executor), len(executor.running))


def test_the_end_waits_for_what_runs(executor):
    """A scheduler that is told to stop lets its tasks end."""
    queue(executor, workload(lambda: time.sleep(0.3)))
    executor.heartbeat()
    executor.end()
    assert ({"plan": "success"}, {}) == (states(executor), executor.forks)
