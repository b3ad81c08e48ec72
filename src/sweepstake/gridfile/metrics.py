"""Metrics: the scorers that scikit-learn has, and whether one suits a classifier and a target."""

from __future__ import annotations

from typing import Any

from sweepstake.wording.near_misses import did_you_mean, shown


def metric_names() -> list[str]:
    """Names of scikit-learn's scorers, in alphabetical order."""
    from sklearn.metrics import get_scorer_names

    names: list[str] = get_scorer_names()
    return names


def problem_of(metric: Any) -> str | None:
    """What is wrong with the name of a metric; ``None`` where nothing is."""
    names = metric_names()
    if not isinstance(metric, str) or metric in names:
        return None
    way_out = _sign(metric, names) or did_you_mean(metric, names)
    way_out = way_out or " Common ones are 'accuracy', 'f1_macro' and 'roc_auc'."
    return f"must be a scikit-learn scorer, but got {shown(metric)}.{way_out}"


def _sign(metric: str, names: list[str]) -> str:
    """Losses are scorers only with their sign turned, so that greater is better."""
    turned = f"neg_{metric}"
    return f" Write '{turned}': greater must be better." if turned in names else ""
