"""Rows kept back: those of a fit that say when to stop, and that no tree is grown on."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np  # noqa: TID253 - whoever fits or asks a booster has it

SHARE = 0.1
"""Of the rows that are fitted, as scikit-learn's ``validation_fraction`` has it."""


def by_chance(y: np.ndarray, seed: int, *, classes: bool) -> np.ndarray:
    """A mask of shape (n,) of rows to keep back: each class in its share, of numbers any.

    Raises:
        ValueError: a class has a single row, or there are too few rows.
    """
    from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

    kinds = len(np.unique(y)) if classes else 1
    count = max(ceil(SHARE * len(y)), kinds)
    if len(y) - count < kinds or (classes and np.unique(y, return_counts=True)[1].min() < 2):  # noqa: PLR2004
        message = "early_stopping_rounds keeps back a tenth of the rows of each class, but a class "
        message += "has a single row. Add rows, or leave it out."
        raise ValueError(message)
    splitter: Any = StratifiedShuffleSplit if classes else ShuffleSplit
    _, chosen = next(splitter(1, test_size=count, random_state=seed).split(y, y))
    return _mask(chosen, len(y))


def by_group(groups: np.ndarray, seed: int) -> np.ndarray:
    """A mask of rows to keep back: a tenth of the groups, one at least, each of them whole.

    Raises:
        ValueError: there is one group alone.
    """
    from sklearn.model_selection import GroupShuffleSplit

    count = len(np.unique(groups))
    if count < 2:  # noqa: PLR2004
        message = "early_stopping_rounds keeps back whole groups, but the rows are of one group. "
        raise ValueError(message + "Leave it out, or add groups.")
    splitter = GroupShuffleSplit(1, test_size=ceil(SHARE * count), random_state=seed)
    _, chosen = next(splitter.split(groups, groups=groups))
    return _mask(chosen, len(groups))


def by_time(count: int) -> np.ndarray:
    """A mask of rows to keep back, of rows in the order of their times: the last tenth."""
    return np.arange(count) >= count - ceil(SHARE * count)


def _mask(chosen: np.ndarray, count: int) -> np.ndarray:
    found = np.zeros(count, dtype=bool)
    found[chosen] = True
    return found
