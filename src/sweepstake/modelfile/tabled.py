"""Tabled: an estimator whose trees are told as one table, to be written."""

from __future__ import annotations

from copy import copy
from typing import Any


def tabled(estimator: Any) -> Any:
    """The estimator with the trees of its ensemble as a table; itself where it has none of these.

    What is changed is a copy, which shares all that is fitted. Of a pipeline it is the last step
    that may be such an ensemble.
    """
    from sklearn.ensemble import BaseEnsemble
    from sklearn.pipeline import Pipeline

    from sweepstake.forests import TreeTable
    from sweepstake.forests.tree_table import is_table

    if isinstance(estimator, Pipeline):
        *others, (name, last) = estimator.steps
        changed = tabled(last)
        return estimator if changed is last else _with(estimator, steps=[*others, (name, changed)])
    if isinstance(estimator, BaseEnsemble) and is_table(getattr(estimator, "estimators_", ())):
        return _with(estimator, estimators_=TreeTable(estimator.estimators_))
    return estimator


def _with(estimator: Any, **changed: Any) -> Any:
    twin = copy(estimator)
    vars(twin).update(changed)
    return twin
