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

    from sweepstake.domain.spec import CsvSpec


BLANKS = " \u00a0\u2007\u2009\u202f"
"""The signs that stand for a blank between groups of digits."""
GROUPS = ("", ",", ".", " ", "'", "_")
_MONEY = (
    r"[A-Z]{0,2}[$\u00a2-\u00a5\u0e3f\u20a0-\u20c0\ufe69\uff04]|[A-Z]{3}"
    r"|(?:kr|Rs|Fr|Ft|K\u010d|z\u0142|\u0440\u0443\u0431|\u043b\u0432)\.?"
)
"""Signs of currencies, their codes, and what else stands before amounts."""
_WORD = r"\u00b0?[^\W\d_]{1,12}\.?(?:/[^\W\d_]{1,6})?[\u00b2\u00b3]?|[\u00b0\u2030+]"
_QUANTITY = re.compile(
    rf"[-+\u2212]?(?P<before>{_MONEY})?[-+\u2212{BLANKS}]*+"
    rf"(?P<amount>[0-9.,'\u2019{BLANKS}]*+)(?P<after>{_MONEY}|{_WORD})?"
)
_RANKS = {"st", "nd", "rd", "th"}
"""What follows the number of a rank, as in 3rd, which is no amount."""
_LEAST_AMOUNTS = 3
"""Of two texts, categories say as much as numbers; what follows both may be part of a name."""
_MOST_DIGITS = 400
"""Of a whole number; no float has more."""
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
        self._has_units = bool(spec.units)
        found = (self.number(text) for text in self._missing)
        self.gaps = frozenset(number for number in found if number is not None)
        """Numbers that count as gaps, as -999 may."""

    def is_gap(self, text: str) -> bool:
        """Whether a cell counts as a gap, blanks around it left aside."""
        return text.strip() in self._missing

    def number(self, text: str) -> float | None:
        """The number that a text is, if it is one; infinite where no float holds it."""
        found = self._written.fullmatch(text.strip())
        if not found:
            return None
        digits = _digits(found)
        fraction, exponent = found["fraction"] or "", found["exponent"] or ""
        sign = "-" if found["sign"] in {"-", "\u2212"} else ""
        value = float(f"{sign}{digits or 0}.{fraction or 0}{exponent}")
        return value / 100 if found["percent"] else value

    def whole(self, text: str) -> int | None:
        """The whole number that a text is, with every digit of it."""
        found = self._written.fullmatch(text.strip())
        if not found or found["exponent"] or found["percent"] or not _is_whole(found):
            return None
        digits = _digits(found).lstrip("0")[:_MOST_DIGITS]
        return int(digits or 0) * (-1 if found["sign"] in {"-", "\u2212"} else 1)

    def unit(self, text: str) -> str:
        """The unit that stands beside a number, empty where there is none."""
        found = self._written.fullmatch(text.strip()) if self._has_units else None
        places = ("before", "between", "after")
        return next((found[place] for place in places if found[place]), "") if found else ""


def _is_whole(found: re.Match[str]) -> bool:
    return not (found["fraction"] or "").strip("0")


def _digits(found: re.Match[str]) -> str:
    return "".join(sign for sign in found["whole"] if sign.isdecimal())


def _pattern(spec: CsvSpec | Rules) -> str:
    """What a number looks like; blanks are never given back, or long rows of them take minutes."""
    group = f"[{re.escape(BLANKS)}]" if spec.thousands == " " else re.escape(spec.thousands)
    if spec.thousands == "'":
        group = "['\u2019]"
    digits = "[0-9]+"
    if group:
        digits = f"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{2,3}})*{group}[0-9]{{3}}|[0-9]+"
    units = "|".join(map(re.escape, spec.units))
    before, between, after = (
        f"(?P<{name}>{units})?" if units else "" for name in ("before", "between", "after")
    )
    percent = "(?P<percent>\\s*+%)?" if spec.percent else "(?P<percent>(?!))?"
    decimal = re.escape(spec.decimal)
    body = f"(?P<whole>{digits}|(?={decimal}[0-9]))(?:{decimal}(?P<fraction>[0-9]*))?"
    return (
        f"{before}\\s*+(?P<sign>[-+\u2212])?\\s*+{between}\\s*+{body}"
        f"(?P<exponent>[eE][-+]?[0-9]{{1,4}})?{percent}\\s*+{after}"
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
    groups = [each for each in GROUPS if not each or each in whole or each in " '"]
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
        if (group or spec.thousands) != decimal
    ]
    ordered = sorted(changes, key=lambda change: (len(change), "decimal" in change))
    return iter(ordered)
