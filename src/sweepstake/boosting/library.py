"""Library: what an estimator needs of the package that fits it, the same for all three."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

MODULES = {"catboost": "catboost_fits", "lightgbm": "lightgbm_fits", "xgboost": "xgboost_fits"}


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of shape (n, features), floats or a sparse matrix in rows, with targets and weights.

    ``y`` has shape (n,): numbers, or classes as 0 to k - 1. ``weights`` of ``None`` weigh the same.
    """

    X: Any
    y: np.ndarray
    weights: np.ndarray | None = None

    def take(self, chosen: np.ndarray) -> Rows:
        """The rows that a mask of shape (n,) has."""
        weights = None if self.weights is None else self.weights[chosen]
        return Rows(self.X[chosen], self.y[chosen], weights)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit makes: the library's model, its rounds, and its own metric after each of them.

    ``validation`` is that on the rows kept back, empty where none are.
    """

    model: Any
    rounds: int
    train: Sequence[float]
    validation: Sequence[float] = ()


class Library(Protocol):
    """A package that boosts trees. It uses one thread, tells nothing and writes nothing."""

    ENDING: str
    """Of its model file's name."""

    def fit(
        self, kind: str, params: Mapping[str, Any], rows: Rows, kept: Rows | None, stop: int
    ) -> Fitted:
        """Fit a ``kind`` of the package's classes; with ``kept`` rows until they gain no more.

        ``stop`` is how many rounds may pass without a gain; the model has the best rounds alone.

        Raises:
            ValueError: the package refuses parameters or rows.
        """

    def defaults(self, kind: str) -> Mapping[str, Any]:
        """The parameters of a class with their defaults."""

    def written(self, model: Any) -> bytes:
        """The model in the package's own format."""

    def read(self, kind: str, content: bytes) -> Any:
        """The model that ``written`` wrote.

        Raises:
            ValueError: it is none.
        """

    def numbers(self, model: Any, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's names
        """What a regressor predicts, of shape (n,)."""

    def codes(self, model: Any, X: Any) -> np.ndarray:  # noqa: N803
        """What a classifier predicts, as 0 to k - 1, of shape (n,)."""

    def probabilities(self, model: Any, X: Any) -> np.ndarray:  # noqa: N803
        """Probabilities of shape (n, k)."""

    def importances(self, model: Any) -> np.ndarray:
        """What each feature counts, of shape (features,)."""


def library_of(package: str) -> Library:
    """The library of a package's name, which is imported when it is first used."""
    found: Any = import_module(f"sweepstake.boosting.{MODULES[package]}")
    library: Library = found
    return library


def first_line(error: Exception) -> str:
    """What a library says, without the place in its own source and the calls that led there.

    >>> first_line(ValueError("[04:07:12] /src/objective.cc:29: Unknown objective: a"))
    'Unknown objective: a'
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    words = lines[0].split(": ")
    own = [word for word in words if not word.startswith("[") and not _is_place(word)]
    return ": ".join(own) or lines[0]


def _is_place(word: str) -> bool:
    return " " not in word and (".cc" in word or ".cpp" in word or ".h:" in word)
