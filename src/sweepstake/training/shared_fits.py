"""Shared fits: what the trials of a sweep have in common, and is fitted once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sweepstake.training.shared_steps import StepCache
from sweepstake.training.shared_trees import TreeCache

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from sweepstake.data.dataset import Dataset
    from sweepstake.domain.spec import EstimatorSpec


@dataclass(slots=True)
class SharedFits:
    """The fits of the trials before that the next one may go on from; of one sweep.

    Without ``share`` every trial is fitted by itself.
    """

    share: bool = True
    steps: StepCache = field(default_factory=StepCache)
    trees: TreeCache = field(default_factory=TreeCache)
    dataset: Dataset | None = None

    def enter(
        self, point: EstimatorSpec, estimator: BaseEstimator, dataset: Dataset
    ) -> BaseEstimator:
        """Begin with a trial: what is fitted for it alone, the last step if others are shared.

        Fits on other data than those of the trial before are dropped.
        """
        if not self.share:
            return estimator
        if dataset is not self.dataset:
            self.steps, self.trees, self.dataset = StepCache(), TreeCache(), dataset
        self.trees.enter(point)
        return self.steps.enter(estimator)
