"""Growth: ensembles that differ only in their number of trees share those trees.

With one seed, a forest of 300 trees begins with the trees of the forest of 100, and 300 rounds of
boosting with the first 100: scikit-learn's ``warm_start`` draws the random numbers that a new fit
would have drawn (``BaseForest.fit``, ``BaseGradientBoosting.fit``), so a grown ensemble is a new
one to the last bit, for the price of the trees it lacks. Bagging and AdaBoost are fitted afresh:
the one keeps the seeds of its last members alone, the other does not grow.
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

_KINDS = ("Classifier", "Regressor")
FORESTS = tuple(f"sklearn.ensemble.{n}{k}" for k in _KINDS for n in ("ExtraTrees", "RandomForest"))
BOOSTED = tuple(f"sklearn.ensemble.GradientBoosting{kind}" for kind in _KINDS)
BINNED = tuple(f"sklearn.ensemble.HistGradientBoosting{kind}" for kind in _KINDS)
GROWING = {
    **dict.fromkeys((*FORESTS, *BOOSTED), "n_estimators"),
    **dict.fromkeys(BINNED, "max_iter"),
}
"""What grows, and the parameter that is its number of trees."""
NO_PARAMS: Mapping[str, Any] = MappingProxyType({})
DEFAULT_SIZE = 100
MOST_NODES = 1_000_000
"""Nodes that are kept, about 150 MB with ten classes: ensembles beyond are fitted again."""
MOST_ROWS_WHOLE = 10_000
"""On more rows boosting by bins stops early by itself, on rows of its choice."""
_OTHERWISE = {"warm_start", "oob_score", "n_iter_no_change", "init"}
"""Parameters that have an ensemble grow otherwise, or report what a grown one cannot."""


def stem(estimator: EstimatorSpec) -> str:
    """What an ensemble has in common with those it can grow into, as a text; empty if it cannot.

    It cannot where its trees are not those of a smaller one, or a fit would say other things: with
    a random seed, in steps before it too, out-of-bag scores, early stopping, or weights by class
    that scikit-learn warns of.
    """
    size = GROWING.get(estimator.name)
    params = {name: value for name, value in estimator.params.items() if name != size}
    warned = isinstance(params.get("class_weight"), str)
    random = not all(map(_is_seeded, _all_params(params)))
    stops = params.get("early_stopping") is True
    if size is None or params.keys() & _OTHERWISE or warned or random or stops:
        return ""
    steps = [(step.param, step.columns) for step in estimator.steps]
    return f"{estimator.name} {canonical(params)} {steps}"


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
    """How many trees an ensemble shall have; of several classes, how many for each."""
    return int(estimator.params.get(GROWING[estimator.name], DEFAULT_SIZE))


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
    if not stem(product[0]):
        return 1.0
    sizes = dict(product.lists).get(GROWING[product.estimator.name], ())
    return max(sizes) / sum(sizes) if sizes else 1.0


class TreeCache:
    """The ensembles of the trial before, one for each fold and one of all rows, to grow on.

    It serves one sweep's trials on one data set; other classifiers are fitted as ever. ``grown`` is
    how many trees the last ensemble had before.
    """

    def __init__(self) -> None:
        self.grown = 0
        self._stem = ""
        self._size = ""
        self.ensembles: dict[object, BaseEstimator] = {}

    def enter(self, estimator: EstimatorSpec) -> None:
        """Begin with a trial: what it cannot grow on is dropped."""
        found = stem(estimator)
        self._size = GROWING.get(estimator.name, "")
        if found != self._stem:
            self._stem, self.ensembles = found, {}

    def fit(
        self,
        place: object,
        estimator: BaseEstimator,
        features: Any,
        y: Any,
        params: Mapping[str, Any] = NO_PARAMS,
    ) -> BaseEstimator:
        """``estimator`` fitted, or the smaller one that stood at ``place`` grown to its size.

        ``params`` are what else ``fit`` takes.
        """
        before = self.ensembles.pop(place, None)
        self.grown = 0 if before is None else _grown(before)
        wanted = getattr(classifier_of(estimator), self._size, 0)
        if before is not None and self.grown < wanted and _is_whole(before, y):
            fitted = _grow(before, self._size, wanted, features, y, params)
        else:
            self.grown, fitted = 0, estimator.fit(features, y, **params)
        if self._stem and sum(map(_nodes, [fitted, *self.ensembles.values()])) <= MOST_NODES:
            self.ensembles[place] = fitted
        return fitted


def _grow(
    estimator: BaseEstimator,
    size: str,
    wanted: int,
    features: Any,
    y: Any,
    params: Mapping[str, Any],
) -> BaseEstimator:
    ensemble = classifier_of(estimator).set_params(**{size: wanted}, warm_start=True)
    try:
        return estimator.fit(features, y, **params)
    finally:
        ensemble.set_params(warm_start=False)


def _is_whole(estimator: BaseEstimator, y: Any) -> bool:
    """Whether an ensemble grows on all of its rows, and keeps none back to stop early by."""
    stopping = getattr(classifier_of(estimator), "early_stopping", False)
    return stopping != "auto" or len(y) <= MOST_ROWS_WHOLE


def _grown(estimator: BaseEstimator) -> int:
    return len(_rounds(estimator))


def _rounds(estimator: BaseEstimator) -> Any:
    """The trees of an ensemble; of boosting, those of each round."""
    from sweepstake.forests.sklearn_internals import predictors_of

    ensemble = classifier_of(estimator)
    binned = hasattr(ensemble, "max_iter")
    return predictors_of(ensemble) if binned else ensemble.estimators_


def _nodes(estimator: BaseEstimator) -> int:
    members = (each for one in _rounds(estimator) for each in _several(one))
    return sum(
        each.tree_.node_count if hasattr(each, "tree_") else len(each.nodes) for each in members
    )


def _several(one: Any) -> Any:
    """The trees of a round; a tree of a forest stands for itself."""
    return one if hasattr(one, "__len__") else (one,)
