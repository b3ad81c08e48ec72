"""What scikit-learn allows as the value of a parameter, in the words of a grid file.

Source: ``BaseEstimator._parameter_constraints``, checked by ``sklearn.utils._param_validation`` in
every ``fit``. Both are private, so the supported scikit-learn release is pinned; a unit test checks
that each constraint of each classifier has its words here.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sweepstake.gridfile import booster_values, sklearn_internals
from sweepstake.gridfile.idioms import of_value
from sweepstake.wording.near_misses import did_you_mean, listed, shown

INNER = "a classifier or regressor, written as a mapping such as {estimator: LogisticRegression}"
TYPES: dict[type, str] = {
    dict: "a mapping",
    list: "a list",
    tuple: "a list",
    str: "text",
    Integral: "a whole number",
    Real: "a number",
}
SIMPLE = {
    "_NoneConstraint": "null",
    "_Booleans": "true or false",
    "_VerboseHelper": "a whole number of at least 0",
    "_RandomStates": "a whole number from 0 to 4294967295, or null",
    "_ArrayLikes": "a list",
    "_CVObjects": "a whole number of at least 2",
    "MissingValues": "a number, text, or null",
}
UNWRITABLE = frozenset({"_Callables", "_SparseMatrices", "_NanConstraint", "Hidden"})
"""Kinds of values that scikit-learn takes from Python and no grid file can write."""


def complaint(classifier: type, param: str, value: Any) -> str | None:
    """What is wrong with ``value`` as a parameter of a classifier; ``None`` where nothing is.

    ``value`` is as scikit-learn gets it (inner classifiers are built).
    """
    constraints = _constraints(classifier, param)
    if constraints is None or any(constraint.is_satisfied_by(value) for constraint in constraints):
        return None
    visible = [constraint for constraint in constraints if not constraint.hidden]
    near = did_you_mean(value, _options(visible)) if isinstance(value, str) else ""
    way_out = of_value(param, value) or near
    if not allowed(visible):
        return "takes what no grid file can write. Leave it out."
    return f"must be {allowed(visible)}, but got {_shown(value)}.{way_out}"


def _constraints(kind: type, param: str) -> list[Any] | None:
    """The constraints on a parameter; ``None`` where it is not checked."""
    package = getattr(kind, "package", "")
    if not package:
        return sklearn_internals.constraints_of(kind, param)
    found = booster_values.constraints(kind.__name__, package).get(param)
    return None if found is None else sklearn_internals.made(found)


def as_tuple(kind: type, param: str, value: Any) -> Any:
    """A list as a tuple where scikit-learn takes no list: no grid file can write a tuple."""
    if not isinstance(value, list):
        return value
    constraints = _constraints(kind, param) or []
    if any(constraint.is_satisfied_by(value) for constraint in constraints):
        return value
    taken = any(constraint.is_satisfied_by(tuple(value)) for constraint in constraints)
    return tuple(value) if taken else value


def allowed(constraints: list[Any]) -> str:
    """The alternatives in words, ``null`` last."""
    words = [words for constraint in constraints if (words := describe(constraint))]
    unique = sorted(dict.fromkeys(words), key="null".__eq__)
    return ", or ".join(unique)


def describe(constraint: Any) -> str:
    """One alternative in words; empty for values that no grid file can write.

    Raises:
        KeyError: scikit-learn has a kind of constraint that is not known here.
    """
    kind = type(constraint).__name__
    if kind in UNWRITABLE:
        return ""
    if kind == "Interval":
        return _interval(constraint)
    if kind in {"Beginnings", "Options", "StrOptions"}:
        return _one_of(constraint)
    if kind == "HasMethods":
        return _methods(constraint.methods)
    if kind == "_InstancesOf":
        return TYPES.get(constraint.type, "")
    return SIMPLE[kind]


def _one_of(constraint: Any) -> str:
    options = [o for o in constraint.options - constraint.deprecated if not isinstance(o, type)]
    if constraint.type is str:
        return listed(sorted(options))
    return " or ".join(shown(option) for option in sorted(options))


def _methods(names: list[str]) -> str:
    """An inner classifier, a list, or nothing that a file can write."""
    return INNER if "fit" in names else "a list" if names == ["__iter__"] else ""


def _options(constraints: list[Any]) -> list[str]:
    """The texts that the constraints allow."""
    return [
        option
        for constraint in constraints
        if type(constraint).__name__ in {"Beginnings", "StrOptions"}
        for option in sorted(constraint.options - constraint.deprecated)
    ]


def _interval(interval: Any) -> str:
    noun = {"Integral": "a whole number", "Real": "a number"}.get(
        interval.type.__name__, "a number with a decimal point"
    )
    bounds = [
        bound
        for bound in (
            _bound(
                "of at least", "greater than", interval.left, interval.closed in {"left", "both"}
            ),
            _bound("at most", "less than", interval.right, interval.closed in {"right", "both"}),
        )
        if bound
    ]
    return f"{noun} {' and '.join(bounds)}".strip()


def _bound(inclusive: str, exclusive: str, limit: Any, closed: bool) -> str:  # noqa: FBT001
    if limit is None or abs(limit) == float("inf"):
        return ""
    return f"{inclusive if closed else exclusive} {limit:g}"


def _shown(value: Any) -> str:
    if hasattr(value, "get_params"):
        return type(value).__name__
    return shown(value)
