"""An MLflow server on a database file, and free ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from pathlib import Path

START_SECONDS = 120


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """An MLflow server on a database file, which may be stopped and started again."""

    def __init__(self, home: Path, port: int, options: tuple[str, ...] = ()) -> None:
        self.home = home
        self._options = options
        self.uri = f"http://127.0.0.1:{port}"
        self._port = str(port)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
        command += ["--port", self._port, "--workers", "1", "--no-serve-artifacts"]
        command += ["--backend-store-uri", f"sqlite:///{self.home}/mlflow.db"]
        command += ["--default-artifact-root", str(self.home / "artifacts")]
        command += self._options
        environ = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environ, start_new_session=True, cwd=self.home
            )
        self._await(self._process)

    def signal(self, number: int) -> None:
        """Send a signal to the server and its workers; after SIGKILL they are gone."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)
            if number == signal.SIGKILL:
                self._process.wait(30)

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urlopen(f"{self.uri}/health", timeout=5):
                    return
            except (URLError, OSError):
                time.sleep(0.2)
        pytest.fail(f"MLflow did not start:\n{(self.home / 'log').read_text()[-3000:]}")
