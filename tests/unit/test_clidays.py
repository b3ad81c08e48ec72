import re
from datetime import date
from types import SimpleNamespace

import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from sweepstake import reach
from sweepstake.airflow_client import backfilling, following
from sweepstake.airflow_client.backfill_api import BackfillRequest
from sweepstake.airflow_client.backfilling import Day
from sweepstake.champions import past_days
from sweepstake.champions.past_days import DayChampion
from sweepstake.cli import console, days, main, tables
from sweepstake.cli.bars import LINE, sparkline, thinned
from sweepstake.errors import NotFoundError, SweepFailedError
from sweepstake.reports import timeline
from sweepstake.settings import load_settings
from sweepstake.sweeps.progress import Progress

DAY_CHAMPIONS = (
    DayChampion("2026-01-01", "3", 0.9, "It scored 0.9 and there was no champion."),
    DayChampion("2026-01-02", "3", 0.8, "It does not beat it."),
    DayChampion("2026-01-03", "7", None, "The alias was set by other hands."),
    DayChampion("2026-01-04", "9", 1.0, "It beats it."),
)
WEEK = ("--from", "2026-01-01", "--to", "2026-01-03")


@pytest.fixture
def ask(monkeypatch, tmp_path):
    """A function that runs a command line and returns its exit code, output and backfills."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console, "out", Console(width=console.WIDTH))
    monkeypatch.setattr(reach, "listens", lambda _: True)
    monkeypatch.setattr(past_days, "day_champions", lambda model, settings: DAY_CHAMPIONS)
    monkeypatch.setattr(following, "wait_until_judged", lambda *_: ["churn"])
    asked = []

    def run(*words, days=()):
        def backfill(wanted, settings, show, say):
            asked.append(wanted)
            show(days)
            return days

        monkeypatch.setattr(backfilling, "backfill", backfill)
        monkeypatch.setattr(backfilling, "plan_days", lambda wanted, settings: ("2026-01-01",))
        done = CliRunner().invoke(main.app, words)
        return done.exit_code or (1 if done.exception else 0), done.output, asked, done.exception

    return run


def test_a_backfill_is_asked_of_the_dag_of_the_sweep(ask):
    """Name, days and options arrive as they were given."""
    words = ("backfill", "churn", *WEEK, "--parallel", "3", "--reprocess", "failed")
    code, output, asked, _ = ask(*words, days=(Day("2026-01-01", "success", "r", "s"),))
    wanted = BackfillRequest("sweep__churn", date(2026, 1, 1), date(2026, 1, 3), 3, "failed")
    assert (0, [wanted]) == (code, asked)
    assert "Champions of churn" in output


def test_a_failed_day_is_an_error(ask):
    """Whoever scripts a backfill learns of it by the exit code, and which day it was."""
    days = (Day("2026-01-01", "success"), Day("2026-01-02", "failed"))
    code, _, _, error = ask("backfill", "churn", *WEEK, days=days)
    assert (1, SweepFailedError) == (code, type(error))
    assert "2026-01-02 failed" in str(error)


def test_a_dry_run_tells_the_days(ask):
    """Nothing is started."""
    code, output, asked, _ = ask("backfill", "churn", *WEEK, "--dry-run")
    assert (0, []) == (code, asked)
    assert "2026-01-01\nsweep__churn: 1 days would run" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("backfill", "churn", "--from", "2026-01-03", "--to", "2026-01-01"), "before --from"),
        (("backfill", "churn", "--from", "tomorrow", "--to", "2026-01-01"), "tomorrow"),
        (("champion", "churn", "--over", "january"), "two days such as"),
    ],
)
def test_wrong_days_are_wrong_usage(ask, words, said):
    """They end with 2, before anything is asked."""
    code, output, asked, _ = ask(*words)
    assert (2, []) == (code, asked)
    assert said in output


def test_a_range_is_told_and_drawn(ask, tmp_path):
    """The table has the days of the range, the figure is where it is told to be."""
    code, output, _, _ = ask(
        "champion", "churn", "--over", "2026-01-02..2026-01-04", "--figure", "a/b.png"
    )
    days = re.findall(r"2026-01-\d\d", output)
    assert (0, ["2026-01-02", "2026-01-03", "2026-01-04"]) == (code, days)
    with Image.open(tmp_path / "a" / "b.png") as image:
        assert ("PNG", (1100, 420)) == (image.format, image.size)


def test_a_range_without_champions_is_told(ask):
    """There is nothing to draw."""
    code, _, _, error = ask("champion", "churn", "--over", "2025-01-02..2025-01-04")
    assert (1, NotFoundError) == (code, type(error))


def test_the_champion_of_a_day_is_told(ask):
    """The last day with a champion up to then answers."""
    code, output, _, _ = ask("champion", "churn", "--as-of", "2026-01-02")
    assert 0 == code
    assert "champion as of 2026-01-02 was v3, decided on the data of 2026-01-02" in output


def test_scores_are_a_line_of_blocks():
    """The lowest is the lowest block, the highest the highest, none is a blank."""
    assert "▅▁ █" == sparkline([held.score for held in DAY_CHAMPIONS])
    assert "▁▁" == sparkline([DAY_CHAMPIONS[0].score] * 2)


def test_days_are_told_with_their_trials():
    """The table says how far each day came."""
    progress = Progress(6, 5, 0, 1, 0, 0.75, None)
    table = tables.days_table("d", [Day("2026-01-01", "failed", "r", "s__1", progress)])
    cells = [next(iter(column.cells)) for column in table.columns]
    assert ["2026-01-01", "failed", "5/6", "1", "0.7500", "s__1"] == cells


def test_a_long_range_is_drawn_without_numbers(tmp_path):
    """A year fits; versions are written on short ranges only."""
    day_champions = [
        DayChampion(f"2026-{m:02d}-{d:02d}", "1", 0.5, "")
        for m in range(1, 13)
        for d in range(1, 29)
    ]
    timeline.draw(day_champions, "a year", tmp_path / "year.png")
    assert (tmp_path / "year.png").stat().st_size > 10_000


def test_a_partition_is_a_date():
    """What Typer reads as a moment is a day."""
    assert days.day_of(None) is None


@pytest.mark.parametrize("schedule", [None, "daily"])
def test_what_starts_the_days_of_a_file_is_told(capsys, tmp_path, schedule):
    """Without a schedule no day runs by itself, and the command that asks for some is named."""
    settings = load_settings({"SWEEPSTAKE_HOME": str(tmp_path)})
    days.tell_dag(SimpleNamespace(name="churn", schedule=schedule), settings)
    said = capsys.readouterr()
    asked_for = ("as the file has no schedule" in said.out, "sweepstake backfill churn" in said.err)
    assert (schedule is None, schedule is None) == asked_for
    assert "/dags/sweep__churn" in said.out


@pytest.mark.parametrize("count", [0, 1, 7, 24, 25, 1000])
def test_a_long_course_is_thinned_to_a_line(count):
    """Its last score is always there, and no more blocks than fit beside a bar."""
    course = [float(number) for number in range(count)]
    assert (course[-1:], min(count, LINE)) == (thinned(course)[-1:], len(thinned(course)))
