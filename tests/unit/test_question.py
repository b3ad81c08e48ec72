"""The question about a promotion, as it is shown to whoever is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepstake.champions.approval import Proposal
from sweepstake.champions.question import WIDTH, body, draw
from sweepstake.settings import load_settings

PAGE = "http://mlflow:5000/#/models/"
TRAINING = "?workflowType=machine_learning"
GAIN = {
    "rows": 300,
    "score": 0.93,
    "champion_score": 0.91,
    "gain": 0.02,
    "low": 0.005,
    "high": 0.035,
    "p": 0.012,
    "confirmable": 0.018,
}
RECORD = {
    "finalist": {"version": "2", "trial": 5, "cv_score": 0.9255, "candidates": 20},
    "terrain": {"metric": "accuracy"},
    "min_delta": 0.01,
    "gain": GAIN,
    "guards": [{"name": "recall of |b|", "gain": -0.01, "p": 0.4}],
}


def proposal(**changes):
    """A promotion that somebody is asked about."""
    given = {
        "key": "k",
        "model": "my model",
        "sweep": "s__1",
        "version": "2",
        "previous": "1",
        "reason": "It gains.",
        "until": "2026-01-15T12:00:00+00:00",
        "then": "keep",
        "record": RECORD,
    }
    return Proposal(**given | changes)


@pytest.fixture
def settings(tmp_path):
    """Settings of a stack whose MLflow has a password in its address."""
    uri = "http://ann:secret@mlflow:5000"
    return load_settings({"SWEEPSTAKE_HOME": str(tmp_path), "MLFLOW_TRACKING_URI": uri})


def test_both_versions_stand_side_by_side(settings):
    """Their figures, their pages, and the gain as a picture between its bounds."""
    text = body(proposal(), settings)
    assert "|  | v2, trial 5 | champion v1 |" in text
    assert "| accuracy on 300 rows | 0.93 | 0.91 |" in text
    assert "| mean accuracy in cross-validation | 0.9255 |  |" in text
    assert "| between | +0.0050 and +0.0350 |  |" in text
    assert "- recall of \\|b\\|: -0.0100, p 0.4" in text
    assert f"[v2]({PAGE}my%20model/versions/2{TRAINING}) · [v1](" in text
    assert draw(GAIN, 0.01) in text
    assert "secret" not in text


def test_the_first_champion_has_nothing_beside_it(settings):
    """Where nothing was compared there is no table and no picture."""
    text = body(proposal(previous="", record=RECORD | {"gain": None, "guards": []}), settings)
    expected = f"It gains.\n\nIn MLflow: [v2]({PAGE}my%20model/versions/2{TRAINING})"
    assert expected == text


def test_no_text_of_a_user_is_markup(settings):
    """Names in it are text: neither Markdown nor HTML."""
    reason = "Trial 3 gains 1 `f1` on <b>*m*</b>."
    text = body(proposal(reason=reason, model="a) [x](http://evil"), settings)
    assert r"\`f1\` on &lt;b&gt;\*m\*&lt;/b&gt;." in text
    assert f"/#/models/a%29%20%5Bx%5D%28http%3A%2F%2Fevil/versions/2{TRAINING})" in text


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3).map(sorted), st.floats(0, 1))
def test_any_gain_can_be_drawn(bounds, min_delta):
    """The mark of the gain is within its bounds, and nothing is wider than the drawing."""
    low, gain, high = bounds
    line, axis = draw({"low": low, "gain": gain, "high": high}, min_delta).split("\n")
    assert max(len(line), len(axis)) <= WIDTH
    assert "●" in line
    assert set(line) <= set(" ├─●┤")
    assert set(axis) <= set(" 0Δ")
