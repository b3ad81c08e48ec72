"""Airflow's api-server alone, with the project's DAGs, on a database file: nothing is scheduled.

``with running(folder, environ) as server`` is one, with a user of each role in `USERS`; run as a
program, this file is that server.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

START_SECONDS = 300
USERS = {"ann": "admin", "vic": "viewer"}
PASSWORD = "a-password-of-the-tests"
BUNDLE = {
    "name": "sweepstake",
    "classpath": "sweepstake.airflow.bundle.SweepstakeBundle",
    "kwargs": {},
}


@dataclass(frozen=True)
class Airflow:
    """A server that answers; ``tokens`` are those of its users."""

    url: str
    database: Path
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """The address of the page."""
        return f"{self.url}/sweepstake"

    def call(self, user: str, method: str, path: str, **content: Any) -> httpx.Response:
        """A request in somebody's name; nobody's where the name is empty."""
        token = self.tokens.get(user)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= content.pop("headers", {})
        return httpx.request(method, self.url + path, headers=headers, timeout=120, **content)

    def add_run(self, dag: str, run: str, state: str, day: str | None = None) -> None:
        """A run of a DAG in a state, as if it had been scheduled."""
        body = {"dag_run_id": run, "logical_date": None, "partition_key": day}
        self.call("ann", "POST", f"/api/v2/dags/{dag}/dagRuns", json=body).raise_for_status()
        self._write("UPDATE dag_run SET state = ? WHERE run_id = ?", state, run)

    def push(self, dag: str, run: str, task: str, key: str, value: Any) -> None:
        """A value that a task of a run has told, as if it had run."""
        path = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries"
        self.call("ann", "POST", path, json={"key": key, "value": value}).raise_for_status()

    def _write(self, query: str, *values: str) -> None:
        with closing(sqlite3.connect(self.database, timeout=60)) as base, base:
            base.execute(query, values)


@contextmanager
def running(folder: Path, port: int, environ: Mapping[str, str]) -> Iterator[Airflow]:
    """A server with its home in ``folder``; ``environ`` has what Sweepstake is told."""
    home = folder / "airflow"
    home.mkdir(parents=True)
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps(dict.fromkeys(USERS, PASSWORD)))
    url = f"http://127.0.0.1:{port}"
    env = {**os.environ, **environ, **_settings(home, passwords, url)}
    with (home / "log").open("wb") as log:
        command = [sys.executable, __file__, str(port)]
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        _await(url, process, home / "log")
        tokens = {user: _token(url, user) for user in USERS}
        yield Airflow(url, home / "airflow.db", tokens)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _settings(home: Path, passwords: Path, url: str) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(":".join(u) for u in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([BUNDLE]),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API_AUTH__JWT_SECRET": "a-secret-of-the-tests-long-enough-for-its-purpose",
        "SWEEPSTAKE_AIRFLOW_URL": url,
    }


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}/api/v2/version", timeout=30)
        except httpx.TransportError:
            time.sleep(0.3)
        else:
            return
    message = f"Airflow's api-server did not start:\n{log.read_text(errors='replace')[-4000:]}"
    raise RuntimeError(message)


def _token(url: str, user: str) -> str:
    body = {"username": user, "password": PASSWORD}
    answer = httpx.post(f"{url}/auth/token", json=body, timeout=60).raise_for_status()
    return str(answer.json()["access_token"])


def main() -> None:
    """Make the database with the DAGs in it, and serve."""
    from argparse import Namespace

    import uvicorn
    from airflow.api_fastapi.app import create_app
    from airflow.cli.commands.dag_command import dag_reserialize
    from airflow.utils.db import initdb

    initdb()
    dag_reserialize(Namespace(bundle_name=None, subcommand="reserialize"))
    uvicorn.run(create_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


if __name__ == "__main__":
    main()
