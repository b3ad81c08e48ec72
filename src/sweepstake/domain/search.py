"""The search: ranges of numbers, and how points of the search space are chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from ``low`` to ``high``, both included; whole ones if both bounds are whole.

    ``log`` spreads them evenly by their logarithms. With ``step`` only every such number counts,
    from ``low`` on; it ends at ``high``.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers only."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def count(self) -> int | None:
        """How many numbers it holds; ``None`` where they lie as close as numbers can."""
        step = self.step or (1 if self.whole else None)
        if step is None:
            return 1 if self.low == self.high else None
        return round((self.high - self.low) / step) + 1

    def at(self, position: int) -> float:
        """The number at a position, from 0, of a range that has a count."""
        value = self.low + position * (self.step or 1)
        return int(value) if self.whole else min(_short(value), float(self.high))

    def nearest(self, value: float) -> float:
        """The number of a range that has a count which lies nearest."""
        position = round((value - self.low) / (self.step or 1))
        return self.at(min(max(position, 0), (self.count or 1) - 1))

    def share(self, part: float) -> float:
        """The number that lies ``part`` of the way, from 0 to below 1, in the order of the range.

        Numbers between others are rounded, so that people can read and copy them.
        """
        if self.count is not None and not self.log:
            return self.at(int(part * self.count))
        if not self.log:
            return self.rounded(self.low + part * (self.high - self.low))
        half = 0.5 if self.whole else 0.0  # so that the first and the last one get their full part
        low, high = math.log(self.low - half), math.log(self.high + half)
        value = math.exp(low + part * (high - low))
        return round(min(max(value, self.low), self.high)) if self.whole else self.rounded(value)

    def rounded(self, value: float) -> float:
        """A number within the bounds, to six digits of itself or of the range's width."""
        width = min(abs(value), self.high - self.low)
        digits = 5 - math.floor(math.log10(width)) if width else 0
        short = round(value, digits) if width else value
        return float(min(max(short, self.low), self.high))


def _short(value: float) -> float:
    """A sum of steps without the last digits, in which floats are wrong."""
    return float(f"{value:.12g}")


class Method(StrEnum):
    """How points are chosen."""

    GRID = "grid"
    """Every point."""
    RANDOM = "random"
    """Points drawn evenly, whatever came of others."""
    HALVING = "halving"
    """Many points on a part of the data, the best third of them on three times as much."""
    TPE = "tpe"
    """Points near the good ones so far: Optuna's sampler."""


@dataclass(frozen=True, slots=True)
class Stop:
    """When a search ends before its trials are used up."""

    target: float | None = None
    """A score that is good enough."""
    patience: int | None = None
    """Waves in a row that bring no better score."""


@dataclass(frozen=True, slots=True)
class Search:
    """How the points of a search space are chosen, and what that may cost."""

    method: Method = Method.GRID
    trials: int | None = None
    """How many points; ``None`` is all of them."""
    max_time: float | None = None
    """Seconds after which no trial begins."""
    seed: int | None = None
    """Of the draws; ``None`` is the sweep's own."""
    stop: Stop = field(default_factory=Stop)
    wave: int | None = None
    """Trials that are chosen together; ``None`` is twice as many as run at once."""


@dataclass(frozen=True, slots=True)
class Portion:
    """The part of the training data that a trial is scored on before the last rung."""

    rung: int
    """From 0."""
    rows: int | None = None
    """Training rows; ``None`` is all."""
    folds: int | None = None
    """Folds that are fitted; ``None`` is all."""
    share: float = 1.0
    """Its part of the work of a whole trial."""

    @property
    def words(self) -> str:
        """``160 training rows`` or ``2 of the folds``."""
        return f"{self.rows:,} training rows" if self.rows else f"{self.folds} of the folds"
