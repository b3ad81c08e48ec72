"""Batching: trials that one task trains, one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SMALLEST = 1 / 10
"""The last batches are no smaller than this part of ``seconds_per_task``."""
_GROWTH = 1.25
START_SECONDS = 1.0
"""What it takes to start one more task: less work than that is done sooner by one."""


def pack(
    costs: Sequence[float],
    seconds_per_task: float,
    max_tasks: int,
    trials_per_task: int | None = None,
    *,
    workers: int = 2,
) -> tuple[tuple[int, int], ...]:
    """Cut trials into contiguous ranges ``(first, last)``, both inclusive; none for no trials.

    ``costs`` are the expected seconds of each trial. A batch gets a ``workers``-th of what is left,
    but at most ``seconds_per_task`` and at least a tenth of it, so that batches shrink towards
    the end and parallel workers end together: guided self-scheduling, Polychronopoulos and Kuck,
    IEEE Transactions on Computers C-36 (1987) 1425-1439. A trial that costs more stands alone.
    Little work is cut, too: into a batch for each worker, or as many as take longer than to start
    a task. ``trials_per_task`` sets the size instead. Batches grow as needed to be ``max_tasks`` at
    most.
    """
    if trials_per_task:
        size = max(trials_per_task, -(-len(costs) // max_tasks))
        starts = range(0, len(costs), size)
        return tuple((first, min(first + size, len(costs)) - 1) for first in starts)
    largest = seconds_per_task
    each = sum(costs) / max(1, min(workers, int(sum(costs) / START_SECONDS)))
    ranges = _guided(costs, (largest * _SMALLEST, largest), workers, each)
    while len(ranges) > max_tasks:
        largest, each = largest * _GROWTH, each * _GROWTH
        ranges = _guided(costs, (largest * _SMALLEST, largest), workers, each)
    return ranges


def _guided(
    costs: Sequence[float], bounds: tuple[float, float], workers: int, each: float
) -> tuple[tuple[int, int], ...]:
    """Batches between two bounds; the lower one is no more than ``each`` worker's part."""
    smallest, largest = min(bounds[0], each), bounds[1]
    ranges = []
    first, left = 0, sum(costs)
    while first < len(costs):
        last, cost = _fill(costs, first, max(min(left / workers, largest), smallest))
        ranges.append((first, last))
        first, left = last + 1, left - cost
    return tuple(ranges)


def _fill(costs: Sequence[float], first: int, share: float) -> tuple[int, float]:
    """The last trial of a batch that starts at ``first``, and the cost nearest to ``share``.

    It is beyond the share by no more than half of what a task takes to start.
    """
    last, cost = first, costs[first]
    while last + 1 < len(costs):
        following = costs[last + 1]
        if cost + following > share + min(following, START_SECONDS) / 2:
            break
        last, cost = last + 1, cost + following
    return last, cost
