"""Column groups: which columns of the data each entry of ``columns`` takes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from sweepstake.errors import DataError, DataFault
from sweepstake.wording.near_misses import did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

NUMBER, TEXT = "type:number", "type:text"
WORDS = {NUMBER: "of numbers", TEXT: "of text"}
SIGNS = "*?["
"""What makes an entry a pattern, where no column has that very name."""
MOST_NAMED = 10


def groups(entries: Sequence[str], features: pd.DataFrame) -> dict[str, list[str]]:
    """The columns of each entry, in the order of the data.

    An entry is a column's name, a pattern, or a type, which takes what names and patterns leave.

    Raises:
        DataError: an entry takes no column, or one that another has; carries all such faults.
    """
    names = [str(name) for name in features.columns]
    found = {entry: _named(entry, names) for entry in entries if entry not in WORDS}
    faults = [*_empty(found, names), *_shared(found)]
    taken = {name for columns in found.values() for name in columns}
    for entry in (entry for entry in entries if entry in WORDS):
        left = [name for name in names if name not in taken]
        found[entry] = [name for name in left if is_text(features[name]) == (entry == TEXT)]
        if not found[entry]:
            faults.append(_fault(entry, f"no column {WORDS[entry]} is left for it. Remove it."))
    if faults:
        raise DataError(*faults)
    return {entry: found[entry] for entry in entries}


def is_text(column: pd.Series) -> bool:
    """Whether a column holds text, truth values or categories, and not numbers."""
    return bool(column.dtype == "category")


def _named(entry: str, names: Sequence[str]) -> list[str]:
    if entry in names or not any(sign in entry for sign in SIGNS):
        return [name for name in names if name == entry]
    return [name for name in names if fnmatchcase(name, entry)]


def _empty(found: Mapping[str, list[str]], names: Sequence[str]) -> Iterator[DataFault]:
    known = f" It has {listed(names[:MOST_NAMED], 'and')}"
    known += f" and {len(names) - MOST_NAMED} more." if len(names) > MOST_NAMED else "."
    for entry, columns in found.items():
        if not columns:
            is_pattern = any(sign in entry for sign in SIGNS)
            rule = "matches no column of the data" if is_pattern else "is no column of the data"
            yield _fault(entry, f"{rule}.{did_you_mean(entry, names) or known}")


def _shared(found: Mapping[str, list[str]]) -> Iterator[DataFault]:
    owner: dict[str, str] = {}
    for entry, columns in found.items():
        for name in columns:
            first = owner.setdefault(name, entry)
            if first != entry:
                message = f"takes the column {name!r}, which the entry {first!r} takes too."
                yield _fault(entry, f"{message} Leave it to one of them.")
                break


def _fault(entry: str, message: str) -> DataFault:
    return DataFault(f"columns.{entry}", message)
