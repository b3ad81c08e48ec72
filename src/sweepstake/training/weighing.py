"""Weighing: what rows weigh in a fit and in a score, where the grid file names a column for it."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from sklearn.base import BaseEstimator

WEIGHT = "sample_weight"
"""How scikit-learn calls the weights of rows."""


def fit_params(
    estimator: BaseEstimator, weights: np.ndarray | None, rows: np.ndarray | None = None
) -> dict[str, Any]:
    """What ``fit`` takes beside features and target: the weights of ``rows`` (all if ``None``).

    In a pipeline only the last step is weighed, as by metadata routing where it alone asks for it.
    """
    return of_last_step(estimator, score_params(weights, rows))


def of_last_step(estimator: BaseEstimator, params: Mapping[str, Any]) -> dict[str, Any]:
    """What the ``fit`` of a pipeline calls the parameters of its last step's."""
    steps = getattr(estimator, "steps", None)
    prefix = f"{steps[-1][0]}__" if steps else ""
    return {f"{prefix}{name}": values for name, values in params.items()}


def score_params(weights: np.ndarray | None, rows: np.ndarray | None = None) -> dict[str, Any]:
    """What a scorer takes beside estimator, features and target."""
    if weights is None:
        return {}
    return {WEIGHT: weights if rows is None else weights[rows]}


def takes_weights(estimator: BaseEstimator) -> bool:
    """Whether an estimator's ``fit`` may take weights, the last step's where it is a pipeline.

    What hands them on to others inside (``**fit_params``) says so when it is fitted.
    """
    last = estimator[-1] if hasattr(estimator, "steps") else estimator
    known = signature(last.fit).parameters.values()
    return any(each.name == WEIGHT or each.kind is Parameter.VAR_KEYWORD for each in known)
