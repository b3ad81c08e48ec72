"""Evaluation: the figures of a fitted classifier on rows that it has not seen.

All figures come from one call of ``predict`` and one of ``predict_proba`` (or
``decision_function``), and equal those of ``sklearn.metrics`` of the same name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.domain.task import are_numbers
from sweepstake.training import weighted_figures as weighted
from sweepstake.training.number_figures import of_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd
    from sklearn.base import BaseEstimator

Rate = Callable[["BaseEstimator", Any, "np.ndarray", "Mapping[str, Any]"], "dict[str, float]"]
"""What scores a fitted estimator on rows, their labels and what else the scorers take."""
LABEL_METRICS = frozenset(
    {"accuracy", "balanced_accuracy", "f1_macro", "precision_macro", "recall_macro"}
)
"""The figures that are exactly those of the scorers of these names."""
QUICK_METRICS = frozenset({"accuracy", "f1_macro"})
"""Those of them for which the scorers have no warning to give."""
_BINARY = 2


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures by name, and the confusion matrix with its labels (both empty for multilabel).

    Rows of ``confusion`` are true classes, columns predicted ones.
    """

    figures: Mapping[str, float]
    confusion: tuple[tuple[int, ...], ...] = ()
    labels: tuple[str, ...] = ()


def evaluate(
    estimator: BaseEstimator,
    features: pd.DataFrame,
    y: np.ndarray,
    classes: Sequence[Any],
    weights: np.ndarray | None = None,
) -> Evaluation:
    """Evaluate on rows ``features`` with labels ``y`` of shape (n,), or (n, k) for multilabel.

    ``weights`` are those of the rows in the figures; the confusion matrix counts rows.

    ``log_loss`` needs probabilities; ``roc_auc`` (one against the rest, macro average) needs
    probabilities or, with two classes, a decision function, and rows of every class. What is not
    defined is left out.
    """
    predicted = estimator.predict(features)
    if are_numbers(y):
        return Evaluation(_finite(of_numbers(y, predicted, weights)))
    probability, margin = _scores(estimator, features)
    if y.ndim > 1:
        figures = (
            _multilabel(y, predicted, probability, margin)
            if weights is None
            else weighted.of_several_labels(y, predicted, probability, margin, weights)
        )
        return Evaluation(_finite(figures))
    matrix, labels = _confusion(y, predicted, classes)
    known = getattr(estimator, "classes_", None)
    if weights is None:
        figures = _label_figures(matrix) | _score_figures(y, known, probability, margin)
    else:
        figures = weighted.of_labels(y, predicted, weights)
        figures |= weighted.of_scores(y, known, probability, margin, weights)
    confusion = tuple(tuple(row) for row in matrix.tolist())
    return Evaluation(_finite(figures), confusion, tuple(str(label) for label in labels.tolist()))


def scorers(metrics: Sequence[str], y: np.ndarray) -> Rate:
    """The scores of a fitted estimator on rows and their labels, by metric; greater is better.

    They are those of scikit-learn's scorers, which share what they ask of the estimator, as in
    ``GridSearchCV``. Where the confusion matrix gives the same to the last bit, in a fraction of
    the time, that is taken; ``y`` tells the kind of labels. The last argument is what else a scorer
    takes: the weights of the rows.
    """
    from sklearn.metrics import check_scoring, get_scorer

    first = metrics[0]
    one = get_scorer(first)

    def rate(
        model: BaseEstimator, rows: Any, truth: np.ndarray, params: Mapping[str, Any]
    ) -> dict[str, float]:
        if len(metrics) > 1:
            found = check_scoring(model, scoring=list(metrics))(model, rows, truth, **params)
            return {name: float(found[name]) for name in metrics}
        if first in QUICK_METRICS and y.ndim == 1 and not params:
            return {first: _quick_score(first, model.predict(rows), truth)}
        return {first: float(one(model, rows, truth, **params))}

    return rate


def _quick_score(metric: str, predicted: np.ndarray, y: np.ndarray) -> float:
    return float(_label_figures(_confusion(y, predicted, ())[0])[metric])


