"""Refinement: a finer grid around the best trial, axis by axis.

Numbers are narrowed to steps half as wide on their own scale, by their logarithms where the values
are spaced so; at the end of an axis it goes on beyond. Of texts, ``null`` and the like those stay
that cannot be told from the best: their best trial is within one standard error of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import pstdev
from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.gridfile import step_findings
from sweepstake.gridfile.search_space import canonical
from sweepstake.gridfile.steps import Slot
from sweepstake.wording import notation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweepstake.gridfile.search_space import Product

MOST_CHOICES = 3
"""Values beside numbers that stay on an axis."""
DIGITS = 3
"""Significant ones of a new number."""
TENFOLD = 10
"""Two positive numbers that are this much apart are spaced by their logarithms."""

Tried = Mapping[str, Mapping[str, float]]
"""The best score of each value of each axis; a value by its canonical text."""


@dataclass(frozen=True, slots=True)
class Finer:
    """A classifier, its fixed parameters, and the axes around its best point."""

    estimator: EstimatorSpec
    axes: Mapping[str, tuple[Any, ...]]

    @property
    def size(self) -> int:
        """The number of points."""
        return math.prod(len(values) for values in self.axes.values())

    def written(self) -> dict[str, Any]:
        """The classifier as a grid file writes it."""
        places = {step.param for step in self.estimator.steps}
        params = {
            name: _written(value)
            for name, value in self.estimator.params.items()
            if name not in places
        }
        grid = {name: [_written(each) for each in values] for name, values in self.axes.items()}
        parts = {"steps": self._steps(grid), "params": params, "grid": grid}
        return {
            "estimator": self.estimator.name,
            **{key: part for key, part in parts.items() if part},
        }

    def _steps(self, grid: dict[str, Any]) -> dict[str, Any]:
        """What stands before the classifier; its choices are written here and not in the grid."""
        names = [step.param for step in self.estimator.steps if not step.columns]
        given = self.estimator.params
        return {n: _written(given[n]) if n in given else grid.pop(n) for n in names}


def refine(product: Product, best: Mapping[str, Any], tried: Tried, bar: float) -> Finer:
    """The axes of ``product`` around its ``best`` point; scores from ``bar`` on are as good."""
    axes = {
        name: _valid(product, name, _finer(values, best[name], tried[name], bar), best[name])
        for name, values in product.lists
    }
    return Finer(product.estimator, axes)


def within(finer: Sequence[Finer], tried: Sequence[Tried], most: int) -> tuple[Finer, ...]:
    """As many points as allowed: the axes that matter least are left at their best value.

    The best value of an axis comes first in it.
    """
    axes = [list(each.axes.items()) for each in finer]
    weights = sorted(
        (_spread(tried[at][name]), at, name)
        for at, each in enumerate(finer)
        for name, values in each.axes.items()
        if len(values) > 1
    )
    kept = [dict(pairs) for pairs in axes]
    for _, at, name in weights:
        if sum(math.prod(map(len, each.values())) for each in kept) <= most:
            break
        kept[at][name] = kept[at][name][:1]
    ordered = ({name: _ordered(values) for name, values in each.items()} for each in kept)
    return tuple(Finer(each.estimator, own) for each, own in zip(finer, ordered, strict=True))


def text(values: Mapping[str, Any], comments: Sequence[str]) -> str:
    """A grid file in YAML: comments, then one line for each key, a few for long ones."""
    lines = [f"# {comment}" for comment in comments]
    for key, value in values.items():
        lines += _lines(key, value, "")
    return "\n".join(lines) + "\n"


def _lines(key: str, value: Any, indent: str) -> list[str]:
    head = f"{indent}{notation.name(str(key))}:"
    if key == "grid" and isinstance(value, Mapping):
        return [head, *(f"{indent}  {notation.name(n)}: {flow(v)}" for n, v in value.items())]
    if key == "candidates":
        return [head, *(line for each in value for line in _item(each, indent))]
    return [f"{head} {flow(value)}"]


def _item(value: Mapping[str, Any], indent: str) -> list[str]:
    """A candidate as an item of a list."""
    lines = [line for key, part in value.items() for line in _lines(key, part, indent + "    ")]
    return [f"{indent}  - {lines[0].strip()}", *lines[1:]]


def flow(value: Any) -> str:
    """A value in one line; an infinite number as YAML writes it."""
    if isinstance(value, float) and math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{notation.flow(key)}: {flow(each)}" for key, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    return notation.flow(value)


def _written(value: Any) -> Any:
    """A value as a grid file writes it: inner classifiers as mappings."""
    if isinstance(value, EstimatorSpec):
        params = {name: _written(each) for name, each in value.params.items()}
        return {"estimator": value.name, **({"params": params} if params else {})}
    if isinstance(value, Mapping):
        return {name: _written(each) for name, each in value.items()}
    return value


def _finer(values: Sequence[Any], best: Any, tried: Mapping[str, float], bar: float) -> list[Any]:
    """The new values of an axis, the best one first."""
    scores = {canonical(value): tried.get(canonical(value), -math.inf) for value in values}
    good = sorted(values, key=lambda value: -scores[canonical(value)])
    good = [value for value in good if scores[canonical(value)] >= bar]
    choices = [value for value in good if not _is_number(value)][:MOST_CHOICES]
    numbers = sorted(value for value in values if _is_number(value))
    if _is_number(best):
        return _unique([best, *_between(numbers, best), *choices])
    return _unique([best, *choices, *[value for value in good if _is_number(value)][:1]])


def _between(numbers: Sequence[Any], best: Any) -> list[Any]:
    """Numbers half a step from the best, and one step beyond an end of the axis."""
    at, log = numbers.index(best), _is_log(numbers)
    sizes = [math.log(each) if log else float(each) for each in numbers]
    own = sizes[at]
    below = own - sizes[at - 1] if at else None
    above = sizes[at + 1] - own if at + 1 < len(sizes) else None
    steps: list[float] = []
    for side, step, other in ((-1, below, above), (1, above, below)):
        if step is not None:
            steps.append(side * step / 2)
        elif other is not None:
            steps += [side * other / 2, side * other]
    made = [math.exp(own + step) if log else own + step for step in steps]
    whole = all(isinstance(each, int) for each in numbers)
    return [_rounded(each, whole=whole) for each in made]


def _rounded(value: float, *, whole: bool) -> Any:
    short = float(f"{value:.{DIGITS}g}")
    return round(short) if whole else short


def _is_log(numbers: Sequence[Any]) -> bool:
    """Whether the steps between numbers are more even by their logarithms."""
    if not numbers or numbers[0] <= 0:
        return False
    if len(numbers) < 3:  # noqa: PLR2004  one step is even on any scale
        return bool(numbers[-1] / numbers[0] >= TENFOLD)
    plain = [b - a for a, b in pairwise(numbers)]
    logs = [math.log(b) - math.log(a) for a, b in pairwise(numbers)]
    return _unevenness(logs) < _unevenness(plain)


def _unevenness(steps: Sequence[float]) -> float:
    return pstdev(steps) * len(steps) / sum(steps)


def _valid(product: Product, name: str, values: list[Any], best: Any) -> tuple[Any, ...]:
    """The values that scikit-learn allows; the best one was fitted."""
    fixed = {param: (value,) for param, value in product.estimator.params.items()}
    others = {axis: each for axis, each in product.lists if axis != name}
    axes = {**fixed, **others, name: tuple(values)}
    places = [Slot(each, "", axes[each.param], listed=True) for each in product.estimator.steps]
    found = step_findings.findings(product.estimator.name, axes, places)
    wrong = {each.position for each in found if each.param == name}
    return tuple(v for at, v in enumerate(values) if at not in wrong or v is best)


def _ordered(values: Sequence[Any]) -> tuple[Any, ...]:
    """Numbers by size, then the others as they are."""
    numbers = sorted(value for value in values if _is_number(value))
    return (*numbers, *(value for value in values if not _is_number(value)))


def _spread(scores: Mapping[str, float]) -> float:
    return max(scores.values(), default=0.0) - min(scores.values(), default=0.0)


def _unique(values: Sequence[Any]) -> list[Any]:
    found: dict[str, Any] = {}
    for value in values:
        found.setdefault(canonical(value), value)
    return list(found.values())


def _is_number(value: Any) -> bool:
    finite = isinstance(value, int | float) and not isinstance(value, bool)
    return finite and math.isfinite(value)
