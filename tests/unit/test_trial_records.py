"""Figures of trials: how they are ordered, compared, put together, and waited for."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from sweepstake.domain.answers import Answers
from sweepstake.domain.trial import Standing, TrialState
from sweepstake.errors import NotFoundError, TrialFailedError
from sweepstake.sweeps import out_of_fold, watching
from sweepstake.sweeps.export import ordered
from sweepstake.sweeps.leaderboard import Leaderboard
from sweepstake.sweeps.rerun import Figure


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("mean_cv_accuracy", 2),
        ("mean_cv_neg_log_loss", 2),
        ("fit_seconds", 1),
        ("log_loss", 1),
    ],
)
def test_trials_are_ordered_by_what_is_good(name, best):
    """Times and losses are good where they are small, negative losses where they are great."""
    values = {0: math.nan, 1: -0.5, 2: -0.1}
    standings = tuple(
        Standing(number, "", TrialState.COMPLETE, "", {}, {name: value}, "")
        for number, value in values.items()
    )
    board = Leaderboard("s", "FINISHED", "accuracy", "", standings)
    assert [best, 3 - best, 0] == [each.number for each in ordered(board, name)]


@pytest.mark.parametrize(
    ("recorded", "again", "equal"),
    [(0.5, 0.5, True), (math.nan, math.nan, True), (math.nan, 0.5, False), (None, 0.5, False)],
)
def test_a_figure_is_equal_to_the_last_digit(recorded, again, equal):
    """One that is undefined both times is the same."""
    assert equal == Figure("x", recorded, again).is_equal


def test_answers_of_folds_are_of_the_same_classes():
    """A column of probabilities means one class in all of them."""
    rows = np.full((2, 2), 0.5)
    parts = [
        (np.array([at, at + 1]), Answers(np.array(classes), np.array(classes), rows, None))
        for at, classes in ((0, ["a", "b"]), (2, ["a", "c"]))
    ]
    assert (4, 2) == out_of_fold.joined(
        [parts[0], (np.array([2, 3]), parts[0][1])], 4
    ).probability.shape
    with pytest.raises(TrialFailedError, match="lack a class"):
        out_of_fold.joined(parts, 4)


def test_answers_about_several_labels_are_joined():
    """Each label has classes and probabilities of its own."""
    both = Answers(np.zeros((2, 2)), [np.array([0, 1])] * 2, [np.full((2, 2), 0.5)] * 2, None)
    joined = out_of_fold.joined([(np.array([0, 1]), both), (np.array([2, 3]), both)], 4)
    assert ((4, 2), [(4, 2)] * 2) == (
        joined.predicted.shape,
        [each.shape for each in joined.probability],
    )


def test_a_sweep_that_does_not_begin_is_told(monkeypatch):
    """Who waits for it hears so again and again, and sees its name meanwhile."""
    asked, shown, said = [], [], []

    class Fake:
        def __init__(self, uri):
            self.uri = uri

        def latest_sweep(self, name):
            asked.append(name)
            if len(asked) < 4:
                raise NotFoundError(name)
            return name, "FINISHED"

    monkeypatch.setattr(watching, "Tracking", Fake)
    monkeypatch.setattr(watching, "POLL_SECONDS", 0)
    monkeypatch.setattr(watching, "STILL_SECONDS", -1)
    monkeypatch.setattr(watching.progress, "submitted", lambda *_: True)
    monkeypatch.setattr(watching.progress, "measure", lambda _: SimpleNamespace(ended=0))
    monkeypatch.setattr(watching, "open_planned", lambda *_: None)
    settings = SimpleNamespace(tracking_uri="")
    watching.watch("late", settings, lambda *pair: shown.append(pair), said.append)
    assert [("late", None)] * 3 == shown[:3]
    assert ["late: it has not begun"] * 2 == [text.partition(" for ")[0] for text in said]
