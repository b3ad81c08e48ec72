"""Folds: which training rows a trial is fitted on, and which it is scored on, time after time.

Messages start with the place in the grid file that has to change: ``cv: ...``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.domain.folding import Folding, FoldKind
from sweepstake.domain.task import are_classes
from sweepstake.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from sweepstake.data.beside import Beside

_TOO_FEW = 2
COUNT = "cv.folds"
"""Where a grid file gives the number of folds whose kind it names."""

Pairs = list[tuple["np.ndarray", "np.ndarray"]]


def folds(y_train: np.ndarray, cv: int, seed: int) -> Pairs:
    """``cv`` pairs of positions (train, test) in the training rows, shuffled by ``seed``.

    They are those of scikit-learn's ``StratifiedKFold``, for multilabel of ``KFold``.

    Raises:
        DataError: a class (multilabel: the whole) has fewer training rows than ``cv``.
    """
    return divided(y_train, Folding(cv, seed))


def divided(y_train: np.ndarray, folding: Folding, beside: Beside | None = None) -> Pairs:
    """Pairs of positions (train, test) in the training rows, one for each fold.

    They are those of scikit-learn's ``StratifiedKFold``, ``StratifiedGroupKFold`` or
    ``RepeatedStratifiedKFold``, shuffled by the seed; without classes (several labels, or numbers)
    of ``KFold``, ``GroupKFold`` or ``RepeatedKFold``; by time of ``TimeSeriesSplit``, on rows in
    their order.

    Raises:
        DataError: there are too few rows, groups or times, or a fold lacks a class.
    """
    by = beside.by if beside else None
    if folding.kind is FoldKind.GROUP:
        _check_groups(by, folding.count)
    elif folding.kind is FoldKind.TIME:
        _check_count(len(y_train), folding.count)
    else:
        _check_rows(y_train, folding)
    splitter = _splitter(folding, are_stratified=are_classes(y_train))
    by_group = {"groups": by} if folding.kind is FoldKind.GROUP else {}
    pairs = list(splitter.split(y_train, y_train, **by_group))
    if folding.kind in {FoldKind.GROUP, FoldKind.TIME}:
        _check_classes(y_train, pairs)
    if beside is not None and beside.weights is not None:
        _check_weights(beside.weights, pairs)
    return pairs


def _splitter(folding: Folding, *, are_stratified: bool) -> Any:
    from sklearn import model_selection as sklearn

    count, seed = folding.count, folding.seed
    if folding.kind is FoldKind.TIME:
        return sklearn.TimeSeriesSplit(count)
    if folding.kind is FoldKind.GROUP:
        kind = sklearn.StratifiedGroupKFold if are_stratified else sklearn.GroupKFold
        return kind(n_splits=count, shuffle=True, random_state=seed)
    if folding.kind is FoldKind.REPEATED:
        kind = sklearn.RepeatedStratifiedKFold if are_stratified else sklearn.RepeatedKFold
        return kind(n_splits=count, n_repeats=folding.repeats, random_state=seed)
    kind = sklearn.StratifiedKFold if are_stratified else sklearn.KFold
    return kind(n_splits=count, shuffle=True, random_state=seed)


def _check_rows(y_train: np.ndarray, folding: Folding) -> None:
    import numpy as np

    if are_classes(y_train):
        labels, counts = np.unique(y_train, return_counts=True)
        fewest, who = int(counts.min()), f"class {str(labels[counts.argmin()])!r}"
    else:
        fewest, who = len(y_train), "the data"
    if fewest < folding.count:
        place = "cv" if folding.kind is FoldKind.STRATIFIED else COUNT
        rows = f"{fewest} training row{'' if fewest == 1 else 's'}"
        lower = "" if fewest < _TOO_FEW else f"Lower {place} to {fewest} or less, or a"
        message = f"{who} has {rows}, but {place} is {folding.count}. {lower or 'A'}dd rows of it."
        raise DataError.one(message, place)


def _check_count(rows: int, count: int) -> None:
    """By time there is one part more than folds: the first is trained on only."""
    if rows <= count:
        message = f"there must be more training rows than folds, but {rows} rows are for {count} "
        raise DataError.one(message + "folds. Lower cv.folds, or add rows.", COUNT)


def _check_groups(groups: np.ndarray | None, count: int) -> None:
    import numpy as np

    known = len(np.unique(groups)) if groups is not None else 0
    if known < count:
        groups_of = f"{known} group{'' if known == 1 else 's'}"
        message = f"there must be as many groups as folds, but the training rows have {groups_of} "
        message += f"and cv.folds is {count}. "
        lower = "" if known < _TOO_FEW else f"Lower it to {known} or less, or a"
        message += f"{lower or 'A'}dd groups."
        raise DataError.one(message, COUNT)


def _check_classes(y_train: np.ndarray, pairs: Pairs) -> None:
    """Every fold must have each class on both sides: else it is learnt or scored as if not there.

    Raises:
        DataError: the first fold that has not.
    """
    import numpy as np

    if not are_classes(y_train):
        return
    labels = np.unique(y_train)
    for number, sides in enumerate(pairs, 1):
        for rows, does in zip(sides, ("trained on", "scored on"), strict=True):
            missing = np.setdiff1d(labels, y_train[rows])
            if missing.size:
                message = "every fold must have each class on both sides, but no row of class "
                message += f"{str(missing[0])!r} is {does} in fold {number} of {len(pairs)}. "
                raise DataError.one(message + "Lower cv.folds, or add rows of it.", COUNT)


def _check_weights(weights: np.ndarray, pairs: Pairs) -> None:
    """Rows that weigh nothing fit and score nothing.

    Raises:
        DataError: all rows of a fold do.
    """
    for number, sides in enumerate(pairs, 1):
        for rows, does in zip(sides, ("trained on", "scored on"), strict=True):
            if not weights[rows].any():
                message = f"some row of every fold must weigh more than 0, but all that are {does} "
                message += f"in fold {number} of {len(pairs)} weigh 0. Leave out rows of weight 0, "
                raise DataError.one(message + "or lower the number of folds.", "data.weight")
