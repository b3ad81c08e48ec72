"""Splitting: which rows are held out, and the folds of cross-validation.

Messages start with the place in the grid file that has to change: ``cv: ...``.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sweepstake.data.dataset import canonical, parts
from sweepstake.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from sweepstake.data.dataset import Table

_TOO_FEW = 2


def split(table: Table, holdout: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the training rows and of the holdout rows, both sorted.

    Sides go by content. Each row gets the 64-bit BLAKE2b hash of its feature values, keyed by
    ``seed``. Within each class, rows are ordered by hash, equal hashes standing together as one
    group, and a group is held out if the middle of its rows lies before the share ``holdout`` of
    the class. The first group is always held out and the last one always trained on; a class with
    one group only is trained on. Multilabel rows form one class.

    So rows that are equal in features and label are never on both sides, the order of the rows in
    the file does not matter, a class with two different rows or more is on both sides, and when
    rows are added a row changes sides only if its hash is near the edge.

    Raises:
        DataError: no row is left for the holdout.
    """
    import numpy as np

    hashes = row_hashes(table.X, seed)
    _, classes = (
        np.unique(table.y, return_inverse=True) if table.y.ndim == 1 else (None, 0 * hashes)
    )
    held = np.zeros(len(hashes), dtype=bool)
    for label in np.unique(classes):
        rows = np.flatnonzero(classes == label)
        held[rows] = _held_out(hashes[rows], holdout)
    if not held.any():
        message = f"a share of {holdout:g} of {len(held)} rows holds no row out."
        message += " No class has two different rows: name another target column, or add rows."
        raise DataError.one(message, "data.holdout")
    return np.flatnonzero(~held), np.flatnonzero(held)


def folds(y_train: np.ndarray, cv: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """``cv`` pairs of positions (train, test) in the training rows, shuffled by ``seed``.

    They are those of scikit-learn's ``StratifiedKFold``, for multilabel of ``KFold``.

    Raises:
        DataError: a class (multilabel: the whole) has fewer training rows than ``cv``.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    _check_rows(y_train, cv)
    kind = StratifiedKFold if y_train.ndim == 1 else KFold
    return list(kind(n_splits=cv, shuffle=True, random_state=seed).split(y_train, y_train))


def _check_rows(y_train: np.ndarray, cv: int) -> None:
    import numpy as np

    if y_train.ndim == 1:
        labels, counts = np.unique(y_train, return_counts=True)
        fewest, who = int(counts.min()), f"class {str(labels[counts.argmin()])!r}"
    else:
        fewest, who = len(y_train), "the data"
    if fewest < cv:
        rows = f"{fewest} training row{'' if fewest == 1 else 's'}"
        lower = "" if fewest < _TOO_FEW else f"Lower cv to {fewest} or less, or a"
        message = f"{who} has {rows}, but cv is {cv}. {lower or 'A'}dd rows of it."
        raise DataError.one(message, "cv")


def _held_out(hashes: np.ndarray, share: float) -> np.ndarray:
    """Which rows of one class are held out."""
    import numpy as np

    _, group, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
    middles = np.cumsum(sizes) - sizes / 2
    held = middles < share * len(hashes)
    held[0] = True
    held[-1] = False
    return held[group]


def row_hashes(features: pd.DataFrame, seed: int) -> np.ndarray:
    """One uint64 per row, the same for equal values whatever the width of their numbers."""
    import numpy as np

    rows = np.empty(features.shape, dtype="<u8")
    for place, (values, known) in enumerate(parts(features)):
        rows[:, place] = words(values, known)
    key = str(seed).encode()
    digests = (hashlib.blake2b(row.tobytes(), digest_size=8, key=key).digest() for row in rows)
    return np.frombuffer(b"".join(digests), dtype="<u8")


def words(values: np.ndarray, known: pd.Index | None) -> np.ndarray:
    """A column as one uint64 per row: the bits of a number, a hash of a text, 0 for no text."""
    import numpy as np

    if known is None:
        return canonical(values.astype("<f8")).view("<u8")
    texts = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in known]
    hashes = np.frombuffer(b"".join([*texts, bytes(8)]), dtype="<u8")
    found: np.ndarray = hashes[values]  # the code of a gap is -1: the last entry
    return found
