"""Answers: what a classifier said of rows, so that it can be scored on any of them without it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sweepstake.domain.task import are_classes, are_numbers

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

    def score(
        self,
        metric: str,
        truth: np.ndarray,
        rows: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> float:
        """The score by scikit-learn's scorer on some rows, all if ``None``; greater is better.

        ``weights`` are those of all rows, the same for each where there are none.

        Raises:
            ValueError: the metric is not defined on them, or on these answers.
        """
        import numpy as np
        from sklearn.metrics import get_scorer

        if metric == "accuracy" and rows is None and weights is None:
            # the same figure without the scorer's checks
            return float(self.right(truth).mean())
        asked = np.arange(len(truth)) if rows is None else rows
        weighed = {} if weights is None else {"sample_weight": weights[asked]}
        replay = _replay_of_numbers() if are_numbers(truth) else _replay()
        return float(get_scorer(metric)(replay(self), asked, truth[asked], **weighed))


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """What finalist and champion said of the same rows; without a champion the finalist alone.

    ``weights`` say what each row counts, ``groups`` which rows belong together.
    """

    truth: np.ndarray
    finalist: Answers
    champion: Answers | None = None
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None

    @property
    def rows_are_alike(self) -> bool:
        """Whether each row counts as much as any other, and by itself."""
        return self.weights is None and self.groups is None

    @property
    def independent(self) -> int:
        """How many parts chance deals apart: the rows, or their groups."""
        import numpy as np

        return len(self.truth) if self.groups is None else len(np.unique(self.groups))

    @property
    def fewest_in_class(self) -> int:
        """Rows of the smallest class; of all, where rows have several labels or numbers."""
        import numpy as np

        if not are_classes(self.truth):
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


@cache
def _replay_of_numbers() -> Any:
    """The class of regressors that repeat ``answers``; rows are the positions of these."""
    from sklearn.base import BaseEstimator, RegressorMixin

    class Replay(RegressorMixin, BaseEstimator):  # type: ignore[misc]
        def __init__(self, answers: Answers) -> None:
            self.answers = answers

        def predict(self, rows: np.ndarray) -> np.ndarray:
            taken: np.ndarray = self.answers.predicted[rows]
            return taken

        def __sklearn_is_fitted__(self) -> bool:
            return True

    return Replay


def _taken(replies: Any, rows: np.ndarray) -> Any:
    """The replies to ``rows``; of several labels there is one array for each."""
    if isinstance(replies, list):
        return [each[rows] for each in replies]
    return replies[rows]
