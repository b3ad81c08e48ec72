"""Who becomes champion."""

from __future__ import annotations

import math

import pytest

from sweepstake.promotion import Scored, Verdict, decide
from sweepstake.spec import PromotionPolicy

PROMOTE, KEEP, REFUSE = Verdict.PROMOTE, Verdict.KEEP, Verdict.REFUSE
A, B = Scored("2", 0.94), Scored("3", 0.95)
BROKEN = Scored("4", None, "It holds a type that is not trusted.")
NAN = Scored("5", math.nan)
OLD = Scored("1", 0.9)
OLD_BROKEN = Scored("1", None, "Its file was altered.")

CASES = {
    "nobody": ([], OLD, 0, []),
    "the best beats the champion": ([A, B], OLD, 0, [KEEP, PROMOTE]),
    "no champion": ([A], None, 0, [PROMOTE]),
    "no champion, whatever min_delta": ([A], None, 5, [PROMOTE]),
    "a negative score without champion": ([Scored("2", -7.5)], None, 0, [PROMOTE]),
    "negative scores": (
        [Scored("2", -7.5), Scored("3", -0.5)],
        Scored("1", -1.0),
        0,
        [KEEP, PROMOTE],
    ),
    "zero beats a negative score": (
        [Scored("2", -0.5), Scored("3", 0.0)],
        None,
        0,
        [KEEP, PROMOTE],
    ),
    "a tie keeps the champion": ([Scored("2", 0.9)], OLD, 0, [KEEP]),
    "worse": ([Scored("2", 0.8)], OLD, 0, [KEEP]),
    "the first of equals": ([A, Scored("3", 0.94)], OLD, 0, [PROMOTE, KEEP]),
    "exactly min_delta": ([Scored("2", 0.95)], Scored("1", 0.94), 0.01, [KEEP]),
    "more than min_delta": ([Scored("2", 0.9501)], Scored("1", 0.94), 0.01, [PROMOTE]),
    "less than min_delta": ([Scored("2", 0.945)], Scored("1", 0.94), 0.01, [KEEP]),
    "champion without score": ([A, B], OLD_BROKEN, 0.5, [KEEP, PROMOTE]),
    "champion not a number": ([A], Scored("1", math.nan), 0, [PROMOTE]),
    "some without score": ([BROKEN, A, NAN], OLD, 0, [REFUSE, PROMOTE, REFUSE]),
    "all without score": ([BROKEN, NAN], OLD, 0, [REFUSE, REFUSE]),
    "infinite": ([Scored("2", math.inf), A], OLD, 0, [REFUSE, PROMOTE]),
    "nothing can be scored": ([BROKEN], OLD_BROKEN, 0, [REFUSE]),
}


@pytest.mark.parametrize("case", CASES)
def test_verdicts(case):
    """Each candidate gets its verdict, one at most to promote, with the incumbent noted."""
    candidates, champion, min_delta, expected = CASES[case]
    decisions = decide(candidates, champion, PromotionPolicy(min_delta))
    assert expected == [decision.verdict for decision in decisions]
    assert [entry.version for entry in candidates] == [decision.version for decision in decisions]
    incumbent = champion.version if champion else ""
    assert {incumbent} >= {decision.champion_version for decision in decisions}


@pytest.mark.parametrize(
    ("candidates", "champion", "min_delta", "expected"),
    [
        ([A], None, 0, "It scored 0.94 and there was no champion."),
        (
            [A],
            OLD,
            0.01,
            (
                "It scored 0.94 and beats champion version 1 with 0.9 by more than 0.01 "
                "(promotion.min_delta)."
            ),
        ),
        (
            [A],
            OLD,
            0.1,
            (
                "It scored 0.94 and does not beat champion version 1 with 0.9 by more than 0.1 "
                "(promotion.min_delta)."
            ),
        ),
        (
            [A],
            OLD_BROKEN,
            0,
            "It scored 0.94 and champion version 1 has no score: Its file was altered.",
        ),
        ([A, B], OLD, 0, "It scored 0.94; version 3 is better or came first, with 0.95."),
        ([BROKEN], OLD, 0, "It holds a type that is not trusted."),
        ([Scored("2", None)], OLD, 0, "It could not be scored."),
        ([NAN], OLD, 0, "Its score is nan, which is not a finite number."),
    ],
)
def test_reasons_are_sentences_with_figures(candidates, champion, min_delta, expected):
    """The reason says what was compared and how it ended."""
    decisions = decide(candidates, champion, PromotionPolicy(min_delta))
    assert expected == decisions[0].reason


def test_figures_are_on_the_decision():
    """A decision carries the scores it rests on; a score that is no number is none."""
    first, second = decide([A, NAN], OLD, PromotionPolicy())
    assert (first.score, first.champion_version, first.champion_score) == (0.94, "1", 0.9)
    assert second.score is None
