"""Trained rows: which rows of a holdout a model has met in training, told by their content.

Another seed or share of the holdout, a longer window or a file with more rows divide the same rows
again. A model is compared only on those that it was not trained on.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sweepstake.data.dataset import parts
from sweepstake.data.splitting import words

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from sweepstake.data.dataset import Dataset

MOST_CELLS = 10_000_000
"""Of columns that are looked at together: eight bytes each, several times."""
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
    whole = known.sum(axis=0), asked.sum(axis=0)
    found = np.isin(whole[1], whole[0])
    step = max(1, MOST_CELLS // known.shape[1])
    for first in range(1, len(known), step):
        some = slice(first, first + step)
        found |= _met_without(whole[0] - known[some], whole[1] - asked[some])
    return found


def _met_without(known: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Whether what is left of each asked row (columns, rows) is known where it tells rows apart."""
    import numpy as np

    ordered = np.sort(known, axis=1)
    different = 1 + (ordered[:, 1:] != ordered[:, :-1]).sum(axis=1)
    tells = different >= TELLING * known.shape[1]
    apart = _mixed(np.arange(len(known)), "place")[:, None]  # as if each column had its rows
    return np.asarray(np.isin((asked ^ apart)[tells], (known ^ apart)[tells]).any(axis=0))


def problem_of(trained: Dataset, features: pd.DataFrame, classes: tuple[object, ...]) -> str:
    """Why a model of ``trained`` cannot be asked about such rows; empty where it can."""
    present = features.dtypes.to_dict()
    for name, kind in trained.X_train.dtypes.items():
        if name not in present:
            return f"the data have no column {str(name)!r} any more, which it was trained on"
        kinds = (kind == "category", present[name] == "category")
        if kinds[0] != kinds[1]:
            was, is_now = ("text" if kind else "numbers" for kind in kinds)
            return f"column {str(name)!r} holds {is_now} now, and held {was} when it was trained"
    if bool(trained.classes) != bool(classes):
        return "one of both predicts classes, the other numbers"
    if classes and not set(map(str, trained.classes)) & set(map(str, classes)):
        return "it knows none of the labels"
    return ""


def _parts(features: pd.DataFrame, y: np.ndarray, names: list[str]) -> np.ndarray:
    """A number for each part and row, the label first, so that their sum stands for the row."""
    import numpy as np

    found = np.empty((1 + len(names), len(y)), dtype="<u8")
    found[0] = _mixed(_labels(y), "label")
    for place, (values, known) in enumerate(parts(features[names]), start=1):
        found[place] = _mixed(words(values, known), f"column {names[place - 1]}")
    return found


def _labels(y: np.ndarray) -> np.ndarray:
    """A number for each label, equal for one label written as text and as a number."""
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
