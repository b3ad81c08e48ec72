"""Numerals: numbers in text, however a file writes them.

What is written otherwise than the grid file says is recognised, so that the way out can be told.
A model's folder holds a copy of this file: it needs nothing of Sweepstake.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sweepstake.spec import CsvSpec


BLANKS = " \u00a0\u2007\u2009\u202f"
"""The signs that stand for a blank between groups of digits."""
GROUPS = ("", ",", ".", " ", "'", "_")
_MONEY = r"[$\u00a2-\u00a5\u0e3f\u20a0-\u20c0\ufe69\uff04]|[A-Z]{3}"
"""Signs of currencies, and their codes."""
_WORD = r"\u00b0?[^\W\d_]{1,12}(?:/[^\W\d_]{1,6})?[\u00b2\u00b3]?"
_QUANTITY = re.compile(
    rf"[-+\u2212]?(?P<before>{_MONEY})?[-+\u2212{BLANKS}]*+"
    rf"(?P<amount>[0-9.,'\u2019{BLANKS}]*+)(?P<after>{_MONEY}|{_WORD})?"
)
_RANKS = {"st", "nd", "rd", "th"}
"""What follows the number of a rank, as in 3rd, which is no amount."""
_LEAST_AMOUNTS = 3
"""Of two texts, categories say as much as numbers; what follows both may be part of a name."""
_MOST_TRIED = 200
"""Different texts by which a way of writing is recognised."""


class Rules(NamedTuple):
    """How numbers and gaps are written in text; the part of `CsvSpec` that cells depend on."""

    decimal: str
    thousands: str
    percent: bool
    units: tuple[str, ...]
    missing: tuple[str, ...]

    @classmethod
    def of(cls, spec: CsvSpec) -> Rules:
        """The rules by which the cells of a file are read."""
        return cls(spec.decimal, spec.thousands, spec.percent, spec.units, spec.missing)


class Numerals:
    """The numbers of a file whose text is written as ``spec`` says."""

    def __init__(self, spec: CsvSpec | Rules) -> None:
        self._missing = {"", *(text.strip() for text in spec.missing)}
        self._written = re.compile(_pattern(spec))

    def is_gap(self, text: str) -> bool:
        """Whether a cell counts as a gap, blanks around it left aside."""
        return text.strip() in self._missing

    def number(self, text: str) -> float | None:
        """The number that a text is, if it is one; infinite where no float holds it."""
        found = self._written.fullmatch(text.strip())
        if not found:
            return None
        digits = "".join(sign for sign in found["whole"] if sign.isdecimal())
        fraction, exponent = found["fraction"] or "", found["exponent"] or ""
        sign = "-" if found["sign"] in {"-", "\u2212"} else ""
        value = float(f"{sign}{digits or 0}.{fraction or 0}{exponent}")
        return value / 100 if found["percent"] else value


def _pattern(spec: CsvSpec | Rules) -> str:
    """What a number looks like; blanks are never given back, or long rows of them take minutes."""
    group = f"[{re.escape(BLANKS)}]" if spec.thousands == " " else re.escape(spec.thousands)
    if spec.thousands == "'":
        group = "['\u2019]"
    digits = "[0-9]+"
    if group:
        digits = f"[0-9]{{1,3}}(?:{group}[0-9]{{2,3}})*{group}[0-9]{{3}}|[0-9]+"
    units = "|".join(map(re.escape, spec.units))
    unit = f"(?:{units})?" if units else ""
    percent = "(?P<percent>\\s*+%)?" if spec.percent else "(?P<percent>(?!))?"
    decimal = re.escape(spec.decimal)
    body = f"(?P<whole>{digits}|(?={decimal}[0-9]))(?:{decimal}(?P<fraction>[0-9]*))?"
    return (
        f"{unit}\\s*+(?P<sign>[-+\u2212])?\\s*+{unit}\\s*+{body}"
        f"(?P<exponent>[eE][-+]?[0-9]{{1,4}})?{percent}\\s*+{unit}"
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """How texts could be read as numbers.

    ``options`` are what the grid file has to say; ``others`` are the texts that stay none.
    """

    options: dict[str, Any]
    others: tuple[str, ...]


def best_reading(texts: Sequence[str], spec: CsvSpec) -> Reading:
    """The way of writing by which most texts are numbers, of equal ones the nearest to ``spec``."""
    some = texts[:_MOST_TRIED]
    best: tuple[int, dict[str, Any]] = (0, {})
    for options in _ways(some, spec):
        numerals = Numerals(replace(spec, **options))
        count = sum(numerals.number(text) is not None for text in some)
        if count > best[0]:
            best = (count, options)
    numerals = Numerals(replace(spec, **best[1]))
    others = (text for text in texts if numerals.number(text) is None)
    return Reading(best[1], tuple(others))


def _unit(texts: Iterable[str]) -> Iterator[str]:
    """The unit that most amounts have; of several, no number tells how much of another it is."""
    amounts = filter(None, (_QUANTITY.fullmatch(text.strip()) for text in texts))
    counts = Counter(
        found["before"] or found["after"]
        for found in amounts
        if any(map(str.isdecimal, found["amount"])) and (found["before"] or found["after"])
    )
    for unit, count in counts.most_common(1):
        if re.fullmatch(_MONEY, unit) or (unit not in _RANKS and count >= _LEAST_AMOUNTS):
            yield unit


def _ways(texts: Sequence[str], spec: CsvSpec) -> Iterator[dict[str, Any]]:
    """Ways to write numbers, those with fewer differences from ``spec`` first."""
    whole = "".join(texts)
    units = tuple(sorted({*spec.units, *_unit(texts)}))
    groups = [each for each in GROUPS if not each or each in whole or each == " "]
    decimals = [each for each in (".", ",") if each in whole or each == spec.decimal]
    changes = [
        {
            **({"decimal": decimal} if decimal != spec.decimal else {}),
            **({"thousands": group} if group and group != spec.thousands else {}),
            **({"percent": True} if percent and not spec.percent else {}),
            **({"units": unit} if unit != spec.units else {}),
        }
        for group, decimal, percent, unit in product(
            groups, decimals, (False, True) if "%" in whole else (False,), {spec.units: 0, units: 0}
        )
        if group != decimal
    ]
    ordered = sorted(changes, key=lambda change: (len(change), "decimal" in change))
    return iter(ordered)
