"""Fit arguments: what a fit takes beside features and target, of rows that a fold has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.domain.folding import FoldKind
from sweepstake.training import pipeline, weighing

if TYPE_CHECKING:
    import numpy as np
    from sklearn.base import BaseEstimator

    from sweepstake.data.dataset import Dataset
    from sweepstake.domain.folding import Folding

HELD_BACK = "held_back"
"""How our boosters call the rows that say when to stop."""


def of(
    estimator: BaseEstimator,
    dataset: Dataset,
    folding: Folding,
    rows: np.ndarray | None = None,
) -> dict[str, Any]:
    """The weights of training ``rows`` (all if ``None``), and those a booster keeps back.

    It keeps back what folds keep to: whole groups, or the last rows by time. Rows by chance it
    finds by itself.

    Raises:
        ValueError: the rows are of one group, where some are to be kept back.
    """
    found = weighing.fit_params(estimator, dataset.beside.weights, rows)
    booster = pipeline.classifier_of(estimator)
    if not getattr(booster, "stops_early", False):
        return found
    mask = _mask(booster.seed, dataset, folding, rows)
    return found if mask is None else found | weighing.of_last_step(estimator, {HELD_BACK: mask})


def _mask(
    seed: int, dataset: Dataset, folding: Folding, rows: np.ndarray | None
) -> np.ndarray | None:
    from sweepstake.boosting import kept_back

    if folding.kind is FoldKind.TIME:
        return kept_back.by_time(len(dataset.y_train) if rows is None else len(rows))
    groups = dataset.beside.groups
    if folding.kind is not FoldKind.GROUP or groups is None:
        return None
    return kept_back.by_group(groups if rows is None else groups[rows], seed)
