import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from sweepstake.processes import fork as forks

PATIENCE_SECONDS = 30
ORPHANS = """if True:
    import os, time
    from sweepstake.processes import fork as forks

    def work():
        child = os.fork() == 0
        grandchild = child and os.fork() == 0
        os.write(1, f"{'grandchild' if grandchild else 'near'} {os.getpid()}\\n".encode())
        time.sleep(600)

    forks.fork(work)
    time.sleep(600)
"""


def wait_for(condition):
    """What ``condition`` gives as soon as it is not ``None``."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := condition()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def code_of(work):
    """The exit code of a fork that does ``work``."""
    pid = forks.fork(work)
    return wait_for(lambda: forks.exit_code(pid))


def answer_of(work):
    """What ``work`` returns in a fork, as text."""
    reader, writer = os.pipe()
    assert 0 == code_of(lambda: os.write(writer, repr(work()).encode()))
    os.close(writer)
    with os.fdopen(reader) as pipe:
        return pipe.read()


def is_alive(pid):
    """Whether a process runs, and is not merely waiting to be waited for."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def fail():
    """Raise what nobody expects."""
    message = "on purpose"
    raise ValueError(message)


def test_work_that_is_done_gives_zero():
    """A fork that has done its work ends well."""
    assert 0 == code_of(lambda: None)


def test_an_error_gives_one_and_is_printed(capfd):
    """An error ends the fork alone, and is told where the parent's own words are."""
    assert (1, True) == (code_of(fail), "ValueError: on purpose" in capfd.readouterr().err)


def test_a_call_to_exit_ends_the_fork_alone():
    """What would end the parent's program ends the fork, with nothing of the parent's clean-up."""
    assert 1 == code_of(sys.exit)


def test_a_fork_that_is_killed_gives_the_signal():
    """A death from outside is told as well as one from inside."""
    pid = forks.fork(lambda: time.sleep(600))
    forks.kill(pid)
    assert -signal.SIGKILL == wait_for(lambda: forks.exit_code(pid))


def test_a_fork_that_somebody_else_waited_for_has_failed():
    """Nobody knows how it ended, so nobody takes it for a success."""
    pid = forks.fork(lambda: None)
    os.waitpid(pid, 0)
    assert 1 == forks.exit_code(pid)


def test_a_fork_holds_no_connection_of_its_parent():
    """When the parent closes its connection, or dies, the other side is told at once."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pid = forks.fork(lambda: time.sleep(600))
        ours.close()
        theirs.settimeout(PATIENCE_SECONDS)
        assert b"" == theirs.recv(1)
    forks.kill(pid)
    wait_for(lambda: forks.exit_code(pid))


def test_the_number_of_a_connection_is_not_given_away():
    """A late clean-up of the parent's object cannot close what the fork has opened since."""
    ours, theirs = socket.socketpair()

    def work():
        fresh = os.open(os.devnull, os.O_RDONLY)
        ours.close()
        theirs.close()
        return os.fstat(fresh).st_rdev == Path(os.devnull).stat().st_rdev

    assert "True" == answer_of(work)
    ours.close()
    theirs.close()


def test_a_fork_handles_signals_by_itself():
    """The parent's handlers would act on the parent's part: a fork ends when it is asked to."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        pid = forks.fork(lambda: time.sleep(600))
        os.kill(pid, signal.SIGTERM)
        assert -signal.SIGTERM == wait_for(lambda: forks.exit_code(pid))
    finally:
        signal.signal(signal.SIGTERM, before)


def test_signals_are_held_back_while_forking_only():
    """Neither side of a fork goes on with signals blocked."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    inside = answer_of(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    assert (blocked, repr(blocked)) == (signal.pthread_sigmask(signal.SIG_BLOCK, ()), inside)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a death signal")
def test_what_a_killed_parent_forked_ends_with_it():
    """A fork and what it has forked end at once; what that has forked is left to itself."""
    command = [sys.executable, "-c", ORPHANS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        told = [parent.stdout.readline().split() for _ in range(3)]
        parent.kill()
    (grandchild,) = [int(pid) for part, pid in told if part == "grandchild"]
    near = [int(pid) for part, pid in told if part == "near"]
    wait_for(lambda: None if any(map(is_alive, near)) else True)
    assert is_alive(grandchild)
    os.kill(grandchild, signal.SIGKILL)
