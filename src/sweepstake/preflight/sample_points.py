"""Probes: the few points of a product whose fits speak for all of them.

What scikit-learn refuses only when it fits depends on choices (solver with penalty) and on extreme
numbers (``nu``), hardly on the numbers between. So each combination of choices is one probe, all
numbers of an axis being one choice, and the least and the greatest number of each axis another.
Where one of these is refused, every number of its axis is probed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product as combinations
from typing import TYPE_CHECKING, Any

from sweepstake.gridfile.fit_seconds import is_number
from sweepstake.gridfile.search_space import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sweepstake.domain.spec import EstimatorSpec
    from sweepstake.gridfile.search_space import Product

NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Probe:
    """A point to try; ``pinned`` says which others it speaks for: parameter name -> choice."""

    estimator: EstimatorSpec
    pinned: Mapping[str, str]

    def speaks_for(self, point: EstimatorSpec) -> bool:
        """Whether ``point``, of the same product, makes the same choices."""
        return all(
            choice in {_choice(point.params[name]), canonical(point.params[name])}
            for name, choice in self.pinned.items()
        )


def choices(product: Product) -> Iterator[Probe]:
    """A probe for each combination of choices."""
    names = [name for name, _ in product.lists]
    for chosen in combinations(*(_representatives(values) for _, values in product.lists)):
        point = dict(zip(names, chosen, strict=True))
        yield Probe(product.point(point), {name: _choice(value) for name, value in point.items()})


def numbers(product: Product, sound: EstimatorSpec) -> Iterator[list[tuple[Probe, bool]]]:
    """For each axis with numbers a probe of each but that of ``sound``; the rest is as there.

    They come with whether it is the least or the greatest number, in the order of numbers.
    """
    for name, values in product.lists:
        told = sorted(filter(is_number, values))
        left = [value for value in told if value != sound.params[name]]
        points = [product.point({**sound.params, name: value}) for value in left]
        yield [
            (Probe(point, {name: canonical(value)}), value in {told[0], told[-1]})
            for value, point in zip(left, points, strict=True)
        ]


def other_numbers(product: Product, probe: Probe) -> Iterator[EstimatorSpec]:
    """The probe's choices with the least and with the greatest numbers, where these are others."""
    for end in (min, max):
        point = dict(probe.estimator.params)
        for name, values in product.lists:
            if is_number(point[name]):
                point[name] = end(value for value in values if is_number(value))
        if point != probe.estimator.params:
            yield product.point(point)


def _choice(value: Any) -> str:
    return NUMBER if is_number(value) else canonical(value)


def _representatives(values: Sequence[Any]) -> list[Any]:
    """The first value of each choice."""
    first: dict[str, Any] = {}
    for value in values:
        first.setdefault(_choice(value), value)
    return list(first.values())
