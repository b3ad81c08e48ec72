import ctypes
import multiprocessing
import os
import re
import signal
import sys
import threading
import time

import numpy as np
import psutil
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from sweepstake.domain.spec import Limits
from sweepstake.errors import DataError, DiskFullError, TrialFailedError
from sweepstake.processes import isolation
from sweepstake.processes.isolation import (
    CutOffError,
    KilledError,
    StandstillError,
    Worker,
    repeat_once,
)
from sweepstake.storage.disk import disk_faults

PATIENCE_SECONDS = 30
OUT_OF_MEMORY = (
    r"^It was killed \(SIGKILL\) as memory ran out: it had 0\.\d GB when last seen\. Set"
)


class Work:
    """Calls of every kind, good and bad."""

    def __init__(self):
        self.calls = 0
        self.lock = threading.Lock()

    def take(self):
        """Wait for a lock that may be held by a thread which is not in the fork."""
        with self.lock:
            return self.count()

    def count(self):
        """How many calls this process has made."""
        self.calls += 1
        return self.calls

    def identify(self):
        """The process that makes the calls."""
        return os.getpid()

    def sleep(self, seconds):
        """Take some time."""
        time.sleep(seconds)
        return seconds

    def eat(self, megabytes):
        """Take some memory, and touch it."""
        return float(np.ones(megabytes * 125_000).sum())

    def signal(self, number):
        """Crash."""
        os.kill(os.getpid(), number)
        time.sleep(PATIENCE_SECONDS)

    def read_nothing(self):
        """Crash as C code does."""
        ctypes.string_at(0)

    def leave(self, code):
        """End the interpreter behind its back."""
        os._exit(code)

    def quit(self):
        """End the interpreter as a script would."""
        sys.exit("enough")

    def refuse(self, error):
        """Raise an error."""
        raise error

    def boost(self):
        """Fit with OpenMP; the number of classes that came of it."""
        rows = np.arange(40.0).reshape(-1, 1)
        return len(HistGradientBoostingClassifier(max_iter=1).fit(rows, rows[:, 0] > 20).classes_)

    def work_by_child(self, seconds):
        """Let a process of its own use the processor."""
        pid = os.fork()
        if pid == 0:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                pass
            os._exit(0)
        os.waitpid(pid, 0)
        return "worked"

    def be_killed(self, counters):
        """Be killed by Linux after a while, as memory runs out."""
        time.sleep(0.5)
        counters.write_text("pgfault 9\noom_kill 4\n")
        os.kill(os.getpid(), signal.SIGKILL)

    def work(self, seconds):
        """Use the processor."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass
        return "worked"

    def spawn(self):
        """Start a process that outlives the call."""
        pid = os.fork()
        if pid == 0:
            time.sleep(PATIENCE_SECONDS)
            os._exit(0)
        return pid


@pytest.fixture
def worker():
    """A worker that is ended with the test."""
    with Worker(Work()) as made:
        yield made


def gone(pid):
    """Whether a process ends within the patience of the tests."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_calls_are_made_one_after_the_other_in_one_other_process(worker):
    """The process keeps what its calls leave in it, and it is not that of the caller."""
    own = worker.call("identify")
    assert ([1, 2, 3], own) == ([worker.call("count") for _ in range(3)], worker.call("identify"))
    assert os.getpid() != own


def test_threads_that_were_used_before_the_fork_hang_no_call(worker):
    """GCC's OpenMP would wait for them forever: they are not in the fork."""
    assert 2 == Work().boost()
    assert 2 == worker.call("boost", limits=Limits(trial_timeout=PATIENCE_SECONDS))


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (("signal", signal.SIGSEGV), r"It crashed the interpreter \(SIGSEGV\)\."),
        (("signal", signal.SIGABRT), r"It crashed the interpreter \(SIGABRT\)\."),
        (
            ("signal", signal.SIGKILL),
            r"It was killed from outside \(SIGKILL\): it had 0\.0 GB when",
        ),
        (
            ("signal", signal.SIGTERM),
            r"It was killed from outside \(SIGTERM\): it had 0\.0 GB when",
        ),
        (("leave", 3), r"It ended the interpreter with exit code 3\."),
        (("quit",), "SystemExit: enough"),
        (("refuse", ValueError("two\n is  too few")), "ValueError: two is too few"),
        (("refuse", MemoryError()), "MemoryError"),
    ],
)
def test_what_ends_a_call_ends_no_other(worker, call, reason):
    """A crash, an exit or an error is told in one sentence, and the next call is made."""
    with pytest.raises(TrialFailedError, match=f"^{reason}"):
        worker.call(*call)
    assert 0 == worker.call("sleep", 0)


def test_a_call_that_takes_too_long_is_ended(worker):
    """What hangs is killed after its time, and the limit is named."""
    process = worker.call("identify")
    with pytest.raises(TrialFailedError, match=r"longer than limits.trial_timeout = 0\.5 s\."):
        worker.call("sleep", PATIENCE_SECONDS, limits=Limits(trial_timeout=0.5))
    assert gone(process)
    assert 0 == worker.call("sleep", 0, limits=Limits(trial_timeout=PATIENCE_SECONDS))


@pytest.mark.slow
def test_the_time_counts_for_each_call(worker):
    """Calls that take long together are within a limit that holds for each."""
    limits = Limits(trial_timeout=5)
    taken = [worker.call("sleep", 2, limits=limits) for _ in range(3)]
    assert [2, 2, 2] == taken


