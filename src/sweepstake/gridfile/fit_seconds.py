"""Seconds of fits: what the trials of a product take, on average and by their values."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log, prod
from numbers import Real
from typing import TYPE_CHECKING, Any

from sweepstake.gridfile.search_space import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sweepstake.domain.spec import EstimatorSpec

    Axis = tuple[tuple[Any, float], ...]
    """Values of a parameter, as `named`, each with its weight."""

GREATEST = 1e300


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
        return self.mean * prod(_weight(known, params.get(n)) for n, known in self.weights.items())

    def record(self) -> dict[str, Any]:
        """As JSON; values that are estimators are told by their text."""
        return {"mean": self.mean, "weights": {n: list(known) for n, known in self.weights.items()}}

    @classmethod
    def of_record(cls, record: float | Mapping[str, Any]) -> FitSeconds:
        """Read what `record` wrote, or the mean alone of earlier releases."""
        if isinstance(record, int | float):
            return cls(float(record))
        weights = {n: tuple((v, w) for v, w in known) for n, known in record["weights"].items()}
        return cls(record["mean"], weights)


def named(value: Any) -> Any:
    """A value of a parameter as weights name it: a number as it is, all else by its text."""
    return value if is_number(value) else canonical(value)


def is_number(value: Any) -> bool:
    """Whether a value lies between others."""
    return isinstance(value, Real) and not isinstance(value, bool)


def between(known: Sequence[tuple[Any, float]], value: Any) -> float:
    """The weight of a number by a power of it through the least and the greatest known ones.

    Where these have no powers, by the straight line.
    """
    numbers = sorted((_bounded(number), weight) for number, weight in known if is_number(number))
    if len(numbers) < 2 or numbers[0][0] == numbers[-1][0]:  # noqa: PLR2004 - a line has two ends
        return numbers[0][1] if numbers else 1.0
    (low, first), (high, last) = numbers[0], numbers[-1]
    at = min(max(_bounded(value), low), high)
    if low > 0:
        part = (log(at) - log(low)) / (log(high) - log(low))
        return float(first * (last / first) ** part)
    return float(first + (last - first) * (at / 2 - low / 2) / (high / 2 - low / 2))


def _bounded(value: float) -> float:
    """A number, of any size in a file, as one that can be reckoned with."""
    return float(min(max(value, -GREATEST), GREATEST))


def _weight(known: Sequence[tuple[Any, float]], value: Any) -> float:
    name = named(value)
    exact = next((weight for each, weight in known if each == name), None)
    if exact is not None:
        return exact
    return between(known, value) if is_number(value) else 1.0
