"""Paired: how much a finalist gains over a champion on the same rows, and how sure that is.

Accuracy is tested exactly, on the rows of which one of the two is right (McNemar, Psychometrika 12
(1947) 153-157), with bounds after Clopper and Pearson (Biometrika 26 (1934) 404-413). Every other
metric is resampled, and so is accuracy where rows have weights or groups: then whole groups are
drawn. Without such rows the folds of a cross-validation are compared, whose training
rows overlap: their variance is corrected for that (Nadeau and Bengio, Machine Learning 52 (2003)
239-281).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.domain.resampling import paired_gains

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from sweepstake.domain.answers import Pair

UNDEFINED = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
"""What scorers raise for answers that they cannot score."""
RESAMPLES = 2_000
EXACT = "accuracy"
"""The metric whose gain has an exact test."""
POWER = 0.8
"""How often the smallest confirmable gain would be confirmed."""
MOST_UNDEFINED = 0.05
"""Share of the resamples on which the metric may be undefined."""
LEAST_ROWS = 30
"""Rows without which resamples say nothing."""


@dataclass(frozen=True, slots=True)
class Gain:
    """The finalist's gain on ``rows`` rows, between one-sided bounds of the confidence asked for.

    ``p`` is the chance of such a gain among equals. ``wins`` counts the rows that only the finalist
    has right, ``losses`` those of the champion alone; both are ``None`` where they do not make the
    metric, and then ``resamples`` says how many were drawn, by ``seed``. ``confirmable`` is the
    smallest gain that such rows confirm in 80 of 100 cases.
    """

    rows: int
    score: float
    champion_score: float
    gain: float
    low: float
    high: float
    p: float
    confirmable: float
    wins: int | None = None
    losses: int | None = None
    resamples: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class FoldGain:
    """The mean gain of one trial over another on the same ``folds``, between one-sided bounds."""

    folds: int
    gain: float
    low: float
    high: float


def by_folds(
    scores: Sequence[float],
    others: Sequence[float],
    confidence: float,
    tested_share: float | None = None,
) -> FoldGain:
    """The gain of ``scores`` over ``others``, fold by fold of the same division of the same rows.

    ``tested_share`` is the number of rows that a fold is scored on by that of its training rows;
    ``None`` stands for folds that are all rows once.

    Raises:
        ValueError: they are not of as many folds, at least two, or some have no score.
    """
    import numpy as np
    from scipy.stats import t  # type: ignore[import-untyped]

    count = len(scores)
    if count != len(others) or count < 2:  # noqa: PLR2004  a spread takes two
        message = f"the folds must be the same, two at least, but are {count} and {len(others)}"
        raise ValueError(message)
    gains = np.subtract(scores, others)
    if not np.isfinite(gains).all():
        message = "every fold must have a score of both, but some have none"
        raise ValueError(message)
    mean, variance = float(gains.mean()), float(gains.var(ddof=1))
    share = 1 / (count - 1) if tested_share is None else tested_share
    error = math.sqrt((1 / count + share) * variance)
    reach = float(t.ppf(confidence, count - 1)) * error
    return FoldGain(count, mean, mean - reach, mean + reach)


def least_rows(metric: str, confidence: float, *, is_exact: bool = True) -> int:
    """Rows that a test needs: for accuracy so many that, all of them won, they confirm a gain."""
    exact = math.ceil(math.log(1 - confidence) / math.log(0.5))
    return exact if metric == EXACT and is_exact else max(exact, LEAST_ROWS)


def measure(pair: Pair, metric: str, confidence: float, seed: int) -> Gain:
    """The gain by ``metric``.

    Raises:
        ValueError: it is not defined on these rows.
    """
    if pair.champion is None:
        message = "there is no champion to compare with"
        raise ValueError(message)
    score = pair.finalist.score(metric, pair.truth, weights=pair.weights)
    bar = pair.champion.score(metric, pair.truth, weights=pair.weights)
    if not (math.isfinite(score) and math.isfinite(bar)):
        message = f"the scores are {score} and {bar}"
        raise ValueError(message)
    if metric == EXACT and pair.rows_are_alike:
        right = pair.finalist.right(pair.truth), pair.champion.right(pair.truth)
        return exact(*right, confidence)
    gains = paired_gains(pair, metric, RESAMPLES, seed)
    return _resampled(len(pair.truth), score, bar, gains, confidence, seed)


def exact(right: np.ndarray, champion_right: np.ndarray, confidence: float) -> Gain:
    """The gain in accuracy, from which rows each of the two has right."""
    from scipy.stats import binomtest

    rows = len(right)
    wins, losses = int((right & ~champion_right).sum()), int((champion_right & ~right).sum())
    apart, least = wins + losses, least_rows(EXACT, confidence)
    low, high, p = 0.0, 0.0, 1.0
    if apart:
        more, less = (binomtest(wins, apart, 0.5, side) for side in ("greater", "less"))
        p = float(more.pvalue)
        low = (2 * float(more.proportion_ci(confidence).low) - 1) * apart / rows
        high = (2 * float(less.proportion_ci(confidence).high) - 1) * apart / rows
    return Gain(
        rows=rows,
        score=float(right.mean()),
        champion_score=float(champion_right.mean()),
        gain=(wins - losses) / rows,
        low=low,
        high=high,
        p=p,
        confirmable=max(_reach(confidence) * math.sqrt(apart), least) / rows,
        wins=wins,
        losses=losses,
    )


def _resampled(
    rows: int, score: float, bar: float, drawn: np.ndarray, confidence: float, seed: int
) -> Gain:
    import numpy as np

    gains = drawn[np.isfinite(drawn)]
    if len(gains) < (1 - MOST_UNDEFINED) * len(drawn):
        message = f"it is undefined on {len(drawn) - len(gains)} of {len(drawn)} resamples"
        raise ValueError(message)
    low, high = np.quantile(gains, (1 - confidence, confidence)).tolist()
    return Gain(
        rows=rows,
        score=score,
        champion_score=bar,
        gain=score - bar,
        low=low,
        high=high,
        p=(1 + int((gains <= 0).sum())) / (1 + len(gains)),
        confirmable=_reach(confidence) * float(gains.std()),
        resamples=len(gains),
        seed=seed,
    )


def _reach(confidence: float) -> float:
    """How many standard errors a gain must be to be confirmed so surely, so often."""
    from scipy.stats import norm

    return float(norm.ppf(confidence) + norm.ppf(POWER))
