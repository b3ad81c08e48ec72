"""Who becomes champion, and in which words."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from sweepstake.domain.answers import Answers, Pair
from sweepstake.domain.promotion import Finalist, Incumbent, Terrain, Verdict, decide
from sweepstake.domain.spec import PromotionPolicy

PROMOTE, KEEP = Verdict.PROMOTE, Verdict.KEEP
BEST = Finalist("4", 3, 0.9, 6)
OLD = Incumbent("1")
ACCURACY = Terrain("m", "accuracy", "digest")


def said(right):
    """Answers of a classifier of two classes to rows that are all of class 1."""
    return Answers(np.asarray(right, dtype=int), np.array([0, 1]))


def rows(both=0, finalist=0, champion=0, neither=0):
    """A pair by the number of rows that both, one or none have right."""
    counts = (both, finalist, champion, neither)
    one = np.repeat([1, 1, 0, 0], counts)
    other = np.repeat([1, 0, 1, 0], counts)
    return Pair(np.ones(len(one), dtype=int), said(one), said(other))


def verdict(pair, incumbent=OLD, terrain=ACCURACY, **policy):
    """The decision on a pair."""
    return decide(BEST, incumbent, pair, terrain, PromotionPolicy(**policy))


@pytest.mark.parametrize(
    ("pair", "policy", "expected"),
    [
        (rows(both=80, finalist=5), {}, PROMOTE),
        (rows(both=80, finalist=4), {}, KEEP),
        (rows(both=80, finalist=6, champion=1), {}, KEEP),
        (rows(both=80, finalist=7, champion=0, neither=9), {}, PROMOTE),
        (rows(both=80, finalist=9, champion=9), {}, KEEP),
        (rows(both=80), {}, KEEP),
        (rows(both=80, champion=20), {}, KEEP),
        (rows(both=90, finalist=10), {"min_delta": 0.1}, KEEP),
        (rows(both=90, finalist=10), {"min_delta": 0.0999}, PROMOTE),
        (rows(both=90, finalist=10), {"confidence": 0.9999}, KEEP),
        (rows(both=80, finalist=4), {"confidence": 0.9}, PROMOTE),
        (rows(both=60, finalist=10, neither=30), {"floor": 0.71}, KEEP),
        (rows(both=60, finalist=10, neither=30), {"floor": 0.7}, PROMOTE),
    ],
)
def test_a_gain_must_be_sure_and_greater_than_min_delta(pair, policy, expected):
    """Rows that only one of the two has right decide, by McNemar's exact test."""
    assert expected == verdict(pair, **policy).verdict


@pytest.mark.parametrize(
    ("pair", "policy", "expected", "reason"),
    [
        (rows(both=1), {}, PROMOTE, "scored 1.0000 accuracy on 1 held-out rows, and there was no"),
        (rows(both=1, neither=1), {"floor": 0.6}, KEEP, "below promotion.floor 0.6"),
        (rows(neither=3), {}, PROMOTE, "scored 0.0000 accuracy on 3 held-out rows"),
    ],
)
def test_the_first_champion_needs_no_gain(pair, policy, expected, reason):
    """Without a champion the finalist has to reach the floor only."""
    decision = verdict(Pair(pair.truth, pair.finalist), incumbent=None, **policy)
    assert expected == decision.verdict
    assert reason in decision.reason


def test_a_champion_that_cannot_be_scored_stays_and_the_way_out_is_told():
    """No version is promoted past it; the reason names the command that replaces it knowingly."""
    decision = verdict(rows(both=80, finalist=9), Incumbent("1", "column 'f' is missing."))
    assert KEEP == decision.verdict
    assert decision.reason == (
        "Trial 3 (v4), the best of 6 by cross-validation, was not compared: champion v1 cannot be "
        "scored on its rows (column 'f' is missing). The champion stays. To replace it knowingly: "
        "sweepstake champion m --replace --why TEXT"
    )


def test_too_few_new_rows_keep_the_champion():
    """What is left of the holdout without the champion's own rows may not suffice for any test."""
    terrain = Terrain("m", "accuracy", "digest", excluded=66)
    decision = verdict(rows(finalist=4), terrain=terrain)
    assert KEEP == decision.verdict
    assert "66 of 70 held-out rows were left out as champion v1 was trained on them" in (
        decision.reason
    )
    assert "Keep data.holdout and seed as they were" in decision.reason


def test_the_sentence_tells_who_by_how_much_and_how_sure():
    """One sentence has gain, scores, bounds, rows, the number of the test and what it can show."""
    terrain = Terrain("m", "accuracy", "digest", excluded=20, test=3)
    decision = verdict(rows(both=880, finalist=30, champion=10, neither=80), terrain=terrain)
    assert decision.reason == (
        "Trial 3 (v4), the best of 6 by cross-validation, gains 0.0200 accuracy on champion v1 "
        "(0.9100 against 0.8900; 95 % bounds +0.0090 and +0.0286) on 1,000 rows that neither was "
        "trained on. Test 3 on this holdout, which confirms gains from 0.0157. 20 rows that the "
        "champion was trained on were left out. It takes over."
    )


@pytest.mark.parametrize(
    ("pair", "policy", "ending"),
    [
        (rows(both=9, finalist=4), {}, "differ on 4 rows, too few to be sure; hold more rows out."),
        (rows(both=9, finalist=1), {}, "differ on 1 row, too few to be sure; hold more rows out."),
        (
            rows(both=9, finalist=5, champion=6),
            {},
            "The champion stays: the finalist is not better.",
        ),
        (rows(both=9), {}, "The champion stays: the finalist is not better."),
        (rows(both=9, finalist=6, champion=5), {}, "the gain may be luck (p 0.5)."),
        (rows(both=9, finalist=9), {"min_delta": 0.5}, "must exceed 0.5 (promotion.min_delta)."),
        (rows(finalist=9, neither=9), {"floor": 0.6}, "below 0.6 (promotion.floor)."),
    ],
)
def test_the_sentence_ends_with_what_was_missing(pair, policy, ending):
    """Whoever is kept out learns by what."""
    assert verdict(pair, **policy).reason.endswith(ending)


