from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from sweepstake.cli import bars, console, tables
from sweepstake.domain.promotion import Verdict
from sweepstake.domain.search import Portion
from sweepstake.domain.trial import Standing, TrialState
from sweepstake.domain.waves import Wave
from sweepstake.mlflow_client.ledger import LedgerEntry
from sweepstake.sweeps.leaderboard import Leaderboard
from sweepstake.sweeps.progress import Progress

URL = "http://127.0.0.1:5000/#/experiments/1/runs/" + "f" * 200


def standing(number, state, score=None, reason=""):
    """A trial as the leaderboard has it."""
    metrics = {} if score is None else {"mean_cv_f1": score, "test_f1": score}
    params = {"max_depth": str(number)}
    name = "sklearn.tree.DecisionTreeClassifier"
    return Standing(number, f"k{number}", state, name, params, metrics, "run", reason)


def board(*standings):
    """A leaderboard of these trials."""
    return Leaderboard("flowers__1", "FINISHED", "f1", URL, standings)


def test_an_answer_is_shown_as_it_is(capsys):
    """Addresses are not broken, brackets are no markup, colons no pictures."""
    text = f"{URL} [bold]x[/nonsense] :smile:"
    console.tell(text)
    assert f"{text}\n" == capsys.readouterr().out


def test_a_table_shows_what_an_error_said(capsys):
    """A reason with brackets in it neither vanishes nor ends in a traceback."""
    reason = "ValueError: got [red] [/nonsense]"
    table = tables.leaderboard_table(board(standing(3, TrialState.FAILED, reason=reason)))
    console.out.print(table)
    assert f"FAILED DecisionTreeClassifier: {reason}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("state", "reason", "shown"),
    [
        (TrialState.RUNNING, "", "RUNNING DecisionTreeClassifier max_depth=3 "),
        (TrialState.CANCELLED, "wrong data", "CANCELLED DecisionTreeClassifier max_depth=3 "),
        (TrialState.SKIPPED, "no", "SKIPPED DecisionTreeClassifier max_depth=3: no "),
    ],
)
def test_a_trial_is_told_by_its_classifier_whatever_its_state(capsys, state, reason, shown):
    """What cancelled a sweep is not repeated for each of its trials."""
    others = standing(1, TrialState.COMPLETE, 0.5), standing(3, state, reason=reason)
    console.out.print(tables.leaderboard_table(board(*others)))
    assert shown in capsys.readouterr().out


def test_nothing_that_is_shown_steers_the_terminal(capsys):
    """Escapes of files and servers are written out in answers, sentences and tables."""
    console.tell("a\x1b[31m\nb\u202e")
    console.say("c\x9b2J")
    failed = standing(3, TrialState.FAILED, reason="\x1b]")
    console.out.print(tables.leaderboard_table(board(failed)))
    shown = capsys.readouterr()
    assert "a\\x1b[31m\nb\\u202e\n" == shown.out[:18]
    assert ("c\\x9b2J\n", True) == (shown.err, "\\x1b]" in shown.out)
    assert "\x1b]" not in shown.out


def test_bars_hold_no_markup(capsys):
    """A name in brackets is a name."""
    with bars.SweepBars() as shown:
        shown.show("[bold]x[/]", None)
    assert "[bold]x[/]" in capsys.readouterr().err


def test_only_complete_trials_have_a_rank(capsys):
    """Failed ones are listed below, without a place."""
    complete, failed = standing(1, TrialState.COMPLETE, 0.5), standing(0, TrialState.FAILED)
    console.out.print(tables.leaderboard_table(board(complete, failed)))
    lines = [
        line for line in capsys.readouterr().out.splitlines() if "0.5000" in line or "FA" in line
    ]
    assert ["1", "-"] == [line.split("│")[1].strip() for line in lines]


def test_a_long_leaderboard_is_cut_and_says_so():
    """People see the head of it; the rest is counted."""
    standings = [standing(number, TrialState.COMPLETE, 0.5) for number in range(25)]
    table = tables.leaderboard_table(board(*standings))
    assert (20, "and 5 more: --json shows all, --csv too") == (table.row_count, table.caption)


def test_a_duration_is_rounded_up():
    """Nothing takes no time."""
    assert ["0:00:01", "1:00:00"] == [console.duration(seconds) for seconds in (0.01, 3600)]


def test_bars_tell_how_far_a_sweep_is(capsys):
    """The line of a sweep says what is done, running, failed and skipped, the best, the time."""
    with bars.SweepBars() as shown:
        shown.show("flowers__1", None)
        seconds = timedelta(minutes=2).total_seconds()
        shown.show("flowers__1", Progress(9, 4, 2, 1, 1, 0.91236, seconds))
    shown = " ".join(capsys.readouterr().err.split())
    assert shown.startswith("flowers__1 ")
    assert shown.endswith(" 6/9 2 running, 1 failed, 1 skipped, best 0.9124, 0:02:00 left")


def test_bars_tell_how_far_a_search_is(capsys):
    """The wave and what is left of the time come first."""
    told = "wave 3 of 9, 1:12:00 of its time left"
    with bars.SweepBars() as shown:
        shown.show("flowers__1", Progress(60, 22, 2, 0, 0, None, None, search=told))
    assert f"22/60 {told}, 2 running" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("waves", "words"),
    [
        ([10, 4, 2], "3 waves (10, 4, 2)"),
        ([10, 4, 4, 4, 4, 2], "6 waves (10, 4, ..., 2)"),
    ],
)
def test_waves_are_told_by_their_sizes(waves, words):
    """Who looks at a plan sees in how many steps a search chooses."""
    assert words == tables.waves_text([Wave(size) for size in waves])


def test_rungs_are_told_with_their_part_of_the_data():
    """Who looks at a plan sees on what the trials of each rung are scored."""
    rungs = [Wave(27, Portion(0, rows=1160)), Wave(9)]
    assert "2 rungs (27 on 1,160 training rows, 9)" == tables.waves_text(rungs)


def test_bars_that_were_never_shown_leave_no_trace(capsys):
    """A command that fails before it begins prints its error alone."""
    with bars.SweepBars():
        pass
    assert ("", "") == capsys.readouterr()


def entry(day, *, as_of):
    """A round about a day, or about the champion in service."""
    now = datetime(2026, 1, 9, tzinfo=UTC)
    about = {"verdict": Verdict.PROMOTE, "version": "1", "previous": "", "reason": ""}
    scores = {"candidate_score": 0.5, "champion_score": None}
    of_day = {"run_id": "run", "complete": True, "partition": day, "as_of": as_of}
    return LedgerEntry(round="r", model="m", decided=now, **about, **scores, **of_day)


def test_a_model_that_was_only_backfilled_tells_how_to_ask_for_its_days():
    """It has no champion in service, but one as of each day."""
    rounds = [entry("2026-01-07", as_of=True), entry("2026-01-05", as_of=True)]
    assert "m has no champion yet" == tables.champion_text("m", None, [])
    assert tables.champion_text("m", None, rounds).endswith("ask with --as-of 2026-01-07")


def test_a_champion_is_told_with_the_last_act_that_put_it_there():
    """What somebody did by hand after its promotion counts as well."""
    promoted = entry("", as_of=False)
    later = datetime(2026, 1, 10, tzinfo=UTC)
    back = replace(promoted, verdict=Verdict.REPLACE, decided=later, reason="By hand.")
    text = tables.champion_text("m", SimpleNamespace(version="1"), [back, promoted])
    assert "m: champion is v1 since 2026-01-10 00:00:00 UTC. By hand." == text
