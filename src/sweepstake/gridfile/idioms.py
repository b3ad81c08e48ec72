"""Words and values that people bring from Python and scikit-learn, and what is written here.

Texts that look like Python are read by their form; nothing is evaluated.
"""

from __future__ import annotations

import math
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from sweepstake.wording.near_misses import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PARALLEL = "is not needed: the trials run in parallel by themselves. Remove it."
REFITTED = "is not needed: every trial is fitted on all training rows. Remove it."
DRAWS = "is written 'search: {method: random, trials: 60}' here. Move it there."
THIRDS = "is not available: the best third goes on, on three times as much data. Remove it."
EVENLY = "is not needed: numbers are drawn evenly, or with 'log: true' by logarithms. Remove it."
GROUPS = "is written 'cv: {kind: group, folds: 5, by: COLUMN}' here. Move it there."
REPEATS = "is written 'cv: {kind: repeated, folds: 5, repeats: 10}' here. Move it there."
WEIGHTS = "is called 'weight' here, the name of a column. Rename it."
IN_CODE = "is not available: no code runs from a grid file. Remove it."

KEYS = {
    "param_grid": "is called 'grid' here. Rename it.",
    "param_distributions": "is called 'grid' here and holds lists and ranges. Rename it.",
    "parameters": "is called 'grid' here where it holds lists, and 'params' elsewhere. Rename it.",
    "hyperparameters": "is called 'grid' here where it holds lists, else 'params'. Rename it.",
    "scoring": "is called 'metric' here. Rename it.",
    "score": "is called 'metric' here. Rename it.",
    "scorer": "is called 'metric' here. Rename it.",
    "random_state": "is called 'seed' here. Rename it.",
    "test_size": "is written 'data: {holdout: 0.2}' here. Move it there.",
    "target": "belongs under 'data'. Move it there.",
    "dataset": "is called 'data' here, with 'source' and 'target'. Rename it.",
    "estimators": "is called 'candidates' here: a list of estimator, params and grid. Rename it.",
    "pipeline": "is called 'steps' here, for what stands before the classifier. Rename it.",
    "transformers": "is called 'columns' here: a mapping of columns to transformers. Rename it.",
    "preprocessing": "is called 'steps' here, or 'columns' by column. Rename it.",
    "n_jobs": PARALLEL,
    "pre_dispatch": PARALLEL,
    "refit": REFITTED,
    "return_train_score": "is not needed: the scores of the folds are tracked. Remove it.",
    "error_score": "is not needed: a trial that fails is shown as failed. Remove it.",
    "verbose": "is not needed: progress is shown as trials end. Remove it.",
    "n_iter": DRAWS,
    "n_trials": DRAWS,
    "method": "belongs under 'search'. Move it there.",
    "trials": "belongs under 'search'. Move it there.",
    "max_time": "belongs under 'search'. Move it there.",
    "timeout": "is written 'search: {max_time: 2h}' here. Move it there.",
    "early_terminate": "is written 'search: {method: halving, trials: 60}' here. Move it there.",
    "fit_params": "is not available: weights are a column, 'data: {weight: COLUMN}'. Remove it.",
    "groups": GROUPS,
    "repeats": REPEATS,
    "sample_weight": "is written 'data: {weight: COLUMN}' here. Move it there.",
}
"""Keys of the top level that mean something elsewhere."""
DATA_KEYS = {
    "labels": "is not available: the labels are a column of the source. Join the two files.",
    "label": "is called 'target' here. Rename it.",
    "test": "is not available: 'holdout' takes a share of the rows. Remove it.",
    "path": "is called 'source' here. Rename it.",
    "file": "is called 'source' here. Rename it.",
    "features": "is not available: all columns but the target are features. Use 'drop'.",
    "groups": GROUPS,
    "weights": WEIGHTS,
    "sample_weight": WEIGHTS,
    "test_size": "is called 'holdout' here. Rename it.",
}
"""Keys of ``data`` that mean something elsewhere."""
SEARCH_KEYS = {
    "type": "is called 'method' here. Rename it.",
    "algorithm": "is called 'method' here. Rename it.",
    "sampler": "is called 'method' here. Rename it.",
    "n_iter": "is called 'trials' here. Rename it.",
    "n_trials": "is called 'trials' here. Rename it.",
    "run_cap": "is called 'trials' here. Rename it.",
    "n_candidates": "is called 'trials' here. Rename it.",
    "timeout": "is called 'max_time' here, as in 2h. Rename it.",
    "random_state": "is called 'seed' here. Rename it.",
    "target": "belongs under 'stop'. Move it there.",
    "patience": "belongs under 'stop'. Move it there.",
    "batch_size": "is called 'wave' here. Rename it.",
    "factor": THIRDS,
    "eta": THIRDS,
    "reduction_factor": THIRDS,
    "resource": "is not needed: rows from 1,000 on, folds below. Remove it.",
    "min_resources": "is not needed: the rungs follow from trials and rows. Remove it.",
    "max_resources": "is not needed: the last rung has all rows. Remove it.",
    "aggressive_elimination": THIRDS,
}
"""Keys of ``search`` that other tools have."""
RANGE_KEYS = {
    "distribution": EVENLY,
    "type": EVENLY,
    "q": "is called 'step' here. Rename it.",
    "scale": "is written 'log: true' here, or left out.",
    "base": "is not needed: any base gives the same numbers. Remove it.",
}
"""Keys of a range that other tools have."""
CV_KEYS = {
    "type": "is called 'kind' here: stratified, group, time or repeated. Rename it.",
    "splitter": "is called 'kind' here: stratified, group, time or repeated. Rename it.",
    "n_splits": "is called 'folds' here. Rename it.",
    "splits": "is called 'folds' here. Rename it.",
    "k": "is called 'folds' here. Rename it.",
    "n_repeats": "is called 'repeats' here. Rename it.",
    "groups": "is called 'by' here, the name of a column. Rename it.",
    "column": "is called 'by' here, the name of a column. Rename it.",
    "shuffle": "is not needed: folds are shuffled but by time. Remove it.",
    "random_state": "is not needed: 'seed' at the top level seeds the folds. Remove it.",
    "gap": "is not available: a fold is scored on the rows that follow at once. Remove it.",
    "test_size": "is not available: folds are of one size. Remove it.",
}
"""Keys of ``cv`` that mean something elsewhere."""
SPLITTERS = {
    "KFold": "5",
    "StratifiedKFold": "5",
    "GroupKFold": "{kind: group, folds: 5, by: COLUMN}",
    "StratifiedGroupKFold": "{kind: group, folds: 5, by: COLUMN}",
    "LeaveOneGroupOut": "{kind: group, folds: 5, by: COLUMN}",
    "GroupShuffleSplit": "{kind: group, folds: 5, by: COLUMN}",
    "TimeSeriesSplit": "{kind: time, folds: 5, by: COLUMN}",
    "RepeatedKFold": "{kind: repeated, folds: 5, repeats: 10}",
    "RepeatedStratifiedKFold": "{kind: repeated, folds: 5, repeats: 10}",
}
"""The splitters of scikit-learn, and how ``cv`` says them here."""
PARAMETERS = {
    "multi_class": "It was removed from scikit-learn 1.8: several classes work without it.",
    "presort": "It was removed from scikit-learn 0.24. Leave it out.",
    "algorithm": "It was removed from scikit-learn 1.8. Leave it out.",
    "base_estimator": "It is called 'estimator' since scikit-learn 1.4.",
    "min_impurity_split": "It was removed from scikit-learn 1.0: use 'min_impurity_decrease'.",
}
"""Parameters of earlier releases."""
VALUES = {
    ("max_features", "auto"): "sqrt",
    ("loss", "deviance"): "log_loss",
    ("loss", "log"): "log_loss",
    ("loss", "binary_crossentropy"): "log_loss",
    ("loss", "categorical_crossentropy"): "log_loss",
    ("criterion", "mse"): "squared_error",
}
"""Values of earlier releases and what they are called now."""

