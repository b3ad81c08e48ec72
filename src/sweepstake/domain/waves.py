"""Waves: in how many steps a search chooses its trials, and how many in each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.domain.search import Method, Portion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweepstake.domain.search import Search

MOST_WAVES = 16
"""Waves of one sweep: Airflow has the tasks of each, wanted or not."""
STARTUP = 10
"""Points that are drawn before `tpe` learns from them, as Optuna does."""
FACTOR = 3
"""One of so many goes on to the next rung, on so many times as much data."""
MANY_ROWS = 1_000
"""Training rows from which on rungs differ in rows; below, a part of them says too little."""
LEAST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Wave:
    """Trials that are chosen together and then trained; of a rung, on a ``portion`` of the data."""

    trials: int
    portion: Portion | None = None


@dataclass(frozen=True, slots=True)
class Sizes:
    """What waves depend on beside the search.

    ``points`` are those that the search may have, ``slots`` the tasks that run at once, ``rows``
    the training rows and ``least`` how many of them a rung needs for every fold to have each class.
    """

    points: int
    slots: int
    rows: int
    least: int
    folds: int


def waves_of(search: Search, sizes: Sizes) -> tuple[Wave, ...]:
    """The waves of a search that ends neither early nor for want of points."""
    if search.method is Method.TPE:
        return tuple(_tpe(search, sizes))
    if search.method is Method.HALVING:
        return tuple(_rungs(sizes))
    return (Wave(sizes.points),)


def first_of(search: Search, points: int) -> int:
    """How many trials the first wave of `tpe` has."""
    return min(points, max(STARTUP, search.wave or 0))


def _tpe(search: Search, sizes: Sizes) -> Iterator[Wave]:
    first = first_of(search, sizes.points)
    yield Wave(first)
    left = sizes.points - first
    each = search.wave or max(2 * sizes.slots, -(-left // (MOST_WAVES - 1)))
    for begun in range(0, left, each):
        yield Wave(min(each, left - begun))


def _rungs(sizes: Sizes) -> Iterator[Wave]:
    portions = _by_rows(sizes) if sizes.rows >= MANY_ROWS else _by_folds(sizes)
    deepest = 0
    while FACTOR ** (deepest + 1) <= sizes.points:
        deepest += 1
    last = min(deepest, len(portions) - 1)
    for rung, amount in enumerate(reversed(portions[: last + 1])):
        trials = -(-sizes.points // FACTOR**rung)
        yield Wave(trials, None if rung == last else _portion(rung, amount, sizes))


def _by_rows(sizes: Sizes) -> list[int]:
    """Training rows of the rungs, those of the last one first."""
    found = [sizes.rows]
    while found[-1] // FACTOR >= max(LEAST_ROWS, sizes.least):
        found.append(round(sizes.rows / FACTOR ** len(found)))
    return found


def _by_folds(sizes: Sizes) -> list[int]:
    """Folds of the rungs, those of the last one first; a single one only for want of others."""
    found = [sizes.folds]
    while -(-found[-1] // FACTOR) > 1:
        found.append(-(-found[-1] // FACTOR))
    return found if len(found) > 1 else [*found, 1]


def _portion(rung: int, amount: int, sizes: Sizes) -> Portion:
    """The last fit of all, on all rows, is not done for a rung."""
    if sizes.rows >= MANY_ROWS:
        share = amount / sizes.rows * sizes.folds / (sizes.folds + 1)
        return Portion(rung, rows=amount, share=share)
    return Portion(rung, folds=amount, share=amount / (sizes.folds + 1))
