"""Ranges: ``{min: 0.001, max: 1000, log: true}`` in place of a list of values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sweepstake.domain.search import Range
from sweepstake.gridfile.document import join, member
from sweepstake.wording.near_misses import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GREATEST = 10**15
"""Bounds lie within it on both sides: whole numbers beyond are no longer exact as floats."""
NEAR = 1e-6
"""How far a step may be from fitting, in steps: decimals are not exact as floats."""
MOST_LISTED = 20
"""Values of a range that a message writes out."""


def is_range(raw: Any) -> bool:
    """Whether an axis is meant as a range, sound or not."""
    return isinstance(raw, dict) and not {"min", "max"}.isdisjoint(raw)


def read(raw: Any) -> Range | None:
    """The range that an axis writes, if it is a sound one."""
    if not _has_shape(raw) or any(_faults(raw)):
        return None
    return Range(raw["min"], raw["max"], raw.get("log", False), raw.get("step"))


def written(raw: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every range of a file, with its place."""
    parts = raw.get("candidates")
    listed = enumerate(parts) if isinstance(parts, list) else ()
    owners = [("", raw), *((join("candidates", at), part) for at, part in listed)]
    for place, owner in owners:
        grid = owner.get("grid") if isinstance(owner, dict) else None
        yield from _of_grid(grid, member(place, "grid"))


def _of_grid(grid: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    products = [(join(path, at), one) for at, one in enumerate(grid)] if _is_list(grid) else []
    for place, product in products or [(path, grid)]:
        for name, axis in product.items() if isinstance(product, dict) else ():
            if is_range(axis):
                yield join(place, name), axis


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def faults(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the schema cannot see in the ranges of a file: pairs of place and message."""
    for path, axis in written(raw):
        if _has_shape(axis):
            for key, message in _faults(axis):
                yield (member(path, key) if key else path), message


def _has_shape(raw: Any) -> bool:
    """Whether it has what the schema asks of a range."""
    return (
        is_range(raw)
        and raw.keys() <= {"min", "max", "log", "step"}
        and {"min", "max"} <= raw.keys()
        and all(_is_number(raw[key]) for key in ("min", "max", "step") if key in raw)
        and isinstance(raw.get("log", False), bool)
        and raw.get("step", 1) > 0
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _faults(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Pairs of key and message; the first mistake of the bounds hides those that follow of it."""
    low, high = raw["min"], raw["max"]
    beyond = [key for key in ("min", "max") if not abs(raw[key]) <= GREATEST]
    for key in beyond:
        message = f"must lie between -{GREATEST:.0e} and {GREATEST:.0e}, but got {shown(raw[key])}."
        yield key, message
    if beyond:
        return
    if isinstance(low, int) != isinstance(high, int):
        yield "", _mixed(low, high)
    elif low >= high:
        one = f" Write [{shown(low)}] for one value." if low == high else " Swap them."
        yield "", f"its min must be less than its max, but got {low} and {high}.{one}"
    else:
        yield from _log_faults(raw)
        yield from _step_faults(raw)


def _mixed(low: float, high: float) -> str:
    whole = low if isinstance(low, int) else high
    return (
        f"must have two whole bounds or two with a decimal point, but got {shown(low)} and "
        f"{shown(high)}. Whole bounds give whole numbers: write {float(whole)!r} for others."
    )


def _log_faults(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if raw.get("log") and raw["min"] <= 0:
        message = f"must be greater than 0 with 'log: true', but got {shown(raw['min'])}."
        yield "min", f"{message} Raise it, or remove log."
    if raw.get("log") and "step" in raw:
        yield "step", "does not go with 'log: true', whose steps grow. Remove one of them."


def _step_faults(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "step" not in raw or raw.get("log"):
        return
    low, high, step = raw["min"], raw["max"], raw["step"]
    if isinstance(low, int) and not isinstance(step, int):
        way_out = "Write the bounds with a decimal point."
        yield "step", f"must be whole as the bounds are, but got {shown(step)}. {way_out}"
    elif not math.isfinite(step) or step > high - low:
        yield "step", f"must be at most max - min, but got {shown(step)}. Lower it."
    elif (high - low) / step > GREATEST:
        yield "step", f"must give at most {GREATEST:.0e} values, but got {shown(step)}. Raise it."
    elif abs((high - low) / step - round((high - low) / step)) > NEAR:
        yield "step", _uneven(low, high, step)


def _uneven(low: float, high: float, step: float) -> str:
    last = Range(low, low + step * math.floor((high - low) / step), step=step)
    reached = last.at((last.count or 1) - 1)
    return (
        f"must lead from min to max, which both count, but steps of {shown(step)} from "
        f"{shown(low)} pass {shown(high)}. Write max: {shown(reached)}."
    )


def listed(found: Range) -> str:
    """The values of a short range as a list, empty for others."""
    count = found.count
    if count is None or count > MOST_LISTED:
        return ""
    return f"[{', '.join(shown(found.at(position)) for position in range(count))}]"
