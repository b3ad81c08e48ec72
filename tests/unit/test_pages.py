"""What the page Sweeps tells, keeps and draws, without a server."""

from __future__ import annotations

import threading

import pytest

from sweepstake.errors import StackError
from sweepstake.pages import charts, drawing, errands
from sweepstake.pages.charts import Mark
from sweepstake.pages.live import Live
from sweepstake.pages.states import SweepState, dag_of, day_of, name_of, state_of

HASH = "0123456789ab"


@pytest.mark.parametrize(
    ("sweep", "dag", "name", "day"),
    [
        (f"a__{HASH}", "sweep", "a", ""),
        (f"a__{HASH}__2026-01-02", "sweep__a", "a", "2026-01-02"),
        (f"a__{HASH}__{HASH}", "sweep", f"a__{HASH}", ""),
        ("../etc", "sweep", "../etc", ""),
    ],
)
def test_a_sweep_is_of_the_dag_of_its_file(sweep, dag, name, day):
    """One of a day is held against the rights on the DAG that its file has of its own."""
    assert (dag, name, day) == (dag_of(sweep), name_of(sweep), day_of(sweep))


@pytest.mark.parametrize(
    ("status", "run", "state"),
    [
        ("", "queued", SweepState.WAITING),
        ("", "running", SweepState.RUNNING),
        ("", "failed", SweepState.FAILED),
        ("RUNNING", "failed", SweepState.FAILED),
        ("RUNNING", None, SweepState.RUNNING),
        ("FINISHED", "running", SweepState.RUNNING),
        ("FINISHED", "success", SweepState.COMPLETE),
        ("FAILED", "failed", SweepState.FAILED),
        ("KILLED", "failed", SweepState.CANCELLED),
    ],
)
def test_a_sweep_is_in_one_state(status, run, state):
    """Airflow knows better whether it is at work, MLflow how it ended."""
    assert state == state_of(status, run)


def test_what_is_live_is_read_once_for_all():
    """Whoever asks within moments gets the same answer; after somebody acted it is read anew."""
    live: Live[int] = Live()
    answers = iter(range(9))
    told = [live.get("a", lambda: next(answers)) for _ in range(3)]
    live.forget()
    assert ([0, 0, 0], 1) == (told, live.get("a", lambda: next(answers)))


def test_nobody_waits_for_what_is_read_again(monkeypatch):
    """While one reader reads anew, the others are told the last answer."""
    live: Live[str] = Live()
    live.get("a", lambda: "old")
    monkeypatch.setattr("sweepstake.pages.live.LEAST_SECONDS", 0.0)
    begun, go = threading.Event(), threading.Event()

    def slowly():
        begun.set()
        go.wait(60)
        return "new"

    first = threading.Thread(target=live.get, args=("a", slowly))
    first.start()
    begun.wait(60)
    meanwhile = live.get("a", lambda: "other")
    go.set()
    first.join()
    assert "old" == meanwhile


def test_an_error_is_an_answer_too():
    """A server that is down is not asked by every reader."""
    live: Live[int] = Live()
    asked = []

    def fail():
        asked.append(1)
        message = "MLflow: must answer."
        raise StackError(message)

    for _ in range(3):
        with pytest.raises(StackError):
            live.get("a", fail)
    assert 1 == len(asked)


def test_a_chart_has_its_points_within_it():
    """Points that are no numbers are left out, and the best so far only rises."""
    marks = [Mark(float(n), y, f"#{n}") for n, y in enumerate([0.1, 0.5, 0.3, float("nan")])]
    chart = charts.scatter("t", ("x", "y"), marks, best=True)
    assert 3 == len(chart.marks)
    assert all(chart.left <= m.x <= chart.right for m in chart.marks)
    assert all(chart.top <= m.y <= chart.bottom for m in chart.marks)
    assert ["0", "1", "2"] == [tick.text for tick in chart.x_ticks]
    assert 2 == chart.line.count("V") + chart.line.count("M")


@pytest.mark.parametrize("values", [[0.0], [1e-300, 1e300], [5.0, 5.0], [-1e9, 1e9]])
def test_any_figures_can_be_drawn(values):
    """One value, equal ones and those of any size have axes."""
    chart = charts.scatter("t", ("x", "y"), [Mark(v, v, "") for v in values], zero=True)
    assert all(1 <= len(ticks) <= 9 for ticks in (chart.x_ticks, chart.y_ticks))


def test_no_figures_are_no_chart():
    """There is nothing to draw."""
    assert charts.scatter("t", ("x", "y"), []) is None


def test_thousands_of_points_are_thinned():
    """A browser is sent no more than it draws at once."""
    marks = [Mark(float(n), 1.0, "") for n in range(10_000)]
    assert len(charts.scatter("t", ("x", "y"), marks).marks) <= charts.MOST_MARKS


def test_a_template_draws_text_as_text():
    """Whatever it holds, and signs that steer nothing."""
    message = "<script>\x1b[31m'\""
    links = (('/"><b>', "<i>"),)
    values = {"root": "", "message": message, "good": False, "log_in": "", "links": links}
    drawn = drawing.render("told.html", values)
    assert "&lt;script&gt;\\x1b[31m&#39;&#34;" in drawn
    assert [] == [part for part in ("<script", "<b>", "<i>", "\x1b") if part in drawn]


def test_a_name_is_one_part_of_an_address():
    """Slashes and dots of a user lead nowhere."""
    assert "..%2Fa%3Fb%23c" == drawing.part("../a?b#c")


def test_a_child_is_told_no_secret_of_airflows():
    """Only what its errand needs: where things are, and MLflow's and the bucket's keys."""
    environ = {
        "AIRFLOW__CORE__FERNET_KEY": "k",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "c",
        "PGPASSWORD": "p",
        "SWEEPSTAKE_GRIDS": "g",
        "MLFLOW_TRACKING_URI": "m",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
        "PATH": "/bin",
    }
    known = {"SWEEPSTAKE_GRIDS": "g", "MLFLOW_TRACKING_URI": "m", "PATH": "/bin"}
    assert known == errands.environment(environ)


def test_a_child_that_takes_too_long_is_ended(monkeypatch):
    """With a sentence and another way."""
    monkeypatch.setattr(errands, "SECONDS", 0.01)
    with pytest.raises(StackError, match="must have its check done in"):
        errands.run("check", content="x: 1", file="a.yaml")


def test_no_more_children_than_places(monkeypatch):
    """Who comes when all are taken is told to ask again."""
    monkeypatch.setattr(errands, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(errands, "_PLACES", threading.BoundedSemaphore(1))
    with errands.place(), pytest.raises(StackError, match="Ask again soon"):
        errands.run("check", content="x: 1", file="a.yaml")
