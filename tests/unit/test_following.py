"""Following sweeps: what whoever waits is told."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sweepstake.airflow_client import following
from sweepstake.airflow_client.api import AirflowApi
from sweepstake.airflow_client.standstill import Standstill
from sweepstake.errors import NotFoundError, TransientError
from sweepstake.settings import load_settings
from sweepstake.sweeps.progress import Progress

LAST = Progress(6, 6, 0, 0, 0, 0.9, None)


def test_whoever_waits_is_told_that_a_sweep_stands_still(monkeypatch, tmp_path):
    """The sentence is about a sweep that is followed; those of others are left to `status`."""
    mine, other = (
        Standstill("sweep", run, 600, "its DAG is paused", "Say: unpause.") for run in ("a", "b")
    )
    states = iter(["running", "success"])
    monkeypatch.setattr(AirflowApi, "run_state", lambda *_: next(states))
    monkeypatch.setattr(following, "standstills", lambda _: [mine, other])
    monkeypatch.setattr(following, "STILL_SECONDS", -1)
    monkeypatch.setattr(following, "_progress", lambda *_: None)
    monkeypatch.setattr(following, "POLL_SECONDS", 0)
    said = []
    settings = load_settings({"SWEEPSTAKE_HOME": str(tmp_path)})
    monkeypatch.setattr(AirflowApi, "tasks", lambda *_: [])
    ended = following.follow(["a"], settings, lambda *_: None, said.append)
    assert ({"a": "success"}, [str(mine)] * 2) == (ended, said)


@pytest.mark.parametrize(
    ("looks", "shown"),
    [
        ([TransientError("busy"), LAST], [LAST]),
        ([NotFoundError("no plan"), LAST], [None]),
        ([TransientError("busy")] * 3 + [LAST], [None]),
    ],
    ids=["busy", "unplanned", "away"],
)
def test_a_sweep_that_has_ended_is_looked_at_until_mlflow_answers(
    monkeypatch, tmp_path, looks, shown
):
    """Its last line says how it ended; without a plan, or a server, nobody waits for one."""
    answers = iter(looks)

    def look(*_):
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(AirflowApi, "run_state", lambda *_: "success")
    monkeypatch.setattr(following.progress, "look", look)
    monkeypatch.setattr(following, "POLL_SECONDS", 0)
    settings, told = load_settings({"SWEEPSTAKE_HOME": str(tmp_path)}), []
    following.follow(["a"], settings, lambda _, found, __: told.append(found), print)
    assert shown == told


@pytest.mark.parametrize(
    ("progress", "tasks", "doing"),
    [
        (None, ["plan"], "being planned"),
        (Progress(6, 6, 0, 0, 0, None, None), ["train", "plan"], "being planned"),
        (Progress(6, 5, 0, 1, 0, None, None), ["close"], "ranking"),
        (Progress(6, 5, 1, 0, 0, None, None), ["plan"], ""),
        (
            Progress(6, 4, 0, 0, 0, None, None, search="wave 1 of 2"),
            ["waves.ask_1"],
            "choosing the next trials",
        ),
        (Progress(6, 4, 1, 0, 0, None, None, search="wave 1 of 2"), ["waves.train_1"], ""),
        (Progress(6, 6, 0, 0, 0, None, None), [], ""),
    ],
)
def test_what_a_sweep_does_beside_training_is_shown(monkeypatch, tmp_path, progress, tasks, doing):
    """Planning, also that of a retry whose trials are complete but one, and closing.

    A run that is not there yet, or has ended, has no tasks to ask for.
    """
    states = iter([None, "running", "success"])
    monkeypatch.setattr(AirflowApi, "run_state", lambda *_: next(states))
    monkeypatch.setattr(AirflowApi, "tasks", lambda *_: [{"task_id": each} for each in tasks])
    monkeypatch.setattr(following, "POLL_SECONDS", 0)
    monkeypatch.setattr(following, "_progress", lambda *_: progress)
    shown = []
    settings = load_settings({"SWEEPSTAKE_HOME": str(tmp_path)})
    following.follow(["a"], settings, lambda *each: shown.append(each), print)
    assert [("a", progress, ""), ("a", progress, doing), ("a", progress, "")] == shown


class Decided:
    """A registry in which a round about six of a sweep's eight versions is under way."""

    def __init__(self, *, complete, champion, newest, pending=2):
        entry = SimpleNamespace(sweep="a", newest=newest, complete=complete, champion="8")
        self.history = lambda _: [entry]
        self.champion = lambda _: champion and SimpleNamespace(version=champion)
        self.pending = lambda _: [
            SimpleNamespace(sweep="a", version=str(7 + n)) for n in range(pending)
        ]


@pytest.mark.parametrize(
    ("registry", "decided"),
    [
        (Decided(complete=True, champion="3", newest=8), True),
        (Decided(complete=False, champion="8", newest=8), True),
        (Decided(complete=False, champion="3", newest=8), False),
        (Decided(complete=False, champion=None, newest=8), False),
        (Decided(complete=True, champion="8", newest=6), False),
        (Decided(complete=True, champion="8", newest=6, pending=0), True),
    ],
    ids=["ended", "in service", "on its way", "the first one", "one before a retry", "all judged"],
)
def test_nobody_waits_for_the_tags_of_thousands_of_versions(registry, decided):
    """A sweep is decided when the ledger says so and the champion is who it says."""
    assert decided == following.is_decided(registry, "m", {"a": 8})
