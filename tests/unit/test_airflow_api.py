"""The api-server's faults, as whoever follows a sweep meets them."""

from __future__ import annotations

import httpx
import pytest
import tenacity

from sweepstake.airflow_client import api
from sweepstake.airflow_client.api import AirflowApi
from sweepstake.errors import SettingsError, StackError

GONE = httpx.ConnectError("refused")
SLOW = httpx.ReadTimeout("timed out")
HURT = httpx.Response(503)
STRANGE = httpx.Response(401)
KNOWN = httpx.Response(201, json={"access_token": "t"})
DONE = httpx.Response(200, json={"state": "success"})


@pytest.fixture
def asked(monkeypatch):
    """A function that asks for a run's state while the server answers one thing after the other."""
    monkeypatch.setattr(tenacity.nap.time, "sleep", lambda _: None)

    def ask(*answers):
        rest = iter(answers)

        def answer(_):
            found = next(rest)
            if isinstance(found, Exception):
                raise found
            return found

        api = AirflowApi("http://127.0.0.1:1", "admin", "secret")
        api.client = httpx.Client(transport=httpx.MockTransport(answer))
        return api.run_state("sweep", "a")

    return ask


@pytest.mark.parametrize("outage", [(GONE,), (HURT,), (GONE, HURT, GONE)])
def test_a_server_that_was_there_is_waited_for(asked, outage):
    """While it is away or hurt the call is repeated."""
    assert "success" == asked(STRANGE, KNOWN, *outage, DONE)


def test_a_log_in_is_waited_for(asked):
    """A server that dies between a call and its log-in costs time only."""
    assert "success" == asked(STRANGE, GONE, KNOWN, DONE)


def test_a_server_that_is_slow_is_waited_for(asked):
    """It has taken the request: on a busy machine the first answer takes its time."""
    assert "success" == asked(SLOW, STRANGE, SLOW, KNOWN, DONE)


@pytest.mark.parametrize("answer", [GONE, HURT])
def test_a_server_that_never_was_there_is_told_at_once(asked, answer):
    """Whoever has not started it need not wait to hear so."""
    with pytest.raises(StackError, match=r"must answer|must succeed, but got 503"):
        asked(answer)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (HURT, StackError, "must let users log in, but got 503"),
        (STRANGE, SettingsError, "Check SWEEPSTAKE_AIRFLOW_USER"),
    ],
)
def test_a_hurt_server_is_not_taken_for_a_wrong_password(asked, monkeypatch, answer, kind, said):
    """Only a refusal speaks of the user; patience ends."""
    monkeypatch.setattr(api, "OUTAGE_SECONDS", 0)
    with pytest.raises(kind, match=said):
        asked(STRANGE, answer)


@pytest.fixture
def urls():
    """A session whose server knows of nothing, and the list of what it was asked for."""
    urls = []

    def answer(request):
        urls.append(request.url)
        return httpx.Response(200, json={"dag_runs": [], "task_instances": []})

    api = AirflowApi("http://127.0.0.1:1", "admin", "secret")
    api.client = httpx.Client(transport=httpx.MockTransport(answer))
    return api, urls


def test_runs_that_have_not_ended_are_asked_for_by_both_states(urls):
    """Those that run and those that wait, of all DAGs, the oldest first."""
    api, seen = urls
    assert [] == api.unfinished_runs(["sweep"])
    (url,) = seen
    asked = (url.path, url.params.get_list("state"), url.params["order_by"])
    assert ("/api/v2/dags/~/dagRuns", ["running", "queued"], "run_after") == asked


def test_a_run_id_is_no_part_of_a_path(urls):
    """Whatever a run is called, only its own tasks are asked for."""
    api, seen = urls
    assert [] == api.tasks("sweep", "a/../b?c", ["queued", "scheduled"])
    (url,) = seen
    assert b"/api/v2/dags/sweep/dagRuns/a%2F..%2Fb%3Fc/taskInstances" in url.raw_path
    assert ["queued", "scheduled"] == url.params.get_list("state")


@pytest.fixture
def as_somebody():
    """A function that asks with somebody's token of a server that answers with one status."""

    def ask(status):
        seen = []

        def answer(request):
            seen.append((request.url.path, request.headers["Authorization"]))
            return httpx.Response(status, json={"state": "success"})

        api = AirflowApi("http://127.0.0.1:1", "admin", "secret", "token-of-ann")
        api.client = httpx.Client(transport=httpx.MockTransport(answer), headers=api.client.headers)
        return seen, lambda: api.run_state("sweep", "a")

    return ask


def test_somebodys_token_is_what_airflow_is_asked_with(as_somebody):
    """No other user logs in, whatever the password is."""
    seen, state = as_somebody(200)
    assert "success" == state()
    assert [("/api/v2/dags/sweep/dagRuns/a", "Bearer token-of-ann")] == seen


@pytest.mark.parametrize(("status", "said"), [(401, "Log in again"), (403, "Ask its admin")])
def test_what_somebody_may_not_do_nobody_else_does_instead(as_somebody, status, said):
    """A token that has ended, or has not the right, is told of; the password is not tried."""
    seen, state = as_somebody(status)
    with pytest.raises(SettingsError, match=said):
        state()
    assert 1 == len(seen)
