import os
import subprocess
import sys

import pytest

from sweepstake.embedded import processes

STUBBORN = "import signal, sys, time; signal.signal(15, signal.SIG_IGN); print(); time.sleep(60)"


@pytest.fixture
def child(tmp_path):
    """A running process with the mark of ``tmp_path`` that ignores the request to end."""
    environment = {**os.environ, processes.MARK: str(tmp_path)}
    command = [sys.executable, "-uc", STUBBORN]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_only_marked_processes_belong_to_a_stack(tmp_path, child):
    """The mark names the stack; another stack's processes and unmarked ones are left alone."""
    found = [process.pid for process in processes.of_stack(tmp_path)]
    assert (found, processes.of_stack(tmp_path / "other")) == ([child.pid], [])


def test_a_process_that_ignores_the_request_is_killed(tmp_path, child, monkeypatch):
    """Ending does not depend on the good will of the process."""
    monkeypatch.setattr(processes, "PATIENCE_SECONDS", 0.2)
    processes.end(processes.of_stack(tmp_path))
    assert [] == processes.of_stack(tmp_path)
