"""Material: all that a report is made of, gathered before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING

from sweepstake.domain import ranking
from sweepstake.domain.tags import mean_cv, std_cv
from sweepstake.domain.trial import TrialState
from sweepstake.errors import printable
from sweepstake.mlflow_client.run_names import clip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.domain.answers import Pair
    from sweepstake.domain.trial import Curve, Standing

CLASSIFIER = "classifier"
"""The axis that tells trials of several classifiers apart."""


@dataclass(frozen=True, kw_only=True)  # without slots: what follows from it is kept in it
class Material:
    """A sweep that is over, as its report shows it.

    ``standings`` are ranked; ``folds`` gives the scores on the folds by trial number; ``curves``
    those of the first trials that recorded some; ``metrics`` are tracked beside the one that ranks;
    ``answers`` what the best trial says of training rows that its fold was not fitted on, or
    ``unanswered`` why that is not known; ``next_grid`` is
    the grid file to try next, ``next_file`` its name, ``unrefined`` why there is none.
    """

    sweep: str
    model: str
    metric: str
    cv: int
    data: str
    standings: tuple[Standing, ...]
    warnings: tuple[str, ...] = ()
    folds: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    curves: tuple[tuple[int, Curve], ...] = ()
    answers: Pair | None = None
    unanswered: str = ""
    metrics: tuple[str, ...] = ()
    next_grid: str = ""
    next_file: str = ""
    unrefined: str = ""
    search: str = ""
    """How the search spent its budget; empty for a whole grid."""

    @cached_property
    def ranked(self) -> tuple[Standing, ...]:
        """The complete trials that have a score, best first.

        Those of rungs are left out where others are: they are scored on other data.
        """
        complete = [s for s in self.standings if s.state is TrialState.COMPLETE]
        scored = [s for s in complete if isfinite(self.score(s))]
        return tuple([s for s in scored if s.rung is None] or scored)

    @cached_property
    def best(self) -> Standing | None:
        """The head of the leaderboard."""
        return ranking.best(self.standings, self.metric)

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """The parameters that are not the same in all trials, sorted."""
        names = sorted({name for standing in self.standings for name in standing.params})
        return tuple(n for n in names if len({s.params.get(n) for s in self.standings}) > 1)

    @cached_property
    def classifiers(self) -> tuple[str, ...]:
        """The names of the classifiers, sorted."""
        return tuple(sorted({standing.estimator for standing in self.standings}))

    def score(self, standing: Standing) -> float:
        """The mean score on the folds, NaN where there is none."""
        return standing.metrics.get(mean_cv(self.metric), float("nan"))

    def spread(self, standing: Standing) -> float:
        """The standard deviation over the folds, 0 where it is not known."""
        spread = standing.metrics.get(std_cv(self.metric), 0.0)
        return spread if isfinite(spread) else 0.0

    def described(self, standing: Standing, longest: int = 120) -> str:
        """What tells a trial from others: its values, its classifier where there are several."""
        values = ", ".join(
            f"{name}={_value(standing.params[name])}"
            for name in self.varying
            if name in standing.params
        )
        name = standing.estimator.rpartition(".")[2]
        several = len(self.classifiers) > 1 or not values
        values += f" (on {standing.part})" if standing.part else ""
        return clip(printable(f"{name} {values}".rstrip() if several else values), longest)


def _value(text: str) -> str:
    return "null" if text == "None" else text
