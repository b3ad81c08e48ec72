"""Who may see what on the page Sweeps, and do what: each route, asked by nobody and by a viewer."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from mlflow import MlflowClient

OURS = {"X-Sweepstake": "page"}
READ = {
    "/": "/",
    "/sweeps/{sweep}": "/sweeps/{second}",
    "/runs/{dag_id}/{run_id}": "/runs/sweep/{second}",
    "/models/{model}": "/models/flowers",
    "/static/{name}": "/static/page.css",
}
"""Routes that a viewer may ask, with an address of each."""
ACT = {
    "/submit": "/submit",
    "/backfill/{name}": "/backfill/flowers",
}
"""Forms, of who may send them."""
CHANGE = {
    "/submit/check": "/submit/check",
    "/submit/start": "/submit/start",
    "/sweeps/{sweep}/retry": "/sweeps/{second}/retry",
    "/sweeps/{sweep}/cancel": "/sweeps/{running}/cancel",
    "/backfill/{name}": "/backfill/flowers",
    "/models/{model}/answer": "/models/flowers/answer",
    "/models/{model}/rollback": "/models/flowers/rollback",
}
"""What is posted."""
ROUTES = """if True:
    import json
    from sweepstake.airflow.page import made
    print(json.dumps([[r.path, sorted(r.methods)] for r in made().routes]))
"""


@pytest.fixture
def ask(shown):
    """A function that asks for an address of the page in somebody's name; the status."""

    def status(user, method, path, **content):
        filled = path.format(second=shown.second, running=shown.running)
        return shown.airflow.call(user, method, f"/sweepstake{filled}", **content).status_code

    return status


def test_every_route_is_asked_here(tmp_path):
    """A route that is added has to be added to these tests."""
    environ = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    command = [sys.executable, "-W", "ignore", "-c", ROUTES]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    routes = json.loads(done.stdout.splitlines()[-1])
    got = {path for path, methods in routes if "GET" in methods}
    posted = {path for path, methods in routes if "POST" in methods}
    assert (READ.keys() | ACT.keys(), set(CHANGE)) == (got, posted)
    assert {("GET",), ("POST",)} == {tuple(methods) for _, methods in routes}


@pytest.mark.parametrize("path", [*READ.values(), *ACT.values()])
def test_nobody_reads_without_a_log_in(ask, path):
    """401 on every route."""
    assert 401 == ask("", "GET", path)


@pytest.mark.parametrize("path", CHANGE.values())
def test_nobody_changes_anything_without_a_log_in(ask, path):
    """401 on every route."""
    assert 401 == ask("", "POST", path, headers=OURS)


@pytest.mark.parametrize("path", READ.values())
def test_a_viewer_reads(ask, path):
    """What Airflow lets a viewer read."""
    assert 200 == ask("vic", "GET", path)


@pytest.mark.parametrize("path", ACT.values())
def test_a_viewer_is_given_no_form(ask, path):
    """Who may not trigger is told so."""
    assert 403 == ask("vic", "GET", path)


@pytest.mark.parametrize("path", CHANGE.values())
def test_a_viewer_changes_nothing(ask, path):
    """403 on every route, though the request is one of the page's own."""
    assert 403 == ask("vic", "POST", path, headers=OURS, data={"why": "x", "file": "a.yaml"})


@pytest.mark.parametrize("path", CHANGE.values())
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**OURS, "Origin": "http://elsewhere.example"},
        {**OURS, "Origin": "null"},
        {**OURS, "Sec-Fetch-Site": "cross-site"},
        {**OURS, "Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_other_site_changes_anything(ask, path, headers):
    """Not even in the name of who may do everything."""
    assert 403 == ask("ann", "POST", path, headers=headers)


def test_a_run_of_another_dag_tells_nothing(shown):
    """A tab of ours is on every run; of one that is no sweep's it says so, whoever asks."""
    answer = shown.airflow.call("ann", "GET", "/sweepstake/runs/somebodys/run")
    assert (404, True) == (answer.status_code, "must be the run of a sweep" in answer.text)


@pytest.mark.parametrize("path", ["/sweeps/..%2f..%2fetc", "/models/nobody", "/static/page.py"])
def test_what_is_not_there_is_told_as_a_sentence(ask, path):
    """A 404, or a refusal, and never a traceback."""
    assert ask("ann", "GET", path) in {403, 404}


@pytest.mark.parametrize("act", ["retry", "cancel"])
def test_acts_take_the_id_of_a_sweep_alone(ask, act):
    """A name may be that of another DAG's sweep, to which other rights belong."""
    assert 404 == ask("ann", "POST", f"/sweeps/flowers-first/{act}", headers=OURS)


def test_a_run_that_says_it_is_a_sweep_is_not_listed(shown):
    """Anybody who may write runs may tag one so; the list has the parents of plans."""
    client = MlflowClient(shown.settings.tracking_uri)
    tags = {"sweepstake.role": "sweep", "sweepstake.sweep": shown.second}
    forged = tags | {"sweepstake.model": "flowers", "sweepstake.decision": "forged"}
    client.create_run(client.create_experiment("forgery"), tags=forged)
    acts = {"why": "to read anew"}  # whoever acts sees what has changed
    shown.airflow.call(
        "ann", "POST", f"/sweepstake/sweeps/{shown.second}/cancel", headers=OURS, data=acts
    )
    page = shown.airflow.call("ann", "GET", "/sweepstake/").text
    assert (1, False) == (page.count(f'title="{shown.second}"'), "forged" in page)


def test_a_viewer_sees_no_button(shown):
    """What one may not do is not offered."""
    page = shown.airflow.call("vic", "GET", f"/sweepstake/sweeps/{shown.second}").text
    assert "hx-post" not in page


def test_pages_run_no_script_but_ours(shown):
    """The policy that is sent with every page allows none in it, and no other site around it."""
    headers = shown.airflow.call("ann", "GET", "/sweepstake/").headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert ("'none'", "'self'", "'self'") == tuple(
        policy[name] for name in ("default-src", "script-src", "frame-ancestors")
    )
    assert "nosniff" == headers["X-Content-Type-Options"]


def test_a_form_that_is_too_large_is_refused(shown):
    """Before it is parsed."""
    body = b"content=" + b"x" * 5_000_000
    answer = shown.airflow.call(
        "ann", "POST", "/sweepstake/submit/check", content=body, headers=OURS
    )
    assert 413 == answer.status_code
