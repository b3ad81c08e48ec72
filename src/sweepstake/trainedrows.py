"""Trained rows: which rows of a holdout a model has met in training, told by their content.

Another seed or share of the holdout, a longer window or a file with more rows divide the same rows
anew. A model is compared only on those that it was not trained on.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sweepstake.data import parts
from sweepstake.splitting import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from sweepstake.data import Dataset

TELLING = 0.95
"""Share of different rows from which what is left of them without one column still tells them."""


def met(trained: Dataset, features: pd.DataFrame, y: np.ndarray) -> np.ndarray:
    """Whether each row, with its label, is among the training rows of ``trained``.

    ``features`` has the columns of ``trained``. A row that differs in one column alone counts as
    met where the other columns tell rows apart: else a column in another unit would hide all.
    """
    import numpy as np

    names = list(trained.X_train.columns)
    known = _parts(trained.X_train, trained.y_train, names)
    asked = _parts(features, y, names)
    whole = _sum(known), _sum(asked)
    found = np.isin(whole[1], whole[0])
    for one, other in zip(known[1:], asked[1:], strict=True):
        left = whole[0] - one
        if len(np.unique(left)) >= TELLING * len(left):
            found |= np.isin(whole[1] - other, left)
    return found


def problem_of(trained: Dataset, features: pd.DataFrame, classes: tuple[object, ...]) -> str:
    """Why a model of ``trained`` cannot be asked about such rows; empty where it can."""
    for name, column in trained.X_train.items():
        if name not in features.columns:
            return f"the data have no column {str(name)!r} any more, which it was trained on"
        kinds = (column.dtype == "category", features[name].dtype == "category")
        if kinds[0] != kinds[1]:
            was, is_now = ("text" if kind else "numbers" for kind in kinds)
            return f"column {str(name)!r} holds {is_now} now, and held {was} when it was trained"
    if not set(map(str, trained.classes)) & set(map(str, classes)):
        return "it knows none of the labels"
    return ""


def _parts(features: pd.DataFrame, y: np.ndarray, names: list[str]) -> list[np.ndarray]:
    """A number for each row and part, the label first, so that their sum stands for the row."""
    return [_mixed(_labels(y), "label"), *_columns(features, names)]


def _columns(features: pd.DataFrame, names: list[str]) -> Iterator[np.ndarray]:
    for name, (values, known) in zip(names, parts(features[names]), strict=True):
        yield _mixed(words(values, known), f"column {name}")


def _labels(y: np.ndarray) -> np.ndarray:
    """The same for the same label, as text or as a number."""
    import numpy as np

    rows = y if y.ndim == 1 else np.array(["|".join(map(str, row)) for row in y.tolist()])
    labels, codes = np.unique(rows, return_inverse=True)
    return np.array([_number(str(label)) for label in labels.tolist()], dtype="<u8")[codes]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _mixed(numbers: np.ndarray, salt: str) -> np.ndarray:
    """Numbers spread over 64 bits, differently for each salt (SplitMix64's last step)."""
    import numpy as np

    mixed = numbers.astype("<u8") ^ np.uint64(_number(salt))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _sum(parts: list[np.ndarray]) -> np.ndarray:
    import numpy as np

    return np.asarray(np.sum(parts, axis=0, dtype="<u8"))
