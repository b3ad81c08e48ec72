"""Growth: forests that differ only in their number of trees share those trees.

With one seed, a forest of 300 trees begins with the trees of the forest of 100: scikit-learn's
``warm_start`` draws the random numbers that a new fit would have drawn (``BaseForest.fit``), so a
grown forest is a new one to the last bit, for the price of the trees it lacks.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.gridfile.search_space import canonical
from sweepstake.training.pipeline import classifier_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sklearn.base import BaseEstimator

    from sweepstake.domain.trial import Trial
    from sweepstake.gridfile.search_space import Product

GROWING = tuple(
    f"sklearn.ensemble.{name}{kind}"
    for kind in ("Classifier", "Regressor")
    for name in ("ExtraTrees", "RandomForest")
)
SIZE = "n_estimators"
NO_PARAMS: Mapping[str, Any] = MappingProxyType({})
DEFAULT_SIZE = 100
MOST_NODES = 1_000_000
"""Nodes that are kept, about 150 MB with ten classes: forests beyond that are fitted again."""
_OTHERWISE = {"warm_start", "oob_score"}
"""Parameters of a forest that have it grow otherwise, or report what a grown one cannot."""


def stem(estimator: EstimatorSpec) -> str:
    """What a forest has in common with those it can grow into, as a text; empty if it cannot.

    It cannot where its trees are not those of a smaller forest, or a fit would say other things:
    with a random seed, in steps before it too, out-of-bag scores, or weights by class that
    scikit-learn warns of.
    """
    params = {name: value for name, value in estimator.params.items() if name != SIZE}
    warned = isinstance(params.get("class_weight"), str)
    random = not all(map(_is_seeded, _all_params(params)))
    if estimator.name not in GROWING or params.keys() & _OTHERWISE or warned or random:
        return ""
    return f"{estimator.name} {canonical(params)}"


def _all_params(params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The parameters, and those of the transformers among their values."""
    for name, value in params.items():
        yield name, value
        if isinstance(value, EstimatorSpec):
            yield from _all_params(value.params)


def _is_seeded(param: tuple[str, Any]) -> bool:
    name, value = param
    return not name.endswith("random_state") or isinstance(value, int)


def trees(estimator: EstimatorSpec) -> int:
    """How many trees a forest shall have."""
    return int(estimator.params.get(SIZE, DEFAULT_SIZE))


def chains(trials: Iterable[Trial]) -> Iterator[tuple[Trial, ...]]:
    """Trials that grow from each other, fewest trees first; any other trial is alone.

    They come in the order of their first trials.
    """
    grouped: dict[str, list[Trial]] = {}
    for trial in trials:
        grouped.setdefault(stem(trial.estimator) or trial.key, []).append(trial)
    for chain in grouped.values():
        yield tuple(sorted(chain, key=lambda trial: trees(trial.estimator)) if chain[1:] else chain)


def share(chain: Sequence[Trial]) -> float:
    """The part of its trees that a chain has to fit: those of its largest forest."""
    sizes = [trees(trial.estimator) for trial in chain[1:] and chain]
    return max(sizes) / sum(sizes) if sizes else 1.0


def share_of(product: Product) -> float:
    """The part of their trees that the chains of a product of the search space have to fit."""
    sizes = dict(product.lists).get(SIZE, ())
    return max(sizes) / sum(sizes) if sizes and stem(product[0]) else 1.0


class ForestCache:
    """The forests of the trial before, one for each fold and one of all rows, to grow on.

    It serves one sweep's trials on one data set; other classifiers are fitted as ever. ``grown`` is
    how many trees the last forest had before.
    """

    def __init__(self) -> None:
        self.grown = 0
        self._stem = ""
        self.forests: dict[object, BaseEstimator] = {}

    def enter(self, estimator: EstimatorSpec) -> None:
        """Begin with a trial: what it cannot grow on is dropped."""
        found = stem(estimator)
        if found != self._stem:
            self._stem, self.forests = found, {}

    def fit(
        self,
        place: object,
        estimator: BaseEstimator,
        features: Any,
        y: Any,
        params: Mapping[str, Any] = NO_PARAMS,
    ) -> BaseEstimator:
        """``estimator`` fitted, or the smaller forest that stood at ``place`` grown to its size.

        ``params`` are what else ``fit`` takes.
        """
        before = self.forests.pop(place, None)
        self.grown = _size(before) if before else 0
        if before is not None and self.grown < classifier_of(estimator).n_estimators:
            size = classifier_of(estimator).n_estimators
            fitted = _grow(before, size, features, y, params)
        else:
            self.grown, fitted = 0, estimator.fit(features, y, **params)
        if self._stem and sum(map(_nodes, [fitted, *self.forests.values()])) <= MOST_NODES:
            self.forests[place] = fitted
        return fitted


def _grow(
    estimator: BaseEstimator, size: int, features: Any, y: Any, params: Mapping[str, Any]
) -> BaseEstimator:
    forest = classifier_of(estimator).set_params(n_estimators=size, warm_start=True)
    try:
        return estimator.fit(features, y, **params)
    finally:
        forest.set_params(warm_start=False)


def _size(estimator: BaseEstimator) -> int:
    return len(classifier_of(estimator).estimators_)


def _nodes(estimator: BaseEstimator) -> int:
    return sum(tree.tree_.node_count for tree in classifier_of(estimator).estimators_)
