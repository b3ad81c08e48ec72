"""Sweeps of Weights & Biases: https://docs.wandb.ai/models/sweeps/sweep-config-keys."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sweepstake.gridfile.metrics import metric_names
from sweepstake.importing.taken import Taken, bounds, is_range
from sweepstake.wording.near_misses import listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

METHODS = {"grid": "grid", "random": "random", "bayes": "tpe"}
PLAIN = frozenset({"uniform", "int_uniform", "q_uniform"})
BY_LOG = frozenset({"log_uniform_values", "q_log_uniform_values"})
BY_EXPONENT = frozenset({"log_uniform", "q_log_uniform"})
"""Their bounds are exponents of e."""
READ = frozenset({"method", "parameters", "metric", "run_cap"})
PREFIXES = ("val_", "test_", "valid_", "validation_", "eval_")


def is_sweep(raw: Any) -> bool:
    """Whether a file is such a sweep."""
    return (
        isinstance(raw, dict)
        and isinstance(raw.get("parameters"), dict)
        and not {"method", "program", "command"}.isdisjoint(raw)
    )


def read(raw: Mapping[str, Any]) -> Taken:
    """What a sweep says of parameters, method, metric and number of runs."""
    params: dict[str, Any] = {}
    grid: dict[str, Any] = {}
    notes = []
    for name, value, note in _parameters(raw["parameters"], ""):
        notes += [f"{name}: {note}"] if note else []
        if isinstance(value, list) or is_range(value):
            grid[name] = value
        elif not note or value is not None:
            params[name] = value
    metric, of_metric = _metric(raw.get("metric"))
    left = [str(key) for key in raw if key not in READ]
    notes += of_metric
    notes += [f"{listed(left, 'and')}: no part of a grid file."] if left else []
    cap = raw.get("run_cap")
    method = METHODS.get(str(raw.get("method")), "random")
    trials = cap if isinstance(cap, int) and not isinstance(cap, bool) and cap > 0 else None
    return Taken(
        "a sweep of Weights & Biases",
        params,
        (grid,) if grid else (),
        trials=trials,
        method=method,
        others={"metric": metric} if metric else {},
        notes=notes,
    )


def _parameters(raw: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any, str]]:
    """Each parameter: its name, its value, list or range, and what of it could not be taken."""
    for key, part in raw.items():
        name = f"{prefix}{key}"
        if isinstance(part, dict) and isinstance(part.get("parameters"), dict):
            yield from _parameters(part["parameters"], f"{name}__")
        elif isinstance(part, dict):
            yield name, *_axis(part)
        else:
            yield name, part, ""


def _axis(part: Mapping[str, Any]) -> tuple[Any, str]:
    if isinstance(part.get("values"), list) and part["values"]:
        note = "its probabilities are left out: all values are drawn alike."
        return part["values"], note if "probabilities" in part else ""
    if "value" in part:
        return part["value"], ""
    kind = str(part.get("distribution") or _kind_of(part))
    low: Any = part.get("min")
    high: Any = part.get("max")
    step = part.get("q")
    if kind in BY_EXPONENT and all(isinstance(each, int | float) for each in (low, high)):
        try:
            low, high = (float(f"{math.exp(float(each)):.6g}") for each in (low, high))
        except OverflowError:
            return None, f"exp({shown(high)}) is too large."
    if kind in PLAIN | BY_LOG | BY_EXPONENT:
        if kind == "uniform" and isinstance(low, int) and isinstance(high, int):
            low, high = float(low), float(high)
        return bounds(low, high, log=kind not in PLAIN, step=step)
    return None, f"the distribution {shown(kind)} has no range here: list values, or give bounds."


def _kind_of(part: Mapping[str, Any]) -> str:
    """The distribution that is meant where none is named."""
    whole = all(isinstance(part.get(bound), int) for bound in ("min", "max"))
    return "int_uniform" if whole else "uniform"


def _metric(raw: Any) -> tuple[str, list[str]]:
    name = str(raw.get("name", "")) if isinstance(raw, dict) else ""
    if not name:
        return "", []
    plain = next((name.removeprefix(p) for p in PREFIXES if name.startswith(p)), name)
    minimised = raw.get("goal") == "minimize"
    wanted = f"neg_{plain}" if minimised and not plain.startswith("neg_") else plain
    if wanted in metric_names():
        return wanted, []
    return "", [f"metric {shown(name)}: no scorer of scikit-learn; the default ranks the trials."]
