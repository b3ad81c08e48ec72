"""Checks of the data that warn: nothing here stops a sweep, all of it deserves a look."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from sweepstake.data.dataset import parts
from sweepstake.data.splitting import row_hashes
from sweepstake.domain.task import are_classes, are_numbers
from sweepstake.errors import DataError, DataFault
from sweepstake.training.pipeline import MOST_CATEGORIES
from sweepstake.wording import notation
from sweepstake.wording.near_misses import listed

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    import numpy as np

    from sweepstake.data.dataset import Table

MOST_NAMED = 5
INDEX = re.compile(r"unnamed: ?\d+(_level_\d+)?|index|level_0", re.IGNORECASE)
"""How pandas calls its row numbers."""
KEY = re.compile(r"(.*[_ .-])?(id|uid|uuid|key|nr|row|index)|row.?(number|no)", re.IGNORECASE)
LEAST_ROWS = 30
"""Among fewer rows, chance looks like a leak."""
MOST_ROWS = 10_000
"""Rows that a search for leaks looks at."""
MOST_CELLS = 1_000_000
"""Cells that are sorted together, which takes four times their memory."""
NEARLY_ALL = 0.99
GAP = -1
"""The code of a gap among those of categories."""
FEW_ROWS = 50
MOST_CLASSES = 10
"""Whole numbers of which so many or fewer look like classes."""
LEAST_KNOWN = 0.5
"""Share of the rows in which a copy of the target must have a value to be called one."""
ONE = 1 - 1e-9
"""Beyond it, a column is the target itself, up to unit and offset."""
MANY_DUPLICATES = 0.01
"""Share of the rows; a few equal rows are usual in small data of round numbers."""


def warnings_of(table: Table, split: tuple[np.ndarray, np.ndarray]) -> list[str]:
    """Every warning, as a sentence with the columns it is about.

    ``split`` holds the positions of the training rows and of the holdout rows.
    """
    rows = row_hashes(table.X, 0)
    return [
        *chain(
            _empty(table), _constant(table), _leaks(table), _tellers(table), _names_of_rows(table)
        ),
        *chain(_wide(table), _duplicated(table, rows), _few_numbers(table)),
        *chain(_one_sided(table, *split), _contradicted(table, rows, *split)),
    ]


def _empty(table: Table) -> Iterator[str]:
    names = [name for name, values in _values(table) if _gaps(values).all()]
    if names:
        yield f"{_columns(names)} no value at all. Drop {_them(names)}."


def _constant(table: Table) -> Iterator[str]:
    names = [name for name, values in _values(table) if _is_constant(values)]
    if names:
        yield f"{_columns(names)} the same value in every row. Drop {_them(names)}."


def _is_constant(values: np.ndarray) -> bool:
    return bool((values == values[0]).all()) and not _gaps(values)[0]


def _leaks(table: Table) -> Iterator[str]:
    """A column whose values stand one to one for the labels, as a copy of the target does."""
    import pandas as pd

    if table.y.ndim > 1:
        return
    if are_numbers(table.y):
        names = [
            name for name, values in _values(table) if abs(_correlation(values, table.y)) >= ONE
        ]
        if names:
            yield f"{_columns(names)} the target in another unit. Drop {_them(names)}."
        return
    labels = pd.factorize(table.y)[0]
    names = [name for name, values in _values(table) if _same_parts(values, labels)]
    if names:
        yield f"{_columns(names)} the target under another name. Drop {_them(names)}."


def _correlation(values: np.ndarray, y: np.ndarray) -> float:
    """Pearson's, where both are known; 0 for categories and for columns that are mostly gaps."""
    import numpy as np

    known = ~_gaps(values)
    if values.dtype.kind != "f" or len(y) < LEAST_ROWS or known.mean() < LEAST_KNOWN:
        return 0.0
    some = values[known].astype("float64")
    if some.min() == some.max() or y[known].min() == y[known].max():
        return 0.0
    return float(np.corrcoef(some, y[known])[0, 1])


