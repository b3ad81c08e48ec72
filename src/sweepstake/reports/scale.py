"""A scale: where the values of a parameter stand on an axis, numbers by size, then words."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log10
from typing import TYPE_CHECKING

from sweepstake.errors import printable
from sweepstake.mlflow_client.run_names import clip

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MISSING = "not given"
"""Shown for trials whose classifier is not given the parameter."""
DECADES = 100
"""Positive numbers that are this much apart stand by their logarithms."""
MOST_TICKS = 8
WORD_GAP = 0.16
LONGEST = 22
"""Characters of a label."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The distinct values in their order, and the place of each: numbers from 0 to 1, words on."""

    levels: tuple[str, ...]
    places: Mapping[str, float]
    numeric: bool
    """Whether there are only numbers."""

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Labels that are far enough from each other to be read."""
        words = [level for level in self.levels if number(level) is None]
        numbers = [level for level in self.levels if number(level) is not None]
        kept = (*_apart(numbers, self.places), *words[: 2 * MOST_TICKS])
        return tuple((self.places[level], label(level)) for level in kept)


def scale_of(values: Iterable[str]) -> Scale:
    """The scale of the values of a parameter, as texts."""
    found = set(values)
    numbers = {text: value for text in found if (value := number(text)) is not None}
    ordered = sorted(numbers, key=lambda text: (numbers[text], text))
    words = sorted(found - numbers.keys(), key=lambda text: (text == MISSING, text))
    places = _spaced([numbers[text] for text in ordered])
    gap = WORD_GAP if ordered else 1.0
    first = 1 + gap if ordered else 0.0
    by_word = {word: first + gap * place for place, word in enumerate(words)}
    by_number = dict(zip(ordered, places, strict=True))
    return Scale((*ordered, *words), by_number | by_word, numeric=not words)


def number(text: str) -> float | None:
    """The finite number that a text is, ``None`` for words."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def label(level: str) -> str:
    """A value as a grid file writes it, short enough for an axis."""
    return "null" if level == "None" else clip(printable(level), LONGEST)


def is_log(numbers: Sequence[float]) -> bool:
    """Whether numbers are so far apart that their logarithms are what is even."""
    return bool(numbers) and min(numbers) > 0 and max(numbers) / min(numbers) >= DECADES


def _spaced(numbers: Sequence[float]) -> list[float]:
    """Places from 0 to 1 by size, or by its logarithm."""
    sizes = [log10(each) for each in numbers] if is_log(numbers) else list(numbers)
    low, high = (min(sizes), max(sizes)) if sizes else (0.0, 0.0)
    span = high - low
    if not (span and isfinite(span)):
        return [0.5] * len(sizes)
    return [(each - low) / span for each in sizes]


def _apart(levels: Sequence[str], places: Mapping[str, float]) -> list[str]:
    """The levels whose labels do not run into each other: the ends always, others with room."""
    if not levels:
        return []
    kept, last, room = [levels[0]], levels[-1], 1 / MOST_TICKS
    for level in levels[1:]:
        far = places[level] - places[kept[-1]] >= room
        if level == last or (far and places[last] - places[level] >= room):
            kept.append(level)
    return kept
