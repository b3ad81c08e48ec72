"""Bare server: the small grid against an MLflow server with our app and against one without it."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import contextmanager, suppress
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx
from bench.place import new_place
from bench.workloads import DEFAULT, SMALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.place import Place

OPTIONS = {"with the app": ("--app-name", "sweepstake"), "without it": ()}
"""What each server is started with."""
START_SECONDS = 120


def measure(say: Callable[[str], None], rounds: int, *, quick: bool) -> dict[str, Any]:
    """Seconds of `sweepstake run`, from start to end, against each server in turn."""
    workload, records = DEFAULT if quick else SMALL, []
    with new_place() as place:
        for number in range(1, (1 if quick else rounds) + 1):
            for kind in list(OPTIONS)[:: 1 if number % 2 else -1]:
                name = f"{kind.split()[0]}-{number}"
                (place.folder / f"{name}.json").write_bytes(workload.grid_file(name))
                with _server(place, kind) as uri:
                    began = time.monotonic()
                    place.run("sweepstake", "run", f"{name}.json", MLFLOW_TRACKING_URI=uri)
                    seconds = time.monotonic() - began
                say(f"round {number}  {kind:14} {1000 * seconds / workload.trials:6.1f} ms a trial")
                record = {"round": number, "server": kind, "seconds": seconds}
                records.append(record | {"trials": workload.trials})
    return {"records": records}


def summary(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Milliseconds per trial by server, the median of the rounds."""
    return {
        kind: median(1000 * r["seconds"] / r["trials"] for r in records if r["server"] == kind)
        for kind in OPTIONS
    }


@contextmanager
def _server(place: Place, kind: str) -> Iterator[str]:
    """The address of a server that runs until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    store = f"sqlite:///{place.folder / 'server.db'}"
    command = ["mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", store, "--artifacts-destination", str(place.folder)]
    process = place.start(*command, *OPTIONS[kind], log="server.log")
    try:
        uri = f"http://127.0.0.1:{port}"
        _await(uri)
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await(uri: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            httpx.get(f"{uri}/health", timeout=5).raise_for_status()
            return
        time.sleep(0.2)
    raise TimeoutError(uri)
