"""Shared trees: ensembles that differ only in their number of trees have the first ones in common.

With one seed, a forest of 300 trees begins with the trees of the forest of 100, and 300 rounds of
boosting with the first 100: scikit-learn's ``warm_start`` draws the random numbers that a new fit
would have drawn (``BaseForest.fit``, ``BaseGradientBoosting.fit``), so a grown ensemble is a new
one to the last bit, for the price of the trees it lacks. Bagging and AdaBoost cannot be grown so:
they are cut from the largest one, which is fitted first (``BaseBagging._fit`` draws all seeds
before its first member, ``BaseWeightBoosting.fit`` looks at no later member).
"""

from __future__ import annotations

from copy import copy
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.gridfile.search_space import canonical
from sweepstake.training.heard import overhearing
from sweepstake.training.pipeline import classifier_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sklearn.base import BaseEstimator

    from sweepstake.domain.trial import Trial
    from sweepstake.gridfile.search_space import Product

_KINDS = ("Classifier", "Regressor")
FORESTS = tuple(f"sklearn.ensemble.{n}{k}" for k in _KINDS for n in ("ExtraTrees", "RandomForest"))
BOOSTED = tuple(f"sklearn.ensemble.GradientBoosting{kind}" for kind in _KINDS)
BINNED = tuple(f"sklearn.ensemble.HistGradientBoosting{kind}" for kind in _KINDS)
CUT = tuple(f"sklearn.ensemble.{name}{kind}" for name in ("AdaBoost", "Bagging") for kind in _KINDS)
TREES = tuple(
    f"sklearn.tree.{name}{kind}" for name in ("DecisionTree", "ExtraTree") for kind in _KINDS
)
"""Members that an ensemble is cut from: how large others are, nobody knows."""
SIZES = {
    **dict.fromkeys((*FORESTS, *BOOSTED, *CUT), "n_estimators"),
    **dict.fromkeys(BINNED, "max_iter"),
}
"""The ensembles that share trees, and the parameter that is their number."""
NO_PARAMS: Mapping[str, Any] = MappingProxyType({})
DEFAULT_SIZES = {"AdaBoost": 50, "Bagging": 10}
DEFAULT_SIZE = 100
"""Of all others."""
MOST_NODES = 1_000_000
"""Nodes that are kept, about 150 MB with ten classes: ensembles beyond are fitted again."""
MOST_ROWS_WHOLE = 10_000
"""On more rows boosting by bins stops early by itself, on rows of its choice."""
_OTHERWISE = {"warm_start", "oob_score", "n_iter_no_change", "init"}
"""Parameters that have an ensemble grow otherwise, or report what a grown one cannot."""


def stem(estimator: EstimatorSpec) -> str:
    """What ensembles that share trees have in common, as a text; empty if this one shares none.

    It shares none where its trees are not those of a smaller one, or a fit would say other things:
    with a random seed, in steps before it too, out-of-bag scores, early stopping, or weights by
    class that scikit-learn warns of. What is cut shares trees, and no other members.
    """
    size = SIZES.get(estimator.name)
    params = {name: value for name, value in estimator.params.items() if name != size}
    warned = isinstance(params.get("class_weight"), str)
    random = not all(map(_is_seeded, _all_params(params)))
    stops = params.get("early_stopping") is True
    other = estimator.name in CUT and not _is_of_trees(params.get("estimator"))
    if size is None or params.keys() & _OTHERWISE or warned or random or stops or other:
        return ""
    steps = [(step.param, step.columns) for step in estimator.steps]
    return f"{estimator.name} {canonical(params)} {steps}"


def _is_of_trees(member: Any) -> bool:
    """Whether members of this kind are trees, as they are where none is named."""
    return member is None or (isinstance(member, EstimatorSpec) and member.name in TREES)


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
    family = estimator.name.rpartition(".")[2].removesuffix("Classifier").removesuffix("Regressor")
    default = DEFAULT_SIZES.get(family, DEFAULT_SIZE)
    return int(estimator.params.get(SIZES[estimator.name], default))


def chains(trials: Iterable[Trial]) -> Iterator[tuple[Trial, ...]]:
    """Trials that share trees, each after those it takes them from; any other trial is alone.

    They come in the order of their first trials.
    """
    grouped: dict[str, list[Trial]] = {}
    for trial in trials:
        grouped.setdefault(stem(trial.estimator) or trial.key, []).append(trial)
    for chain in grouped.values():
        yield tuple(_in_order(chain) if chain[1:] else chain)


def _in_order(chain: list[Trial]) -> list[Trial]:
    """Fewest trees first where an ensemble grows, most where it is cut."""
    cut = chain[0].estimator.name in CUT
    return sorted(chain, key=lambda trial: trees(trial.estimator), reverse=cut)


def share_of(product: Product) -> float:
    """The part of their trees that the chains of a product of the search space have to fit."""
    if not stem(product[0]):
        return 1.0
    sizes = dict(product.lists).get(SIZES[product.estimator.name], ())
    return max(sizes) / sum(sizes) if sizes else 1.0


class TreeCache:
    """The ensembles of the trial before, one for each fold and one of all rows, to go on from.

    It serves one sweep's trials on one data set; other classifiers are fitted as ever. ``grown`` is
    how many of its trees the last ensemble found.
    """

    def __init__(self) -> None:
        self.grown = 0
        self._stem = ""
        self._size = ""
        self._cuts = False
        self.ensembles: dict[object, BaseEstimator] = {}

    def enter(self, estimator: EstimatorSpec) -> None:
        """Begin with a trial: what it shares no trees with is dropped."""
        found = stem(estimator)
        self._size = SIZES.get(estimator.name, "")
        self._cuts = estimator.name in CUT
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
        """``estimator`` fitted, grown from the smaller one at ``place``, or cut from the larger.

        ``params`` are what else ``fit`` takes.
        """
        before = self.ensembles.pop(place, None)
        self.grown = 0 if before is None else _grown(before)
        wanted = getattr(classifier_of(estimator), self._size, 0)
        if self._cuts:
            return self._cut(place, before, wanted, partial(estimator.fit, features, y, **params))
        if before is not None and self.grown < wanted and _is_whole(before, y):
            fitted = _grow(before, self._size, wanted, features, y, params)
        else:
            self.grown, fitted = 0, estimator.fit(features, y, **params)
        self._keep(place, fitted)
        return fitted

    def _cut(
        self,
        place: object,
        before: BaseEstimator | None,
        wanted: int,
        fit: Callable[[], BaseEstimator],
    ) -> BaseEstimator:
        """The first members of the larger one ``before``; a fit that warned is none to cut from."""
        if before is not None and wanted <= self.grown:
            self.grown, self.ensembles[place] = wanted, before
            return _first(before, wanted)
        self.grown = 0
        with overhearing() as heard:
            fitted = fit()
        if not heard:
            self._keep(place, fitted)
        return fitted

    def _keep(self, place: object, fitted: BaseEstimator) -> None:
        if self._stem and sum(map(_nodes, [fitted, *self.ensembles.values()])) <= MOST_NODES:
            self.ensembles[place] = fitted


def _first(estimator: BaseEstimator, size: int) -> BaseEstimator:
    """A copy with the first members alone; the steps before it are the same ones."""
    from sweepstake.forests.sklearn_internals import first_members

    if not hasattr(estimator, "steps"):
        return first_members(estimator, size)
    cut = copy(estimator)
    name, ensemble = estimator.steps[-1]
    cut.steps = [*estimator.steps[:-1], (name, first_members(ensemble, size))]
    return cut


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
