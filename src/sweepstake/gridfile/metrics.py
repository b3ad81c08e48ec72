"""Metrics: the scorers that scikit-learn has, and whether one suits what is predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.domain.task import Task
from sweepstake.wording.near_misses import did_you_mean, listed, shown

if TYPE_CHECKING:
    from collections.abc import Collection

OF_NUMBERS = (
    "d2_absolute_error_score",
    "explained_variance",
    "neg_max_error",
    "neg_mean_absolute_error",
    "neg_mean_absolute_percentage_error",
    "neg_mean_gamma_deviance",
    "neg_mean_poisson_deviance",
    "neg_mean_squared_error",
    "neg_mean_squared_log_error",
    "neg_median_absolute_error",
    "neg_root_mean_squared_error",
    "neg_root_mean_squared_log_error",
    "r2",
)
"""The scorers of predicted numbers."""
COMMON = {
    Task.CLASSIFICATION: ("accuracy", "f1_macro", "roc_auc"),
    Task.REGRESSION: ("r2", "neg_mean_absolute_error", "neg_root_mean_squared_error"),
}


def metric_names() -> list[str]:
    """Names of scikit-learn's scorers, in alphabetical order."""
    from sklearn.metrics import get_scorer_names

    names: list[str] = get_scorer_names()
    return names


def problem_of(metric: Any, task: Task = Task.CLASSIFICATION) -> str | None:
    """What is wrong with the name of a metric; ``None`` where nothing is."""
    known = metric_names()
    if not isinstance(metric, str):
        return None
    if task is Task.REGRESSION and metric in known and metric not in OF_NUMBERS:
        near = (
            did_you_mean(metric, OF_NUMBERS) or f" Common ones are {listed(COMMON[task], 'and')}."
        )
        return f"must be a scorer of numbers, but {shown(metric)} is one of classes.{near}"
    if metric in known:
        return None
    names = known if task is Task.CLASSIFICATION else OF_NUMBERS
    way_out = _sign(metric, names) or did_you_mean(metric, names)
    way_out = way_out or f" Common ones are {listed(COMMON[task], 'and')}."
    return f"must be a scikit-learn scorer, but got {shown(metric)}.{way_out}"


def _sign(metric: str, names: Collection[str]) -> str:
    """Losses are scorers only with their sign turned, so that greater is better."""
    turned = f"neg_{metric}"
    return f" Write '{turned}': greater must be better." if turned in names else ""
