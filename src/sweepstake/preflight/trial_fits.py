"""Rehearsal: fitting and scoring one classifier on some of the rows, to see whether it can be.

It happens in a process of its own, which is watched: a billion trees or a layer of a million units
shall cost whoever checks a grid file neither an evening nor the memory of the machine.
"""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from sweepstake.domain.spec import EACH_CLASS
from sweepstake.domain.task import Task, are_numbers
from sweepstake.errors import TrialFailedError
from sweepstake.gridfile import boosters, estimators
from sweepstake.gridfile.metrics import COMMON, metric_names
from sweepstake.modelfile import model_file
from sweepstake.processes.isolation import Worker
from sweepstake.processes.single_core import one_core
from sweepstake.training import pipeline
from sweepstake.training.weighing import WEIGHT, fit_params, score_params, takes_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from sweepstake.domain.spec import EstimatorSpec, Limits, SweepSpec

LONGEST_REASON = 300
LONGEST_SECONDS = 20.0
ROWS_OF_A_CLASS = 10
NUMBERS = 5
"""Where numbers are predicted, so many times the rows of a class are tried."""
NOT_SAMPLED = "a sampler changes rows, and their weights would not follow. Leave out one of both."
NO_WEIGHTS = "its fit takes no weights of rows. Leave out data.weight, or name another estimator."
ALTERNATIVES = ("f1_macro", "balanced_accuracy", "accuracy")
"""Metrics that need nothing but predictions; suggested where no relative of the metric suits."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows to fit on and rows to score on, frames or arrays; ``y`` of shape (n,) or (n, k)."""

    X_fit: Any
    y_fit: np.ndarray
    X_score: Any
    y_score: np.ndarray
    w_fit: np.ndarray | None = None
    w_score: np.ndarray | None = None
    """What the rows weigh; ``None`` where all weigh the same."""

    @property
    def classes(self) -> list[Any]:
        """The labels to fit on, sorted."""
        import numpy as np

        return list(np.unique(self.y_fit).tolist())

    def thinned(self, count: int) -> Rows:
        """``count`` of the rows to fit on, evenly spread, and as large a part of the others."""
        import numpy as np

        share = count / len(self.y_fit)
        parts = [
            np.linspace(0, len(y) - 1, max(1, round(share * len(y)))).astype(int)
            for y in (self.y_fit, self.y_score)
        ]
        return Rows(
            self.X_fit.iloc[parts[0]],
            self.y_fit[parts[0]],
            self.X_score.iloc[parts[1]],
            self.y_score[parts[1]],
            *(
                None if weights is None else weights[rows]
                for weights, rows in zip((self.w_fit, self.w_score), parts, strict=True)
            ),
        )

    def as_arrays(self) -> Rows:
        """The rows without the names of their columns."""
        return replace(self, X_fit=self.X_fit.to_numpy(), X_score=self.X_score.to_numpy())

    def few_of_each_class(self, count: int) -> Rows:
        """The first ``count`` rows to fit on of each class, to score on as well."""
        import numpy as np

        if are_numbers(self.y_fit):
            return self.thinned(min(len(self.y_fit), NUMBERS * count))
        kinds = np.unique(self.y_fit, axis=0, return_inverse=True)[1].ravel()
        firsts = [np.flatnonzero(kinds == kind)[:count] for kind in np.unique(kinds)]
        few = np.sort(np.concatenate(firsts))
        features, labels = self.X_fit.iloc[few], self.y_fit[few]
        weights = None if self.w_fit is None else self.w_fit[few]
        return Rows(features, labels, features, labels, weights, weights)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a classifier cannot be fitted or one of the metrics not be taken.

    ``metric`` and ``place`` say which, and where in the grid file, and ``alternatives`` are others
    that suit the fitted classifier; all are empty where the fit was refused.
    ``of_process``: fitting ended its process, so that it is no rule of scikit-learn.
    """

    reason: str
    metric: str = ""
    place: str = ""
    of_process: bool = False
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The seconds of a core that fitting and scoring took, and what refused, if anything."""

    seconds: float
    refusal: Refusal | None = None
    tracked: float = 0.0
    """Of these seconds, those of scoring by metrics that do not rank."""


