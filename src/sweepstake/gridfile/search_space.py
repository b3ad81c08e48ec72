"""The search space: grid -> trials, sized at once, expanded one by one.

The order is fixed by the file: candidates and products as they stand, within a product the
parameter names in alphabetical order, the last of them turning fastest (as in scikit-learn's
``ParameterGrid``). A point that is written twice is one trial. Where a search chooses points
(`draws`), the trials are those in the order they were chosen.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, Any, overload

from sweepstake.casting.numerals import Rules
from sweepstake.domain import revision
from sweepstake.domain.folding import FoldKind
from sweepstake.domain.search import Range
from sweepstake.domain.spec import EstimatorSpec
from sweepstake.domain.trial import Trial
from sweepstake.gridfile import boosters
from sweepstake.gridfile.allowlist import release_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweepstake.domain.search import Portion
    from sweepstake.domain.spec import Candidate, SweepSpec

ABSENT = ("", "absent")
"""Stands for the value of a parameter that a point does not give."""


@dataclass(frozen=True, slots=True)
class Product:
    """One classifier and the axes whose product is searched, sorted by name, each value once."""

    estimator: EstimatorSpec
    axes: tuple[tuple[str, tuple[Any, ...] | Range], ...]

    def __len__(self) -> int:
        return self.count or 0

    @property
    def count(self) -> int | None:
        """The number of points; ``None`` where an axis has no end of numbers."""
        counts = [count_of(values) for _, values in self.axes]
        return None if None in counts else prod(filter(None, counts))

    def __getitem__(self, index: int) -> EstimatorSpec:
        """The point with the mixed-radix number ``index``."""
        point: dict[str, Any] = {}
        for name, values in reversed(self.axes):
            index, at = divmod(index, count_of(values) or 1)
            point[name] = value_at(values, at)
        return self.point(point)

    @property
    def lists(self) -> tuple[tuple[str, tuple[Any, ...]], ...]:
        """The axes that are lists of values; all of them where no range is."""
        return tuple((n, values) for n, values in self.axes if not isinstance(values, Range))

    def values(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Every parameter with the values that it has in the points, a fixed one with its one.

        A range stands for its numbers.
        """
        yield from ((name, (value,)) for name, value in self.estimator.params.items())
        for name, values in self.axes:
            yield name, (values,) if isinstance(values, Range) else values

    def point(self, values: Mapping[str, Any]) -> EstimatorSpec:
        """The classifier with these values on the axes."""
        params = {**self.estimator.params, **values}
        return replace(self.estimator, params=dict(sorted(params.items())))


def count_of(values: tuple[Any, ...] | Range) -> int | None:
    """How many values an axis has; ``None`` where there is no end of them."""
    return values.count if isinstance(values, Range) else len(values)


def value_at(values: tuple[Any, ...] | Range, position: int) -> Any:
    """The value of an axis at a position, from 0."""
    return values.at(position) if isinstance(values, Range) else values[position]


def products(candidate: Candidate) -> tuple[Product, ...]:
    """The products of a candidate in the order of the file; without a grid it is one point."""
    return tuple(
        Product(candidate.estimator, tuple((name, _axis(grid[name])) for name in sorted(grid)))
        for grid in candidate.grids or ({},)
    )


def _axis(values: tuple[Any, ...] | Range) -> tuple[Any, ...] | Range:
    return values if isinstance(values, Range) else _unique(values)


def all_products(spec: SweepSpec) -> tuple[Product, ...]:
    """The products of all candidates in the order of the file."""
    return tuple(product for candidate in spec.candidates for product in products(candidate))


def size(spec: SweepSpec) -> int:
    """The number of points, those that several products share counted in each; O(1) in points.

    A product with no end of points counts none.
    """
    return sum(product.count or 0 for product in all_products(spec))


def is_endless(spec: SweepSpec) -> bool:
    """Whether a range has no end of numbers."""
    return any(product.count is None for product in all_products(spec))


def ends(spec: SweepSpec) -> SweepSpec:
    """The spec with the least and the greatest number in place of each range."""
    return replace(spec, candidates=tuple(map(_ends_of, spec.candidates)))


def _ends_of(candidate: Candidate) -> Candidate:
    grids = tuple(
        {name: (v.low, v.high) if isinstance(v, Range) else v for name, v in grid.items()}
        for grid in candidate.grids
    )
    return replace(candidate, grids=grids)


def locate(products: Sequence[Product], position: int) -> tuple[int, int]:
    """The product, and the position in it, of a position in all products laid end to end."""
    ends = list(accumulate(product.count or 0 for product in products))
    at = bisect_right(ends, position)
    return at, position - (ends[at - 1] if at else 0)