CONSTANTS = {"None": "null", "none": "null", "True": "true", "False": "false"}
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
PLAIN_NUMBER = re.compile(NUMBER)
POWER = re.compile(rf"({NUMBER})\s*(\*\*|\^|/|\*)\s*({NUMBER})")
TUPLE = re.compile(rf"\(\s*({NUMBER}(?:\s*,\s*{NUMBER})*)\s*,?\s*\)")
CALL = re.compile(r"(?:np\.|numpy\.)?(range|arange|linspace|logspace|geomspace)\(([^()]*)\)")
DOTS = re.compile(r"([-+]?\d+)\s*(?:\.\.\.?|-|:)\s*([-+]?\d+)")
GRID = re.compile(r"(candidates\[\d+\]\.)?grid(\[\d+\])?\.")
LONGEST_TEXT = 100
MOST_VALUES = 50
"""Values of a range that a message writes out."""
MOST_DIGITS = 6
MOST_WHOLE = 10**15
"""Beyond it, a float is written as one."""


def of_key(path: str, key: str) -> str | None:
    """What to do about an unknown key: at the top level, in a mapping of it, or in a range."""
    owner = "range" if GRID.match(path) else path
    known = {
        "": KEYS,
        "data": DATA_KEYS,
        "cv": CV_KEYS,
        "search": SEARCH_KEYS,
        "range": RANGE_KEYS,
    }
    return known.get(owner, {}).get(key)


