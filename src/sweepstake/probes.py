"""Probes: the few points of a product whose fits speak for all of them.

What scikit-learn refuses only when it fits depends on choices (solver with penalty) and on extreme
numbers (``nu``), hardly on the numbers between. So each combination of choices is one probe, all
numbers of an axis being one choice, and the least and the greatest number of each axis another.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product as combinations
from numbers import Real
from typing import TYPE_CHECKING, Any

from sweepstake.space import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sweepstake.space import Product
    from sweepstake.spec import EstimatorSpec

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
    names = [name for name, _ in product.axes]
    for chosen in combinations(*(_representatives(values) for _, values in product.axes)):
        point = dict(zip(names, chosen, strict=True))
        yield Probe(product.point(point), {name: _choice(value) for name, value in point.items()})


def extremes(product: Product, sound: EstimatorSpec) -> Iterator[Probe]:
    """A probe for the least and the greatest number of each axis; the rest is as in ``sound``."""
    for name, values in product.axes:
        numbers = [value for value in values if _is_number(value)]
        for value in sorted({min(numbers), max(numbers)} - {numbers[0]}) if numbers else ():
            point = {**sound.params, name: value}
            yield Probe(product.point(point), {name: canonical(value)})


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _choice(value: Any) -> str:
    return NUMBER if _is_number(value) else canonical(value)


def _representatives(values: Sequence[Any]) -> list[Any]:
    """The first value of each choice."""
    first: dict[str, Any] = {}
    for value in values:
        first.setdefault(_choice(value), value)
    return list(first.values())
