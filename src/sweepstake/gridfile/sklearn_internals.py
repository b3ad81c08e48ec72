"""The internals of scikit-learn: what it allows as the value of a parameter.

``NAMES`` lists them for a test, which fails with a sentence when a release moves one. Then this
module follows, and no other.
"""

from __future__ import annotations

from typing import Any

NAMES = (
    "sklearn.tree.DecisionTreeClassifier._parameter_constraints",
    "sklearn.utils._param_validation.Interval",
    "sklearn.utils._param_validation.Options",
    "sklearn.utils._param_validation.StrOptions",
    "sklearn.utils._param_validation.make_constraint",
)


def constraints_of(classifier: type, param: str) -> list[Any] | None:
    """The constraints on a parameter, one of which must hold; ``None`` where it is not checked."""
    known: dict[str, Any] = getattr(classifier, "_parameter_constraints", {})
    found = known.get(param, "no_validation")
    return None if isinstance(found, str) else made(found)


def made(allowed: list[Any]) -> list[Any]:
    """Constraints of what scikit-learn writes as such: types, ``None``, or constraints."""
    from sklearn.utils._param_validation import make_constraint

    return [each if hasattr(each, "is_satisfied_by") else make_constraint(each) for each in allowed]


def interval(kind: type, low: float | None, high: float | None, closed: str) -> Any:
    """Numbers of a kind between two bounds, of which ``closed`` says which are among them."""
    from sklearn.utils._param_validation import Interval

    return Interval(kind, low, high, closed=closed)


def options(kind: type, *allowed: Any) -> Any:
    """Some values of a kind."""
    from sklearn.utils._param_validation import Options, StrOptions

    return StrOptions(set(allowed)) if kind is str else Options(kind, set(allowed))
