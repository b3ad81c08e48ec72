"""Cells: what one cell of a row is to a column of a model.

A model's folder holds a copy of this file: of Sweepstake it needs `numerals` alone.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from math import isfinite, isnan
from numbers import Real
from typing import Any, NamedTuple

import numpy as np  # noqa: TID253 - as `casting`
import pandas as pd  # noqa: TID253

from sweepstake.casting.numerals import Numerals, Rules

TRUTHS = {"true": "True", "false": "False"}
"""How a truth value is written, in lower case, and the text that it is to a model."""
LONGEST = 40
"""Characters of a value that a message quotes."""


class Rule(NamedTuple):
    """What the cells of a column must be, and the way out for one that is not."""

    cells: str
    way_out: str


NUMBERS = Rule("numbers", "Send a number, or null for a gap.")
FINITE = Rule("finite numbers", "Send a smaller number, or null for a gap.")
TEXT_RULE = Rule("text", "Send text, or null for a gap.")
TRUTHS_RULE = Rule("truth values", "Send true, false, or null for a gap.")


class UnfitCellError(ValueError):
    """A cell that cannot be of its column's kind."""

    def __init__(self, rule: Rule, row: int, cell: Any) -> None:
        fault = f"must hold {rule.cells}, but row {row + 1} holds {quoted(cell)}."
        super().__init__(f"{fault} {rule.way_out}")


class Words:
    """What text means where it stands in a cell."""

    def __init__(self, rules: Rules | None) -> None:
        self._numerals = Numerals(rules) if rules else None
        self._plain = rules is None or rules.decimal == "."

    @property
    def gaps(self) -> frozenset[float]:
        """Numbers that count as gaps."""
        return self._numerals.gaps if self._numerals else frozenset()

    def is_gap(self, text: str) -> bool:
        """Whether a cell with this text is a gap."""
        return self._numerals is not None and self._numerals.is_gap(text)

    def number(self, text: str) -> float | None:
        """The number that a text is, if it is one; infinite where no float holds it."""
        plain = _number_in(text) if self._plain else None
        return self._numerals.number(text) if plain is None and self._numerals else plain


@lru_cache(maxsize=64)
def words_of(rules: str) -> Words:
    """What text means by ``rules``, which are JSON or empty."""
    if not rules:
        return Words(None)
    decimal, thousands, percent, units, missing = json.loads(rules)
    return Words(Rules(decimal, thousands, percent, tuple(units), tuple(missing)))


def number_of(cell: Any, row: int, words: Words) -> float:
    """A cell as a number, NaN for a gap; infinite where it is too large.

    Raises:
        UnfitCellError: it is none.
    """
    if is_gap(cell, words):
        return np.nan
    found = None
    if isinstance(cell, str):
        found = words.number(cell)
    elif isinstance(cell, np.bool_) or _is_number(cell):
        try:
            found = float(cell)
        except OverflowError:
            found = np.inf
    if found is None:
        raise UnfitCellError(NUMBERS, row, cell)
    return found


def _number_in(text: str) -> float | None:
    """The finite number that a text is, if it is one."""
    if "_" in text:  # Python's own spelling
        return None
    try:
        found = float(text)
    except ValueError:
        return None
    return found if isfinite(found) else None


def _is_number(cell: Any) -> bool:
    return isinstance(cell, (Real, Decimal))


def is_finite(number: float | None) -> bool:
    """Whether it is a number that a float holds."""
    return number is not None and isfinite(number)


def is_gap(cell: Any, words: Words) -> bool:
    """Whether a cell holds no value."""
    if isinstance(cell, str):
        return words.is_gap(cell)
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    if isinstance(cell, (float, np.floating, Decimal)) and isnan(cell):
        return True
    return _is_number(cell) and not isinstance(cell, bool) and cell in words.gaps


def text_of(cell: Any, spelled: Truths | Texts, codes: np.ndarray, code: int) -> str | None:
    """The text of a cell, ``None`` for a gap; ``codes`` say in which rows it stands.

    Raises:
        UnfitCellError: it can be none.
    """
    if is_gap(cell, spelled.words):
        return None
    try:
        return spelled.text(cell)
    except (OverflowError, TypeError, ValueError):  # infinite, a date
        row = int((codes == code).argmax())
        raise UnfitCellError(spelled.rule, row, cell) from None


class Texts:
    """Cells as the text that they were in training."""

    rule = TEXT_RULE

    def __init__(self, words: Words, written: tuple[str, ...] = ()) -> None:
        self.words = words
        self._written = frozenset(written)
        self._by_value: dict[float | None, list[str]] = {}
        for text in written:
            self._by_value.setdefault(words.number(text), []).append(text)

    def text(self, cell: Any) -> str:
        """The text of a cell that is no gap.

        A number is written as training had it: in whole, with a fraction, or with leading zeros.
        """
        if isinstance(cell, str):
            return str(cell)
        if isinstance(cell, (bool, np.bool_)):
            return str(bool(cell))
        if not _is_number(cell):
            raise TypeError
        short = str(int(cell)) if cell == int(cell) else str(cell)
        forms = [str(cell), short, *self._forms(cell)]
        return next((form for form in forms if form in self._written), short)

    def _forms(self, cell: Any) -> list[str]:
        found = self._by_value.get(float(cell), [])
        return found if len(found) == 1 else []


class Truths:
    """Cells as ``True`` and ``False``."""

    rule = TRUTHS_RULE

    def __init__(self, words: Words) -> None:
        self.words = words

    def text(self, cell: Any) -> str:
        """The truth value of a cell that is no gap; other text is a value of its own."""
        if isinstance(cell, str):
            return TRUTHS.get(cell.strip().lower(), str(cell))
        if isinstance(cell, (bool, np.bool_)) or (_is_number(cell) and cell in (0, 1)):
            return str(bool(cell))
        return Texts(self.words).text(cell)


def quoted(value: Any) -> str:
    """A value as a message shows it."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