@pytest.mark.slow
def test_a_call_that_waits_for_what_never_comes_is_made_again(monkeypatch):
    """A thread held a lock at the fork and is not in it: the process ends, the next one has it."""
    monkeypatch.setattr(isolation, "STILL_SECONDS", 1.5)
    work = Work()
    with work.lock, Worker(work) as worker, pytest.raises(StandstillError, match=r"for 1\.5 s"):
        worker.call("take")
    work.lock.acquire()
    tries = []

    def take():
        tries.append(worker.call("identify"))
        if work.lock.locked():  # here, not in the fork
            work.lock.release()
        return worker.call("take")

    with Worker(work) as worker:
        assert 1 == repeat_once(take)
    assert [True, True] == [gone(process) for process in tries]


@pytest.mark.slow
def test_a_call_that_works_for_long_does_not_stand_still(worker, monkeypatch):
    """Processor time counts, that of a process which the call has started too."""
    monkeypatch.setattr(isolation, "STILL_SECONDS", 1.5)
    assert "worked" == worker.call("work_by_child", 4)


@pytest.mark.slow
def test_a_call_whose_process_is_killed_is_made_again():
    """Whoever killed it did not mean the call; another kill is told."""
    killed = []

    def work(times):
        process = worker.call("identify")
        if len(killed) < times:
            threading.Timer(0.3, os.kill, (process, signal.SIGKILL)).start()
            killed.append(process)
        return worker.call("sleep", 1)

    with Worker(Work()) as worker:
        assert 1 == repeat_once(lambda: work(1))
        with pytest.raises(KilledError, match=r"^It was killed from outside \(SIGKILL\): it had "):
            repeat_once(lambda: work(3))
    assert 3 == len(killed)


def test_a_call_that_linux_ends_for_its_memory_is_not_made_again(tmp_path, monkeypatch):
    """It would be ended again; the sentence tells what it had and which limit ends it alone."""
    counters = tmp_path / "vmstat"
    counters.write_text("pgfault 7\noom_kill 3\n")
    monkeypatch.setattr(isolation, "COUNTERS", counters)
    calls = []
    with Worker(Work()) as worker, pytest.raises(CutOffError, match=OUT_OF_MEMORY):
        repeat_once(lambda: calls.append(1) or worker.call("be_killed", counters))
    assert [1] == calls


def test_the_machine_counts_what_it_ends_for_its_memory():
    """The file that is read has the line that is looked for."""
    assert re.search(r"^oom_kill \d+$", isolation.COUNTERS.read_text("ascii"), re.MULTILINE)


@pytest.mark.slow
def test_nobody_walks_over_all_processes_as_long_as_a_call_works(worker, monkeypatch):
    """On a large machine that walk takes longer than what it is for."""
    walks = []
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(psutil.Process, "children", lambda *_, **__: walks.append(1) or [])
        meanwhile.setattr(isolation, "POLL_SECONDS", 0.05)
        assert "worked" == worker.call("work", 2)
    assert [] == walks


def test_a_crash_ends_a_call_where_the_caller_handles_crashes_in_python():
    """Airflow does so when it reads a DAG file: the call would crash again and again, forever."""
    handled = signal.signal(signal.SIGSEGV, lambda *_: None)
    try:
        with Worker(Work()) as worker, pytest.raises(TrialFailedError, match="SIGSEGV"):
            worker.call("read_nothing", limits=Limits(trial_timeout=PATIENCE_SECONDS))
    finally:
        signal.signal(signal.SIGSEGV, handled or signal.SIG_DFL)


@pytest.mark.slow
def test_a_call_that_takes_too_much_memory_is_ended():
    """What the process had before does not count; what the call takes on top of it does."""
    mine = np.ones(50_000_000)
    limits = Limits(trial_memory=200_000_000)
    with Worker(Work()) as worker:
        assert 20 * 125_000 == worker.call("eat", 20, limits=limits)
        with pytest.raises(TrialFailedError, match=r"than limits.trial_memory = 0\.2 GB\."):
            worker.call("eat", 3000, limits=limits)
    assert 50_000_000 == mine.sum()


def test_an_error_of_ours_comes_back_as_it_is(worker):
    """Who calls can tell whether a retry helps."""
    with pytest.raises(DataError, match=r"^too few rows$"):
        worker.call("refuse", DataError("too few rows"))


def test_a_full_disk_is_not_the_fault_of_the_call(worker):
    """There is no space for what the call writes: that is an error which a retry can fix."""
    with pytest.raises(DiskFullError, match="must have space to write, but got 'No space left"):
        worker.call("refuse", OSError(28, "No space left on device"))


def test_other_system_errors_pass_as_they_are():
    """Only a full disk or quota counts as one."""
    with pytest.raises(PermissionError), disk_faults():
        raise PermissionError(13, "Permission denied")


def test_the_process_ends_with_its_worker():
    """Nothing is left behind, not even what a call has started."""
    with Worker(Work()) as worker:
        processes = [worker.call("identify"), worker.call("spawn")]
    assert [True, True] == [gone(pid) for pid in processes]


def test_the_process_ends_when_its_caller_is_killed():
    """A task that is killed outright leaves no process that goes on to train."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        worker = Worker(Work())
        os.write(theirs, str(worker.call("identify")).encode())
        worker.call("sleep", PATIENCE_SECONDS * 2)
    process = int(os.read(ours, 20))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert gone(process)


def test_a_daemonic_process_can_make_calls():
    """Workers of Celery are daemonic, and trials are trained in them like anywhere else."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_count_in_daemon, args=(theirs,), daemon=True)
    process.start()
    try:
        assert ours.poll(PATIENCE_SECONDS)
        assert 1 == ours.recv()
    finally:
        process.kill()
        process.join()


def _count_in_daemon(pipe):
    with Worker(Work()) as worker:
        pipe.send(worker.call("count"))