def check(table: Table) -> None:
    """Refuse what cannot honestly be a feature.

    Raises:
        DataError: a column holds the row numbers that pandas writes beside rows.
    """
    named = ((str(name), values) for name, values in _values(table))
    names = [name for name, values in named if INDEX.fullmatch(name) and _counts(values)]
    faults = [
        DataFault(
            "data.drop",
            f"row numbers are no feature, but {name!r} holds those that pandas writes as "
            f"its index. Add drop: [{notation.name(name)}].",
        )
        for name in names
    ]
    if faults:
        raise DataError(*faults)


def _counts(values: np.ndarray) -> bool:
    """Whether a column counts the rows, from wherever it begins and with rows left out or not."""
    import numpy as np

    return len(values) > 1 and values.dtype.kind == "f" and bool((np.diff(values) >= 1).all())


def _tellers(table: Table) -> Iterator[str]:
    """Columns that alone tell nearly every label, in other ways than one to one."""
    import numpy as np
    import pandas as pd

    if not are_classes(table.y) or len(table.y) < LEAST_ROWS:
        return
    some = np.linspace(0, len(table.y) - 1, min(len(table.y), MOST_ROWS)).astype(int)
    every = pd.factorize(table.y)[0]
    labels = pd.factorize(every[some])[0]
    likely = may_tell(table, some, labels)
    names = [
        name
        for (name, values), may in zip(_values(table), likely, strict=True)
        if may and told_by(values[some], labels) >= NEARLY_ALL and not _same_parts(values, every)
    ]
    if names:
        each = "each" if len(names) > 1 else "alone"
        yield (
            f"{_columns(names)} what {each} tells the target in {NEARLY_ALL:.0%} of the rows or "
            f"more. Drop {_them(names)} unless known before the target is."
        )


