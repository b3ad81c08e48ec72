"""Out of fold: what the best trial says of training rows that its model has not seen.

The folds of the trial are fitted once more, after the sweep, for one trial alone: keeping what each
says would cost every trial. The holdout is not touched: it decides about the champion.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sweepstake.data.dataset import open_staged
from sweepstake.domain.answers import Answers, Pair, ask
from sweepstake.domain.trial import TrialState
from sweepstake.errors import SweepstakeError, TrialFailedError
from sweepstake.processes.isolation import Worker
from sweepstake.processes.single_core import one_core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweepstake.data.dataset import Dataset
    from sweepstake.domain.spec import SweepSpec
    from sweepstake.domain.trial import Standing, Trial
    from sweepstake.sweeps.planned_sweep import PlannedSweep

LONGEST = 60.0
"""Seconds that the fits may be expected to take; they may take twice as long."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Truth and answers of the training rows that are scored, or ``reason`` why there are none."""

    pair: Pair | None = None
    reason: str = ""
    seconds: float = 0.0


def ask_best(planned: PlannedSweep, best: Standing | None) -> Asked:
    """Fit the folds of the best trial again, in a process of their own, and ask each model."""
    if best is None or best.state is not TrialState.COMPLETE:
        return Asked(reason="No trial is the best.")
    spec, expected = planned.spec, planned.spec.cv * best.metrics.get("fit_seconds", 0.0)
    if expected > LONGEST:
        return Asked(reason=_TOO_LONG.format(folds=spec.cv, seconds=expected, longest=LONGEST))
    limits = replace(spec.limits, trial_timeout=2 * LONGEST)
    start = time.perf_counter()
    try:
        digest = planned.plan.data_digest
        dataset = open_staged(planned.workspace.bring_data(digest), digest)
        with Worker(_Folds(spec, dataset)) as worker:
            pair = worker.call("pair", planned.trials[best.number], limits=limits)
    except SweepstakeError as error:
        return Asked(reason=f"It could not be asked again: {error}")
    return Asked(pair, seconds=time.perf_counter() - start)


_TOO_LONG = (
    "Fitting its {folds} folds again would take about {seconds:.0f} s, more than the "
    "{longest:.0f} s that a report may spend. Load its model to look at what it confuses."
)


class _Folds:
    """Fits the folds of a trial in the process that is forked for it."""

    def __init__(self, spec: SweepSpec, dataset: Dataset) -> None:
        self._spec, self._dataset = spec, dataset

    def pair(self, trial: Trial) -> Pair:
        """The answers to every row that a fold is scored on, by the model that did not see it.

        Of repeated folds those of the first division; by time the first rows are never scored.
        """
        import numpy as np
        from sklearn.base import clone

        from sweepstake.training import fit_arguments, fit_trial, pipeline

        spec, dataset = self._spec, self._dataset
        with warnings.catch_warnings(), one_core():
            warnings.simplefilter("ignore")  # they are on the trial's run
            estimator = fit_trial.estimator_of(trial, spec, dataset)
            take = fit_trial.row_taker(estimator, dataset)
            parts = []
            for train, test in fit_trial.folds_of(dataset, spec.folding)[: spec.cv]:
                params = fit_arguments.of(estimator, dataset, spec.folding, train)
                fitted = clone(estimator).fit(take(train), dataset.y_train[train], **params)
                model = pipeline.asked(fitted)
                parts.append((test, ask(model, take(test))))
        scored = np.sort(np.concatenate([test for test, _ in parts]))
        places = [(np.searchsorted(scored, test), said) for test, said in parts]
        return Pair(dataset.y_train[scored], joined(places, len(scored)))


def joined(parts: Sequence[tuple[Any, Answers]], rows: int) -> Answers:
    """The answers of all folds, in the order of the rows.

    Raises:
        TrialFailedError: the models do not know the same classes.
    """
    first = parts[0][1]
    if not all(_are_same(said.classes, first.classes) for _, said in parts):
        message = "the rows of a fold lack a class that others have"
        raise TrialFailedError(message)
    return Answers(
        predicted=_filled([(at, said.predicted) for at, said in parts], rows),
        classes=first.classes,
        probability=_filled([(at, said.probability) for at, said in parts], rows),
        margin=_filled([(at, said.margin) for at, said in parts], rows),
    )


def _are_same(one: Any, other: Any) -> bool:
    """Whether classes are the same; several labels have a list with those of each."""
    import numpy as np

    if isinstance(one, list):
        return len(one) == len(other) and all(map(np.array_equal, one, other))
    return bool(np.array_equal(one, other))


def _filled(parts: Sequence[tuple[Any, Any]], rows: int) -> Any:
    """One array of all rows; several labels have a list with one for each."""
    import numpy as np

    replies = parts[0][1]
    if replies is None:
        return None
    if isinstance(replies, list):
        count = len(replies)
        return [_filled([(at, said[n]) for at, said in parts], rows) for n in range(count)]
    whole = np.empty((rows, *replies.shape[1:]), dtype=np.result_type(*(said for _, said in parts)))
    for at, said in parts:
        whole[at] = said
    return whole
