"""The figures of steps that compiled code follows without looking, as `tree_values` for trees.

Sparse matrices point by their indices into rows, words of a vectoriser to columns, splines into
their knots. A vectoriser that is told to open files is no model of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: TID253 - as tree_values

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_HASHES = 2**31 - 1
CONTENT = "content"


def sparse(matrix: Any) -> bool:
    """Whether a matrix is in rows, and each of its figures stands in one of its columns."""
    if getattr(matrix, "format", "") != "csr" or matrix.ndim != 2:  # noqa: PLR2004
        return False
    matrix.check_format(full_check=True)
    return matrix.data.dtype.kind in "biuf"


def reads_text(vectorizer: Any) -> bool:
    """Whether a vectoriser takes the texts that it is given, and no files of these names."""
    if vectorizer.input != CONTENT or callable(vectorizer.analyzer):
        return False
    words = getattr(vectorizer, "vocabulary_", None)
    if words is None:
        return True
    places: list[Any] = list(words.values()) if isinstance(words, dict) else [None]
    whole = all(isinstance(place, int | np.integer) for place in places)
    return whole and sorted(map(int, places)) == list(range(len(places)))


def hashes_text(vectorizer: Any) -> bool:
    """Whether a hashing vectoriser has columns for its hashes to fall into."""
    count = vectorizer.n_features
    return isinstance(count, int | np.integer) and 1 <= int(count) <= MOST_HASHES


def spline(found: Any) -> bool:
    """Whether the knots of a spline are ordered, and each basis has its coefficients."""
    knots, figures, degree = found._t, found._c, found.k  # noqa: SLF001 - as the compiled code
    if not isinstance(degree, int) or degree < 0 or knots.ndim != 1 or figures.ndim != 2:  # noqa: PLR2004
        return False
    floats = knots.dtype == figures.dtype == np.float64
    count = len(knots) - degree - 1
    fits = count > degree and figures.shape[0] == count and found.axis == 0
    return floats and fits and np.isfinite(knots).all() and bool((np.diff(knots) >= 0).all())


def agglomerated(found: Any) -> bool:
    """Whether each column belongs to one of the clusters."""
    if not hasattr(found, "labels_"):
        return True
    labels = np.asarray(found.labels_)
    fits = labels.shape == (found.n_features_in_,) and labels.dtype.kind == "i"
    return fits and bool(((labels >= 0) & (labels < found.n_clusters_)).all())


CHECKS: dict[str, Callable[[Any], bool]] = {
    "CountVectorizer": reads_text,
    "HashingVectorizer": lambda found: reads_text(found) and hashes_text(found),
    "BSpline": spline,
    "FeatureAgglomeration": agglomerated,
}
"""By the name of a class."""
