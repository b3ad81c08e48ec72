"""Seconds of fits: what the trials of a product take, on average and by their values."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, log, prod
from numbers import Real
from typing import TYPE_CHECKING, Any

from sweepstake.gridfile.search_space import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.domain.spec import EstimatorSpec

    Axis = Mapping[Any, float]
    """The weights of a parameter's values, by how these are `named`."""

GREATEST = 1e300
"""Numbers beyond it are taken for it, so that their differences are numbers too."""


@dataclass(frozen=True, slots=True)
class FitSeconds:
    """What a trial of one product takes on one core.

    ``mean`` is in seconds. ``weights`` say of a parameter what its values cost beside each other;
    they are one on average. A value that is not among them is taken as it lies between the least
    and the greatest number of them, or as the average.
    """

    mean: float
    weights: Mapping[str, Axis] = field(default_factory=dict)

    def of(self, point: EstimatorSpec) -> float:
        """The seconds of a trial at this point."""
        params = point.params
        return self.mean * prod(
            weight_of(params.get(n), known) for n, known in self.weights.items()
        )

    def record(self) -> dict[str, Any]:
        """As JSON: weights are pairs, as their names may be numbers."""
        weights = {name: list(known.items()) for name, known in self.weights.items()}
        return {"mean": self.mean, "weights": weights}

    @classmethod
    def of_record(cls, record: float | Mapping[str, Any]) -> FitSeconds:
        """Read what `record` wrote, or the mean alone of earlier releases."""
        if isinstance(record, int | float):
            return cls(float(record))
        return cls(record["mean"], {n: dict(known) for n, known in record["weights"].items()})


def named(value: Any) -> Any:
    """A value of a parameter as weights name it: a number as it is, all else by its text."""
    return value if is_number(value) else canonical(value)


def is_number(value: Any) -> bool:
    """Whether a value lies between others."""
    return isinstance(value, Real) and not isinstance(value, bool)


def weight_of(value: Any, known: Axis) -> float:
    """The weight of a value: its own, or as it lies between the known numbers; else the average."""
    name = named(value)
    if name in known:
        return known[name]
    numbers = sorted((_bounded(each), weight) for each, weight in known.items() if is_number(each))
    return _between(numbers[0], numbers[-1], value) if numbers and is_number(value) else 1.0


def _between(least: tuple[float, float], greatest: tuple[float, float], value: float) -> float:
    """A power of the number through two that are known; a straight line where these have none."""
    (low, first), (high, last) = least, greatest
    at = min(max(_bounded(value), low), high)
    if low > 0:
        low, high, at, first, last = (log(each) for each in (low, high, at, first, last))
    part = (at - low) / (high - low) if high > low else 0.0
    weight = first + (last - first) * part
    return exp(weight) if least[0] > 0 else weight


def _bounded(value: float) -> float:
    """A number, of any size in a file, as one that can be reckoned with."""
    return float(min(max(value, -GREATEST), GREATEST))
