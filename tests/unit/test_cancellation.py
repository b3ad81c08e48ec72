"""Cancelling a sweep: the note in the workspace, and the command that writes it."""

from __future__ import annotations

import errno

import pytest

from sweepstake.airflow_client import cancelling
from sweepstake.airflow_client.backfill_api import BackfillApi
from sweepstake.errors import CancelledError, NotFoundError, SettingsError, StoreUnavailableError
from sweepstake.settings import load_settings
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import cancellation
from sweepstake.sweeps.cancellation import Cancellation

ID = "irises__0123456789ab"


@pytest.fixture
def settings(tmp_path):
    """Settings with a workspace of their own."""
    return load_settings({"SWEEPSTAKE_HOME": str(tmp_path)})


@pytest.fixture
def workspace(settings):
    """That workspace."""
    return Workspace(settings.workspace)


@pytest.fixture
def airflow(monkeypatch):
    """An Airflow with one run of a sweep, whose state can be set, and the notes on it."""
    found = {"state": "running", "notes": [], "runs": {"sweep": [ID]}, "sweep": ""}
    monkeypatch.setattr(BackfillApi, "runs", lambda _, dag, *__: found["runs"].get(dag, []))
    monkeypatch.setattr(BackfillApi, "run_state", lambda *_: found["state"])
    monkeypatch.setattr(BackfillApi, "sweep_of", lambda *_: found["sweep"])
    monkeypatch.setattr(BackfillApi, "note", lambda _, *note: found["notes"].append(note))
    return found


def test_a_task_looks_every_few_seconds(workspace, monkeypatch):
    """A look may be a request to a bucket."""
    now = [0.0]
    monkeypatch.setattr(cancellation.time, "monotonic", lambda: now[0])
    watched = Cancellation(workspace, ID)
    watched.check()
    cancellation.note(workspace, ID, "ann", "")
    assert "" == watched.reason
    now[0] = cancellation.LOOK_SECONDS
    with pytest.raises(CancelledError, match=f"{ID}: cancelled by ann."):
        watched.check()


@pytest.mark.parametrize(
    "fault", [StoreUnavailableError("a"), SettingsError("403"), OSError(errno.EIO, "b")]
)
def test_a_workspace_that_does_not_answer_cancels_nothing(workspace, monkeypatch, fault):
    """The trial at hand goes on, whatever is the matter, and the next look tells."""
    now, answers = [0.0], iter([fault, "cancelled"])

    def reason_of(*_):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(cancellation.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(cancellation, "reason_of", reason_of)
    watched = Cancellation(workspace, ID)
    watched.check()
    now[0] += cancellation.LOOK_SECONDS
    with pytest.raises(CancelledError, match="cancelled"):
        watched.check()


def test_the_first_who_cancels_is_told_of(workspace):
    """Until the sweep may go on again."""
    for by in ("ann", "bob"):
        cancellation.note(workspace, ID, by, "too slow")
    assert f"{ID}: cancelled by ann (too slow)." == cancellation.reason_of(workspace, ID)
    for _ in range(2):
        cancellation.lift(workspace, ID)
    assert "" == cancellation.reason_of(workspace, ID)


@pytest.mark.parametrize("name", ["irises", ID])
def test_a_sweep_is_cancelled_by_name_or_id(settings, workspace, airflow, name):
    """Its run has a note that says so; what a user wrote is no markup in it."""
    found = cancelling.cancel(name, "ann", "see *this*", settings)
    assert (ID, True) == (found.sweep, found.was_live)
    assert [("sweep", ID, r"Cancelled by ann. see \*this\*")] == airflow["notes"]
    assert cancellation.reason_of(workspace, ID)


def test_a_sweep_that_has_ended_is_left_alone(settings, workspace, airflow):
    """Whoever asks is told; a later retry is not cancelled by it."""
    airflow["state"] = "success"
    assert not cancelling.cancel("irises", "ann", "", settings).was_live
    assert ([], "") == (airflow["notes"], cancellation.reason_of(workspace, ID))


def test_a_day_is_cancelled_by_the_sweep_of_its_run(settings, workspace, airflow):
    """The run of a day has an id of its own; one that waits for its turn has no sweep yet."""
    airflow["runs"] = {"sweep__irises": ["scheduled__1"]}
    with pytest.raises(NotFoundError, match="scheduled__1: must have begun"):
        cancelling.cancel("irises", "ann", "", settings)
    airflow["sweep"] = f"{ID}__2026-01-15"
    assert airflow["sweep"] == cancelling.cancel("irises", "ann", "", settings).sweep
    assert cancellation.reason_of(workspace, airflow["sweep"])


def test_a_sweep_that_airflow_does_not_know_is_told(settings, airflow):
    """With the place to look at."""
    with pytest.raises(NotFoundError, match="wines: must be a sweep's name or id"):
        cancelling.cancel("wines", "ann", "", settings)