def canonical(value: Any) -> str:
    """One text per value: equal for equal values of equal type, whatever the order of keys."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """Values as JSON has them; mappings as sorted pairs, since keys may mix text and numbers."""
    if isinstance(value, Range):
        return {"range": [value.low, value.high, value.log, value.step]}
    if isinstance(value, EstimatorSpec):
        release = release_of(value.name)
        known: dict[str, Any] = {"release": release} if release else {}
        if boosters.is_known(value.name):
            known["boosting"] = revision.BOOSTING
        if value.steps:
            known["steps"] = [[step.param, step.columns] for step in value.steps]
        return {"estimator": value.name, "params": _plain(value.params), **known}
    if isinstance(value, Mapping):
        pairs = ([json.dumps(key), _plain(item)] for key, item in value.items())
        return {"mapping": sorted(pairs, key=lambda pair: str(pair[0]))}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _unique(values: Sequence[Any]) -> tuple[Any, ...]:
    seen: dict[str, Any] = {}
    for value in values:
        seen.setdefault(canonical(value), value)
    return tuple(seen.values())


def _varies(values: Sequence[Any]) -> bool:
    return len(values) > 1 or isinstance(values[0], Range)


class SearchSpace(Sequence[Trial]):
    """The trials of a sweep: sized, indexed and iterated without holding them.

    Trial numbers are positions, from 0.
    """

    def __init__(self, spec: SweepSpec, data_digest: str) -> None:
        self._products = all_products(spec)
        self.share = spec.share
        self._context = {
            "preprocess": spec.preprocess.value,
            "data": data_digest,
            "holdout": spec.data.holdout,
            "cv": _folds(spec),
            "seed": spec.seed,
            "metric": spec.metric,
            **({"metrics": sorted(spec.metrics)} if spec.metrics else {}),
            "rules": Rules.of(spec.data.csv),  # part of the model: it reads text by them
            **revision.origin(),
            **({"partition": str(spec.data.partition)} if spec.data.partition else {}),
        }
        self._ends, self._kept = self._points()

    def _points(self) -> tuple[Sequence[int], Sequence[int]]:
        """Where each product ends, and the positions of the trials, all products end to end."""
        ends = list(accumulate(len(product) for product in self._products))
        return ends, self._first_of_each_point(ends)

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> list[Trial]: ...
    def __getitem__(self, index: int | slice) -> Trial | list[Trial]:
        """One trial, or a list of them."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return self._trial(range(len(self))[index])

    def _trial(self, number: int) -> Trial:
        estimator = self._point(self._kept[number], self._ends)
        return Trial(number, self._key(estimator), estimator)

    @property
    def chosen(self) -> Sequence[Chosen]:
        """The points that a search chose; none where a grid has every point."""
        return ()

    def product_of(self, number: int) -> int:
        """Which product of the search space trial ``number`` is a point of, from 0."""
        return bisect_right(self._ends, self._kept[number])

    @cached_property
    def varying(self) -> dict[str, tuple[Any, ...]]:
        """The parameters in which points differ, sorted, each with its values in the file's order.

        ``ABSENT`` is among the values where some of the points do not give the parameter, and a
        ``Range`` stands for its numbers.
        """
        names = {name for product in self._products for name, _ in product.values()}
        found = {name: self._values(name) for name in sorted(names)}
        return {name: values for name, values in found.items() if _varies(values)}

    @property
    def classifiers(self) -> tuple[str, ...]:
        """The names of the classes of its points, each once, in the file's order."""
        return tuple(dict.fromkeys(product.estimator.name for product in self._products))

    def _values(self, name: str) -> tuple[Any, ...]:
        given = (dict(product.values()).get(name, (ABSENT,)) for product in self._products)
        return _unique([value for values in given for value in values])

    def _point(self, raw: int, ends: Sequence[int]) -> EstimatorSpec:
        """The point at position ``raw`` of all products laid end to end."""
        at = bisect_right(ends, raw)
        return self._products[at][raw - (ends[at - 1] if at else 0)]

    def _first_of_each_point(self, ends: Sequence[int]) -> Sequence[int]:
        """Positions without repeats; only products of the same classifier can repeat a point."""
        total = ends[-1]
        names = Counter(product.estimator.name for product in self._products)
        if max(names.values()) == 1:
            return range(total)
        seen: dict[str, int] = {}
        for raw in range(total):
            seen.setdefault(canonical(self._point(raw, ends)), raw)
        return tuple(seen.values())

    def _key(self, estimator: EstimatorSpec, **more: Any) -> str:
        content = {"estimator": estimator, **self._context, **more}
        return sha256(canonical(content).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Chosen:
    """A point that a search chose: its product, and the part of the data it is scored on, if any.

    ``portion`` is ``None`` for all of the data.
    """

    product: int
    estimator: EstimatorSpec
    portion: Portion | None = None


class ChosenSpace(SearchSpace):
    """The trials that a search chose, in their order."""

    def __init__(self, spec: SweepSpec, data_digest: str, chosen: Sequence[Chosen]) -> None:
        self._chosen = chosen
        super().__init__(spec, data_digest)

    def _points(self) -> tuple[Sequence[int], Sequence[int]]:
        return (), range(len(self._chosen))

    @property
    def chosen(self) -> Sequence[Chosen]:
        """The points that a search chose."""
        return self._chosen

    def _trial(self, number: int) -> Trial:
        chosen = self._chosen[number]
        portion = chosen.portion
        part = {"rows": portion.rows, "only_folds": portion.folds} if portion else {}
        key = self._key(chosen.estimator, **part)
        return Trial(number, key, chosen.estimator, portion)

    def product_of(self, number: int) -> int:
        """Which product of the search space trial ``number`` is a point of, from 0."""
        return self._chosen[number].product


def _folds(spec: SweepSpec) -> int | dict[str, Any]:
    """The folds in the key; what they go by is in the digest of the data."""
    if spec.fold_kind is FoldKind.STRATIFIED:
        return spec.cv
    return {"kind": spec.fold_kind.value, "folds": spec.cv, "repeats": spec.repeats}


def trials(
    spec: SweepSpec, data_digest: str, chosen: Sequence[Chosen] | None = None
) -> SearchSpace:
    """The search space of ``spec`` over data with the digest ``data_digest``.

    A trial's ``key`` is the sha256 of everything its result depends on: classifier, parameters,
    preprocessing, data, how cells are written, holdout share, folds, seed, metric, what trains it
    (`revision`) and, where data are kept by day, the partition. ``chosen`` are the points of a
    search that does not take all.
    """
    if chosen is not None:
        return ChosenSpace(spec, data_digest, chosen)
    return SearchSpace(spec, data_digest)
