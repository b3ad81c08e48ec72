"""Folding: how the training rows are divided into folds, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FoldKind(StrEnum):
    """What the folds of a cross-validation keep to; the holdout keeps to the same."""

    STRATIFIED = "stratified"
    """Every fold has each class in its share; of numbers to predict, rows by chance."""
    GROUP = "group"
    """No group has rows on both sides."""
    TIME = "time"
    """No row is trained on that is later than those it is scored on."""
    REPEATED = "repeated"
    """As stratified, several times, each time divided anew."""


@dataclass(frozen=True, slots=True)
class Folding:
    """The folds of a sweep: ``count`` of them, for each of ``repeats`` divisions by ``seed``."""

    count: int
    seed: int
    kind: FoldKind = FoldKind.STRATIFIED
    repeats: int = 1

    @property
    def fits(self) -> int:
        """How many folds are fitted and scored."""
        return self.count * self.repeats

    @property
    def fits_of_first(self) -> int:
        """How many times the training rows of the first fold a trial fits, the refit included.

        By time a fold trains on all that is before it: the second on twice the rows of the first.
        """
        if self.kind is FoldKind.TIME:
            return (self.count + 1) * (self.count + 2) // 2
        return self.fits + 1

    @property
    def tested_share(self) -> float:
        """Rows that a fold is scored on, as a share of those that it trains on; by time a mean."""
        if self.kind is FoldKind.TIME:
            return sum(1 / fold for fold in range(1, self.count + 1)) / self.count
        return 1 / (self.count - 1)

    @property
    def told(self) -> str:
        """In words, the number alone where the folds are the usual ones.

        >>> Folding(5, 0).told, Folding(5, 0, FoldKind.GROUP).told
        ('5', '5 by group')
        """
        words = {FoldKind.STRATIFIED: "", FoldKind.REPEATED: f", {self.repeats} times"}
        return f"{self.count}{words.get(self.kind, f' by {self.kind}')}"