def of_folds(value: Any) -> str:
    """What to write in place of a splitter of scikit-learn's; empty where nothing is known."""
    name = value.strip().rpartition(".")[2] if isinstance(value, str) else ""
    meant = SPLITTERS.get(name.partition("(")[0])
    return f" Write cv: {meant}." if meant else ""


def of_metrics(value: Any) -> str:
    """How several metrics are written, the first of which ranks; empty where these are not."""
    names = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return ""
    if isinstance(value, dict) and set(value) & {"name", "goal", "direction"}:
        return f" Write metric: {value['name']}." if isinstance(value.get("name"), str) else ""
    first, *others = names or [""]
    beside = f" and metrics: [{', '.join(others)}]" if others else ""
    return f" Write metric: {first}{beside}." if first else ""


def of_parameter(param: str) -> str:
    """A sentence with a leading blank about a parameter of an earlier release."""
    return f" {PARAMETERS[param]}" if param in PARAMETERS else ""


def of_value(param: str, value: Any) -> str:
    """A sentence with a leading blank that says how a value is written here."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        return ""
    if (param, value) in VALUES:
        return f" It is called '{VALUES[param, value]}' now."
    meant = _meant(value.strip())
    return f" Write {meant}." if meant else ""


def of_axis(value: Any) -> str:
    """What to write in place of an axis that is no list; empty where nothing is known."""
    if isinstance(value, dict):
        return _of_mapping(value)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        return ""
    values = _of_call(value.strip()) or _of_dots(value.strip())
    return _listed(values) if values else ""


def _meant(text: str) -> str:
    """The value that a text of Python's stands for, as a grid file writes it."""
    if text in CONSTANTS:
        return f"{CONSTANTS[text]} without quotes"
    if PLAIN_NUMBER.fullmatch(text):
        return f"{text} without quotes"
    if found := TUPLE.fullmatch(text):
        return f"[{', '.join(part.strip() for part in found[1].split(','))}]"
    if found := POWER.fullmatch(text):
        return _power(float(found[1]), found[2], float(found[3]))
    return ""


