"""``sweepstake serve`` behind a real socket, with a registry that holds what a test puts there."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import httpx
import uvicorn

from sweepstake.errors import TrackingUnavailableError
from sweepstake.modelfile.model_file import StoredModel
from sweepstake.serving import app
from sweepstake.serving.app import Capacity, Host, application
from sweepstake.serving.patience import PatientProtocol
from sweepstake.storage.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 120
MOST_CONNECTIONS = 20


@dataclass(frozen=True)
class Stored:
    """A version as far as the server knows it."""

    version: str
    model: str = "shop"


class Shelf:
    """A registry with one model, whose versions and champion the test sets."""

    def __init__(self, content: bytes, example: bytes) -> None:
        self.stored = {"1": (content, example)}
        self.files = self
        self.alias = "1"
        self.fetched: list[str] = []

    def champion(self, _: str) -> Stored:
        """The version that the alias names."""
        if self.alias == "away":
            message = "MLflow does not answer."
            raise TrackingUnavailableError(message)
        return Stored(self.alias)

    def fetch(self, version: Stored) -> tuple[StoredModel, bytes]:
        """The files of a version and its input example."""
        self.fetched.append(version.version)
        content, example = self.stored[version.version]
        return StoredModel(content), example


@contextmanager
def running(shelf: Shelf, capacity: Capacity) -> Iterator[httpx.Client]:
    """A client of a running server that has its champion; every version is vouched for."""
    with (
        patch.object(app.Provenance, "vouch", lambda *_: None),
        _started(shelf, capacity) as address,
        httpx.Client(base_url=address, timeout=SECONDS) as client,
    ):
        wait_for(lambda: client.get("/health").status_code == 200)
        yield client


@contextmanager
def _started(shelf: Shelf, capacity: Capacity) -> Iterator[str]:
    host = Host(shelf, Workspace(Path("never planned in")), "shop", capacity)
    server = uvicorn.Server(
        uvicorn.Config(
            application(host),
            port=0,
            log_config=None,
            http=PatientProtocol,
            limit_concurrency=MOST_CONNECTIONS,
        )
    )
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),))
    thread.start()
    wait_for(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
