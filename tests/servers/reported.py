"""A sweep that is over, of any size, as the material of a report; the same in every process."""

from __future__ import annotations

import math
import random

import numpy as np

from sweepstake.domain.answers import Answers, Pair
from sweepstake.domain.ranking import leaderboard
from sweepstake.domain.trial import Curve, Standing, TrialState
from sweepstake.reports.decision import Badge, Decided
from sweepstake.reports.material import Material

HOSTILE = (
    "</script><script>window.hurt=1</script>",
    '"><img src=x onerror="window.hurt=1">',
    "nul\x00 and bell\x07",
    "\u202eturned\u2066",
    "<a href='javascript:window.hurt=1'>x</a><b>bold</b>",
    "%{x} ${y} {{ z }} {% raw %} $\\frac{1$",
    "<!--/decision--><!--decision-->",
    "\u2028line\u2029",
)
"""Values of parameters, names of them, and reasons."""
DECIDED = Decided(
    Badge.PROMOTED,
    "v36 became champion of digits.",
    "Trial 35 (v36), the best of 36 by cross-validation, gains 0.0120 f1_macro on champion v3.",
    "2026-11-27 18:00 UTC",
    "Who is in service now: sweepstake champion digits.",
    "f1_macro",
    0.012,
    0.003,
    0.021,
)
CHOICES = {
    "max_depth": ("4", "8", "12", "None"),
    "learning_rate": ("0.001", "0.01", "0.1", "1"),
    "max_features": ("sqrt", "log2", "0.5"),
    "n_estimators": tuple(map(str, range(10, 410, 10))),
}
MILLISECONDS = 1_700_000_000_000


def material(trials: int, *, hostile: bool = False) -> Material:
    """A sweep of so many trials on four workers, of which every twentieth failed."""
    drawn = random.Random(trials)
    standings = [_standing(number, drawn, hostile=hostile) for number in range(trials)]
    ranked = leaderboard(standings, "f1_macro")
    return Material(
        sweep="digits-forest__0123456789ab",
        model="digits",
        metric="f1_macro",
        cv=5,
        data="sklearn:digits",
        standings=ranked,
        warnings=HOSTILE if hostile else ("column 'a' has the same value in every row. Drop it.",),
        folds={s.number: _folds(s, drawn) for s in ranked[:10] if s.metrics},
        curves=tuple((s.number, _curve(drawn)) for s in ranked[:5]),
        answers=_answers(hostile=hostile),
        next_grid="".join(HOSTILE) if hostile else "name: digits-forest-2\ngrid: {a: [1, 2]}\n",
        next_file="digits-forest-2.yaml",
    )


def _standing(number: int, drawn: random.Random, *, hostile: bool) -> Standing:
    params = {name: drawn.choice(values) for name, values in CHOICES.items()}
    if hostile:
        params |= {text: drawn.choice(HOSTILE) for text in HOSTILE[:2]}
    depth, rate = params["max_depth"] == "None", float(params["learning_rate"])
    score = 0.8 + 0.1 * depth + 0.03 * math.log10(rate) + drawn.gauss(0, 0.01)
    fails = number % 20 == 19
    seconds = drawn.uniform(0.1, 0.9)
    metrics = {"mean_cv_f1_macro": score, "std_cv_f1_macro": 0.01, "refit_seconds": seconds}
    reason = HOSTILE[number % len(HOSTILE)] if hostile else f"It took more than {number} s."
    start = MILLISECONDS + 1000 * (number // 4)
    return Standing(
        number=number,
        key=f"k{number}",
        state=TrialState.FAILED if fails else TrialState.COMPLETE,
        estimator="sklearn.ensemble.RandomForestClassifier",
        params=params,
        metrics={} if fails else {**metrics, "fit_seconds": seconds},
        run_id=f"run{number}",
        reason=reason if fails else "",
        version="" if fails else str(number + 1),
        batch=str(number % 4),
        started=start,
        ended=start + round(1000 * seconds),
    )


def _folds(standing: Standing, drawn: random.Random) -> tuple[float, ...]:
    score = standing.metrics["mean_cv_f1_macro"]
    return tuple(score + drawn.gauss(0, 0.01) for _ in range(5))


def _curve(drawn: random.Random) -> Curve:
    values = ((step, 1 / (step + 1) + drawn.random() / 20) for step in range(60))
    return Curve("loss_curve", tuple(values))


def _answers(*, hostile: bool) -> Pair:
    drawn = np.random.default_rng(0)
    codes = drawn.integers(0, 3, 400)
    said = drawn.dirichlet([1, 1, 1], 400) * 0.5
    said[np.arange(400), codes] += 0.5
    classes = np.array(sorted(HOSTILE[:3]) if hostile else ["ham", "jam", "spam"])
    return Pair(classes[codes], Answers(classes[said.argmax(axis=1)], classes, said))
