"""Training: fit one trial, fold by fold and then on all training rows, and report on it."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sweepstake.casting.numerals import Rules
from sweepstake.data.folds import divided
from sweepstake.domain.tags import mean_cv, on_holdout, std_cv
from sweepstake.domain.trial import Curve, TrialResult
from sweepstake.gridfile import estimators
from sweepstake.processes.single_core import one_core
from sweepstake.training import curves, fit_arguments, pipeline
from sweepstake.training.evaluation import LABEL_METRICS, evaluate, scorers
from sweepstake.training.number_figures import NUMBER_METRICS
from sweepstake.training.shared_fits import SharedFits
from sweepstake.training.weighing import score_params

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from sklearn.base import BaseEstimator

    from sweepstake.casting.column_cast import ColumnCast
    from sweepstake.data.dataset import Dataset
    from sweepstake.domain.folding import Folding
    from sweepstake.domain.spec import SweepSpec
    from sweepstake.domain.trial import Trial
    from sweepstake.training.evaluation import Evaluation

ALL = "all"
"""Where the fit on all training rows stands among the fits that are shared, beside the folds."""
LONGEST_TEXT = 500
"""Characters kept of a parameter's value or of a warning."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One fit of cross-validation: its score by each of the sweep's metrics, and what it took."""

    scores: Mapping[str, float]
    fit_seconds: float
    score_seconds: float


def train(
    trial: Trial,
    spec: SweepSpec,
    dataset: Dataset,
    cache: SharedFits | None = None,
) -> tuple[BaseEstimator, TrialResult]:
    """Cross-validate a trial on the training rows, fit it on all of them, test it on the holdout.

    The folds' scores are those of ``GridSearchCV`` on ``folds.divided`` with the spec's seed. The
    estimator takes rows as a frame with the columns of the data, and all of it runs on one core.
    Warnings are part of the result, not shown. What is returned stays in ``cache``, where the next
    trial may grow on it: be done with it before.

    Raises:
        DataError: a class has too few training rows for the folds.
        Exception: whatever the classifier raises while it is fitted or asked.
    """
    cache = cache or SharedFits()
    with _heard_warnings() as heard, one_core():
        estimator = estimator_of(trial, spec, dataset)
        own = cache.enter(trial.estimator, estimator, dataset)
        folds, staged = _cross_validate(estimator, own, spec, dataset, cache)
        start = perf_counter()
        params = fit_arguments.of(own, dataset, spec.folding)
        own_rows = pipeline.own_rows(estimator)
        features = cache.steps.rows(ALL, lambda: own_rows(dataset.X_train), dataset.y_train)
        fitted = pipeline.asked(cache.trees.fit(ALL, own, features, dataset.y_train, params))
        seconds = {"refit_seconds": perf_counter() - start}
        unseen = cache.steps.unseen(ALL, lambda: own_rows(dataset.X_holdout))
        tested = evaluate(
            fitted,
            unseen,
            dataset.y_holdout,
            dataset.classes,
            dataset.beside_holdout.weights,
        )
        test_metrics = _test_metrics(fitted, unseen, dataset, tested, spec.all_metrics)
    estimator = cache.steps.whole(ALL, fitted)
    kept = pipeline.classifier_of(estimator)
    cast = _cast(dataset, Rules.of(spec.data.csv))
    return pipeline.castable(estimator, cast), TrialResult(
        trial=trial,
        params=params_of(kept) | _of_steps(trial, spec, dataset),
        metrics=_summary(folds) | test_metrics | seconds | curves.iterations(kept),
        curves=(*_fold_curves(folds), *curves.recorded(kept), *staged),
        confusion=tested.confusion,
        labels=tested.labels,
        warnings=tuple(dict.fromkeys(map(_sentence, heard))),
        grown=cache.trees.grown,
        shared_steps=cache.steps.found,
    )


def rate(
    trial: Trial,
    spec: SweepSpec,
    dataset: Dataset,
    most: int | None = None,
    cache: SharedFits | None = None,
) -> TrialResult:
    """Cross-validate a trial and no more, on the first ``most`` folds or on all; no model is made.

    Raises:
        DataError: a class has too few training rows for the folds.
        Exception: whatever the classifier raises while it is fitted or asked.
    """
    cache = cache or SharedFits()
    with _heard_warnings() as heard, one_core():
        estimator = estimator_of(trial, spec, dataset)
        own = cache.enter(trial.estimator, estimator, dataset)
        folds, _ = _cross_validate(estimator, own, spec, dataset, cache, most)
    kept = pipeline.classifier_of(estimator)
    return TrialResult(
        trial=trial,
        params=params_of(kept) | _of_steps(trial, spec, dataset),
        metrics=_summary(folds),
        curves=_fold_curves(folds),
        confusion=(),
        labels=(),
        warnings=tuple(dict.fromkeys(map(_sentence, heard))),
        grown=cache.trees.grown,
        shared_steps=cache.steps.found,
    )


def estimator_of(trial: Trial, spec: SweepSpec, dataset: Dataset) -> BaseEstimator:
    """The estimator of a trial, to fit on training rows of a data set."""
    return pipeline.of_trial(trial.estimator, spec, dataset.X_train, _classes(dataset))


def _classes(dataset: Dataset) -> Sequence[Any]:
    """What a classifier tells apart; several labels are 0 or 1 each."""
    return dataset.classes if dataset.y_train.ndim == 1 else (0, 1)


def score(estimator: BaseEstimator, dataset: Dataset, metric: str) -> float:
    """The score of a fitted estimator on the holdout; greater is better."""
    with _heard_warnings(), one_core():
        return _scores(estimator, dataset.X_holdout, dataset, (metric,))[metric]


def _scores(
    estimator: BaseEstimator, unseen: Any, dataset: Dataset, metrics: Sequence[str]
) -> Mapping[str, float]:
    """The scores on the holdout, whose rows are ``unseen`` as the estimator takes them."""
    rate = scorers(metrics, dataset.y_holdout)
    weights = score_params(dataset.beside_holdout.weights)
    return rate(estimator, unseen, dataset.y_holdout, weights)


def _cross_validate(
    estimator: BaseEstimator,
    own: BaseEstimator,
    spec: SweepSpec,
    dataset: Dataset,
    cache: SharedFits,
    most: int | None = None,
) -> tuple[list[Fold], tuple[Curve, ...]]:
    """Every fold's figures, and the staged scores of the last fold's model on its test rows.

    ``own`` is what of the estimator is fitted for this trial alone. With ``most``, only so many
    folds.
    """
    from sklearn.base import clone

    y, weights = dataset.y_train, dataset.beside.weights
    rate = scorers(spec.all_metrics, y)
    take = row_taker(estimator, dataset)
    folds = []
    pairs = folds_of(dataset, spec.folding)[:most]
    for number, (train_rows, test_rows) in enumerate(pairs):
        start = perf_counter()
        params = fit_arguments.of(own, dataset, spec.folding, train_rows)
        features = cache.steps.rows(number, partial(take, train_rows), y[train_rows])
        fit = cache.trees.fit(number, clone(own), features, y[train_rows], params)
        model, fitted = pipeline.asked(fit), perf_counter()
        unseen = cache.steps.unseen(number, partial(take, test_rows))
        values = rate(model, unseen, y[test_rows], score_params(weights, test_rows))
        folds.append(Fold(values, fitted - start, perf_counter() - fitted))
    prepared = pipeline.prepared(model, unseen)
    return folds, curves.staged(pipeline.classifier_of(model), prepared, y[test_rows])


def row_taker(estimator: BaseEstimator, dataset: Dataset) -> Callable[[np.ndarray], Any]:
    """How to get rows of the training data: as an array where that is the same, being faster."""
    frame = dataset.X_train
    if pipeline.needs_names(estimator, frame):
        return lambda rows: frame.iloc[rows]
    values = frame.to_numpy()
    if values.flags.c_contiguous:
        return lambda rows: values[rows]
    return lambda rows: (
        values.T.take(rows, axis=1).T
    )  # in the order that a frame has: sums end alike


@lru_cache(maxsize=1)
def folds_of(dataset: Dataset, folding: Folding) -> list[tuple[np.ndarray, np.ndarray]]:
    """The folds, made once for the trials that follow each other on the same data."""
    return divided(dataset.y_train, folding, dataset.beside)


@lru_cache(maxsize=1)
def _cast(dataset: Dataset, rules: Rules) -> ColumnCast:
    """The cast to the columns of the data, made once like the folds."""
    from sweepstake.casting.column_cast import ColumnCast

    return ColumnCast.like(dataset.X_train, rules)


def _summary(folds: Sequence[Fold]) -> dict[str, float]:
    import numpy as np

    found = {}
    for metric in folds[0].scores:
        scores = [fold.scores[metric] for fold in folds]
        found[mean_cv(metric)] = float(np.mean(scores))
        found[std_cv(metric)] = float(np.std(scores))
    return found


def _fold_curves(folds: Sequence[Fold]) -> tuple[Curve, ...]:
    return (
        *(
            Curve(f"cv_{metric}", tuple((n, fold.scores[metric]) for n, fold in enumerate(folds)))
            for metric in folds[0].scores
        ),
        Curve("fit_seconds", tuple((n, fold.fit_seconds) for n, fold in enumerate(folds))),
        Curve("score_seconds", tuple((n, fold.score_seconds) for n, fold in enumerate(folds))),
    )


def _test_metrics(
    estimator: BaseEstimator,
    unseen: Any,
    dataset: Dataset,
    tested: Evaluation,
    metrics: Sequence[str],
) -> dict[str, float]:
    found = {on_holdout(name): value for name, value in tested.figures.items()}
    known = LABEL_METRICS.union(NUMBER_METRICS) & tested.figures.keys()
    left = tuple(name for name in metrics if name not in known)
    scores = _scores(estimator, unseen, dataset, left) if left else {}
    return found | {on_holdout(name): value for name, value in scores.items()}


def params_of(classifier: BaseEstimator) -> dict[str, str]:
    """All parameters of a classifier, inner ones included, as texts of MLflow's length."""
    params = classifier.get_params(deep=True)
    return {name: _text(value)[:LONGEST_TEXT] for name, value in sorted(params.items())}


def _of_steps(trial: Trial, spec: SweepSpec, dataset: Dataset) -> dict[str, str]:
    """What stands in each step, and all of its parameters, under the names of the grid file."""
    found: dict[str, str] = {}
    for step, placed in estimators.build_steps(trial.estimator, spec.seed, _classes(dataset)):
        found[step.param] = _text(placed)[:LONGEST_TEXT]
        own = params_of(placed) if hasattr(placed, "get_params") else {}
        found |= {f"{step.param}__{name}": text for name, text in own.items()}
    return found


def _text(value: Any) -> str:
    """A parameter's value; classifiers as their class, the members of an ensemble by name."""
    if hasattr(value, "get_params"):
        return type(value).__name__
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return ", ".join(f"{name}: {_text(member)}" for name, member in value)
    if callable(value):
        return str(getattr(value, "__name__", value))
    return str(value)


@contextmanager
def _heard_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Collect warnings instead of showing them; those meant for developers are dropped."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        yield heard


def _sentence(heard: warnings.WarningMessage) -> str:
    text = " ".join(str(heard.message).split())
    return f"{heard.category.__name__}: {text}"[:LONGEST_TEXT]
