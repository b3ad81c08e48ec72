"""Shared fits: what the trials of a sweep have in common, and is fitted once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sweepstake.training.shared_steps import StepCache
from sweepstake.training.shared_trees import ForestCache

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from sweepstake.domain.spec import EstimatorSpec


@dataclass(slots=True)
class SharedFits:
    """The fits of the trials before that the next one may go on from; of one sweep on one data set.

    Without ``share`` every trial is fitted by itself.
    """

    share: bool = True
    steps: StepCache = field(default_factory=StepCache)
    trees: ForestCache = field(default_factory=ForestCache)

    def enter(self, point: EstimatorSpec, estimator: BaseEstimator) -> BaseEstimator:
        """Begin with a trial: what is fitted for it alone, the last step if others are shared."""
        if not self.share:
            return estimator
        self.trees.enter(point)
        return self.steps.enter(estimator)
