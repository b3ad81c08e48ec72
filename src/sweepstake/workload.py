"""The workload of a sweep: which trial comes when, and which of them go into one task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweepstake.batching import pack

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from sweepstake.preflight import Preflight
    from sweepstake.space import SearchSpace
    from sweepstake.spec import Limits

SECONDS_PER_TASK = 30.0
"""Work that a task should have, so that its start-up does not count."""
TRACKING_SECONDS = 0.1
"""What it takes to track and register a trial (see docs/benchmarks.md)."""
TASKS_PER_SWEEP = 200
"""More tasks make Airflow's pages slow and balance the load no better."""


def order(trials: SearchSpace, checked: Preflight, done: Container[int]) -> tuple[int, ...]:
    """The numbers of the trials that are not ``done``, those that take long first."""
    left = (number for number in range(len(trials)) if number not in done)
    return tuple(sorted(left, key=lambda number: -_cost(trials, checked, number)))


def ranges(
    trials: SearchSpace, checked: Preflight, numbers: Sequence[int], limits: Limits
) -> tuple[tuple[int, int], ...]:
    """First and last position in ``numbers`` of each batch."""
    return pack(
        [_cost(trials, checked, number) for number in numbers],
        seconds_per_task=SECONDS_PER_TASK,
        max_tasks=TASKS_PER_SWEEP,
        trials_per_task=limits.trials_per_task,
    )


def _cost(trials: SearchSpace, checked: Preflight, number: int) -> float:
    return checked.trial_seconds[trials.product_of(number)] + TRACKING_SECONDS
