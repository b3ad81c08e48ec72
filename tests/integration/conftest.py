"""A real MLflow server on a database file, one for the whole session, and sweeps to run on it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

import pytest
from pytest_socket import socket_allow_hosts

from sweepstake import intake, sweep
from sweepstake.connection import prepare_environment
from sweepstake.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sweepstake.intake import Drop
    from sweepstake.settings import Settings

START_SECONDS = 120


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup():
    """Let tests talk to this machine only."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="session", autouse=True)
def mlflow_imported():
    """Import MLflow once, with its warnings about itself, before warnings count as errors."""
    prepare_environment()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc
        import mlflow.sklearn  # noqa: F401


@pytest.fixture(scope="session")
def start_mlflow(mlflow_imported, tmp_path_factory) -> Iterator[Callable[[], Server]]:
    """A function that starts an MLflow server with an empty store, to be ended with the session."""
    servers = []

    def start(*options: str) -> Server:
        server = Server(tmp_path_factory.mktemp("mlflow"), free_port(), options)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.signal(signal.SIGKILL)


@pytest.fixture(scope="session")
def mlflow_uri(start_mlflow) -> str:
    """The address of a running MLflow server with an empty store, which takes many runs at once."""
    return start_mlflow("--app-name", "sweepstake").uri


@pytest.fixture(scope="session")
def plain_uri(start_mlflow) -> str:
    """The address of a running MLflow server with nothing but MLflow's own API."""
    return start_mlflow().uri


@pytest.fixture(params=["bulk", "plain"])
def either_uri(request, mlflow_uri) -> str:
    """The address of a server that takes many runs at once, then of one that does not."""
    return mlflow_uri if request.param == "bulk" else request.getfixturevalue("plain_uri")


@pytest.fixture
def name() -> str:
    """A name that no other test uses, for experiments, models and sweeps."""
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture
def settings(tmp_path, mlflow_uri) -> Settings:
    """Settings with a workspace and a watched folder of their own."""
    (tmp_path / "grids").mkdir()
    environ = {"SWEEPSTAKE_HOME": str(tmp_path), "SWEEPSTAKE_GRIDS": str(tmp_path / "grids")}
    return load_settings({**environ, "MLFLOW_TRACKING_URI": mlflow_uri})


@pytest.fixture
def submit(settings, name) -> Callable[..., Drop]:
    """A function that puts a grid of six trees into the watched folder and returns its drop."""
    grid = {
        "name": name,
        "data": {"source": "sklearn:iris"},
        "estimator": "DecisionTreeClassifier",
        "grid": {"criterion": ["gini", "entropy"], "max_depth": [1, 2, 3]},
        "cv": 3,
        "metric": "accuracy",
    }

    def put(**changes) -> Drop:
        content = json.dumps({**grid, **changes}).encode()
        return intake.drop(content, name, f"{name}.json", settings)

    return put


@pytest.fixture
def run(settings) -> Callable[[Drop], str]:
    """A function that plans a drop, trains its batches and closes it; returns the sweep's id."""

    def whole(drop: Drop) -> str:
        for batch in sweep.plan(drop, settings):
            sweep.train(batch, settings)
        sweep.close(drop.sweep, settings)
        return drop.sweep

    return whole


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