def test_a_loss_is_called_a_loss():
    """A finalist that is worse does not gain, unless by less than is shown."""
    assert "loses 0.1000 accuracy" in verdict(rows(both=9, champion=1)).reason
    assert "gains 0.0000 accuracy" in verdict(rows(both=29_999, champion=1)).reason


def test_the_record_holds_every_figure():
    """Whoever audits a decision finds what it rests on, as JSON."""
    record = json.loads(json.dumps(asdict(verdict(rows(both=80, finalist=9, champion=1)))))
    gain = record["gain"]
    assert (9, 1, 90) == (gain["wins"], gain["losses"], gain["rows"])
    assert (80 / 90 + 9 / 90, 81 / 90) == pytest.approx((gain["score"], gain["champion_score"]))
    assert (0.95, 0.0, "1", 90) == tuple(
        record[name] for name in ("confidence", "min_delta", "champion", "fewest_in_class")
    )
    assert {"version": "4", "trial": 3, "cv_score": 0.9, "candidates": 6} == record["finalist"]


def two_classes(shift, count=400, seed=1):
    """Truth and the probabilities that a classifier gives, the better the greater ``shift``."""
    random = np.random.default_rng(seed)
    truth = np.arange(count) % 2
    margin = random.normal(shift * (2 * truth - 1), 1)
    chance = 1 / (1 + np.exp(-margin))
    probability = np.column_stack([1 - chance, chance])
    return truth, Answers((margin > 0).astype(int), np.array([0, 1]), probability)


@pytest.mark.parametrize("metric", ["f1_macro", "roc_auc", "neg_log_loss", "recall_weighted"])
def test_other_metrics_are_resampled(metric):
    """A clear gain takes over and an equal one does not, the same whenever it is asked."""
    truth, good = two_classes(1.5)
    _, poor = two_classes(0.5, seed=2)
    terrain = Terrain("m", metric, "digest")
    won = verdict(Pair(truth, good, poor), terrain=terrain)
    tied = verdict(Pair(truth, good, good), terrain=terrain)
    assert (PROMOTE, KEEP) == (won.verdict, tied.verdict)
    assert won == verdict(Pair(truth, good, poor), terrain=terrain)
    assert 2000 == won.gain.resamples


def test_other_draws_for_another_holdout():
    """The seed is that of the test: its rows and its two versions."""
    truth, good = two_classes(1.5)
    _, poor = two_classes(0.5, seed=2)
    seeds = {
        verdict(Pair(truth, good, poor), terrain=Terrain("m", "f1_macro", digest)).gain.seed
        for digest in "ab"
    }
    assert 2 == len(seeds)


def test_rough_bounds_are_said_to_be_rough():
    """Where resamples err more often, by ranks on few rows, the reader is told."""
    truth, good = two_classes(1.5, count=80)
    _, poor = two_classes(0.5, count=80, seed=2)
    reason = verdict(Pair(truth, good, poor), terrain=Terrain("m", "roc_auc", "d")).reason
    assert "The smallest class has 40 rows only: the bounds are rough." in reason


def test_a_metric_that_is_not_defined_keeps_the_champion():
    """Rows of one class have no area under the curve: the champion stays, with the way out."""
    _, good = two_classes(1.5)
    ones = np.ones(400, dtype=int)
    decision = verdict(Pair(ones, good, good), terrain=Terrain("m", "roc_auc", "d"))
    assert KEEP == decision.verdict
    assert "roc_auc is not defined on these rows" in decision.reason
    assert "Hold more rows out" in decision.reason


def test_a_champion_that_the_metric_does_not_take_stays():
    """A champion without probabilities has no log loss; it is not replaced past that."""
    truth, good = two_classes(1.5)
    mute = Answers(good.predicted, good.classes)
    decision = verdict(Pair(truth, good, mute), terrain=Terrain("m", "neg_log_loss", "d"))
    assert KEEP == decision.verdict
    assert "champion v1 cannot be scored on its rows (neg_log_loss is not defined" in (
        decision.reason
    )


def test_a_guard_blocks_a_sure_loss():
    """More accuracy at the cost of one class is not taken where that class is guarded."""
    truth = np.repeat([0, 1], [900, 100])
    champion = Answers(np.repeat([0, 1, 0, 1], [800, 100, 20, 80]), np.array([0, 1]))
    finalist = Answers(np.repeat([0, 1, 0, 1], [880, 20, 60, 40]), np.array([0, 1]))
    pair = Pair(truth, finalist, champion)
    guarded = verdict(pair, guards=("recall_per_class",))
    assert (PROMOTE, KEEP) == (verdict(pair).verdict, guarded.verdict)
    assert "The champion stays: recall of 1 surely loses 0.4000 (promotion.guards" in guarded.reason
    assert [True, False] == [each.holds for each in guarded.guards]


def test_a_guard_that_cannot_be_measured_blocks():
    """What protects nothing is not taken for a guard that holds."""
    truth, good = two_classes(1.5)
    _, poor = two_classes(0.5, seed=2)
    mute = Answers(poor.predicted, poor.classes)
    decision = verdict(Pair(truth, good, mute), guards=("neg_log_loss",))
    assert KEEP == decision.verdict
    assert "promotion.guards is not defined on these rows (neg_log_loss: " in decision.reason
