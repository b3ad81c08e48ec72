"""Checks of cells that warn: what stands in them may mean something else than it is read as."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from sweepstake.data.dataset import parts
from sweepstake.domain.spec import MISSING
from sweepstake.wording.near_misses import alike

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    import numpy as np

    from sweepstake.data.dataset import Table

CODE = re.compile(r"0\d+")
SIGNS_OF_GAPS = re.compile(
    r"|[?*:\u2026\u2013\u2014]|\.{1,3}|-{1,3}|k\.? ?a\.?|\\n|\((null|blank|none|missing)\)|"
    r"#(ref!|value!|div/0!|name\?|num!)|n\.a\.?|n/d",
    re.IGNORECASE,
)
"""Text that stands for a gap in many files; databases and spreadsheets write some of it."""
MINUSES = ("-", "\u2013", "\u2014")
NUMBERS_OF_GAPS = {-9, -99, -999, -9999, -99999, 99, 999, 9999, 99999}
LEAST_GAPS = 3
GAPS = 0.01
"""Share of the rows that have such a number at the least: otherwise it is an outlier."""
FIRST_YEAR, LAST_YEAR, MONTHS, DAYS = 1900, 2100, 12, 31
LEAST_DATES = 3
"""Fewer different numbers look like dates by chance."""


def warnings_of(table: Table) -> list[str]:
    """Every warning, as a sentence with the column that it is about."""
    return [
        *chain(_codes(table), _spellings(table), _blanks(table), _signs(table), _labels(table)),
        *chain(_numbers_of_gaps(table), _dates(table)),
    ]


def _codes(table: Table) -> Iterator[str]:
    """Whole numbers with leading zeros, which are text: frames for predictions need it as well."""
    for name, known in _categories(table):
        codes = [text for text in known if CODE.fullmatch(text)]
        if codes and all(text.isdecimal() for text in known):
            yield (
                f"column {str(name)!r} holds codes with leading zeros, such as {codes[0]!r}: they "
                f"are text. Send them as text for predictions too."
            )


def _spellings(table: Table) -> Iterator[str]:
    """Categories that differ in case or blanks only."""
    for name, known in _categories(table):
        seen: dict[str, str] = {}
        for text in known:
            first = seen.setdefault(alike(text), text)
            if first != text:
                yield (
                    f"column {str(name)!r} writes one value in two ways, {first!r} and {text!r}: "
                    "they are two categories. Write them alike."
                )
                break


def _blanks(table: Table) -> Iterator[str]:
    """Categories and labels that begin or end with a blank, as after the comma of ``a, b``."""
    for name, known in _categories(table):
        if padded := _padded(known):
            yield (
                f"column {str(name)!r} holds text with blanks around it, such as {padded!r}: send "
                "it so for predictions too, or take the blanks out of the file."
            )
    are_texts = table.y.ndim == 1 and table.y.dtype.kind == "U"
    if padded := _padded(sorted(set(table.y.tolist()))) if are_texts else "":
        yield (
            f"the target holds labels with blanks around them, such as {padded!r}: models answer "
            "so. Take the blanks out of the file."
        )


def _padded(texts: list[str]) -> str:
    """A text with blanks around it that another check does not tell of."""
    known = set(texts)
    padded = (text for text in texts if text != text.strip() and text.strip() not in known)
    return next((text for text in padded if not _is_sign(text)), "")


def _signs(table: Table) -> Iterator[str]:
    """Categories that stand for a gap in many files."""
    for name, known in _categories(table):
        sign = _sign(known)
        if sign is not None:
            count = int((table.X[name] == sign).sum())
            yield (
                f"column {str(name)!r} holds {sign!r} in {_rows(count)}: it is a category of its "
                "own. If it is a gap, name it under data.csv.missing, or leave such cells empty."
            )


def _labels(table: Table) -> Iterator[str]:
    """A class that is the lack of a label in many files."""
    import numpy as np

    if table.y.ndim == 1 and table.y.dtype.kind == "U":
        known, counts = np.unique(table.y, return_counts=True)
        sign = _sign(known.tolist())
        if sign is not None:
            count = int(counts[known.tolist().index(sign)])
            yield (
                f"{_rows(count)} of the target {'has' if count == 1 else 'have'} the label "
                f"{sign!r}: it is a class of its own. If they have no label, remove them."
            )


def _sign(texts: list[str]) -> str | None:
    """The first text that stands for a gap; a minus beside a plus is none."""
    left_out = MINUSES if "+" in texts else ()
    signs = (text for text in texts if _is_sign(text))
    return next((sign for sign in signs if sign.strip() not in left_out), None)


def _is_sign(text: str) -> bool:
    bare = text.strip()
    return bare in MISSING or bool(SIGNS_OF_GAPS.fullmatch(bare))


def _numbers_of_gaps(table: Table) -> Iterator[str]:
    """Numbers such as -999 that are far from all others, and there often."""
    for name, numbers in _numbers(table):
        found = _far_number(numbers)
        if found is not None:
            rest = numbers[numbers != found]
            yield (
                f"column {str(name)!r} holds {found} in {_rows(int((numbers == found).sum()))}, "
                f"and else {rest.min():g} to {rest.max():g}: it is read as a number. If it is a "
                "gap, name it under data.csv.missing, or leave such cells empty."
            )


def _far_number(numbers: np.ndarray) -> int | None:
    """One of `NUMBERS_OF_GAPS`, further from the others than they are from each other."""
    import numpy as np

    for number in NUMBERS_OF_GAPS & {numbers.min(), numbers.max()}:
        rest = numbers[numbers != number]
        often = len(numbers) - len(rest) >= max(LEAST_GAPS, GAPS * len(numbers))
        if len(rest) and often and np.abs(rest - number).min() > np.ptp(rest) > 0:
            return int(number)
    return None


def _dates(table: Table) -> Iterator[str]:
    """Dates that are written as whole numbers: 20240115, 20240115103000, or 202401."""
    import numpy as np

    for name, numbers in _numbers(table):
        for whole in (numbers, numbers // 1_000_000, numbers * 100 + 1):
            years, months, days = whole // 10_000, whole % 10_000 // 100, whole % 100
            if _are_dates(years, months, days) and len(np.unique(numbers)) >= LEAST_DATES:
                yield (
                    f"column {str(name)!r} holds dates as whole numbers, such as {numbers[0]:.0f}: "
                    "to a model they are amounts that jump after each month. Convert them to "
                    "days since the first of them, or drop them."
                )


def _are_dates(years: np.ndarray, months: np.ndarray, days: np.ndarray) -> bool:
    import numpy as np

    ranges = ((years, FIRST_YEAR, LAST_YEAR), (months, 1, MONTHS), (days, 1, DAYS))
    return all(
        part.min() >= low and part.max() <= high and bool((part == np.floor(part)).all())
        for part, low, high in ranges
    )


def _categories(table: Table) -> Iterator[tuple[Hashable, list[str]]]:
    for name in table.X.select_dtypes("category"):
        yield name, list(table.X[name].cat.categories)


def _numbers(table: Table) -> Iterator[tuple[Hashable, np.ndarray]]:
    """The columns of numbers that may stand for something else by their extremes, without gaps."""
    import numpy as np

    for name, (values, known) in zip(table.X.columns, parts(table.X), strict=True):
        if known is None:
            low, high = np.fmin.reduce(values), np.fmax.reduce(values)
            if low >= 100 * FIRST_YEAR or not NUMBERS_OF_GAPS.isdisjoint((low, high)):
                yield name, values[~np.isnan(values)]


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
