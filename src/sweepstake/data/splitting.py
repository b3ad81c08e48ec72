"""Splitting: which rows are held out.

Messages start with the place in the grid file that has to change: ``data.holdout: ...``.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sweepstake.data.dataset import canonical, parts
from sweepstake.domain.task import are_classes
from sweepstake.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from sweepstake.data.dataset import Table


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

    Where the table has groups, these take the place of the features: the rows of a group have one
    hash, that of the group, and count as the class that most of them have. Where it has times, the
    latest rows are held out, all of one time on one side, and training rows are in their order.

    Raises:
        DataError: no row is left for the holdout.
    """
    import numpy as np

    if table.beside.times is not None:
        return _by_time(table, holdout)
    if table.beside.groups is not None:
        hashes = row_hashes(_as_column(table.beside.groups), seed)
        classes = _usual_class(hashes, _classes(table.y))
    else:
        hashes, classes = row_hashes(table.X, seed), _classes(table.y)
    held = np.zeros(len(hashes), dtype=bool)
    for label in np.unique(classes):
        rows = np.flatnonzero(classes == label)
        held[rows] = _held_out(hashes[rows], holdout)
    if not held.any():
        message = f"a share of {holdout:g} of {len(held)} rows holds no row out. "
        if table.beside.groups is not None:
            message += "No class has two groups: name another column under cv.by, or add groups."
            raise DataError.one(message, "data.holdout")
        message += "No class has two different rows: name another target column, or add rows."
        raise DataError.one(message, "data.holdout")
    _check_held(table, held)
    return np.flatnonzero(~held), np.flatnonzero(held)


def _check_held(table: Table, held: np.ndarray) -> None:
    """See that what groups, times and weights leave to either side can be trained and scored on.

    Raises:
        DataError: a class has no training row, or all rows of a side weigh nothing.
    """
    import numpy as np

    beside = table.beside
    missing = np.setdiff1d(table.y[held], table.y[~held]) if are_classes(table.y) else np.array([])
    if missing.size and beside.by is not None:
        which = "the latest ones" if beside.times is not None else "those of held-out groups"
        message = f"every class needs training rows, but all rows of class {str(missing[0])!r} are "
        message += f"{which}. Lower data.holdout, change seed, or add rows of it."
        raise DataError.one(message, "data.holdout")
    if beside.weights is not None:
        for side, name in ((held, "held-out"), (~held, "training")):
            if not beside.weights[side].any():
                message = f"some {name} row must weigh more than 0, but none does. "
                raise DataError.one(message + "Leave out the rows of weight 0.", "data.weight")


def _classes(y: np.ndarray) -> np.ndarray:
    """The number of each row's class; several labels, and numbers, form one class."""
    import numpy as np

    if not are_classes(y):
        return np.zeros(len(y), dtype=int)
    return np.asarray(np.unique(y, return_inverse=True)[1])


def _usual_class(hashes: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """For each row the class that most rows of its group have, of equals the first."""
    import numpy as np

    groups = np.unique(hashes, return_inverse=True)[1]
    counts = np.zeros((groups.max() + 1, classes.max() + 1), dtype=int)
    np.add.at(counts, (groups, classes), 1)
    return np.asarray(counts.argmax(axis=1)[groups])


def _as_column(groups: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    texts = pd.Categorical(groups) if groups.dtype.kind == "U" else groups
    return pd.DataFrame({"group": texts})


def _by_time(table: Table, holdout: float) -> tuple[np.ndarray, np.ndarray]:
    """The earlier rows in the order of their times, and the latest ones, all of a time together."""
    import numpy as np

    times = np.asarray(table.beside.times)
    if not times.size or times.min() == times.max():
        message = "rows must be of two times or more, but all are of one. "
        raise DataError.one(message + "Name another column.", "cv.by")
    held = _held_out(-times, holdout)
    _check_held(table, held)
    order = np.argsort(times, kind="stable")
    return order[~held[order]], np.flatnonzero(held)


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
