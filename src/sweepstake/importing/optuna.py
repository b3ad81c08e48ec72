"""Search spaces of Optuna: names with what ``distribution_to_json`` writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sweepstake.importing.taken import Taken, bounds
from sweepstake.wording.near_misses import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDING = "Distribution"
CATEGORICAL = "CategoricalDistribution"
WHOLE = ("Int",)


def is_space(raw: Any) -> bool:
    """Whether a file is such a space."""
    return isinstance(raw, dict) and bool(raw) and all(_parsed(part) for part in raw.values())


def _parsed(part: Any) -> dict[str, Any]:
    """A distribution, as a mapping or as a text of JSON; empty for anything else."""
    if isinstance(part, str) and part.lstrip().startswith("{"):
        try:
            part = json.loads(part)
        except (ValueError, RecursionError):
            return {}
    sound = isinstance(part, dict) and str(part.get("name", "")).endswith(ENDING)
    return part if sound and isinstance(part.get("attributes"), dict) else {}


def read(raw: Mapping[str, Any]) -> Taken:
    """Each distribution as a list or as a range."""
    grid, notes = {}, []
    for name, part in raw.items():
        axis, note = _axis(_parsed(part))
        notes += [f"{name}: {note}"] if note else []
        if axis is not None:
            grid[str(name)] = axis
    return Taken("a search space of Optuna", grids=(grid,), notes=notes)


def _axis(part: Mapping[str, Any]) -> tuple[Any, str]:
    kind, given = str(part["name"]), part["attributes"]
    if kind == CATEGORICAL:
        choices = given.get("choices")
        return (choices, "") if isinstance(choices, list) and choices else (None, "has no choices.")
    low, high = given.get("low"), given.get("high")
    if not kind.startswith(WHOLE) and all(isinstance(each, int | float) for each in (low, high)):
        low, high = float(low), float(high)
    if low == high and low is not None:
        return [low], ""
    log = given.get("log") is True or "Log" in kind
    step = given.get("step", given.get("q"))
    found, note = bounds(low, high, log=log, step=None if log and step == 1 else step)
    return found, note or ("" if found else f"{shown(kind)} has no bounds.")
