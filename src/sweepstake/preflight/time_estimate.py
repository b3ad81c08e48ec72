"""The time a sweep will take, from a few timed fits."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from sweepstake.gridfile.fit_seconds import FitSeconds
from sweepstake.gridfile.search_space import all_products
from sweepstake.preflight.value_weights import steady, weigh

if TYPE_CHECKING:
    from sweepstake.domain.spec import EstimatorSpec, SweepSpec
    from sweepstake.gridfile.search_space import Product
    from sweepstake.preflight.trial_fits import FitProcess

TIMING_SECONDS = 5.0
"""After this time no further product is timed; the others count as the mean of the timed ones."""
LONG_ENOUGH = 1.0
"""Seconds of a fit from which its growth with the rows is taken as steady."""
FIRST_ROWS = 200
GROWTH = 4


@dataclass(frozen=True, slots=True)
class Timing:
    """The seconds of one point on growing numbers of rows, where it is fitted, and on a fold."""

    point: EstimatorSpec
    of_rows: tuple[tuple[int, float], ...]
    of_fold: float


def trial_seconds(spec: SweepSpec, process: FitProcess) -> tuple[FitSeconds, ...]:
    """What the trials of each product of the search space take on one core.

    The first point of each product, the last if it is refused, is fitted and scored on a growing
    number of rows, until that takes a second or all rows of a fold are used; the line through the
    last two times is drawn out to a whole fold. A trial is one such fit for each fold and one on
    all training rows; by time, folds fit ever more rows. So the estimate is good where time grows
    with rows, and low for kernels on many rows. What the other points take is told by
    `value_weights`.
    """
    deadline = time.perf_counter() + TIMING_SECONDS
    fits, timed = spec.folding.fits_of_first, list[FitSeconds | None]()
    for product in all_products(spec):
        timing = None
        if not timed or time.perf_counter() <= deadline:
            timing = _timing(product, process)
        points = spec.search.trials or len(product)
        timed.append(_of_product(product, timing, process, fits, points) if timing else None)
    known = fmean([seconds.mean for seconds in timed if seconds is not None] or [0.0])
    return tuple(FitSeconds(known) if seconds is None else seconds for seconds in timed)


def _of_product(
    product: Product, timing: Timing, process: FitProcess, fits: float, points: int
) -> FitSeconds:
    """The seconds of a product's trials, from those of one point and what values weigh."""
    seconds = fits * timing.of_fold
    weights = weigh(product, timing.point, timing.of_rows, process, seconds * points)
    mean = seconds / FitSeconds(1.0, weights).of(timing.point)
    return FitSeconds(mean, steady(weights, timing.point, timing.of_fold))


def _timing(product: Product, process: FitProcess) -> Timing | None:
    """The timing of the first or the last point, if one of them can be fitted."""
    for end in sorted({0, len(product) - 1}):
        if timing := _of_point(product[end], process):
            return timing
    return None


def _of_point(point: EstimatorSpec, process: FitProcess) -> Timing | None:
    total = process.row_count
    before, count = (0, 0.0), min(FIRST_ROWS, total)
    known: tuple[tuple[int, float], ...] = ()
    while True:
        outcome = process.on_rows(point, count)
        seconds = outcome.seconds
        known = known if outcome.refusal else (*known, (count, seconds))
        if count == total and outcome.refusal:
            return None
        if count == total or seconds > LONG_ENOUGH:
            slope = max(0.0, seconds - before[1]) / (count - before[0])
            return Timing(point, known or ((count, seconds),), seconds + slope * (total - count))
        before, count = (count, seconds), min(count * GROWTH, total)
