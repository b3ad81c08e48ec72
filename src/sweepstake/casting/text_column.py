"""The text column: what stands before a vectoriser in a stored pipeline."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin  # noqa: TID253 - as the column cast


class TextColumn(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """One column of text as a list of texts, in which a gap is an empty one.

    scikit-learn's vectorisers refuse rows without text; there are such rows in every real file.
    """

    __module__ = "sweepstake.casting"
    """Its place in stored models, wherever it is defined."""

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any = None) -> TextColumn:  # noqa: ARG002, N803 - scikit-learn's names
        """Nothing is learnt."""
        return self

    def transform(self, X: Any) -> list[str]:  # noqa: N803
        """The texts of a column."""
        return [cell if isinstance(cell, str) else "" for cell in X]
