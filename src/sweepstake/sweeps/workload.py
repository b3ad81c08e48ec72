"""The workload of a sweep: which trial comes when, and which of them go into one task."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from sweepstake.sweeps.batches import pack
from sweepstake.training import shared_trees

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from sweepstake.domain.spec import Limits
    from sweepstake.domain.trial import Trial
    from sweepstake.gridfile.search_space import SearchSpace
    from sweepstake.preflight.checks import Preflight

SECONDS_PER_TASK = 30.0
"""Work that a task should have, so that its start-up does not count."""
TRACKING_SECONDS = 0.02
"""What it takes to track and register a trial (see docs/benchmarks.md)."""
TASKS_PER_SWEEP = 200
"""More tasks make Airflow's pages slow and balance the load no better."""


def order(trials: SearchSpace, checked: Preflight, done: Container[int]) -> tuple[int, ...]:
    """The numbers of the trials that are not ``done``, those that take long first.

    Forests that grow from each other come one after the other.
    """
    left = (trials[number] for number in range(len(trials)) if number not in done)
    chains = sorted(shared_trees.chains(left), key=lambda chain: -_seconds(trials, checked, chain))
    return tuple(trial.number for chain in chains for trial in chain)


def ranges(
    trials: SearchSpace, checked: Preflight, numbers: Sequence[int], limits: Limits, slots: int
) -> tuple[tuple[int, int], ...]:
    """First and last position in ``numbers`` of each batch; no chain of forests is cut in two.

    Batches are such that ``slots`` tasks that run at once end together. Where the grid file says
    how many trials a task has, that is obeyed.
    """
    left = [trials[number] for number in numbers]
    chains = (
        [(trial,) for trial in left] if limits.trials_per_task else [*shared_trees.chains(left)]
    )
    packed = pack(
        [_seconds(trials, checked, chain) for chain in chains],
        seconds_per_task=SECONDS_PER_TASK,
        max_tasks=TASKS_PER_SWEEP,
        trials_per_task=limits.trials_per_task,
        workers=slots,
    )
    ends = [0, *accumulate(len(chain) for chain in chains)]
    return tuple((ends[first], ends[last + 1] - 1) for first, last in packed)


def _seconds(trials: SearchSpace, checked: Preflight, chain: Sequence[Trial]) -> float:
    """What the trials of a chain take in all, tracking included."""
    each = checked.trial_seconds[trials.product_of(chain[0].number)]
    return len(chain) * (each * shared_trees.share(chain) + TRACKING_SECONDS)
