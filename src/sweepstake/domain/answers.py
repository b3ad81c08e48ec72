"""Answers: what a classifier said of rows, so that it can be scored on any of them without it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The replies of a fitted classifier to n rows, each as the classifier gave it.

    ``probability`` and ``margin`` are ``None`` where it has no ``predict_proba`` or no
    ``decision_function``; ``classes`` is its ``classes_``.
    """

    predicted: np.ndarray
    classes: Any = None
    probability: Any = None
    margin: Any = None

    def take(self, kept: np.ndarray) -> Answers:
        """The replies to some of the rows."""
        probability, margin = (
            None if each is None else _taken(each, kept) for each in (self.probability, self.margin)
        )
        return Answers(self.predicted[kept], self.classes, probability, margin)

    def right(self, truth: np.ndarray) -> np.ndarray:
        """Whether each row was answered right; a multilabel row only where all its labels are."""
        import numpy as np

        hits = np.asarray(self.predicted == truth)
        return hits if hits.ndim == 1 else np.asarray(hits.all(axis=1))

    def score(self, metric: str, truth: np.ndarray, rows: np.ndarray | None = None) -> float:
        """The score by scikit-learn's scorer on some rows, all if ``None``; greater is better.

        Raises:
            ValueError: the metric is not defined on them, or on these answers.
        """
        import numpy as np
        from sklearn.metrics import get_scorer

        if metric == "accuracy" and rows is None:  # the same figure without the scorer's checks
            return float(self.right(truth).mean())
        asked = np.arange(len(truth)) if rows is None else rows
        return float(get_scorer(metric)(_replay()(self), asked, truth[asked]))


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """What finalist and champion said of the same rows; without a champion the finalist alone."""

    truth: np.ndarray
    finalist: Answers
    champion: Answers | None = None

    @property
    def fewest_in_class(self) -> int:
        """Rows of the smallest class; of all, where rows have several labels."""
        import numpy as np

        if self.truth.ndim > 1:
            return len(self.truth)
        return int(np.unique(self.truth, return_counts=True)[1].min(initial=len(self.truth)))


def ask(estimator: Any, features: pd.DataFrame) -> Answers:
    """Let a fitted classifier answer ``features``.

    Raises:
        Exception: whatever it raises for rows that it does not know.
    """
    return Answers(
        predicted=estimator.predict(features),
        classes=getattr(estimator, "classes_", None),
        probability=_reply(estimator, "predict_proba", features),
        margin=_reply(estimator, "decision_function", features),
    )


def _reply(estimator: Any, method: str, features: pd.DataFrame) -> Any:
    return getattr(estimator, method)(features) if hasattr(estimator, method) else None


@cache
def _replay() -> Any:
    """The class of classifiers that repeat ``answers``; rows are the positions of these."""
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.metaestimators import available_if

    class Replay(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def __init__(self, answers: Answers) -> None:
            self.answers, self.classes_ = answers, answers.classes

        def predict(self, rows: np.ndarray) -> np.ndarray:
            taken: np.ndarray = self.answers.predicted[rows]
            return taken

        @available_if(lambda self: self.answers.probability is not None)  # type: ignore[untyped-decorator]
        def predict_proba(self, rows: np.ndarray) -> Any:
            return _taken(self.answers.probability, rows)

        @available_if(lambda self: self.answers.margin is not None)  # type: ignore[untyped-decorator]
        def decision_function(self, rows: np.ndarray) -> Any:
            return _taken(self.answers.margin, rows)

    return Replay


def _taken(replies: Any, rows: np.ndarray) -> Any:
    """The replies to ``rows``; of several labels there is one array for each."""
    if isinstance(replies, list):
        return [each[rows] for each in replies]
    return replies[rows]
