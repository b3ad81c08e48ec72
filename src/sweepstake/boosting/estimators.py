"""Estimators: the boosters' classes as a pipeline, a model file and scikit-learn need them.

Labels are told to the library as 0 to k - 1, and answered as they were. One thread fits and
predicts, and a seed is one seed for all of it, so a fit can be repeated to the last bit.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np  # noqa: TID253 - whoever fits or asks a booster has it
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin  # noqa: TID253
from sklearn.utils.validation import check_is_fitted, column_or_1d  # noqa: TID253

from sweepstake.boosting import kept_back, native_files
from sweepstake.boosting.library import Library, Rows, library_of
from sweepstake.boosting.synonyms import SYNONYMS

STOP = "early_stopping_rounds"
KEPT = ("n_features_in_", "n_iter_", "classes_")
"""What a model file has of a fitted booster, beside its library's file."""
BY_LABEL = ("class_weight", "class_weights")
"""Parameters whose mappings have labels as keys."""


class Boosted(BaseEstimator):  # type: ignore[misc]
    """An estimator of a library that boosts trees, by any of its parameters' names.

    With ``early_stopping_rounds`` a fit keeps rows back: a tenth of them by chance, each class in
    its share, or those of ``held_back``. They tell after which round to stop.

    ``n_iter_`` is the number of rounds, ``train_score_`` the library's metric after each of them,
    ``validation_score_`` the same on the rows kept back.
    """

    package: ClassVar[str]
    model_: Any

    def __init__(self, **params: Any) -> None:
        self._given = {SYNONYMS[self.package].get(name, name): params[name] for name in params}

    @property
    def library(self) -> Library:
        """What fits it."""
        return library_of(self.package)

    @property
    def stops_early(self) -> bool:
        """Whether a fit keeps rows back that say when to stop."""
        return bool(self._given.get(STOP))

    @property
    def seed(self) -> int:
        """What rows are kept back by."""
        return int(self._given.get("random_state") or 0)

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002, FBT001, FBT002
        """All parameters, those that were not given with the library's defaults."""
        return {**self.library.defaults(type(self).__name__), **self._given}

    def set_params(self, **params: Any) -> Self:
        """Change parameters."""
        self._given |= {SYNONYMS[self.package].get(name, name): params[name] for name in params}
        return self

    def fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's names
        y: Any,
        sample_weight: np.ndarray | None = None,
        held_back: np.ndarray | None = None,
    ) -> Self:
        """Fit on ``X`` of shape (n, features) and ``y`` of shape (n,).

        ``held_back`` is a mask of shape (n,) of rows that say when to stop.

        Raises:
            ValueError: the library refuses parameters or rows, or a class is among the rows kept
                back alone.
        """
        rows = Rows(as_rows(X), self._learnt(column_or_1d(y)), sample_weight)
        mask = self._mask(rows.y, held_back) if self.stops_early else None
        fitted_on = rows if mask is None else rows.take(~mask)
        self._check_classes(fitted_on.y)
        kept = None if mask is None else rows.take(mask)
        params = {**self._given, **self._weights_of_labels()}
        stop = self._given.get(STOP) or 0
        fitted = self.library.fit(type(self).__name__, params, fitted_on, kept, stop)
        self.model_, self.n_iter_ = fitted.model, fitted.rounds
        self.n_features_in_ = int(rows.X.shape[1])
        self.train_score_, self.validation_score_ = fitted.train, fitted.validation
        return self

    def _mask(self, y: np.ndarray, held_back: np.ndarray | None) -> np.ndarray:
        if held_back is not None:
            return np.asarray(held_back, dtype=bool)
        classes = isinstance(self, ClassifierMixin)
        return kept_back.by_chance(y, self.seed, classes=classes)

    def _learnt(self, y: np.ndarray) -> np.ndarray:
        """The target as the library takes it."""
        return np.asarray(y, dtype=np.float64)

    def _check_classes(self, y: np.ndarray) -> None:
        """See that every class is there to be fitted."""

    def _weights_of_labels(self) -> dict[str, Any]:
        """The parameters whose keys are labels, as the library takes them."""
        return {}

    def _asked(self, X: Any) -> Any:  # noqa: N803
        check_is_fitted(self, "model_")
        rows = as_rows(X)
        if rows.shape[1] != self.n_features_in_:
            message = f"X has {rows.shape[1]} features, but {type(self).__name__} is expecting "
            message += f"{self.n_features_in_} features as input."
            raise ValueError(message)
        return rows

    @property
    def feature_importances_(self) -> np.ndarray:
        """What each feature counts, of shape (features,), as the library has it."""
        check_is_fitted(self, "model_")
        return self.library.importances(self.model_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """What a model file has of it: the name and the hash of its library's file."""
        collected = native_files.collected()
        if "model_" not in vars(self) or collected is None:
            return dict(vars(self))
        library, model = self.library, self.model_
        native = collected.told(model, library.ENDING, lambda: library.written(model))
        state = {name: vars(self)[name] for name in KEPT if name in vars(self)}
        return {**state, "native": list(native)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read the library's file, which has the hash that stands here.

        Raises:
            ValueError: it is missing, is another, or is none.
        """
        rest = dict(state)
        native = rest.pop("native", None)
        self.__dict__.update({"_given": {}, **rest})
        if native is not None:
            content = native_files.found(*native)
            self.model_ = self.library.read(type(self).__name__, content)


def as_rows(X: Any) -> Any:  # noqa: N803
    """Rows as floats, of shape (n, features); a sparse matrix stays one, in rows.

    Raises:
        ValueError: a column holds what is no number.
    """
    from scipy import sparse  # type: ignore[import-untyped]

    if sparse.issparse(X):
        return X.tocsr()
    found = np.asarray(X)
    return found if found.dtype in (np.float32, np.float64) else found.astype(np.float64)


class OfClasses(ClassifierMixin, Boosted):  # type: ignore[misc]
    """A booster that tells classes apart; ``classes_`` are the labels, sorted."""

    classes_: np.ndarray

    def _learnt(self, y: np.ndarray) -> np.ndarray:
        self.classes_, coded = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:  # noqa: PLR2004
            message = f"needs rows of two classes at least, but all are {self.classes_[0]!r}."
            raise ValueError(message)
        return np.asarray(coded)

    def _check_classes(self, y: np.ndarray) -> None:
        missing = np.setdiff1d(np.arange(len(self.classes_)), y)
        if missing.size:
            message = f"{STOP} keeps rows back, and no row of class "
            message += f"{str(self.classes_[missing[0]])!r} is left to fit on. Leave it out."
            raise ValueError(message)

    def _weights_of_labels(self) -> dict[str, Any]:
        codes = {label: code for code, label in enumerate(self.classes_.tolist())}
        given = {name: self._given.get(name) for name in BY_LABEL}
        found = {name: value for name, value in given.items() if isinstance(value, dict)}
        for name, value in found.items():
            if strange := [label for label in value if label not in codes]:
                message = f"{name} names {strange[0]!r}, which is no label. Labels are "
                raise ValueError(message + f"{', '.join(map(repr, codes))}.")
        return {
            name: {codes[label]: weight for label, weight in value.items()}
            for name, value in found.items()
        }

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The labels of rows, of shape (n,)."""
        rows = self._asked(X)
        found: np.ndarray = self.classes_[self.library.codes(self.model_, rows)]
        return found

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """The probabilities of ``classes_``, of shape (n, k)."""
        rows = self._asked(X)
        return self.library.probabilities(self.model_, rows)


class OfNumbers(RegressorMixin, Boosted):  # type: ignore[misc]
    """A booster that predicts numbers."""

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The numbers of rows, of shape (n,)."""
        rows = self._asked(X)
        return self.library.numbers(self.model_, rows)


class XGBClassifier(OfClasses):
    """XGBoost's classifier."""

    package = "xgboost"


class XGBRegressor(OfNumbers):
    """XGBoost's regressor."""

    package = "xgboost"


class XGBRFClassifier(OfClasses):
    """XGBoost's random forest of classifiers."""

    package = "xgboost"


class XGBRFRegressor(OfNumbers):
    """XGBoost's random forest of regressors."""

    package = "xgboost"


class LGBMClassifier(OfClasses):
    """LightGBM's classifier."""

    package = "lightgbm"


class LGBMRegressor(OfNumbers):
    """LightGBM's regressor."""

    package = "lightgbm"


class CatBoostClassifier(OfClasses):
    """CatBoost's classifier."""

    package = "catboost"


class CatBoostRegressor(OfNumbers):
    """CatBoost's regressor."""

    package = "catboost"


for _kind in (*OfClasses.__subclasses__(), *OfNumbers.__subclasses__()):
    _kind.__module__ = "sweepstake.boosting"  # their place in stored models
