"""Promotion: whether the finalist of a sweep takes over from the champion.

Cross-validation selects, the holdout confirms one: the best trial of a sweep by cross-validation is
tested once, on rows that neither it nor the champion was trained on, and takes over only if its
gain exceeds ``min_delta`` and is sure.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sweepstake.domain.guards import Guarded, watch
from sweepstake.domain.paired import EXACT, UNDEFINED, Gain, least_rows, measure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.domain.answers import Answers, Pair
    from sweepstake.domain.spec import PromotionPolicy

RULE = "cross-validation selects, the holdout confirms one"
WARNED_ROWS = 200
"""Rows of the smallest class below which resamples of ranks and probabilities err more often."""
_SHOWN = 0.5e-4
"""The least loss that four decimals do not show as none."""
_ROUNDING = 1e-12
"""A gain this close to ``min_delta`` equals it: 0.95 - 0.94 is not quite 0.01."""


class Verdict(StrEnum):
    """What is decided about a version."""

    PROMOTE = "promote"
    """It becomes champion."""
    KEEP = "keep"
    """Another version is or stays champion."""
    REFUSE = "refuse"
    """It cannot be loaded or asked, or is past a limit."""
    ROLLBACK = "rollback"
    """Somebody put it back into service."""
    REPLACE = "replace"
    """Somebody put it into service in the place of a champion."""


@dataclass(frozen=True, slots=True)
class Finalist:
    """The best of ``candidates`` versions by cross-validation."""

    version: str
    trial: int
    cv_score: float
    candidates: int = 1


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The champion of the moment; ``problem`` says why it cannot be compared, if so."""

    version: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Terrain:
    """The rows of a test: which model and metric they are for, and what is known of them.

    ``digest`` tells one holdout from another, ``excluded`` counts its rows that were left out as
    the champion was trained on them, and ``test`` is the number of this test on this holdout.
    """

    model: str
    metric: str
    digest: str
    excluded: int = 0
    test: int = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on a finalist, the sentence that explains it, and every figure it rests on.

    ``gain`` is ``None`` where nothing was compared; ``score`` is then the finalist's on the rows,
    if it has one.
    """

    verdict: Verdict
    reason: str
    finalist: Finalist
    champion: str
    terrain: Terrain
    rows: int
    score: float | None = None
    gain: Gain | None = None
    guards: tuple[Guarded, ...] = ()
    fewest_in_class: int = 0
    confidence: float = 0.95
    min_delta: float = 0.0
    rule: str = RULE

    @property
    def champion_score(self) -> float | None:
        """The champion's score on the rows, if it was compared."""
        return self.gain.champion_score if self.gain else None


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict on one version, why, and its score if it has one.

    ``digest`` is what is told of its sweep, on the one version that the round was about.
    """

    verdict: Verdict
    reason: str
    score: float | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round comes to: the decision on its finalist, ``None`` where nobody was tested.

    ``refused`` gives the reason by version for those that could not be finalist; ``best`` says who
    is the best of all others.
    """

    decision: Decision | None
    refused: Mapping[str, str]
    best: str


