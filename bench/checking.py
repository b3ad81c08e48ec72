"""Checking: `sweepstake validate` of a small file, beside the imports that it cannot do without."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.place import new_place
from bench.rounds import OURS
from bench.workloads import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.place import Place

THEIRS = "imports"
IMPORTS = "import pandas, sklearn.ensemble, sklearn.linear_model"
TIMES = 5
"""How often each has its turn in a round, of which the shortest counts."""


def measure(say: Callable[[str], None], rounds: int, *, quick: bool) -> dict[str, Any]:
    """Seconds of both programs, the shortest of several, in each round."""
    records = []
    with new_place() as place:
        (place.folder / "small.json").write_bytes(DEFAULT.grid_file("small"))
        for number in range(1, (1 if quick else rounds) + 1):
            taken = {"round": number} | _take(place)
            say(f"round {number}  {taken[OURS]:.2f} s beside {taken[THEIRS]:.2f} s of imports")
            records.append(taken)
    return {"records": records}


def ratio(records: Sequence[Mapping[str, Any]]) -> float:
    """Ours divided by theirs in each round, the median."""
    return median(each[OURS] / each[THEIRS] for each in records)


def _take(place: Place) -> dict[str, float]:
    commands = {OURS: ("sweepstake", "validate", "small.json"), THEIRS: ("python", "-c", IMPORTS)}
    turns = [(way, _seconds(place, commands[way])) for _ in range(TIMES) for way in commands]
    return {way: min(seconds for each, seconds in turns if each == way) for way in commands}


def _seconds(place: Place, command: Sequence[str]) -> float:
    began = time.monotonic()
    place.run(*command)
    return time.monotonic() - began
