"""What is taken of another tool's file, and what is not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sweepstake.wording.near_misses import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Axis = "list[Any] | dict[str, Any]"


@dataclass(frozen=True, slots=True)
class Taken:
    """One search as another tool writes it.

    ``params`` are fixed; ``grids`` map names to lists of values, or to ranges as a grid file writes
    them. ``steps`` stand before the classifier. ``others`` are keys of a grid file that the file
    says as well. ``notes`` say what could not be taken, one sentence each.
    """

    whose: str
    params: Mapping[str, Any] = field(default_factory=dict)
    grids: Sequence[Mapping[str, Any]] = ()
    steps: Mapping[str, Any] = field(default_factory=dict)
    estimator: str = ""
    candidates: Sequence[Mapping[str, Any]] = ()
    trials: int | None = None
    method: str = "random"
    others: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


def is_range(axis: Any) -> bool:
    """Whether an axis is a range."""
    return isinstance(axis, dict) and "min" in axis


def bounds(
    low: Any, high: Any, *, log: bool = False, step: Any = None
) -> tuple[dict[str, Any] | None, str]:
    """A range as a grid file writes it, and what was changed of it; ``None`` where it is none."""
    if not _is_number(low) or not _is_number(high) or not low < high:
        return None, f"{shown(low)} to {shown(high)} is no range of numbers."
    if log and low <= 0:
        return None, f"{shown(low)} to {shown(high)} cannot be searched by logarithms."
    if isinstance(low, int) != isinstance(high, int):
        low, high = float(low), float(high)
    found: dict[str, Any] = {"min": low, "max": high} | ({"log": True} if log else {})
    if not _is_number(step) or step <= 0 or (isinstance(low, int) and step == 1):
        return found, ""
    if log:
        return found, f"steps of {shown(step)} do not go with logarithms and are left out."
    return _stepped(found, step)


def _stepped(found: dict[str, Any], step: Any) -> tuple[dict[str, Any], str]:
    """A range with steps, which lead from its least to its greatest number."""
    low, high = found["min"], found["max"]
    if isinstance(low, int) and not isinstance(step, int):
        low, high = float(low), float(high)
    if step > high - low:
        return {"min": low, "max": high}, f"steps of {shown(step)} are wider than the range."
    count = math.floor((high - low) / step + 1e-6)
    last = low + count * step
    last = last if isinstance(last, int) else float(f"{last:.12g}")
    note = "" if math.isclose(last, high) else f"steps of {shown(step)} end at {shown(last)}."
    return {"min": low, "max": last, "step": step}, note


def _is_number(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and math.isfinite(value)
