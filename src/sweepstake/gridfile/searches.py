"""Searches: how the points of a grid file are chosen, and what goes together there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.domain.search import Method, Search, Stop
from sweepstake.domain.waves import MOST_WAVES
from sweepstake.errors import Problem
from sweepstake.gridfile import ranges
from sweepstake.gridfile.document import line_of
from sweepstake.gridfile.units import seconds_of
from sweepstake.wording.near_misses import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXAMPLE = "'search: {method: random, trials: 60}'"
COURSE = ("classificator", "configs")
USES: dict[str, tuple[Method, ...]] = {
    "trials": (Method.RANDOM, Method.HALVING, Method.TPE),
    "seed": (Method.RANDOM, Method.HALVING, Method.TPE),
    "stop": (Method.GRID, Method.RANDOM, Method.TPE),
    "stop.patience": (Method.TPE,),
    "wave": (Method.TPE,),
}
"""The methods that a key means something for; of the others, all."""
WHY = {
    "trials": "a grid trains every point",
    "seed": "a grid draws nothing",
    "stop": "scores of different rungs are not of the same data",
    "stop.patience": "it counts waves, and only tpe chooses in waves that learn from each other",
    "wave": "only tpe chooses in waves of any size",
}


def read(raw: Mapping[str, Any]) -> Search:
    """The search of a sound file."""
    section = raw.get("search")
    if section is None:
        return Search()
    given = {**section, "method": Method(section.get("method", Method.GRID))}
    if "max_time" in given:
        given["max_time"] = seconds_of(given["max_time"])
    return Search(**{**given, "stop": Stop(**section.get("stop", {}))})


def problems_of(raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Problem]:
    """What the schema cannot see: sound ranges, and what goes with which method."""
    found = [*ranges.faults(raw), *_of_ranges(raw), *_of_section(raw)]
    for path, message in found:
        yield Problem(line_of(lines, path), path, message)


def _method(raw: Mapping[str, Any]) -> Method | None:
    """The method of a file; ``None`` where it has an unknown one."""
    section = raw.get("search", {})
    name = section.get("method", Method.GRID) if isinstance(section, dict) else None
    return Method(name) if isinstance(name, str) and name in set(Method) else None


def _of_ranges(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if _method(raw) is not Method.GRID:
        return
    where = " Write" if "search" not in raw else " Write in its place"
    for path, axis in ranges.written(raw):
        found = ranges.read(axis)
        if found:
            values = ranges.listed(found)
            way_out = f"list the values: {values}." if values else "list the values."
            message = f"is a range, but a grid needs every value.{where} {EXAMPLE}, or {way_out}"
            yield path, message


def _of_section(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    section, method = raw.get("search"), _method(raw)
    if not isinstance(section, dict) or method is None:
        return
    for key, methods in USES.items():
        if _has(section, key) and method not in methods:
            yield f"search.{key}", _unused(key, method)
    if method is not Method.GRID and any(key in raw for key in COURSE):
        yield "search.method", "needs 'grid' or 'candidates': here each classifier is one trial."
        return
    yield from _trial_faults(raw, section, method)


def _has(section: Mapping[str, Any], key: str) -> bool:
    owner, _, inner = key.partition(".")
    found = section.get(owner)
    return owner in section and (not inner or (isinstance(found, dict) and inner in found))


def _unused(key: str, method: Method) -> str:
    methods = listed([str(each) for each in USES[key]])
    return f"does not go with 'method: {method}': {WHY[key]}. Remove it, or write {methods} there."


def _trial_faults(
    raw: Mapping[str, Any], section: Mapping[str, Any], method: Method
) -> Iterator[tuple[str, str]]:
    trials, wave = section.get("trials"), section.get("wave")
    if trials is None and _needs_trials(raw, method):
        why = "its ranges have no end of points" if method is Method.HALVING else "it draws points"
        message = f"needs the key 'trials' beside 'method: {method}', as {why}."
        yield "search", f"{message} Write for example 'trials: 60'."
    if isinstance(trials, int) and isinstance(wave, int) and 0 < wave < -(-trials // MOST_WAVES):
        least = -(-trials // MOST_WAVES)
        message = f"must be at least {least} for {trials:,} trials in {MOST_WAVES} waves"
        yield "search.wave", f"{message}, but got {wave}. Raise it, or leave it out."


def _needs_trials(raw: Mapping[str, Any], method: Method) -> bool:
    endless = method is Method.HALVING and any(ranges.written(raw))
    return endless or method in {Method.RANDOM, Method.TPE}
