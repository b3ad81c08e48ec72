from sweepstake import following
from sweepstake.airflow_api import AirflowApi
from sweepstake.settings import load_settings
from sweepstake.standstill import Standstill


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
    ended = following.follow(["a"], settings, lambda *_: None, said.append)
    assert ({"a": "success"}, [str(mine)] * 2) == (ended, said)
