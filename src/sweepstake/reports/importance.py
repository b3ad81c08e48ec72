"""Importance: how much of the differences in score each parameter explains by itself.

Functional ANOVA by Optuna, over the values that were tried, each weighing the same (Hutter, Hoos
and Leyton-Brown: An Efficient Approach for Assessing Hyperparameter Importance, ICML 2014).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from sweepstake.reports.scale import scale_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOURCE = (
    "Functional ANOVA: Hutter, Hoos and Leyton-Brown, An Efficient Approach for Assessing "
    "Hyperparameter Importance, ICML 2014; computed by Optuna."
)
LEAST_TRIALS = 4
MOST_TRIALS = 2_000
"""Of more trials a sample is taken, the same each time: a stride may miss values of an axis."""
TREES, DEPTH = 16, 8
"""Of Optuna's forest, which by default takes minutes for a thousand trials."""


def importance(points: Sequence[Mapping[str, str]], scores: Sequence[float]) -> dict[str, float]:
    """The share of the variance of ``scores`` by name, greatest first; empty if it cannot be told.

    ``points`` give every trial the same names; a name whose value never changes is left out.
    """
    if len(points) < LEAST_TRIALS or min(scores) == max(scores):
        return {}
    chosen: Sequence[int] = range(len(points))
    if len(points) > MOST_TRIALS:
        chosen = random.Random(0).sample(chosen, MOST_TRIALS)  # noqa: S311  # nosec B311
    levels = _levels(points)
    return _evaluated([_placed(points[at], levels) for at in chosen], [scores[at] for at in chosen])


def _levels(points: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    found = {name: scale_of({point[name] for point in points}).levels for name in points[0]}
    return {name: levels for name, levels in found.items() if len(levels) > 1}


def _placed(point: Mapping[str, str], levels: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    return {name: known.index(point[name]) for name, known in levels.items()}


def _evaluated(points: Sequence[Mapping[str, int]], scores: Sequence[float]) -> dict[str, float]:
    import optuna
    from optuna.distributions import IntDistribution
    from optuna.importance import FanovaImportanceEvaluator

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    highest = {name: max(point[name] for point in points) for name in points[0]}
    axes: dict[str, Any] = {name: IntDistribution(0, top) for name, top in highest.items() if top}
    if not axes or min(scores) == max(scores):
        return {}
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        optuna.create_trial(
            params={name: point[name] for name in axes}, distributions=axes, value=score
        )
        for point, score in zip(points, scores, strict=True)
    )
    evaluator = FanovaImportanceEvaluator(n_trees=TREES, max_depth=DEPTH, seed=0)
    found = evaluator.evaluate(study)
    return {name: float(share) for name, share in found.items()}
