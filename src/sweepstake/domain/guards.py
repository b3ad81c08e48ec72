"""Guards: what a new champion must not surely lose, whatever it gains.

A guard is a metric or the recall of every class. It blocks where a loss is sure, not where one is
seen: among ten classes of a hundred rows each, one seems to lose in every fourth model that is
better everywhere. All tests of a decision share its chance of error (Holm, Scand. J. Statist. 6
(1979) 65-70).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sweepstake.domain.paired import UNDEFINED, exact, measure
from sweepstake.domain.spec import EACH_CLASS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from sweepstake.domain.answers import Answers, Pair
    from sweepstake.domain.paired import Gain


@dataclass(frozen=True, slots=True)
class Guarded:
    """One figure that is guarded: what it gains, and the adjusted chance of that loss of equals."""

    name: str
    gain: float
    p: float
    rows: int
    holds: bool = True


def watch(pair: Pair, guards: Sequence[str], confidence: float, seed: int) -> tuple[Guarded, ...]:
    """Every guarded figure, in the order of the guards and then of the classes.

    Raises:
        ValueError: one of them is not defined on these rows.
    """
    found = [each for guard in guards for each in _figures(pair, guard, confidence, seed)]
    adjusted = _holm([each.p for each in found])
    return tuple(
        replace(each, p=p, holds=p > 1 - confidence)
        for each, p in zip(found, adjusted, strict=True)
    )


def _figures(pair: Pair, guard: str, confidence: float, seed: int) -> Iterator[Guarded]:
    """What the champion gains over the finalist is the finalist's loss."""
    if pair.champion is None:
        return
    turned = replace(pair, finalist=pair.champion, champion=pair.finalist)
    if guard == EACH_CLASS:
        for name, champion, finalist in _hits(pair.truth, pair.champion, pair.finalist):
            yield _guarded(f"recall of {name}", exact(champion, finalist, confidence))
        return
    try:
        yield _guarded(guard, measure(turned, guard, confidence, seed))
    except UNDEFINED as error:
        message = f"{guard}: {error}"
        raise ValueError(message) from error


def _guarded(name: str, loss: Gain) -> Guarded:
    return Guarded(name, -loss.gain, loss.p, loss.rows)


def _hits(truth: np.ndarray, *sides: Answers) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """For each class, or each label of several: its name, and which of its rows each side finds."""
    import numpy as np

    if truth.ndim == 1:
        for label in np.unique(truth):
            rows = truth == label
            champion, finalist = (each.predicted[rows] == label for each in sides)
            yield repr(label.item()), champion, finalist
    else:
        for column, rows in enumerate(truth.T == 1):
            champion, finalist = (each.predicted[rows, column] == 1 for each in sides)
            if rows.any():
                yield f"label {column}", champion, finalist


def _holm(chances: Sequence[float]) -> list[float]:
    """Holm's adjusted chances, in the order given."""
    adjusted, worst = [1.0] * len(chances), 0.0
    for rank, place in enumerate(sorted(range(len(chances)), key=lambda at: chances[at])):
        worst = max(worst, min(1.0, (len(chances) - rank) * chances[place]))
        adjusted[place] = worst
    return adjusted