def may_tell(table: Table, some: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A look at all columns of plain numbers at once, by which most of a wide table are left out.

    In the order of a number that tells nearly all labels, these change from row to row as often as
    there are more classes than one, and at each of the few other rows twice. Twice of that is let
    pass: a column too many only costs a closer look.
    """
    import numpy as np

    numbers = table.X.select_dtypes("number")
    if len(numbers.columns) < table.X.shape[1]:
        return np.ones(table.X.shape[1], dtype=bool)
    most = labels.max() + 4 * (1 - NEARLY_ALL) * len(labels)
    step = max(1, MOST_CELLS // len(some))
    found = []
    for first in range(0, len(numbers.columns), step):
        values = numbers.iloc[some, first : first + step].to_numpy()
        ordered = labels[np.argsort(values, axis=0, kind="stable")]
        changes = (ordered[1:] != ordered[:-1]).sum(axis=0)
        found.append((changes <= most) | np.isnan(values).any(axis=0))
    return np.concatenate(found)


def told_by(values: np.ndarray, labels: np.ndarray) -> float:
    """The share of rows whose label a column tells: by ranges of a number, or by category."""
    import numpy as np

    known = ~_gaps(values)
    if known.mean() < LEAST_KNOWN:
        return 0.0
    values, labels = values[known], labels[known]
    counts = np.bincount(labels)
    if values.dtype.kind != "f":
        table = np.zeros((int(values.max()) + 1, len(counts)), dtype=int)
        np.add.at(table, (values, labels), 1)
        return (
            float(table.max(axis=1).sum() / len(labels)) if len(table) * 5 <= len(labels) else 0.0
        )
    order = np.argsort(values, kind="stable")
    ranks = np.empty(len(order))
    ranks[order] = np.arange(len(order))
    classes = np.argsort(np.bincount(labels, weights=ranks) / np.maximum(counts, 1))
    guessed = np.repeat(classes, counts[classes])
    distinct = len(np.unique(values))
    return float((guessed == labels[order]).mean()) if distinct > len(counts) else 0.0


def _names_of_rows(table: Table) -> Iterator[str]:
    """Columns with the name of a key and another value in every row."""
    import numpy as np

    names = [
        name
        for name, values in _values(table)
        if KEY.fullmatch(str(name))
        and len(np.unique(values)) == len(values) >= LEAST_ROWS
        and (values.dtype.kind != "f" or bool((values == np.round(values)).all()))
    ]
    if names:
        yield f"{_columns(names)} another value in every row, as keys have. Drop {_them(names)}."


def _same_parts(values: np.ndarray, labels: np.ndarray) -> bool:
    """Whether values and labels stand one to one for each other; a gap now and then hides none."""
    import numpy as np
    import pandas as pd

    known = ~_gaps(values)
    if known.mean() < LEAST_KNOWN or not _may_be_same(values[known], labels[known]):
        return False
    codes, labels = pd.factorize(values[known])[0], pd.factorize(labels[known])[0]
    return bool(np.array_equal(codes, labels)) and labels.max() > 0


def _may_be_same(values: np.ndarray, labels: np.ndarray) -> bool:
    """A look at a few rows, by which most columns of a wide table are left out."""
    first, same = values[:FEW_ROWS], labels[:FEW_ROWS]
    return bool(((first == first[0]) == (same == same[0])).all())


def _values(table: Table) -> Iterator[tuple[Hashable, np.ndarray]]:
    """Each column by name with its numbers, or the codes of its categories."""
    return zip(table.X.columns, (values for values, _ in parts(table.X)), strict=True)


def _gaps(values: np.ndarray) -> np.ndarray:
    """Where there is no value: NaN among numbers, -1 among codes."""
    import numpy as np

    found: np.ndarray = np.isnan(values) if values.dtype.kind == "f" else values == GAP
    return found


def _wide(table: Table) -> Iterator[str]:
    categories = table.X.select_dtypes("category")
    names = [name for name in categories if categories[name].nunique() > MOST_CATEGORIES]
    if names:
        yield (
            f"{_columns(names)} more than {MOST_CATEGORIES} different texts: the rarest share one "
            f"column. Drop {_them(names)} if they only name the rows."
        )


def _duplicated(table: Table, rows: np.ndarray) -> Iterator[str]:
    import pandas as pd

    labels = pd.DataFrame(table.y).assign(rows=rows)
    count = int(labels.duplicated().sum())
    if count >= MANY_DUPLICATES * len(labels):
        yield (
            f"{count:,} of {len(labels):,} rows repeat another row. Equal rows stay on one side of "
            "the holdout, but not of the folds."
        )


def _few_numbers(table: Table) -> Iterator[str]:
    """Numbers to predict that may be classes."""
    import numpy as np

    if table.y.ndim > 1 or not are_numbers(table.y) or len(table.y) < LEAST_ROWS:
        return
    known = np.unique(table.y)
    if len(known) <= MOST_CLASSES and bool((known == np.round(known)).all()):
        yield (
            f"the target holds {len(known)} different whole numbers only, and is predicted as a "
            "number. If these are classes, name a classifier."
        )


def _one_sided(table: Table, train: np.ndarray, holdout: np.ndarray) -> Iterator[str]:
    """Classes of which no row is held out, as all their rows are equal."""
    import numpy as np

    if not are_classes(table.y):
        return
    why, way_out = "its rows are all equal", "Add different rows of it"
    if table.beside.groups is not None:
        why, way_out = "the held-out groups have none", "Change seed, or hold more groups out"
    if table.beside.times is not None:
        why, way_out = "the latest rows have none", "Hold more rows out (data.holdout)"
    for label in np.setdiff1d(table.y[train], table.y[holdout]):
        yield (
            f"class {str(label)!r} has no row in the holdout, as {why}: nothing "
            f"there will tell how well it is found. {way_out}."
        )


def _contradicted(
    table: Table, rows: np.ndarray, train: np.ndarray, holdout: np.ndarray
) -> Iterator[str]:
    """Rows of the holdout that are equal to training rows; then their labels differ."""
    import pandas as pd

    count = int(pd.Series(rows[holdout]).isin(rows[train]).sum())
    if not count or count < MANY_DUPLICATES * len(holdout) or table.y.ndim > 1:
        return
    if table.beside.by is not None:
        yield (
            f"{count:,} of {len(holdout):,} rows of the holdout have the features of training rows "
            "of another group or time: scores there may be too good. Leave out copies of rows."
        )
    else:
        yield (
            f"{count:,} of {len(holdout):,} rows of the holdout are training rows with another "
            "label. Add columns that tell them apart, or fix the labels."
        )


def _columns(names: Sequence[Hashable]) -> str:
    """``columns 'a' and 'b' have``, at most five of them named."""
    named = listed(map(str, names[:MOST_NAMED]), "and")
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"column {named} has" if len(names) == 1 else f"columns {named}{more} have"


def _them(names: Sequence[Hashable]) -> str:
    return "it" if len(names) == 1 else "them"
