"""Measure Sweepstake beside its peers; write `docs/benchmarks.md` and `docs/benchmarks.json`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import (
    bare_server,
    checking,
    figures,
    mixed,
    ours,
    page,
    parsing,
    promotion,
    scaling,
    searches,
    serving,
    steps,
    wide,
)
from bench.machine import describe
from bench.rounds import MEDIUM_WAYS, SMALL_WAYS, Way, race
from bench.stack import ROOT, embedded
from bench.workloads import DEFAULT, MEDIUM, SMALL, tiny

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.stack import Stack
    from bench.workloads import Workload

PARTS = (
    "small",
    "steps",
    "medium",
    "medium_steps",
    "mixed",
    "scaling",
    "parsing",
    "promotion",
    "checking",
    "bare_server",
    "serving",
    "wide",
)
LONG_PARTS = ("burst", "versions", "searches")
FILES, VERSIONS, DAILY_FILES = 500, 20_000, 200

say = partial(print, flush=True)


def main() -> None:
    """Measure what the arguments ask for, one part after another, and write after each."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that the stack ends too
    asked.into.mkdir(parents=True, exist_ok=True)
    wanted = asked.only or (PARTS + LONG_PARTS if asked.full else PARTS)
    for name in (part for part in wanted if part in ALONE):
        _take(name, ALONE[name], asked)
    if measured := [part for part in wanted if part in MEASURES]:
        with embedded(say) as stack:
            ours.sweep(stack, tiny(4, 2), "warm-up")
            for name in measured:
                _take(name, partial(MEASURES[name], stack), asked)
    _tell(asked.into)


def _take(
    name: str, measure: Callable[[argparse.Namespace], dict[str, Any]], asked: argparse.Namespace
) -> None:
    say(f"-- {name}")
    machine = describe()
    _write(asked.into, name, {"machine": machine} | measure(asked))


def _small(stack: Stack, asked: argparse.Namespace) -> dict[str, Any]:
    ways = [Way(way.name, DEFAULT, way.once) for way in SMALL_WAYS] if asked.quick else SMALL_WAYS
    return {"records": race(stack, ways, asked.rounds, say)}


def _medium(stack: Stack, asked: argparse.Namespace) -> dict[str, Any]:
    ways = [Way(way.name, DEFAULT) for way in MEDIUM_WAYS] if asked.quick else MEDIUM_WAYS
    return {"records": race(stack, ways, asked.rounds, say)}


def _steps(stack: Stack, asked: argparse.Namespace) -> dict[str, Any]:
    return _steps_of(stack, DEFAULT if asked.quick else SMALL)


def _medium_steps(stack: Stack, asked: argparse.Namespace) -> dict[str, Any]:
    return _steps_of(stack, DEFAULT if asked.quick else MEDIUM)


def _steps_of(stack: Stack, workload: Workload) -> dict[str, Any]:
    slots = os.cpu_count() or 1
    line = ours.sweep(stack, workload, f"bench-slots-{workload.name}", judged=False)
    measured = steps.measure(stack, workload, slots)
    return {"slots": slots, "timeline": line.record()} | measured


def _mixed(stack: Stack, asked: argparse.Namespace) -> dict[str, Any]:
    return {"records": mixed.measure(stack, asked.rounds, say, quick=asked.quick)}


def _scaling(stack: Stack, asked: argparse.Namespace) -> dict[str, Any]:
    return {
        "trials": scaling.by_trials(stack, say, quick=asked.quick, full=asked.full),
        "slots": scaling.by_slots(stack, say, quick=asked.quick),
        "tasks": scaling.by_tasks(stack, say, quick=asked.quick),
    }


def _parsing(_: Stack, asked: argparse.Namespace) -> dict[str, Any]:
    counts = (1, 5) if asked.quick else (1, 50, DAILY_FILES)
    return {"files": [parsing.measure(count) for count in counts]}


def _burst(stack: Stack, asked: argparse.Namespace) -> dict[str, Any]:
    return scaling.burst(stack, 5 if asked.quick else FILES, say)


def _versions(stack: Stack, asked: argparse.Namespace) -> dict[str, Any]:
    return scaling.old_versions(stack, 10 if asked.quick else VERSIONS, say)


def _searches(stack: Stack, asked: argparse.Namespace) -> dict[str, Any]:
    """The spaces that are asked for, beside those measured before; each is kept once it is done."""
    machine, spaces = describe(), _known(asked.into).get("searches", {}).get("spaces", {})
    for name, found in searches.measure(stack, say, asked.spaces, quick=asked.quick):
        spaces[name] = found | {"machine": machine}
        _write(asked.into, "searches", {"machine": machine, "spaces": spaces})
    return {"spaces": spaces}


MEASURES: Mapping[str, Callable[[Stack, argparse.Namespace], dict[str, Any]]] = {
    "small": _small,
    "steps": _steps,
    "medium": _medium,
    "medium_steps": _medium_steps,
    "mixed": _mixed,
    "scaling": _scaling,
    "parsing": _parsing,
    "burst": _burst,
    "versions": _versions,
    "searches": _searches,
}


def _promotion(asked: argparse.Namespace) -> dict[str, Any]:
    return promotion.measure(say, quick=asked.quick)


def _serving(asked: argparse.Namespace) -> dict[str, Any]:
    return serving.measure(say, asked.rounds, quick=asked.quick)


def _checking(asked: argparse.Namespace) -> dict[str, Any]:
    return checking.measure(say, asked.rounds, quick=asked.quick)


def _bare_server(asked: argparse.Namespace) -> dict[str, Any]:
    return bare_server.measure(say, asked.rounds, quick=asked.quick)


def _wide(asked: argparse.Namespace) -> dict[str, Any]:
    return wide.measure(say, asked.rounds, quick=asked.quick)


ALONE: Mapping[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "promotion": _promotion,
    "checking": _checking,
    "bare_server": _bare_server,
    "serving": _serving,
    "wide": _wide,
}
"""Parts that need no stack."""
EVERY = (*MEASURES, *ALONE)


def _write(folder: Path, name: str, measured: Mapping[str, Any]) -> None:
    """Put a part beside those measured before, and write the page of them all."""
    file, known = folder / "benchmarks.json", _known(folder)
    parts = {part: {**known, name: measured}[part] for part in EVERY if part in {*known, name}}
    record = {
        "ratios": figures.ratios(parts),
        "figures": figures.promised(parts),
        "parts": parts,
    }
    file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    page.write(parts, folder / "benchmarks.md")


def _known(folder: Path) -> dict[str, Any]:
    """The parts that were measured before."""
    file = folder / "benchmarks.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))["parts"]) if file.exists() else {}


def _tell(folder: Path) -> None:
    record = json.loads((folder / "benchmarks.json").read_text(encoding="utf-8"))
    for name, value in record["figures"].items():
        say(f"{name:36} {value:8.3f}   (at most {figures.LIMITS[name]:g})")
    say(f"tables and pictures: {folder / 'benchmarks.md'}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="add what takes long")
    parser.add_argument("--only", nargs="+", choices=EVERY, help="measure these parts alone")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way has its turn")
    spaces = [space.name for space in searches.SPACES]
    parser.add_argument("--spaces", nargs="+", choices=spaces, default=spaces, help="of searches")
    parser.add_argument("--quick", action="store_true", help="a rehearsal with few trials")
    parser.add_argument("--into", type=Path, default=ROOT / "docs", help="folder of the results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