def _scores(
    estimator: BaseEstimator, features: pd.DataFrame
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Probabilities (n, classes), or for want of them the decision function, from one call."""
    import numpy as np

    if hasattr(estimator, "predict_proba"):
        answer = estimator.predict_proba(features)
        if isinstance(answer, list):  # multilabel: one (n, 2) for each label
            answer = np.column_stack([label[:, -1] for label in answer])
        return answer, None
    if hasattr(estimator, "decision_function"):
        return None, estimator.decision_function(features)
    return None, None


def _confusion(
    y: np.ndarray, predicted: np.ndarray, classes: Sequence[Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Counts by true and predicted label; labels are the classes and whatever was predicted."""
    import numpy as np

    every = np.concatenate([np.asarray(classes), y, predicted])
    labels, codes = np.unique(every, return_inverse=True)
    true, guess = codes[len(classes) : -len(y)], codes[-len(y) :]
    size = len(labels)
    return np.bincount(true * size + guess, minlength=size * size).reshape(size, size), labels


def _label_figures(matrix: np.ndarray) -> dict[str, float]:
    hits, actual, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    met = actual + predicted > 0
    return {
        "accuracy": hits.sum() / matrix.sum(),
        "balanced_accuracy": (hits[actual > 0] / actual[actual > 0]).mean(),
        **_macro(hits[met], actual[met], predicted[met]),
    }


def _macro(hits: np.ndarray, actual: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Macro averages over classes; a ratio with nothing below the line counts as 0."""
    import numpy as np

    def mean_ratio(part: np.ndarray, whole: np.ndarray) -> float:
        return float(np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0).mean())

    return {
        "f1_macro": mean_ratio(2.0 * hits, actual + predicted),
        "precision_macro": mean_ratio(hits, predicted),
        "recall_macro": mean_ratio(hits, actual),
    }


def _score_figures(
    y: np.ndarray,
    classes: np.ndarray | None,
    probability: np.ndarray | None,
    margin: np.ndarray | None,
) -> dict[str, float]:
    import numpy as np

    if probability is not None and classes is not None:
        truth = y[:, None] == np.asarray(classes)
        return {"log_loss": _log_loss(truth, probability), "roc_auc": _auc(truth, probability)}
    if margin is not None and classes is not None and len(classes) == _BINARY:
        truth = y[:, None] == np.asarray(classes)[1:]
        return {"roc_auc": _auc(truth, margin.reshape(-1, 1))}
    return {}


def _multilabel(
    y: np.ndarray,
    predicted: np.ndarray,
    probability: np.ndarray | None,
    margin: np.ndarray | None,
) -> dict[str, float]:
    hits, actual, guessed = (y * predicted).sum(axis=0), y.sum(axis=0), predicted.sum(axis=0)
    figures = {"accuracy": (y == predicted).all(axis=1).mean(), **_macro(hits, actual, guessed)}
    scores = margin if probability is None else probability
    return figures if scores is None else {**figures, "roc_auc": _auc(y == 1, scores)}


def _log_loss(truth: np.ndarray, probability: np.ndarray) -> float:
    import numpy as np

    edge = np.finfo(probability.dtype).eps
    certain = np.clip(probability, edge, 1 - edge)
    return float(-np.log(certain[truth]).mean())


def _auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean area under the ROC curve over columns, NaN where a column has one class only.

    By ranks, ties shared: the statistic of Mann and Whitney (Hanley and McNeil, Radiology 143
    (1982) 29-36).
    """
    import numpy as np
    from scipy.stats import rankdata  # type: ignore[import-untyped]

    positive = truth.sum(axis=0)
    negative = len(truth) - positive
    if not (positive.all() and negative.all()):
        return float("nan")
    ranks = (rankdata(scores, axis=0) * truth).sum(axis=0)
    return float(np.mean((ranks - positive * (positive + 1) / 2) / (positive * negative)))


def _finite(figures: Mapping[str, float]) -> dict[str, float]:
    import math

    return {name: float(value) for name, value in figures.items() if math.isfinite(value)}