def decide(
    finalist: Finalist,
    incumbent: Incumbent | None,
    pair: Pair,
    terrain: Terrain,
    policy: PromotionPolicy,
) -> Decision:
    """Whether ``finalist`` takes over from ``incumbent``, on what both said of the same rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say of undefined figures is in the reason
        result = _rule(finalist, incumbent, pair, terrain, policy)
        score = _score(pair.finalist, pair, terrain)
    return Decision(
        verdict=result.verdict,
        reason=f"{_named(finalist)} {result.reason}",
        finalist=finalist,
        champion=incumbent.version if incumbent else "",
        terrain=terrain,
        rows=len(pair.truth),
        score=score,
        gain=result.gain,
        guards=result.guards,
        fewest_in_class=pair.fewest_in_class,
        confidence=policy.confidence,
        min_delta=policy.min_delta,
    )


@dataclass(frozen=True, slots=True)
class _Result:
    verdict: Verdict
    reason: str
    gain: Gain | None = None
    guards: tuple[Guarded, ...] = ()


def _rule(
    finalist: Finalist,
    incumbent: Incumbent | None,
    pair: Pair,
    terrain: Terrain,
    policy: PromotionPolicy,
) -> _Result:
    if incumbent is None:
        return _unopposed(_score(pair.finalist, pair, terrain), pair, terrain, policy)
    hindrance = _hindrance(incumbent, pair, terrain, policy)
    if hindrance:
        return _Result(Verdict.KEEP, f"was not compared: {hindrance}")
    seed = _seed(terrain.digest, finalist.version, incumbent.version)
    metric = terrain.metric
    try:
        gain = measure(pair, metric, policy.confidence, seed)
        metric = "promotion.guards"
        guards = watch(pair, policy.guards, policy.confidence, seed)
    except UNDEFINED as error:
        return _Result(Verdict.KEEP, f"was not compared: {_undefined(metric, error)}")
    objection = _objection(gain, guards, policy)
    told = f"{_told(gain, incumbent, terrain, policy)} {_noted(gain, pair, terrain, policy)}"
    if objection:
        return _Result(Verdict.KEEP, f"{told} The champion stays: {objection}.", gain, guards)
    word = "may take over" if policy.approval else "takes over"
    return _Result(Verdict.PROMOTE, f"{told} It {word}.", gain, guards)


def _unopposed(
    score: float | None, pair: Pair, terrain: Terrain, policy: PromotionPolicy
) -> _Result:
    """The first champion only has to reach the floor."""
    if score is None:
        undefined = f"{terrain.metric} is not defined on its {len(pair.truth):,} held-out rows"
        return _Result(Verdict.KEEP, f"has no score: {undefined}. {_MORE_ROWS}")
    scored = f"scored {score:.4f} {terrain.metric} on {len(pair.truth):,} held-out rows"
    if policy.floor is not None and score < policy.floor:
        return _Result(Verdict.KEEP, f"{scored}, below promotion.floor {policy.floor:g}.")
    return _Result(Verdict.PROMOTE, f"{scored}, and there was no champion.")


def _hindrance(incumbent: Incumbent, pair: Pair, terrain: Terrain, policy: PromotionPolicy) -> str:
    """Why the two cannot be compared, and the way out; empty where they can."""
    if incumbent.problem:
        return _unscored(incumbent.version, incumbent.problem, terrain.model)
    needed = least_rows(terrain.metric, policy.confidence, is_exact=pair.rows_are_alike)
    if pair.independent < needed <= len(pair.truth):
        known = f"the {len(pair.truth):,} held-out rows are of {pair.independent:,} groups, and a "
        known += f"test of {terrain.metric} needs {needed:,} of them. The champion stays. "
        return known + "Hold more out (data.holdout), or add groups."
    if len(pair.truth) < needed:
        left = f"{terrain.excluded:,} of {len(pair.truth) + terrain.excluded:,} held-out rows were "
        left += f"left out as champion v{incumbent.version} was trained on them, and a test of "
        left += f"{terrain.metric} needs {needed:,} rows, but {len(pair.truth):,} are left"
        way_out = "Keep data.holdout and seed as they were, or add rows that are new."
        return f"{left}. The champion stays. {way_out}"
    sides = (pair.finalist, pair.champion or pair.finalist)
    scored, bar = (_score(answers, pair, terrain) is not None for answers in sides)
    if scored and not bar:
        problem = f"{terrain.metric} is not defined for its answers"
        return _unscored(incumbent.version, problem, terrain.model)
    return ""


def _unscored(version: str, problem: str, model: str) -> str:
    return (
        f"champion v{version} cannot be scored on its rows ({problem.rstrip('.')}). The champion "
        f"stays. To replace it knowingly: sweepstake champion {model} --replace --why TEXT"
    )


def _undefined(metric: str, error: Exception) -> str:
    cause = str(error).rstrip(".")
    return f"{metric} is not defined on these rows ({cause}). The champion stays. {_MORE_ROWS}"


_MORE_ROWS = "Hold more rows out (data.holdout), or choose another metric."


def _objection(gain: Gain, guards: tuple[Guarded, ...], policy: PromotionPolicy) -> str:
    """Why the finalist does not take over, the first cause that holds; empty where none does."""
    if gain.gain <= _ROUNDING:
        return "the finalist is not better"
    if gain.p > 1 - policy.confidence:
        return _luck(gain, policy.confidence)
    if gain.gain - policy.min_delta <= _ROUNDING:
        return f"the gain must exceed {policy.min_delta:g} (promotion.min_delta)"
    if policy.floor is not None and gain.score < policy.floor:
        return f"the score is below {policy.floor:g} (promotion.floor)"
    lost = next((each for each in guards if not each.holds), None)
    if lost:
        return f"{lost.name} surely loses {-lost.gain:.4f} (promotion.guards, p {lost.p:.2g})"
    return ""


def _luck(gain: Gain, confidence: float) -> str:
    if gain.wins is not None and gain.losses is not None:
        apart = gain.wins + gain.losses
        if apart < least_rows(EXACT, confidence):
            noun = "row" if apart == 1 else "rows"
            return f"the two differ on {apart} {noun}, too few to be sure; hold more rows out"
    return f"the gain may be luck (p {gain.p:.2g})"


def _named(finalist: Finalist) -> str:
    return (
        f"Trial {finalist.trial} (v{finalist.version}), "
        f"the best of {finalist.candidates:,} by cross-validation,"
    )


def _told(gain: Gain, incumbent: Incumbent, terrain: Terrain, policy: PromotionPolicy) -> str:
    scores = f"{gain.score:.4f} against {gain.champion_score:.4f}"
    bounds = f"{100 * policy.confidence:g} % bounds {gain.low:+.4f} and {gain.high:+.4f}"
    moves = "loses" if gain.gain <= -_SHOWN else "gains"
    return (
        f"{moves} {abs(gain.gain):.4f} {terrain.metric} on champion v{incumbent.version} "
        f"({scores}; {bounds}) on {gain.rows:,} rows that neither was trained on."
    )


def _noted(gain: Gain, pair: Pair, terrain: Terrain, policy: PromotionPolicy) -> str:
    """What a reader must know of the test itself."""
    noted = (
        f"Test {terrain.test} on this holdout, which confirms gains from {gain.confirmable:.4f}."
    )
    if terrain.excluded:
        noted += f" {terrain.excluded:,} rows that the champion was trained on were left out."
    measured = {terrain.metric, *policy.guards}
    if gain.resamples and measured & _SENSITIVE and pair.fewest_in_class < WARNED_ROWS:
        noted += (
            f" The smallest class has {pair.fewest_in_class:,} rows only: the bounds are rough."
        )
    return noted


_SENSITIVE = frozenset({"roc_auc", "neg_log_loss", "average_precision", "neg_brier_score"})
"""Metrics whose resamples err more often where a class has few rows."""


def _score(answers: Answers, pair: Pair, terrain: Terrain) -> float | None:
    try:
        score = answers.score(terrain.metric, pair.truth, weights=pair.weights)
    except UNDEFINED:
        return None
    return score if math.isfinite(score) else None


def _seed(*parts: str) -> int:
    """A seed that follows from the test, so that a retry draws the same resamples."""
    return int.from_bytes(hashlib.sha256("|".join(parts).encode()).digest()[:8])
