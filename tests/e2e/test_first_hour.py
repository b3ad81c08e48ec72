"""The first hour of a newcomer, in a real terminal: what is typed, and what it says."""

from __future__ import annotations

import os
import re
import signal
import sys
from functools import partial
from pathlib import Path

import pexpect
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(0)]

PROGRAM = str(Path(sys.executable).with_name("sweepstake"))
PATIENCE_SECONDS = 600
STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
INTERRUPTED = 130
NAME = "first-hour"
GRID = """\
name: first-hour
data: {source: "sklearn:wine"}
estimator: DecisionTreeClassifier
grid: {max_depth: [1, 2, 3], min_samples_leaf: [1, 5]}
cv: 3
"""
LONG = """\
name: first-hour-long
data: {source: "sklearn:digits"}
estimator: RandomForestClassifier
params: {n_estimators: 150}
grid: {max_depth: [8, 10, 12, 14, 16, 18]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the newcomer is: not where the stack was started."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def type_in(stack, folder):
    """A function that types a command in that folder."""
    state = {"XDG_STATE_HOME": stack.environ["XDG_STATE_HOME"], "TERM": "xterm-256color"}
    environ = {name: os.environ[name] for name in ("HOME", "PATH", "LANG") if name in os.environ}

    def typed(*words, columns=100, **variables):
        return pexpect.spawn(
            PROGRAM,
            list(words),
            env=environ | state | variables,
            cwd=str(folder),
            dimensions=(50, columns),
            timeout=PATIENCE_SECONDS,
            encoding="utf-8",
            # a test run in the background ignores Ctrl-C, and so would what it starts
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )

    return typed


@pytest.fixture(scope="module")
def say(type_in):
    """A function that types a command and gives its exit code and what it said, without styles."""

    def said(*words, **how):
        return _end(type_in(*words, **how))

    return said


@pytest.fixture(scope="module")
def swept(type_in, folder):
    """The exit code of the first sweep, what it said, and with which styles it began."""
    (folder / "first.yaml").write_text(GRID)
    waiting = type_in("submit", "first.yaml", "--wait")
    waiting.expect("━")
    styled = waiting.before + waiting.after
    return *_end(waiting), styled


def _end(terminal):
    """The exit code of a command, and its lines without styles."""
    text = terminal.read()
    terminal.close()
    return terminal.exitstatus, STYLE.sub("", text).replace("\r\n", "\n")


def test_mistakes_are_told_before_anything_is_sent(say, folder):
    """All of a file's mistakes at once, each with its line and the way out."""
    wrong = GRID.replace("max_depth", "max_dept").replace("cv: 3", "cv: many\nmetrc: f1")
    (folder / "wrong.yaml").write_text(wrong)
    code, said = say("submit", "wrong.yaml")
    assert (1, 3) == (code, said.count("wrong.yaml: line"))
    assert "Did you mean 'max_depth'?" in said
    assert "Did you mean 'metric' or 'metrics'?" in said
    assert not (folder / "grids").exists()


def test_a_sweep_from_another_folder_to_its_champion(swept, say, stack, folder):
    """Commands say which stack they found; who waits sees bars, a leaderboard and a champion."""
    code, said, styled = swept
    assert 0 == code, said
    assert "\x1b[" in styled
    assert re.search(r"6/6\s+0 running, 0 failed", said), said
    assert f"Leaderboard of {NAME}__" in said
    assert f"{NAME}: champion is v" in said
    code, said = say("status")
    assert (0, True) == (code, str(stack.settings.home) in said)
    assert not (folder / "grids").exists()


def test_what_is_done_is_not_done_again(swept, say):
    """The same file, a retry and a cancel of what has ended are told so; the ledger knows why."""
    asked = {
        ("validate", "first.yaml"): "first.yaml: 6 trials on 178 rows",
        ("submit", "first.yaml"): "was swept before, and is not swept again",
        ("retry", NAME): "every trial is complete, so nothing is trained again",
        ("cancel", NAME): "it has ended, so there is nothing to cancel",
        ("champion", NAME, "--history"): "promote",
    }
    for words, told in asked.items():
        code, said = say(*words)
        assert (0, True) == (code, told in said), said


@pytest.mark.parametrize("columns", [60, 80])
def test_tables_fit_a_narrow_terminal(swept, say, columns):
    """No line of a table is wider than the terminal, and none of its figures is cut."""
    code, said = say("leaderboard", NAME, columns=columns)
    table = [line for line in said.splitlines() if line[:1] in "┏┃┡│└"]
    assert 0 == code
    assert max(map(len, table)) <= columns
    assert len(re.findall(r"\d\.\d{4} ", said)) >= 6, said
    assert "…" not in said


def test_no_colour_is_shown_where_none_is_wanted(swept, type_in):
    """NO_COLOR is heeded, by tables and by sentences."""
    colour = re.compile(r"\x1b\[(?:\d+;)*(?:3|4|9|10)\d(?:;\d+)*m")
    for variables, wanted in (({}, True), ({"NO_COLOR": "1"}, False)):
        terminal = type_in("leaderboard", "nobody", **variables)  # an error, which is red
        text = terminal.read()
        assert "must be a sweep's name" in text
        assert wanted == bool(colour.search(text)), repr(text)
    assert not colour.search(type_in("leaderboard", NAME, NO_COLOR="1").read())


def test_who_stops_waiting_is_told_how_to_come_back(type_in, say, folder):
    """Ctrl-C ends the command alone; the sweep goes on until it is cancelled."""
    (folder / "long.yaml").write_text(LONG)
    waiting = type_in("submit", "long.yaml", "--wait")
    waiting.expect(r"[1-9] running")
    waiting.sendintr()
    code, said = _end(waiting)
    assert INTERRUPTED == code, said
    assert "The sweep goes on. Come back by sweepstake watch first-hour-long" in said
    assert "Traceback" not in said
    code, said = say("cancel", "first-hour-long", "--why", "seen enough")
    assert (0, True) == (code, "ends within seconds" in said)


def test_a_server_waits_for_a_model_and_says_so(swept, type_in):
    """A name that may be misspelt is told at once, and Ctrl-C ends the server."""
    waiting = type_in("serve", "first-huor", "--port", "0")
    waiting.expect("no such model yet, so this waits for one")
    waiting.expect("Did you mean 'first-hour'")
    waiting.expect("startup complete")
    waiting.sendintr()
    code, said = _end(waiting)
    assert (0, False) == (code, "Traceback" in said)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("leaderboard", "first-huor"), "Did you mean 'first-hour'?"),
        (("champion", "first-huor"), "Did you mean 'first-hour'?"),
        (("predict", "first-huor", "first.yaml"), "Did you mean 'first-hour'?"),
        (("validate", "nowhere.yaml"), "cannot be read: No such file"),
        (("submitt",), "Did you mean 'submit'?"),
    ],
)
def test_a_slip_is_a_sentence(swept, say, words, told):
    """A name or a command that is not there ends at once, with what was meant."""
    code, said = say(*words)
    assert code in {1, 2}
    assert told in said
    assert "Traceback" not in said
