"""The time a sweep will take, from a few timed fits."""

from __future__ import annotations

import time
from statistics import fmean
from typing import TYPE_CHECKING

from sweepstake.gridfile.fit_seconds import FitSeconds
from sweepstake.gridfile.search_space import all_products
from sweepstake.preflight.value_weights import weigh

if TYPE_CHECKING:
    from sweepstake.domain.spec import EstimatorSpec, SweepSpec
    from sweepstake.gridfile.search_space import Product
    from sweepstake.preflight.trial_fits import FitProcess

TIMING_SECONDS = 5.0
"""After this time no further point is timed; the others count as the mean of the timed ones."""
LONG_ENOUGH = 1.0
"""Seconds of a fit from which its growth with the rows is taken as steady."""
FIRST_ROWS = 200
GROWTH = 4


def trial_seconds(spec: SweepSpec, process: FitProcess) -> tuple[FitSeconds, ...]:
    """What one trial takes on one core, for each product of the search space.

    The first and the last point of each product are fitted and scored on a growing number of rows,
    until one takes a second or all rows of a fold are used; the line through the last two times is
    drawn out to a whole fold. A trial is one such fit for each fold and one on all training
    rows; by time, folds fit ever more rows. So the estimate is good where time grows with rows, and
    low for kernels on many rows. What values weigh beside each other is told by `value_weights`.
    """
    deadline = time.perf_counter() + TIMING_SECONDS
    timed: list[float | None] = []
    for product in all_products(spec):
        late = bool(timed) and time.perf_counter() > deadline
        timed.append(None if late else _fold_seconds(product, process))
    known = fmean([seconds for seconds in timed if seconds is not None] or [0.0])
    means = [spec.folding.fits_of_first * (known if fold is None else fold) for fold in timed]
    return tuple(
        FitSeconds(mean, weigh(product, process, mean * (spec.search.trials or len(product))))
        for product, mean in zip(all_products(spec), means, strict=True)
    )


def _fold_seconds(product: Product, process: FitProcess) -> float | None:
    """Mean seconds of a product's first and last point on one fold, if they can be fitted."""
    ends = sorted({0, len(product) - 1})
    timed = [_point_seconds(product[end], process) for end in ends]
    fitted = [seconds for seconds in timed if seconds is not None]
    return fmean(fitted) if fitted else None


def _point_seconds(point: EstimatorSpec, process: FitProcess) -> float | None:
    total = process.row_count
    before, count = (0, 0.0), min(FIRST_ROWS, total)
    while True:
        outcome = process.on_rows(point, count)
        seconds = outcome.seconds
        if count == total and outcome.refusal:
            return None
        if count == total or seconds > LONG_ENOUGH:
            slope = max(0.0, seconds - before[1]) / (count - before[0])
            return seconds + slope * (total - count)
        before, count = (count, seconds), min(count * GROWTH, total)
