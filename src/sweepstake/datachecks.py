"""Checks of the data that warn: nothing here stops a sweep, all of it deserves a look."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from sweepstake.nearmiss import listed
from sweepstake.pipeline import MOST_CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    import numpy as np
    import pandas as pd

    from sweepstake.data import Table

MOST_NAMED = 5
LEAST_KNOWN = 0.5
"""Share of the rows in which a copy of the target must have a value to be called one."""
MANY_DUPLICATES = 0.01
"""Share of the rows; a few equal rows are usual in small data of round numbers."""


def warnings_of(table: Table, split: tuple[np.ndarray, np.ndarray]) -> list[str]:
    """Every warning, as a sentence with the columns it is about.

    ``split`` holds the positions of the training rows and of the holdout rows.
    """
    return [
        *chain(_empty(table), _constant(table), _leaks(table), _wide(table), _duplicated(table)),
        *chain(_one_sided(table, *split), _contradicted(table, *split)),
    ]


def _empty(table: Table) -> Iterator[str]:
    names = [name for name, column in table.X.items() if column.isna().all()]
    if names:
        yield f"{_columns(names)} no value at all. Drop {_them(names)}."


def _constant(table: Table) -> Iterator[str]:
    names = [name for name, column in table.X.items() if len(column.unique()) == 1]
    names = [name for name in names if not table.X[name].isna().all()]
    if names:
        yield f"{_columns(names)} the same value in every row. Drop {_them(names)}."


def _leaks(table: Table) -> Iterator[str]:
    """A column whose values stand one to one for the labels, as a copy of the target does."""
    import pandas as pd

    if table.y.ndim > 1:
        return
    labels = pd.factorize(table.y)[0]
    names = [name for name, column in table.X.items() if _same_parts(column, labels)]
    if names:
        yield f"{_columns(names)} the target under another name. Drop {_them(names)}."


def _same_parts(column: pd.Series, labels: np.ndarray) -> bool:
    """Whether values and labels stand one to one for each other; a gap now and then hides none."""
    import numpy as np
    import pandas as pd

    known = column.notna().to_numpy()
    if known.mean() < LEAST_KNOWN:
        return False
    values, labels = pd.factorize(column[known])[0], pd.factorize(labels[known])[0]
    return bool(np.array_equal(values, labels)) and labels.max() > 0


def _wide(table: Table) -> Iterator[str]:
    categories = table.X.select_dtypes("category")
    names = [name for name in categories if categories[name].nunique() > MOST_CATEGORIES]
    if names:
        yield (
            f"{_columns(names)} more than {MOST_CATEGORIES} different texts: the rarest share one "
            f"column. Drop {_them(names)} if they only name the rows."
        )


def _duplicated(table: Table) -> Iterator[str]:
    import pandas as pd

    labels = pd.DataFrame(table.y).add_prefix("label ")
    count = int(pd.concat([table.X.reset_index(drop=True), labels], axis=1).duplicated().sum())
    if count >= MANY_DUPLICATES * len(labels):
        yield (
            f"{count:,} of {len(labels):,} rows repeat another row. Equal rows stay on one side of "
            "the holdout, but not of the folds."
        )


def _one_sided(table: Table, train: np.ndarray, holdout: np.ndarray) -> Iterator[str]:
    """Classes of which no row is held out, as all their rows are equal."""
    import numpy as np

    if table.y.ndim > 1:
        return
    for label in np.setdiff1d(table.y[train], table.y[holdout]):
        yield (
            f"class {str(label)!r} has no row in the holdout, as its rows are all equal: nothing "
            "there will tell how well it is found. Add different rows of it."
        )


def _contradicted(table: Table, train: np.ndarray, holdout: np.ndarray) -> Iterator[str]:
    """Rows of the holdout that are equal to training rows; then their labels differ."""
    import pandas as pd

    rows = pd.util.hash_pandas_object(table.X, index=False).to_numpy()
    count = int(pd.Series(rows[holdout]).isin(rows[train]).sum())
    if count >= MANY_DUPLICATES * len(holdout) and table.y.ndim == 1 and count:
        yield (
            f"{count:,} of {len(holdout):,} rows of the holdout are training rows with another "
            "label. Add columns that tell them apart, or mend the labels."
        )


def _columns(names: Sequence[Hashable]) -> str:
    """``columns 'a' and 'b' have``, at most five of them named."""
    named = listed(map(str, names[:MOST_NAMED]), "and")
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"column {named} has" if len(names) == 1 else f"columns {named}{more} have"


def _them(names: Sequence[Hashable]) -> str:
    return "it" if len(names) == 1 else "them"
