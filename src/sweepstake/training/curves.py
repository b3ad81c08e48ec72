"""Curves: what a fitted classifier recorded about its own training, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.domain.task import are_numbers
from sweepstake.domain.trial import Curve

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from sklearn.base import BaseEstimator

MOST_POINTS = 200
"""Longer curves are thinned evenly; first and last point stay."""
_RECORDED = ("loss_curve_", "validation_scores_", "train_score_", "validation_score_")


def recorded(classifier: BaseEstimator) -> tuple[Curve, ...]:
    """The curves that the classifier kept as attributes, named as these without the last ``_``."""
    found = ((name.rstrip("_"), getattr(classifier, name, None)) for name in _RECORDED)
    return tuple(
        _curve(name, values) for name, values in found if values is not None and len(values)
    )


def staged(classifier: BaseEstimator, features: Any, y: np.ndarray) -> tuple[Curve, ...]:
    """Accuracy after each stage of a boosted estimator on other rows, R² where it predicts numbers.

    Other kinds have no stages.

    ``features`` are as the classifier itself takes them, that is prepared.
    """
    if not hasattr(classifier, "staged_predict"):
        return ()
    guesses = classifier.staged_predict(features)
    if are_numbers(y):
        from sklearn.metrics import r2_score

        return (_curve("staged_r2", [float(r2_score(y, guess)) for guess in guesses]),)
    stages = (float((guess == y).mean()) for guess in guesses)
    return (_curve("staged_accuracy", list(stages)),)


def iterations(classifier: BaseEstimator) -> dict[str, float]:
    """``n_iter``, the greatest where it is one per class; empty where there is none."""
    import numpy as np

    count = getattr(classifier, "n_iter_", None)
    return {} if count is None or not np.size(count) else {"n_iter": float(np.max(count))}


def _curve(name: str, values: Iterable[float]) -> Curve:
    points = [(step, float(value)) for step, value in enumerate(values)]
    return Curve(name, tuple(_thinned(points)))


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    if len(points) <= MOST_POINTS:
        return points
    last = len(points) - 1
    return [points[round(place * last / (MOST_POINTS - 1))] for place in range(MOST_POINTS)]
