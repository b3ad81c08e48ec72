"""Number figures: how far predicted numbers are from the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

NUMBER_METRICS = ("neg_mean_absolute_error", "neg_root_mean_squared_error", "r2")
"""The figures of every trial that predicts numbers, by their scorers' names."""


def of_numbers(
    y: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None
) -> dict[str, float]:
    """Figures of predictions for ``y`` of shape (n,), or (n, k) for several numbers a row.

    They are those of the scorers of the same names.
    """
    from sklearn import metrics

    absolute = metrics.mean_absolute_error(y, predicted, sample_weight=weights)
    squared = metrics.root_mean_squared_error(y, predicted, sample_weight=weights)
    r2 = metrics.r2_score(y, predicted, sample_weight=weights)
    return dict(zip(NUMBER_METRICS, (-absolute, -squared, r2), strict=True))
