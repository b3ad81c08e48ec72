"""The workload of a sweep: which trial comes when, and which of them go into one task."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from sweepstake.mlflow_client.run_names import naming_of, run_name
from sweepstake.sweeps.batches import pack
from sweepstake.sweeps.plan import Batch
from sweepstake.training import shared_trees

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from sweepstake.domain.spec import Limits
    from sweepstake.domain.trial import Trial
    from sweepstake.gridfile.fit_seconds import FitSeconds
    from sweepstake.gridfile.search_space import SearchSpace

SECONDS_PER_TASK = 30.0
"""Work that a task should have, so that its start-up does not count."""
TRACKING_SECONDS = 0.02
"""What it takes to track and register a trial (see docs/benchmarks.md)."""
TASKS_PER_SWEEP = 200
"""More tasks make Airflow's pages slow and balance the load no better."""


def order(
    trials: SearchSpace, seconds: Sequence[FitSeconds], done: Container[int], first: int = 0
) -> tuple[int, ...]:
    """The numbers of the trials from ``first`` on that are not ``done``, the longest ones first.

    ``seconds`` are those of each product's trials. Ensembles that share trees come one after the
    other.
    """
    left = (trials[number] for number in range(first, len(trials)) if number not in done)
    chains = sorted(
        _chains(trials, left), key=lambda chain: -round(_seconds(trials, seconds, chain), 6)
    )
    return tuple(trial.number for chain in chains for trial in chain)


def ranges(
    trials: SearchSpace,
    seconds: Sequence[FitSeconds],
    numbers: Sequence[int],
    limits: Limits,
    slots: int,
) -> tuple[tuple[int, int], ...]:
    """First and last position in ``numbers`` of each batch; no chain of forests is cut in two.

    Batches are such that ``slots`` tasks that run at once end together. Where the grid file says
    how many trials a task has, that is obeyed.
    """
    left = [trials[number] for number in numbers]
    chains = [(trial,) for trial in left] if limits.trials_per_task else [*_chains(trials, left)]
    packed = pack(
        [_seconds(trials, seconds, chain) for chain in chains],
        seconds_per_task=SECONDS_PER_TASK,
        max_tasks=TASKS_PER_SWEEP,
        trials_per_task=limits.trials_per_task,
        workers=slots,
    )
    ends = [0, *accumulate(len(chain) for chain in chains)]
    return tuple((ends[first], ends[last + 1] - 1) for first, last in packed)


def batches(
    sweep: str,
    trials: SearchSpace,
    numbers: Sequence[int],
    ranges_of_wave: Sequence[tuple[int, int]],
    wave: int = 0,
) -> tuple[Batch, ...]:
    """The batches of a wave, whose trials are at these ranges of ``numbers``."""
    return tuple(
        Batch(sweep, first, last, _label(trials, numbers[first : last + 1]), wave)
        for first, last in ranges_of_wave
    )


def _label(trials: SearchSpace, numbers: Sequence[int]) -> str:
    """A batch's name in Airflow: its trial, or the first and last of them."""
    if len(numbers) == 1:
        return run_name(trials[numbers[0]], naming_of(trials))
    return f"trials {numbers[0]:04d} to {numbers[-1]:04d}"


def _chains(trials: SearchSpace, left: Iterable[Trial]) -> Iterator[tuple[Trial, ...]]:
    """Trials that share trees; each alone where the grid file says that none does."""
    return shared_trees.chains(left) if trials.share else ((trial,) for trial in left)


def _seconds(trials: SearchSpace, seconds: Sequence[FitSeconds], chain: Sequence[Trial]) -> float:
    """What the trials of a chain take in all, tracking included: the largest has all trees."""
    product = seconds[trials.product_of(chain[0].number)]
    portion = chain[0].portion
    part = portion.share if portion else 1.0
    longest = max(product.of(trial.estimator) for trial in chain)
    return longest * part + len(chain) * TRACKING_SECONDS
