"""Files of further tools, of the course, of scikit-learn in JSON or YAML: what `foreign` reads."""

from __future__ import annotations

import ast
from itertools import islice
from typing import TYPE_CHECKING, Any

from sweepstake.gridfile import foreign
from sweepstake.importing.literals import Names, NoLiteralError, value_of
from sweepstake.importing.taken import Taken, bounds, is_range
from sweepstake.wording.near_misses import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNKNOWN = ["LIST", "OF", "VALUES"]
MOST_LISTED = 50
"""Values of a span of whole numbers that are written out."""
LONGEST = 200
"""Characters of a text that is looked at as Python."""
COURSE = {"classificator": "estimator", "kwargs": "params"}
LOWEST, HIGHEST = ("min", "low", "lower", "start"), ("max", "high", "upper", "stop", "end")


def read(raw: Any, known: Mapping[str, Any]) -> Taken | None:
    """What can be told of a file; ``known`` are the keys of a grid file."""
    whose, written = foreign.reading(raw, known)
    if not whose and isinstance(raw, dict):
        whose, written = "a search in other words", _renamed(raw)
    if not written:
        return None
    parts = written.get("candidates") or written.get("configs")
    if parts:
        return _several(whose, written, [_native(part) for part in parts])
    return _one(whose, _native(written))


def _native(part: Mapping[str, Any]) -> dict[str, Any]:
    return {COURSE.get(key, key): value for key, value in part.items()}


def _renamed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A file with a grid under one of the words that other tools have for it."""
    grid = next((raw[key] for key in foreign.GRID_KEYS if isinstance(raw.get(key), dict)), None)
    if grid is None:
        return {}
    words = {"estimator": "estimator", "params": "params", "data": "data", "metric": "metric"}
    words |= {"scoring": "metric", "cv": "cv", "seed": "seed", "random_state": "seed"}
    words |= dict.fromkeys(("n_iter", "n_trials", "run_cap"), "trials")
    kept = {words[key]: value for key, value in raw.items() if key in words}
    left = [key for key in raw if key not in {*words, *foreign.GRID_KEYS}]
    return {**kept, "grid": grid, **({"left": left} if left else {})}


def _one(whose: str, written: Mapping[str, Any]) -> Taken:
    params = written.get("params") or {}
    grids, fixed, notes = _grids(written.get("grid"))
    notes += [f"{key}: no part of a grid file." for key in written.get("left", ())]
    name = str(written.get("estimator", ""))
    others = {key: written[key] for key in ("data", "metric", "cv", "seed") if key in written}
    if others.get("data") == foreign.DATA:
        del others["data"]
    params = params if isinstance(params, dict) else {}
    return Taken(
        whose,
        {**params, **fixed},
        grids,
        written.get("steps") or {},
        "" if name == "CLASSIFIER" else name,
        trials=trials if type(trials := written.get("trials")) is int else None,
        others=others,
        notes=notes,
    )


def _several(whose: str, written: Mapping[str, Any], parts: list[dict[str, Any]]) -> Taken:
    """Several classifiers, each with its own parameters and grid."""
    made: list[dict[str, Any]] = []
    notes: list[str] = []
    for part in parts:
        one = _one(whose, part)
        notes += one.notes
        grid = list(one.grids) if len(one.grids) > 1 else next(iter(one.grids), None)
        made.append(
            {
                "estimator": one.estimator,
                **({"params": dict(one.params)} if one.params else {}),
                **({"grid": grid} if grid else {}),
            }
        )
    others = _one(whose, {**written, "grid": {}}).others
    return Taken(whose, candidates=made, others=others, notes=notes)


def _grids(raw: Any) -> tuple[tuple[dict[str, Any], ...], dict[str, Any], list[str]]:
    """The grids, what has one value in them, and what could not be taken."""
    grids, fixed, notes = [], {}, []
    for part in raw if isinstance(raw, list) else [raw]:
        grid: dict[str, Any] = {}
        for name, value in _pairs(part):
            axis, note = axis_of(value)
            notes += [f"{name}: {note}"] if note else []
            if isinstance(axis, list) or is_range(axis):
                grid[name] = axis
            elif not note:
                fixed[name] = axis
        grids += [grid] if grid else []
    return tuple(grids), fixed, notes


def _pairs(part: Any) -> Iterator[tuple[str, Any]]:
    yield from ((str(key), value) for key, value in part.items()) if isinstance(part, dict) else ()


def axis_of(value: Any) -> tuple[Any, str]:
    """An axis as people write it, as a list or a range, and why it is none."""
    if value == UNKNOWN:
        return None, "its range could not be told. List its values, or give min and max."
    if isinstance(value, dict) and not _is_inner(value):
        return _bounded(value)
    if isinstance(value, str) and len(value) <= LONGEST and "(" in value:
        try:
            return value_of(ast.parse(value.strip(), mode="eval").body, Names()), ""
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return value, ""
        except NoLiteralError as error:
            return None, f"{error} is code. List its values."
    return value, ""


def _is_inner(value: Mapping[str, Any]) -> bool:
    return "estimator" in value


def _bounded(value: Mapping[str, Any]) -> tuple[Any, str]:
    """A mapping with two bounds: those of ``start`` and ``stop`` are a list of whole numbers."""
    low: Any = next((value[key] for key in LOWEST if key in value), None)
    high: Any = next((value[key] for key in HIGHEST if key in value), None)
    step = value.get("step", value.get("q"))
    if "start" in value and all(type(each) is int for each in (low, high, step or 1)):
        listed = list(islice(range(low, high, step or 1), MOST_LISTED + 1))
        return (listed, "") if 0 < len(listed) <= MOST_LISTED else bounds(low, high - 1, step=step)
    log = value.get("log") is True or "log" in str(value.get("distribution", value.get("type", "")))
    found, note = bounds(low, high, log=log, step=step)
    return found, note or ("" if found else f"{shown(value)} has no bounds.")
