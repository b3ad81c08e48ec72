"""The charts of a report: the figures in them, whatever draws them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import reported

from sweepstake.domain.answers import Answers, Pair
from sweepstake.domain.trial import TrialState
from sweepstake.reports import best_charts, run_charts, trial_charts
from sweepstake.reports.importance import MOST_TRIALS, importance
from sweepstake.reports.scale import scale_of

MATERIAL = reported.material(60)
SHARES = {"max_depth": 0.7, "learning_rate": 0.2, "max_features": 0.05, "n_estimators": 0.01}


def trial(number, **fields):
    """A trial of a sweep like the others, but for some fields."""
    return replace(MATERIAL.standings[0], number=number, **fields)


def swept(*standings):
    """The material of a sweep of these trials."""
    return replace(MATERIAL, standings=standings)


@pytest.mark.parametrize(
    ("values", "levels", "places"),
    [
        (["8", "4", "None"], ("4", "8", "None"), [0.0, 1.0, 1.16]),
        (["0.01", "1", "0.1"], ("0.01", "0.1", "1"), [0.0, 0.5, 1.0]),
        (["1", "2", "3"], ("1", "2", "3"), [0.0, 0.5, 1.0]),
        (["b", "a", "not given"], ("a", "b", "not given"), [0.0, 1.0, 2.0]),
        (["nan", "5"], ("5", "nan"), [0.5, 1.16]),
    ],
)
def test_values_stand_by_size_and_words_after_them(values, levels, places):
    """Also ``null``, which other plots lose; by logarithms where they are two decades apart."""
    scale = scale_of(values)
    found = [round(scale.places[level], 6) for level in scale.levels]
    assert (levels, places) == (scale.levels, found)


def test_an_axis_has_room_for_its_labels():
    """Of many values some are named, the ends among them."""
    ticks = scale_of(map(str, range(100))).ticks
    assert ("0", "99", True) == (ticks[0][1], ticks[-1][1], len(ticks) < 12)


def test_the_parameter_that_makes_the_score_is_the_most_important():
    """The share that fANOVA gives it; one that never changes is left out."""
    points = [{"a": str(i % 4), "b": str(i % 3), "c": "x"} for i in range(60)]
    found = importance(points, [float(i % 4) + 0.001 * (i % 3) for i in range(60)])
    assert (["a", "b"], True) == (list(found), found["a"] > 0.95)


def test_importance_takes_a_sample_of_many_trials_always_the_same():
    """What it costs does not grow with the sweep."""
    points = [{"a": str(i % 5)} for i in range(MOST_TRIALS + 500)]
    scores = [float(i % 5) for i in range(len(points))]
    assert importance(points, scores) == importance(points, scores) != {}


@pytest.mark.parametrize("scores", [[1.0, 2.0], [1.0, 1.0, 1.0, 1.0]])
def test_importance_that_cannot_be_told_is_empty(scores):
    """Too few trials, or scores that do not differ."""
    assert {} == importance([{"a": str(i)} for i in range(len(scores))], scores)


def test_every_trial_is_a_line_through_its_values():
    """Each axis has a place for each ranked trial; ``null`` and texts are among the labels."""
    (drawn,) = trial_charts.parallel(MATERIAL, SHARES).panels
    assert {len(MATERIAL.ranked)} == {len(places) for places in drawn.places}
    labels = {axis.title: [text for _, text in axis.ticks] for axis in drawn.axes}
    assert ["4", "8", "12", "null"] == labels["max_depth"]
    assert ["0.5", "log2", "sqrt"] == labels["max_features"]


def test_each_pair_of_the_most_important_parameters_has_a_map():
    """Four of them make six; a cell is the best of its trials."""
    chart = trial_charts.pairs(MATERIAL, SHARES)
    heat = chart.panels[0].heat
    best = max(value for row in heat.values for value in row if value is not None)
    assert (6, MATERIAL.score(MATERIAL.best)) == (len(chart.panels), best)
    assert all(len(panel.heat.columns) <= 12 for panel in chart.panels)


def test_the_front_has_whom_none_beats_in_both():
    """Cheaper ones first; of two that cost the same the better one."""
    pairs = [(3.0, 0.9), (1.0, 0.5), (1.0, 0.7), (2.0, 0.6), (4.0, 0.9)]
    assert [2, 0] == trial_charts.pareto(pairs)


def test_workers_are_told_by_batches_that_overlap():
    """Two at once are two workers; a third batch after the first goes to its worker."""
    times = {"a": (1000, 3000), "b": (1500, 5000), "c": (3000, 5000)}
    trials = [
        trial(n, batch=name, started=start, ended=end)
        for n, (name, (start, end)) in enumerate(times.items())
    ]
    found = run_charts.lanes(trials)
    assert [[0, 2], [1]] == [[each.number for each in lane] for lane in found.lanes]
    assert 7500 / 8000 == found.busy


def test_trials_of_other_sweeps_are_no_work_of_this_one():
    """Reused ones took no time here."""
    assert run_charts.lanes([trial(0, reused_from="r", started=1, ended=2)]) is None


def test_failures_are_grouped_by_reason_whatever_their_numbers():
    """The largest group first, each with its trials."""
    failed = TrialState.FAILED
    reasons = ["took 1.5 s", "took 22 s", "ValueError: no", "took 3e-2 s"]
    trials = [trial(n, state=failed, reason=reason) for n, reason in enumerate(reasons)]
    found = run_charts.failures(swept(*trials, trial(9)))
    assert [("took 1.5 s", (0, 1, 3)), ("ValueError: no", (2,))] == [
        (each.reason, each.numbers) for each in found
    ]


def test_the_folds_of_the_best_stand_side_by_side():
    """Ten trials of five folds."""
    points, mean = best_charts.folds(MATERIAL).panels[0].series
    assert (50, 10) == (len(points.x), len(mean.x))


def test_curves_have_a_panel_for_each_kind():
    """One line for each trial that recorded it."""
    (panel,) = best_charts.curves(MATERIAL).panels
    assert ("loss curve", 5) == (panel.y.title, len(panel.series))


def test_confusion_and_curves_are_those_of_scikit_learn():
    """Counts by class, and the areas in the legends."""
    truth = np.array(["no", "no", "yes", "yes"])
    said = np.array([[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]])
    answers = Answers(np.array(["no", "no", "no", "yes"]), np.array(["no", "yes"]), said)
    chart = best_charts.quality(replace(MATERIAL, answers=Pair(truth, answers)))
    confusion, roc, precision, calibration = chart.panels
    assert (("1", "1"), ("2", "0")) == confusion.heat.texts
    assert "yes (area 0.750)" in [series.name for series in roc.series]
    assert ["yes (AP 0.833)"] == [series.name for series in precision.series]
    assert 2 == len(calibration.series)


@pytest.mark.parametrize(("margin", "panels"), [(True, 3), (False, 1)])
def test_a_classifier_without_probabilities_has_what_can_be_drawn(margin, panels):
    """No calibration; without a decision function the confusion matrix alone."""
    pair = MATERIAL.answers
    scores = pair.finalist.probability if margin else None
    bare = Answers(pair.finalist.predicted, pair.finalist.classes, None, scores)
    chart = best_charts.quality(replace(MATERIAL, answers=Pair(pair.truth, bare)))
    assert (panels, True) == (len(chart.panels), "no probabilities" in chart.caption)


def test_several_labels_are_drawn_one_by_one():
    """A confusion matrix of them there is none."""
    truth = np.array([[0, 1], [1, 0], [1, 1], [0, 0]])
    said = [np.array([[0.8, 0.2], [0.3, 0.7], [0.4, 0.6], [0.9, 0.1]])] * 2
    answers = Answers(truth, [np.array([0, 1])] * 2, said)
    chart = best_charts.quality(replace(MATERIAL, answers=Pair(truth, answers)))
    assert 3 == len(chart.panels)
    assert {"label 0 (area 1.000)"} <= {series.name for series in chart.panels[0].series}


def test_what_the_best_confuses_is_not_known_without_its_answers():
    """The reason takes the place of the figures."""
    chart = best_charts.quality(replace(MATERIAL, answers=None, unanswered="It takes too long."))
    assert ((), "It takes too long.") == (chart.panels, chart.caption)


def test_scores_that_are_no_numbers_are_left_out():
    """A trial without a score is in no figure."""
    broken = trial(99, metrics={"mean_cv_f1_macro": math.nan})
    (panel,) = trial_charts.scores(swept(*MATERIAL.standings, broken)).panels
    assert len(MATERIAL.ranked) == len(panel.series[0].x)