def try_fit(point: EstimatorSpec, spec: SweepSpec, rows: Rows) -> Outcome:
    """Fit the classifier of ``point`` as a trial would, predict and score, on ``rows``."""
    began = time.process_time()
    with warnings.catch_warnings(), one_core():
        warnings.simplefilter("ignore")
        refusal, tracked = _refusal(point, spec, rows)
    return Outcome(time.process_time() - began, refusal, tracked)


@dataclass(frozen=True, slots=True, eq=False)
class _Actor:
    """What runs in the watched process."""

    spec: SweepSpec
    rows: Rows

    def on_few(self, point: EstimatorSpec) -> Outcome:
        outcome = try_fit(point, self.spec, self.rows.few_of_each_class(ROWS_OF_A_CLASS))
        if outcome.refusal:
            return outcome
        classifier = estimators.build(point, self.spec.seed, self.rows.classes)
        return replace(outcome, refusal=_infeasible(classifier, self.rows.y_fit))

    def on_rows(self, point: EstimatorSpec, count: int) -> Outcome:
        whole = count == len(self.rows.y_fit)
        return try_fit(point, self.spec, self.rows if whole else self.rows.thinned(count))


class FitProcess:
    """A process that tries points on the rows of a sweep; use it in ``with``.

    A try is ended after `LONGEST_SECONDS`. That it crashes, or needs more memory than
    ``limits.trial_memory`` (by default half of the machine's), is a refusal.
    """

    def __init__(self, spec: SweepSpec, rows: Rows) -> None:
        self.row_count = len(rows.y_fit)
        self._spent = self._tracked = 0.0
        parts = (part for each in spec.candidates for part in (each.estimator, *each.grids))
        boosters.load_libraries(estimators.names_in(parts))
        self._limits = _limits(spec.limits)
        self._worker = Worker(_Actor(spec, rows))

    def __enter__(self) -> Self:
        self._worker.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._worker.__exit__(*exception)

    def on_few(self, point: EstimatorSpec) -> Outcome:
        """Rehearse ``point`` on `ROWS_OF_A_CLASS` rows of each class.

        What these cannot show, as they are as many of each class, is judged by its rule.
        """
        return self._outcome("on_few", point)

    def on_rows(self, point: EstimatorSpec, count: int) -> Outcome:
        """Rehearse ``point`` on ``count`` rows, evenly spread."""
        return self._outcome("on_rows", point, count)

    def _outcome(self, method: str, *args: object) -> Outcome:
        began = time.perf_counter()
        try:
            outcome: Outcome = self._worker.call(method, *args, limits=self._limits)
        except TrialFailedError as error:
            seconds = time.perf_counter() - began
            late = seconds > LONGEST_SECONDS  # slow is no refusal
            return Outcome(seconds, None if late else Refusal(sentence(error), of_process=True))
        self._spent += outcome.seconds
        self._tracked += outcome.tracked
        return outcome

    @property
    def tracked_share(self) -> float:
        """The share of its time that scoring by metrics that do not rank took."""
        return self._tracked / self._spent if self._spent else 0.0


def _limits(limits: Limits) -> Limits:
    import psutil

    memory = limits.trial_memory or psutil.virtual_memory().total // 2
    return replace(limits, trial_timeout=LONGEST_SECONDS, trial_memory=memory)


def _refusal(point: EstimatorSpec, spec: SweepSpec, rows: Rows) -> tuple[Refusal | None, float]:
    """What refused, if anything, and the seconds of scoring by metrics that do not rank."""
    try:
        fitted = pipeline.of_trial(point, spec, rows.X_fit, rows.classes)
        rows = rows if pipeline.needs_names(fitted, rows.X_fit) else rows.as_arrays()
        if rows.w_fit is not None and pipeline.asked(fitted) is not fitted:
            return Refusal(NOT_SAMPLED), 0.0
        if rows.w_fit is not None and not takes_weights(fitted):
            return Refusal(NO_WEIGHTS), 0.0
        fitted.fit(rows.X_fit, rows.y_fit, **fit_params(fitted, rows.w_fit))
        fitted = pipeline.asked(fitted)
        _check_neighbors(pipeline.classifier_of(fitted), len(rows.y_fit))
        fitted.predict(rows.X_score)
    except Exception as error:  # noqa: BLE001 - whatever a fit raises is its refusal
        return Refusal(sentence(error)), 0.0
    tracked = 0.0
    for place, metric in _measured(spec):
        began = time.process_time()
        if reason := _score_refusal(metric, fitted, rows):
            others = _suitable(metric, fitted, rows)
            return Refusal(reason, metric, place, alternatives=others), tracked
        tracked += time.process_time() - began if place.startswith("metrics") else 0.0
    return _file_refusal(point, fitted), tracked


