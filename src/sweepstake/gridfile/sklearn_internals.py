"""The internals of scikit-learn: what it allows as the value of a parameter.

``NAMES`` lists them for a test, which fails with a sentence when a release moves one. Then this
module follows, and no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.gridfile import booster_values

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = (
    "sklearn.tree.DecisionTreeClassifier._parameter_constraints",
    "sklearn.utils._param_validation.make_constraint",
)


def constraints_of(classifier: type, param: str) -> list[Any] | None:
    """The constraints on a parameter, one of which must hold; ``None`` where it is not checked."""
    from sklearn.utils._param_validation import make_constraint

    package = getattr(classifier, "package", "")
    known: Mapping[str, Any] = getattr(classifier, "_parameter_constraints", {})
    if package:
        known = booster_values.constraints(classifier.__name__, package)
    found = known.get(param, "no_validation")
    if isinstance(found, str):
        return None
    return [each if hasattr(each, "is_satisfied_by") else make_constraint(each) for each in found]
