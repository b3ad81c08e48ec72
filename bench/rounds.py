"""Rounds: each way in turn, several times, so that all of them meet the same moods of a machine."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import ours
from bench.stack import ROOT
from bench.workloads import DEFAULT, MEDIUM, RAY, SMALL, write_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from bench.stack import Stack
    from bench.workloads import Workload

OURS = "sweepstake"
PYTHON = ROOT / ".venv-bench" / "bin" / "python"


@dataclass(frozen=True)
class Way:
    """A way to do trials: its name, the workload it is given, and whether once is enough."""

    name: str
    workload: Workload
    once: bool = False


SMALL_WAYS = (
    Way("grid_search", SMALL),
    Way("optuna", SMALL),
    Way("autolog", SMALL),
    Way("lean", SMALL),
    Way("default", DEFAULT, once=True),
    Way("ray", RAY, once=True),
    Way(OURS, SMALL),
)
MEDIUM_WAYS = (Way("grid_search", MEDIUM), Way(OURS, MEDIUM))


def race(
    stack: Stack, ways: Sequence[Way], rounds: int, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Measure every way in every round; a record for each, with seconds and seconds per trial."""
    records = []
    for number, way in schedule(ways, rounds):
        load = os.getloadavg()[0]
        taken = _take(stack, way, f"{way.workload.name}-{number}")
        record = {"round": number, "way": way.name, "trials": way.workload.trials, "load": load}
        record |= taken | {"seconds_per_trial": taken["seconds"] / way.workload.trials}
        say(f"round {number}  {way.name:12} {1000 * record['seconds_per_trial']:8.1f} ms per trial")
        records.append(record)
    return records


def schedule(ways: Sequence[Way], rounds: int) -> Iterator[tuple[int, Way]]:
    """Each way of each round; every round begins with another way, those for once in the first."""
    for number in range(1, rounds + 1):
        shift = (number - 1) % len(ways)
        for way in (*ways[shift:], *ways[:shift]):
            if number == 1 or not way.once:
                yield number, way


def medians(records: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds per trial by way, the median over the rounds."""
    seconds: dict[str, list[float]] = {}
    for record in records:
        seconds.setdefault(record["way"], []).append(record["seconds_per_trial"])
    return {way: median(values) for way, values in seconds.items()}


def ratio(records: Sequence[Mapping[str, Any]], peer: str) -> float:
    """Ours divided by theirs inside each round that has both; the median of these ratios."""
    cost = {(record["round"], record["way"]): record["seconds_per_trial"] for record in records}
    numbers = [number for number, way in cost if way == peer]
    return median(cost[number, OURS] / cost[number, peer] for number in numbers)


def _take(stack: Stack, way: Way, label: str) -> dict[str, Any]:
    if way.name != OURS:
        return _peer(stack, way, label)
    timeline = ours.sweep(stack, way.workload, f"bench-{label}")
    return {"seconds": timeline.seconds_to_last_trial, "timeline": timeline.record()}


def _peer(stack: Stack, way: Way, label: str) -> dict[str, Any]:
    job, answer = stack.folder / "job.json", stack.folder / "answer.json"
    record = write_job(way.workload, stack.settings, stack.folder)
    record["experiment"] = f"{way.name}-{label}"
    job.write_text(json.dumps(record), encoding="utf-8")
    command = [str(PYTHON), str(ROOT / "bench" / "peers.py"), way.name, str(job), str(answer)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=stack.folder)
    if done.returncode:
        message = f"{way.name}: must do its trials, but failed:\n{done.stderr[-3000:]}"
        raise RuntimeError(message)
    return dict(json.loads(answer.read_text(encoding="utf-8")))