def _measured(spec: SweepSpec) -> Iterator[tuple[str, str]]:
    """Where the grid file names a metric, and which: trials are ranked by it, or it is guarded."""
    yield "metric", spec.metric
    for number, metric in enumerate(spec.metrics):
        yield f"metrics[{number}]", metric
    for number, guard in enumerate(spec.promotion.guards):
        if guard != EACH_CLASS:
            yield f"promotion.guards[{number}]", guard


def _check_neighbors(classifier: Any, rows: int) -> None:
    """Hold the neighbours against the rows: scikit-learn does so only on some of its ways.

    Rows that lie in the order of C go another way in its 1.9, where too many give class 0.
    """
    wanted = getattr(classifier, "n_neighbors", None)
    if hasattr(classifier, "kneighbors") and isinstance(wanted, int) and wanted > rows:
        message = f"n_neighbors must be at most the rows that are fitted, {rows}."
        raise ValueError(message)


def _infeasible(classifier: Any, y: np.ndarray) -> Refusal | None:
    """Whether ``nu`` is too great for two of the classes: ``svm_check_parameter`` of libsvm."""
    import numpy as np

    if type(classifier).__name__ != "NuSVC" or y.ndim > 1:
        return None
    sizes = np.unique(y, return_counts=True)[1]
    if classifier.nu * (sizes.min() + sizes.max()) / 2 <= sizes.min():
        return None
    return Refusal("specified nu is infeasible.")


def _file_refusal(point: EstimatorSpec, fitted: Any) -> Refusal | None:
    """Why a model file may not hold what was fitted; those of scikit-learn's own are reviewed."""
    if not estimators.releases([point]):
        return None
    try:
        written = model_file.stored(fitted)
        model_file.needed_types(written.skops)
        model_file.opened(written)
    except Exception as error:  # noqa: BLE001 - a class of an operator may not even be written
        return Refusal(sentence(error))
    return None


def _score_refusal(metric: str, fitted: Any, rows: Rows) -> str:
    """Why a metric cannot be taken; empty where it can."""
    from sklearn.metrics import get_scorer

    try:
        score = get_scorer(metric)(fitted, rows.X_score, rows.y_score, **score_params(rows.w_score))
    except AttributeError as error:
        return _missing_method(error)
    except Exception as error:  # noqa: BLE001 - whatever a scorer raises is its refusal
        if rows.w_score is not None and isinstance(error, TypeError) and WEIGHT in str(error):
            return "it takes no weights of rows (data.weight)."
        return sentence(error)
    return "" if math.isfinite(score) else f"it gives {score} on this data."


def _missing_method(error: AttributeError) -> str:
    """What a scorer asks for and ``Pipeline has none of the following attributes`` names."""
    _, found, methods = str(error).partition("none of the following attributes: ")
    return f"it needs {methods.rstrip('.')}, which is not there." if found else sentence(error)


def _suitable(metric: str, fitted: Any, rows: Rows) -> tuple[str, ...]:
    """Relatives of a metric (``f1`` -> ``f1_macro``) that can be taken, else common ones."""
    family = metric.removesuffix("_ovr").removesuffix("_ovo")
    relatives = [name for name in metric_names() if name.startswith(f"{family}_")]
    relatives.sort(key=lambda name: not name.endswith(("_macro", "_ovr")))
    common = COMMON[Task.REGRESSION] if are_numbers(rows.y_fit) else ALTERNATIVES
    for choice in (relatives, common):
        suitable = [name for name in choice if not _score_refusal(name, fitted, rows)]
        if suitable:
            return tuple(suitable[:2])
    return ()


def sentence(error: Exception) -> str:
    """The first line of an error, in one sentence."""
    lines = str(error).strip().splitlines()
    text = " ".join(lines[0].split()) if lines else type(error).__name__
    text = text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"
    return text if text.endswith((".", "…", "?")) else f"{text}."
