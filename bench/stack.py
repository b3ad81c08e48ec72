"""The embedded stack to measure on: a fresh one, on free ports, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from sweepstake.airflow_client.api import AirflowApi
from sweepstake.embedded import down, up
from sweepstake.embedded.environment import POOL
from sweepstake.embedded.ports import DEFAULTS, setting
from sweepstake.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mlflow import MlflowClient

ROOT = Path(__file__).parents[1]
PAGE = 100
TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 3600.0

Found = TypeVar("Found")


@dataclass
class Stack:
    """A stack that is up: its settings, a folder for files, and clients to ask it."""

    settings: Settings
    folder: Path

    @cached_property
    def mlflow(self) -> MlflowClient:
        """A client of its tracking server."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.settings.tracking_uri)

    @cached_property
    def _airflow(self) -> httpx.Client:
        client = httpx.Client(
            base_url=f"{self.settings.airflow_url}/api/v2", timeout=TIMEOUT_SECONDS
        )
        user = {"username": self.settings.airflow_user, "password": self.settings.airflow_password}
        answer = client.post(f"{self.settings.airflow_url}/auth/token", json=user)
        token = answer.raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    def ask(self, path: str, **params: Any) -> dict[str, Any]:
        """The api-server's answer to a GET."""
        answer = self._airflow.get(path, params=params).raise_for_status()
        return dict(answer.json())

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """Every task instance of a run."""
        path, found = f"/dags/{dag}/dagRuns/{run}/taskInstances", list[dict[str, Any]]()
        while True:
            page = self.ask(path, limit=PAGE, offset=len(found))
            found += page["task_instances"]
            if len(found) >= page["total_entries"]:
                return found

    def set_slots(self, slots: int) -> None:
        """Let so many training tasks run at once."""
        with AirflowApi.of(self.settings) as api:
            api.ensure_pool(POOL, slots, "Training tasks of sweeps")


@contextmanager
def embedded(say: Callable[[str], None]) -> Iterator[Stack]:
    """Start the stack with the project's DAGs and an empty watched folder; end it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="sweepstake-bench-"))
    (folder / "grids").mkdir()
    environ = {
        **os.environ,
        **{setting(server): "auto" for server in DEFAULTS},
        "SWEEPSTAKE_HOME": str(folder / "home"),
        "SWEEPSTAKE_GRIDS": str(folder / "grids"),
        "XDG_STATE_HOME": str(folder / "state"),
    }
    try:
        up(load_settings(environ), say, environ)
        yield Stack(load_settings(environ), folder)
    finally:
        down(load_settings(environ), say, environ)
        shutil.rmtree(folder)


def wait(what: str, condition: Callable[[], Found]) -> Found:
    """Wait until ``condition`` gives something true, and return it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(POLL_SECONDS)
    raise TimeoutError(what)