def _power(left: float, sign: str, right: float) -> str:
    try:
        value = {
            "**": lambda: math.pow(left, right),
            "^": lambda: math.pow(left, right),
            "/": lambda: left / right,
            "*": lambda: left * right,
        }[sign]()
    except (ValueError, ArithmeticError):
        return ""
    if not math.isfinite(value):
        return ""
    return _rounded(int(value) if value.is_integer() and abs(value) < MOST_WHOLE else value)


def _of_mapping(value: Mapping[Any, Any]) -> str:
    """A range that is written as a mapping: ``{start, stop, step}`` or bounds of a distribution."""
    start, stop, step = (value.get(key) for key in ("start", "stop", "step"))
    if isinstance(start, int) and isinstance(stop, int) and isinstance(step or 1, int):
        return _listed(list(islice(range(start, stop, step or 1), MOST_VALUES + 1)))
    if {"low", "high", "distribution", "lower", "upper"} & value.keys():
        return _bounded(value)
    return ""


def _bounded(value: Mapping[Any, Any]) -> str:
    """The bounds of another tool as a range."""
    low, high = (value.get(a, value.get(b)) for a, b in (("low", "lower"), ("high", "upper")))
    numbers = all(isinstance(each, int | float) for each in (low, high))
    kind = str(value.get("distribution", value.get("type", "")))
    log = ", log: true" if value.get("log") is True or kind.startswith("log") else ""
    bounds = f"min: {shown(low)}, max: {shown(high)}{log}" if numbers else "min: 0.001, max: 10.0"
    return f"Write a range, {{{bounds}}}, and 'search: {{method: random, trials: 60}}'."


def _of_call(text: str) -> Sequence[int | float]:
    """The values of ``range(...)`` and of NumPy's spaces, at most one more than are shown."""
    found = CALL.fullmatch(text)
    words = [part.strip() for part in found[2].split(",")] if found else []
    if not found or not all(PLAIN_NUMBER.fullmatch(word) for word in words):
        return ()
    numbers = [float(word) for word in words]
    try:
        return _steps(numbers) if found[1] in {"range", "arange"} else _space(found[1], numbers)
    except (ValueError, ArithmeticError):
        return ()


def _steps(numbers: Sequence[float]) -> Sequence[int | float]:
    start, stop, step = {
        1: (0.0, *numbers, 1.0),
        2: (*numbers, 1.0),
        3: tuple(numbers),
    }.get(len(numbers), (0.0, 0.0, 1.0))
    count = math.ceil((stop - start) / step)
    values = [start + step * at for at in range(min(max(count, 0), MOST_VALUES + 1))]
    return [int(value) for value in values] if all(map(float.is_integer, values)) else values


def _space(kind: str, numbers: Sequence[float]) -> Sequence[float]:
    if len(numbers) not in {2, 3}:
        return ()
    start, stop, count = (*numbers, 50.0)[:3]
    shown_count = min(int(count), MOST_VALUES + 1)
    if kind == "geomspace":
        start, stop = math.log10(start), math.log10(stop)
    step = (stop - start) / (count - 1) if count > 1 else 0.0
    values = [start + step * at for at in range(shown_count)]
    return values if kind == "linspace" else [math.pow(10, value) for value in values]


def _of_dots(text: str) -> Sequence[int]:
    found = DOTS.fullmatch(text)
    if not found:
        return ()
    return list(islice(range(int(found[1]), int(found[2]) + 1), MOST_VALUES + 1))


def _listed(values: Sequence[int | float]) -> str:
    if not values:
        return ""
    if len(values) > MOST_VALUES:
        return "Write the values out, or fewer of them."
    return f"Write the values out: [{', '.join(_rounded(value) for value in values)}]."


def _rounded(value: float) -> str:
    """A number as a grid file writes it: a float keeps its point, as 1.0 and 1 may differ."""
    return shown(value if isinstance(value, int) else float(f"{value:.{MOST_DIGITS}g}"))
