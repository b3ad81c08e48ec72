"""Weighted figures: those of an evaluation on rows that do not all weigh the same.

They are those of ``sklearn.metrics`` with ``sample_weight``; what is not defined is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_BINARY = 2


def of_labels(y: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """The figures of predicted labels."""
    from sklearn import metrics

    return {
        "accuracy": metrics.accuracy_score(y, predicted, sample_weight=weights),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, predicted, sample_weight=weights),
        **_macro(y, predicted, weights),
    }


def of_scores(
    y: np.ndarray,
    classes: np.ndarray | None,
    probability: np.ndarray | None,
    margin: np.ndarray | None,
    weights: np.ndarray,
) -> dict[str, float]:
    """The figures of probabilities (n, classes), or of two classes' decision function."""
    import numpy as np

    if classes is None:
        return {}
    if probability is not None:
        truth = y[:, None] == np.asarray(classes)
        loss = _log_loss(truth, probability, weights)
        return {"log_loss": loss, "roc_auc": _auc(truth, probability, weights)}
    if margin is not None and len(classes) == _BINARY:
        truth = y[:, None] == np.asarray(classes)[1:]
        return {"roc_auc": _auc(truth, margin.reshape(-1, 1), weights)}
    return {}


def of_several_labels(
    y: np.ndarray,
    predicted: np.ndarray,
    probability: np.ndarray | None,
    margin: np.ndarray | None,
    weights: np.ndarray,
) -> dict[str, float]:
    """The figures of rows with several labels."""
    from sklearn import metrics

    figures = {
        "accuracy": metrics.accuracy_score(y, predicted, sample_weight=weights),
        **_macro(y, predicted, weights),
    }
    scores = margin if probability is None else probability
    return figures if scores is None else {**figures, "roc_auc": _auc(y == 1, scores, weights)}


def _log_loss(truth: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> float:
    import numpy as np

    known = truth.any(axis=1)  # a row of a class that was never trained on has no probability
    edge = np.finfo(probability.dtype).eps
    certain = np.clip(probability[truth], edge, 1 - edge)
    return float(-np.average(np.log(certain), weights=weights[known])) if known.all() else np.nan


def _macro(y: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    from sklearn.metrics import precision_recall_fscore_support

    found = precision_recall_fscore_support(
        y, predicted, average="macro", sample_weight=weights, zero_division=0
    )
    names = ("precision_macro", "recall_macro", "f1_macro")
    return {name: float(value) for name, value in zip(names, found, strict=False)}


def _auc(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Mean area under the ROC curve over columns, NaN where a column has one class only."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    weighed = truth[weights > 0]
    if not (weighed.any(axis=0).all() and (~weighed).any(axis=0).all()):
        return float("nan")
    columns = range(truth.shape[1])
    areas = [roc_auc_score(truth[:, n], scores[:, n], sample_weight=weights) for n in columns]
    return float(np.mean(areas))
