"""Draws: points of a search space, one after another, by chance that can be repeated.

Draw n depends on the space, the seed and n alone: whoever asks for more gets the same ones first.
No point comes twice. Chance is SHA-256, which is the same on every machine and release.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from itertools import count, islice
from typing import TYPE_CHECKING

from sweepstake.domain.search import Method, Range
from sweepstake.domain.waves import first_of
from sweepstake.gridfile.search_space import (
    Chosen,
    all_products,
    canonical,
    is_endless,
    locate,
    size,
    trials,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sweepstake.domain.search import Portion
    from sweepstake.domain.spec import EstimatorSpec, SweepSpec
    from sweepstake.gridfile.search_space import Product, SearchSpace

REDRAWS = 100
"""Draws in a row that were all there before: then the points that are left are few."""
MOST_LEFT = 1_000_000
"""Points of a space that are looked through one by one for those left."""


def draws(spec: SweepSpec) -> Iterator[Chosen]:
    """Every draw; the end comes where no point is left.

    Points are even where all axes are lists or evenly spaced numbers. Else each draw takes a
    product first, then a value of each axis.
    """
    products = all_products(spec)
    seed = spec.seed if spec.search.seed is None else spec.search.seed
    parts = [[each.estimator, [list(axis) for axis in each.axes]] for each in products]
    salt = sha256(f"{seed} {canonical(parts)}".encode()).digest()
    found = _even(products, salt) if _is_even(products) else _free(products, salt)
    return _once(found)


def drawn(spec: SweepSpec, number: int) -> tuple[Chosen, ...]:
    """The first draws, at most ``number`` of them."""
    return tuple(islice(draws(spec), number))


def _is_even(products: Sequence[Product]) -> bool:
    ranges = [axis for each in products for _, axis in each.axes if isinstance(axis, Range)]
    return not any(each.log or each.count is None for each in ranges)


def _once(found: Iterator[Chosen]) -> Iterator[Chosen]:
    """Each point once: products can share some."""
    seen = set()
    for each in found:
        text = canonical(each.estimator)
        if text not in seen:
            seen.add(text)
            yield each


def _even(products: Sequence[Product], salt: bytes) -> Iterator[Chosen]:
    """All points in the order of a shuffle, of which only what was drawn is kept (Durstenfeld)."""
    total = sum(each.count or 0 for each in products)
    moved: dict[int, int] = {}
    for number in range(total):
        at = number + _whole(salt, str(number)) % (total - number)
        position = moved.get(at, at)
        moved[at] = moved.pop(number, number)
        product, inside = locate(products, position)
        yield Chosen(product, products[product][inside])


def _free(products: Sequence[Product], salt: bytes) -> Iterator[Chosen]:
    """Points whose axes are drawn each for itself, until all draws in a row are known."""
    seen: set[str] = set()
    for number in count():
        for again in range(REDRAWS):
            found = _draw(products, salt, f"{number} {again}")
            text = canonical(found.estimator)
            if text not in seen:
                seen.add(text)
                yield found
                break
        else:
            yield from _left(products)
            return


def _draw(products: Sequence[Product], salt: bytes, number: str) -> Chosen:
    at = int(_part(salt, number) * len(products))
    return Chosen(at, _point(products[at], salt, number))


def _point(product: Product, salt: bytes, number: str) -> EstimatorSpec:
    parts = {name: _part(salt, f"{number} {name}") for name, _ in product.axes}
    return product.point(
        {
            name: axis.share(parts[name])
            if isinstance(axis, Range)
            else axis[int(parts[name] * len(axis))]
            for name, axis in product.axes
        }
    )


def _left(products: Sequence[Product]) -> Iterator[Chosen]:
    """Every point in the order of the file, where they can be counted."""
    for at, product in enumerate(products):
        for position in range(product.count or 0) if (product.count or 0) <= MOST_LEFT else ():
            yield Chosen(at, product[position])


def _whole(salt: bytes, text: str) -> int:
    return int.from_bytes(sha256(salt + text.encode()).digest())


def _part(salt: bytes, text: str) -> float:
    """A number from 0 to below 1."""
    return (_whole(salt, text) >> 203) / 2**53


def points(spec: SweepSpec) -> int:
    """How many points a search has at most: as many as it asks for, or as there are."""
    asked, known = spec.search.trials, None if is_endless(spec) else size(spec)
    return min(number for number in (asked, known) if number is not None)


def first_wave(spec: SweepSpec, portion: Portion | None = None) -> tuple[Chosen, ...] | None:
    """The points that are trained before any score is known; ``None`` where a grid has them all.

    ``portion`` is the part of the data that `halving` begins with.
    """
    search = spec.search
    if search.method is Method.GRID:
        return None
    if search.trials is None:
        return tuple(_all_points(spec, portion))
    number = first_of(search, search.trials) if search.method is Method.TPE else search.trials
    return tuple(replace(each, portion=portion) for each in drawn(spec, number))


def _all_points(spec: SweepSpec, portion: Portion | None) -> Iterator[Chosen]:
    whole = trials(spec, "")
    for number in range(len(whole)):
        yield Chosen(whole.product_of(number), whole[number].estimator, portion)


def trials_of(
    spec: SweepSpec,
    data_digest: str,
    later: Iterable[Sequence[Chosen]] = (),
    portion: Portion | None = None,
) -> SearchSpace:
    """The trials of a sweep so far: those of the first wave, then those of the ``later`` ones."""
    first = first_wave(spec, portion)
    if first is None:
        return trials(spec, data_digest)
    return trials(spec, data_digest, (*first, *(each for wave in later for each in wave)))
