"""Serving: one champion behind ``sweepstake serve`` and behind ``mlflow models serve``, in turn."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from functools import partial
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import httpx
import psutil
from bench.place import new_place
from bench.rounds import OURS
from bench.stack import ROOT, wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from bench.place import Place

THEIRS = "mlflow"
WAYS = (OURS, THEIRS)
CONNECTIONS = (1, 32)
SECONDS = 10.0
MEBIBYTE = 1 << 20
GRIDS = {
    "numbers": "data: {source: 'sklearn:breast_cancer', target: target}",
    "texts": "data: {source: data/churn.csv, target: churned, drop: [customer]}",
}
"""Models by what their rows hold: 30 numbers, or four numbers and three texts."""
GRID = """\
name: {model}
{data}
estimator: LogisticRegression
params: {{max_iter: 500}}
grid: {{C: [1]}}
"""


def measure(say: Callable[[str], None], rounds: int, *, quick: bool) -> dict[str, Any]:
    """Start, memory, and answers a second of each way, with rows of numbers and of texts."""
    with new_place() as place:
        for model in GRIDS:
            _crown(place, model)
        records = [
            _take(place, way, model, 1.0 if quick else SECONDS) | {"round": number}
            for number in range(1, (1 if quick else rounds) + 1)
            for model in GRIDS
            for way in (WAYS if number % 2 else WAYS[::-1])
        ]
    for record in records:
        say(_sentence(record))
    return {"records": records}


def summary(
    records: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[str, int, str, dict[str, float]]]:
    """Model, connections, way, and the median of each figure over the rounds."""
    for model in GRIDS:
        for connections in CONNECTIONS:
            for way in WAYS:
                found = list(_of(records, model, way))
                loads = [record["loads"][str(connections)] for record in found]
                figures = {name: median(load[name] for load in loads) for name in loads[0]}
                fixed = {
                    name: median(r[name] for r in found) for name in ("start_seconds", "mebibytes")
                }
                yield model, connections, way, figures | fixed


def ratios(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Ours divided by theirs in each round: seconds per answer, and the slowest of a hundred."""
    found = {}
    for model in GRIDS:
        for connections in CONNECTIONS:
            pairs = [
                (ours["loads"][str(connections)], theirs["loads"][str(connections)])
                for ours, theirs in zip(
                    _of(records, model, OURS), _of(records, model, THEIRS), strict=True
                )
            ]
            name = f"serving_{model}_{connections}"
            found[name] = median(theirs["rate"] / ours["rate"] for ours, theirs in pairs)
            found[f"{name}_p99"] = median(ours["p99"] / theirs["p99"] for ours, theirs in pairs)
    return found


def _of(records: Iterable[Mapping[str, Any]], model: str, way: str) -> Iterator[Mapping[str, Any]]:
    """The records of a way to serve a model, in the order of the rounds."""
    ordered = sorted(records, key=lambda record: record["round"])
    return (each for each in ordered if (each["model"], each["way"]) == (model, way))


def _crown(place: Place, model: str) -> None:
    """Make a champion, and the request that it is to answer."""
    import pandas as pd
    from sklearn.datasets import load_breast_cancer

    (place.folder / "data").mkdir(exist_ok=True)
    source = shutil.copy(ROOT / "grids" / "data" / "churn.csv", place.folder / "data")
    grid = place.folder / f"{model}.yaml"
    grid.write_text(GRID.format(model=model, data=GRIDS[model]), encoding="utf-8")
    place.run("sweepstake", "run", grid.name)
    table = pd.read_csv(source) if model == "texts" else load_breast_cancer(as_frame=True).data
    row = json.loads(table.head(1).to_json(orient="split", index=False))
    (place.folder / f"{model}.json").write_text(json.dumps({"dataframe_split": row}))


def _take(place: Place, way: str, model: str, seconds: float) -> dict[str, Any]:
    """Start a server, ask it by one and by many connections, and end it."""
    with _server(place, way, model) as (url, took, process):
        loads = {str(each): _load(place, url, model, each, seconds) for each in CONNECTIONS}
        memory = _proportional(process) / MEBIBYTE
    return {
        "model": model,
        "way": way,
        "start_seconds": took,
        "mebibytes": memory,
        "loads": loads,
    }


@contextmanager
def _server(
    place: Place, way: str, model: str
) -> Iterator[tuple[str, float, subprocess.Popen[bytes]]]:
    """A server that has answered once: its address, the seconds until then, and its process."""
    port, began = _free_port(), time.monotonic()
    uri = f"models:/{model}@champion"
    command = {
        OURS: ("sweepstake", "serve", model, "--port", port),
        THEIRS: ("mlflow", "models", "serve", "-m", uri, "--env-manager", "local", "-p", port),
    }[way]
    process = place.start(*command, log=f"{way}.log")
    url = f"http://127.0.0.1:{port}/invocations"
    body = (place.folder / f"{model}.json").read_bytes()
    try:
        wait(f"{way} to answer", partial(_answers, url, body, process))
        yield url, time.monotonic() - began, process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return str(found.getsockname()[1])


def _answers(url: str, body: bytes, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        message = f"{process.args!r}: must serve, but ended with {process.returncode}."
        raise RuntimeError(message)
    with suppress(httpx.TransportError):
        kind = {"Content-Type": "application/json"}
        return httpx.post(url, content=body, headers=kind, timeout=30).status_code == httpx.codes.OK
    return False


def _load(place: Place, url: str, model: str, connections: int, seconds: float) -> dict[str, float]:
    """Answers a second, and the milliseconds that half and that all but a hundredth were within."""
    file = place.folder / f"{model}.json"
    command = [sys.executable, "-m", "bench.load", url, str(file), str(connections), str(seconds)]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    found = json.loads(output)
    taken = [1000 * each for each in found["taken"]]
    rate, within = len(taken) / found["seconds"], quantiles(taken, n=100)
    return {"rate": rate, "p50": within[49], "p99": within[98]}


def _proportional(process: subprocess.Popen[bytes]) -> int:
    """Bytes of a process and all below it, what they share counted once."""
    top = psutil.Process(process.pid)
    return sum(each.memory_full_info().pss for each in (top, *top.children(recursive=True)))


def _sentence(record: Mapping[str, Any]) -> str:
    loads = ", ".join(
        f"{connections} connections {load['rate']:.0f}/s p99 {load['p99']:.0f} ms"
        for connections, load in record["loads"].items()
    )
    start = f"start {record['start_seconds']:.1f} s, {record['mebibytes']:.0f} MiB"
    return f"round {record['round']}  {record['model']:8} {record['way']:10} {start}, {loads}"
