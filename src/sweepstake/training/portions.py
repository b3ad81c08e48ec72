"""Portions: a trial scored on a part of the training data, for the rungs of a search by halving."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from sweepstake.domain.task import are_classes
from sweepstake.training import fit_trial

if TYPE_CHECKING:
    import numpy as np

    from sweepstake.data.dataset import Dataset
    from sweepstake.domain.search import Portion
    from sweepstake.domain.spec import SweepSpec
    from sweepstake.domain.trial import Trial, TrialResult
    from sweepstake.training.shared_fits import SharedFits


def rate(
    trial: Trial,
    portion: Portion,
    spec: SweepSpec,
    dataset: Dataset,
    cache: SharedFits | None = None,
) -> TrialResult:
    """Cross-validate a trial on the part of the data that its rung has; no model is made.

    Raises:
        Exception: whatever the classifier raises while it is fitted or asked.
    """
    part = _thinned(dataset, portion.rows, spec.cv, spec.seed) if portion.rows else dataset
    return fit_trial.rate(trial, spec, part, portion.folds, cache)


@lru_cache(maxsize=1)
def _thinned(dataset: Dataset, rows: int, cv: int, seed: int) -> Dataset:
    """The data set with so many of its training rows, made once for the trials of a rung."""
    kept = chosen_rows(dataset.y_train, rows, cv, seed)
    return replace(
        dataset,
        X_train=dataset.X_train.iloc[kept],
        y_train=dataset.y_train[kept],
        beside=dataset.beside.take(kept),
    )


def chosen_rows(y: np.ndarray, rows: int, cv: int, seed: int) -> np.ndarray:
    """Sorted positions of about ``rows`` rows: the same share of each class, but ``cv`` at least.

    A smaller part lies within each larger one. Rows without classes (several labels, or numbers)
    form one.
    """
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(y))
    labels = y if are_classes(y) else np.zeros(len(y))
    kept = []
    for label in np.unique(labels):
        own = order[labels[order] == label]
        kept.append(own[: max(cv, round(rows * len(own) / len(y)))])
    return np.sort(np.concatenate(kept))
