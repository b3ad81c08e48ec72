"""Weights of values: which of a parameter's values make a fit cost more, from a few timed fits."""

from __future__ import annotations

from math import log
from statistics import fmean
from typing import TYPE_CHECKING, Any

from sweepstake.gridfile.fit_seconds import is_number, named, weight_of
from sweepstake.training import shared_trees

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sweepstake.domain.spec import EstimatorSpec
    from sweepstake.gridfile.fit_seconds import Axis
    from sweepstake.gridfile.search_space import Product
    from sweepstake.preflight.trial_fits import FitProcess, Outcome

SHARE = 0.02
LEAST_SECONDS = 0.5
"""No fit begins once this share of a product's seconds, or these, are spent on its weights."""
CLEAR_SECONDS = 0.02
"""A fit that takes so long can be told from a longer one."""
STEP = 1.5
"""Times that are nearer to each other than half of this factor may be so by chance."""
MOST_TIMES = 50.0
"""What a value weighs at most beside another; as small a part at least."""
MOST_TREES = 10**9
"""A larger number of trees is weighed as this one."""
MOST_VALUES = 8
"""Words of a parameter beyond these are taken as the average."""


def weigh(
    product: Product,
    base: EstimatorSpec,
    of_rows: Sequence[tuple[int, float]],
    process: FitProcess,
    seconds: float,
) -> dict[str, Axis]:
    """What the values of each axis weigh, one on average, where that can be told in time.

    ``of_rows`` are the seconds of the point ``base`` on growing numbers of rows, ``seconds`` those
    of all trials of the product. One axis at a time is changed from ``base``: words each, of
    numbers the least and the greatest. Trees cost what their number is.
    """
    size = _size_of(base)
    timer = _Timer(process, base, of_rows, max(LEAST_SECONDS, SHARE * seconds))
    found: dict[str, Axis] = {}
    for name, values in product.lists:
        if name == size:
            found[name] = _on_average(
                values, {value: float(min(value, MOST_TREES)) for value in values}
            )
        elif len(values) > 1:
            known = dict(timer.ratios(product, name, values))
            found |= {name: _on_average(values, known)} if len(known) > 1 else {}
    return found


def steady(weights: Mapping[str, Axis], base: EstimatorSpec, seconds: float) -> dict[str, Axis]:
    """The same weights without what is chance, so that trials are ordered alike each time.

    They are in steps, and left out for an axis on which no fit takes long enough to tell. The point
    ``base`` takes ``seconds``.
    """
    found = {}
    for name, axis in weights.items():
        own = weight_of(base.params.get(name), axis)
        if name == _size_of(base):
            found[name] = axis
        elif seconds * max(axis.values()) / own >= CLEAR_SECONDS:
            steps = {value: STEP ** round(log(each / own, STEP)) for value, each in axis.items()}
            found[name] = _normal(steps)
    return found


def _size_of(point: EstimatorSpec) -> str | None:
    """The parameter that is the number of shared trees, if a point shares any."""
    return shared_trees.SIZES.get(point.name) if shared_trees.stem(point) else None


def _on_average(values: Sequence[Any], known: Mapping[Any, float]) -> Axis:
    """The weights of all values of an axis, divided by their mean."""
    return _normal({named(value): weight_of(value, known) for value in values})


def _normal(axis: Axis) -> Axis:
    """Weights of which the mean is one."""
    mean = fmean(axis.values())
    return {name: weight / mean for name, weight in axis.items()}


class _Timer:
    """Times points beside one that was timed, on as few rows as tell them apart."""

    def __init__(
        self,
        process: FitProcess,
        base: EstimatorSpec,
        of_rows: Sequence[tuple[int, float]],
        left: float,
    ) -> None:
        self._process, self._base, self._left = process, base, left
        clear = (each for each in of_rows if each[1] >= CLEAR_SECONDS)
        self._rows, self._seconds = next(clear, of_rows[-1])

    def _time(self, point: EstimatorSpec) -> Outcome:
        outcome = self._process.on_rows(point, self._rows)
        self._left -= outcome.seconds
        return outcome

    def ratios(
        self, product: Product, name: str, values: Sequence[Any]
    ) -> Iterator[tuple[Any, float]]:
        """Values that were timed, by name, and how their seconds compare with the first point's."""
        for value in _telling(values):
            if named(value) == named(self._base.params[name]):
                yield named(value), 1.0
            elif self._seconds <= self._left:
                outcome = self._time(product.point({**self._base.params, name: value}))
                if not outcome.refusal:
                    ratio = outcome.seconds / self._seconds
                    yield named(value), min(max(ratio, 1 / MOST_TIMES), MOST_TIMES)


def _telling(values: Sequence[Any]) -> list[Any]:
    """The values that speak for all: the first words, the least and the greatest number."""
    numbers = sorted(value for value in values if is_number(value))
    words = [value for value in values if not is_number(value)][:MOST_VALUES]
    ends = [numbers[0], *numbers[-1:]] if numbers else []
    return [*words, *dict.fromkeys(ends)]
