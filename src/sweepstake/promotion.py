"""Promotion: who becomes champion, decided on scores alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweepstake.spec import PromotionPolicy

_ROUNDING = 1e-12
"""A gain this close to ``min_delta`` equals it: 0.95 - 0.94 is not quite 0.01."""


class Verdict(StrEnum):
    """What a round decides about a candidate."""

    PROMOTE = "promote"
    """It becomes champion."""
    KEEP = "keep"
    """It was scored, and another version is or stays champion."""
    REFUSE = "refuse"
    """It could not be scored."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A version and its score on the holdout; ``None`` with the reason where it has none."""

    version: str
    score: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on one candidate, a sentence that explains it, and the incumbent of that time.

    ``champion_version`` is empty and ``champion_score`` ``None`` where there was no champion.
    """

    version: str
    verdict: Verdict
    reason: str
    score: float | None
    champion_version: str
    champion_score: float | None


def decide(
    candidates: Sequence[Scored], champion: Scored | None, policy: PromotionPolicy
) -> tuple[Decision, ...]:
    """One decision per candidate, in their order; one at most is to promote.

    The best candidate wins if it beats the champion by more than ``policy.min_delta``, or if there
    is no champion that can be scored. The first of equal candidates is the best; a candidate equal
    to the champion does not beat it. Scores that are not finite count as none.
    """
    scored = [candidate for candidate in candidates if _value(candidate) is not None]
    best = max(scored, key=lambda candidate: candidate.score or 0.0, default=None)
    wins = best is not None and _beats(best, champion, policy.min_delta)
    return tuple(
        _decision(candidate, best, champion, policy.min_delta, wins=wins)
        for candidate in candidates
    )


def _decision(
    candidate: Scored, best: Scored | None, champion: Scored | None, min_delta: float, *, wins: bool
) -> Decision:
    if best is None or _value(candidate) is None:
        verdict, reason = Verdict.REFUSE, _refusal(candidate)
    elif candidate is not best:
        verdict = Verdict.KEEP
        reason = f"It scored {_figure(candidate)}; version {best.version} is better or came first, "
        reason += f"with {_figure(best)}."
    else:
        verdict = Verdict.PROMOTE if wins else Verdict.KEEP
        reason = _comparison(candidate, champion, min_delta, wins=wins)
    return Decision(
        version=candidate.version,
        verdict=verdict,
        reason=reason,
        score=_value(candidate),
        champion_version=champion.version if champion else "",
        champion_score=_value(champion) if champion else None,
    )


def _beats(candidate: Scored, champion: Scored | None, min_delta: float) -> bool:
    score, bar = _value(candidate), _value(champion) if champion else None
    return score is not None and (bar is None or score - bar - min_delta > _ROUNDING)


def _comparison(candidate: Scored, champion: Scored | None, min_delta: float, *, wins: bool) -> str:
    """Why the best candidate wins or not."""
    scored = f"It scored {_figure(candidate)}"
    if champion is None:
        return f"{scored} and there was no champion."
    if _value(champion) is None:
        cause = _refusal(champion).rstrip(".")
        return f"{scored} and champion version {champion.version} has no score: {cause}."
    bar = f"champion version {champion.version} with {_figure(champion)}"
    margin = f"more than {min_delta:g} (promotion.min_delta)"
    if wins:
        return f"{scored} and beats {bar} by {margin}."
    return f"{scored} and does not beat {bar} by {margin}."


def _refusal(entrant: Scored) -> str:
    if entrant.score is None:
        return entrant.reason or "It could not be scored."
    return f"Its score is {entrant.score}, which is not a finite number."


def _value(entrant: Scored) -> float | None:
    finite = entrant.score is not None and math.isfinite(entrant.score)
    return entrant.score if finite else None


def _figure(entrant: Scored) -> str:
    return f"{entrant.score:.6g}"
