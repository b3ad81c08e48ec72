"""A real MLflow server on a database file, real S3 servers, and sweeps to run on them."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import s3server
from mlflowserver import Server, free_port
from pytest_socket import socket_allow_hosts

from sweepstake.intake import intake
from sweepstake.mlflow_client.model_folders import find_packages, load_libraries
from sweepstake.settings import load_settings
from sweepstake.storage import bucket
from sweepstake.sweeps import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sweepstake.intake.intake import Drop
    from sweepstake.settings import Settings

START_SECONDS = 120
KEYS = ("ann:team", "secret")
"""An access key as Swift has it, which any server takes, and its secret."""


QUICK = {
    "test_dags",
    "test_daily_dags",
    "test_databases",
    "test_executor",
    "test_internals",
    "test_model_damage",
    "test_texts_in_dags",
}
"""Files that `make test-quick` runs; those beside them sweep, or start server after server."""


def pytest_collection_modifyitems(items):
    """Call the tests of all other files of this folder slow."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.stem not in QUICK:
            item.add_marker("slow")


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup():
    """Let tests talk to this machine only."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="session", autouse=True)
def own_folders():
    """Hold that no test leaves a grid file in the clone's own watched folder."""
    grids = Path(__file__).parents[2] / "grids"
    before = sorted(grids.rglob("*"))
    yield
    assert before == sorted(grids.rglob("*"))


@pytest.fixture(scope="session", autouse=True)
def mlflow_imported():
    """Import MLflow once, with its warnings about itself, before warnings count as errors.

    And skops, whose import asks every module that is there for every name: Airflow's warn of some.
    What MLflow finds out of all packages is known to each process that a test forks.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        load_libraries()
        find_packages()


@pytest.fixture(scope="session")
def start_mlflow(mlflow_imported, tmp_path_factory) -> Iterator[Callable[..., Server]]:
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
def mlflow_server(start_mlflow) -> Server:
    """A running MLflow server that takes many runs at once."""
    return start_mlflow("--app-name", "sweepstake")


@pytest.fixture(scope="session")
def mlflow_uri(mlflow_server) -> str:
    """The address of a running MLflow server with an empty store, which takes many runs at once."""
    return mlflow_server.uri


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
        "limits": {"trials_per_task": 6},  # else as many as a busy machine trains in its time
    }

    def put(**changes) -> Drop:
        alone = {"estimator", "grid"} if "candidates" in changes else set()
        kept = {key: value for key, value in grid.items() if key not in alone}
        content = json.dumps({**kept, **changes}).encode()
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


@pytest.fixture(scope="session")
def start_s3(tmp_path_factory) -> Iterator[Callable[[str], S3]]:
    """A function that starts an S3 server of a kind, to be ended with the session."""
    servers = []

    def start(kind: str) -> S3:
        port = free_port()
        command = s3server.command(kind, tmp_path_factory.mktemp(kind), port, *KEYS)
        server = S3(kind, subprocess.Popen(command, stdout=subprocess.DEVNULL), port)
        servers.append(server)
        server.await_start()
        return server

    yield start
    for server in servers:
        server.kill()


@pytest.fixture(scope="session", params=["rclone", "swift"])
def s3_server(request, start_s3) -> S3:
    """A small S3 server, and a strict one."""
    return start_s3(request.param)


@pytest.fixture
def s3(s3_server, monkeypatch) -> Iterator[S3]:
    """An S3 server with the empty bucket ``team``; its keys are in the environment."""
    s3_server.make_known(monkeypatch)
    files = bucket.file_system("s3")
    if not files.exists("team"):
        files.mkdir("team")
    yield s3_server
    if left := files.find("team"):
        files.rm(left)


class S3:
    """An S3 server, which may be ended before its time."""

    def __init__(self, kind: str, process: subprocess.Popen[bytes], port: int) -> None:
        self.kind = kind
        self.uri = f"http://127.0.0.1:{port}"
        self._process, self._port = process, port

    def make_known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the environment name it, with its keys."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        for name, value in (*zip(names, KEYS, strict=True), ("AWS_ENDPOINT_URL_S3", self.uri)):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    def await_start(self) -> None:
        """Wait until something listens."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail("the S3 server did not start")

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
