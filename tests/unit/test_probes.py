"""Which points speak for a product."""

from __future__ import annotations

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.gridfile.search_space import Product
from sweepstake.preflight.sample_points import choices, numbers, other_numbers

PRODUCT = Product(
    EstimatorSpec("x.C", {"fixed": 1}),
    (("depth", (4, 8, None, 2)), ("kind", ("a", "b")), ("rate", (0.5, 0.1))),
)


def _varying(probe):
    return tuple(probe.estimator.params[name] for name in ("depth", "kind", "rate"))


def test_numbers_of_an_axis_are_one_choice():
    """Two choices of depth (a number, null) times two of kind times one of rate."""
    assert [
        (4, "a", 0.5),
        (4, "b", 0.5),
        (None, "a", 0.5),
        (None, "b", 0.5),
    ] == [_varying(probe) for probe in choices(PRODUCT)]


def test_the_numbers_of_each_axis_are_probed():
    """By size, and whether they are the least or the greatest; not the one that was tried."""
    sound = PRODUCT.point({"depth": None, "kind": "b", "rate": 0.5})
    assert [
        [((2, "b", 0.5), True), ((4, "b", 0.5), False), ((8, "b", 0.5), True)],
        [],
        [((None, "b", 0.1), True)],
    ] == [[(_varying(probe), end) for probe, end in axis] for axis in numbers(PRODUCT, sound)]


def test_a_choice_may_be_made_with_other_numbers():
    """With the least and with the greatest of all axes, where these are not its own."""
    first, *_, last = choices(PRODUCT)
    others = [
        [tuple(point.params[name] for name in ("depth", "kind", "rate")) for point in points]
        for points in (other_numbers(PRODUCT, first), other_numbers(PRODUCT, last))
    ]
    assert [[(2, "a", 0.1), (8, "a", 0.5)], [(None, "b", 0.1)]] == others


def test_every_point_has_one_choice_that_speaks_for_it():
    """The choices divide the product among them."""
    counts = [
        sum(probe.speaks_for(PRODUCT[number]) for probe in choices(PRODUCT))
        for number in range(len(PRODUCT))
    ]
    assert [1] * 16 == counts


def test_a_number_speaks_for_all_points_with_its_value():
    """A number that is refused is refused whatever the other choices."""
    probe, _ = next(numbers(PRODUCT, PRODUCT[0]))[0]
    spoken = [PRODUCT[number] for number in range(16) if probe.speaks_for(PRODUCT[number])]
    assert [2, 2, 2, 2] == [point.params["depth"] for point in spoken]


def test_truth_values_are_no_numbers():
    """``true`` and 1 are different choices."""
    product = Product(EstimatorSpec("x.C"), (("flag", (True, False)),))
    assert 2 == len(list(choices(product)))
    assert [[]] == list(numbers(product, product[0]))
