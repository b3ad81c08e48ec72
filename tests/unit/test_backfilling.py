"""Backfilling against an api-server that behaves as Airflow 3.3.2 does, faults included."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import parse_qs, unquote, urlparse

import httpx
import pytest

from sweepstake.airflow_client import backfilling
from sweepstake.airflow_client.backfill_api import BackfillApi, BackfillRequest
from sweepstake.airflow_client.backfilling import Day, backfill, plan_days
from sweepstake.errors import NotFoundError, StackError
from sweepstake.settings import load_settings

DAG = "sweep__churn"
FIRST, LAST = date(2026, 1, 1), date(2026, 1, 3)
DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]


@dataclass
class Server:
    """Runs and backfills of one DAG; each look at the runs takes one step."""

    starving: bool = False
    others: int = 0
    paused: bool = False
    backfills: list[dict] = field(default_factory=list)
    runs: list[dict] = field(default_factory=list)
    looks: int = 0

    def answer(self, request):
        """What Airflow would answer."""
        url = urlparse(str(request.url))
        path = url.path.removeprefix("/api/v2")
        body = json.loads(request.content) if request.content else {}
        for method, pattern, act in self.routes():
            match = re.fullmatch(pattern, path)
            if method == request.method and match:
                status, record = act(body, parse_qs(url.query), *map(unquote, match.groups()))
                return httpx.Response(status, json=record)
        return httpx.Response(404, json={"detail": "not found"})

    def routes(self):
        """The calls that are understood."""
        state = {"is_stale": False, "is_paused": self.paused}
        return (
            ("GET", f"/dags/{DAG}", lambda *_: (200, state)),
            ("POST", "/backfills/dry_run", lambda body, _: (200, self.would(body))),
            ("POST", "/backfills", self.create),
            ("GET", "/backfills", lambda *_: (200, {"backfills": self.backfills[::-1]})),
            ("PUT", r"/backfills/(\d+)/cancel", self.cancel),
            ("GET", f"/dags/{DAG}/dagRuns", self.list_runs),
            ("GET", "/dags/~/dagRuns", lambda *_: (200, {"total_entries": self.others})),
            ("POST", f"/dags/{DAG}/dagRuns", self.trigger),
            ("PATCH", f"/dags/{DAG}/dagRuns/(.+)", self.patch),
        )

    def would(self, body):
        """The days of a range that would get a run."""
        count = (day(body["to_date"]) - day(body["from_date"])).days + 1
        days = [str(day(body["from_date"]) + timedelta(days=n)) for n in range(count)]
        free = [each for each in days if self.is_free(each, body["reprocess_behavior"])]
        return {"backfills": [{"partition_key": each} for each in free]}

    def is_free(self, key, reprocess):
        """Whether a day has no run in the way."""
        states = [run["state"] for run in self.runs if run["partition_key"] == key]
        if not states:
            return True
        return states[-1] in {"none": (), "failed": ("failed",)}.get(
            reprocess, ("failed", "success")
        )

    def create(self, body, _):
        """Start a backfill, unless one counts as running."""
        if any(each["completed_at"] is None for each in self.backfills):
            return 409, {}
        number = len(self.backfills) + 1
        self.backfills.append({"id": number, "completed_at": None, **body})
        for entry in self.would(body)["backfills"]:
            self.add(entry["partition_key"], "backfill", number)
        return 200, {"id": number}

    def add(self, key, kind, backfill=None, state="queued", run_id=""):
        """One more run."""
        self.runs.append(
            {
                "dag_run_id": run_id or f"{kind}__{len(self.runs)}+00:00",
                "partition_key": key,
                "run_type": kind,
                "state": state,
                "backfill": backfill,
                "queued_at": f"2026-02-01T00:00:{len(self.runs):02d}Z",
                "start_date": None,
            }
        )

    def cancel(self, _, __, number):
        """Fail the queued runs of a backfill and end it."""
        for run in self.runs:
            if run["backfill"] == int(number) and run["state"] == "queued":
                run["state"] = "failed"
        self.backfills[int(number) - 1]["completed_at"] = "now"
        return 200, {}

    def list_runs(self, _, query):
        """All runs; in the meantime the scheduler has taken a step."""
        self.step()
        first, last = query["partition_date_gte"][0], query["partition_date_lte"][0]
        found = [run for run in self.runs if first <= run["partition_key"] <= last]
        return 200, {"dag_runs": found, "total_entries": len(found)}

    def step(self):
        """Take each run that Airflow looks at one state further; notice backfills that are over."""
        self.looks += 1
        for run in self.runs:
            number = run["backfill"]
            dead = number is not None and self.backfills[number - 1]["completed_at"]
            if not dead and not (number and self.starving):
                later = {"queued": "running", "running": "success"}
                run["state"] = later.get(run["state"], run["state"])
        for each in self.backfills:
            mine = [run["state"] for run in self.runs if run["backfill"] == each["id"]]
            if self.looks % 5 == 0 and not {"queued", "running"} & set(mine):
                each["completed_at"] = each["completed_at"] or "now"

    def trigger(self, body, _):
        """Start one run directly."""
        self.add(body["partition_key"], "manual", run_id=body["dag_run_id"])
        return 200, {}

    def patch(self, body, _, run_id):
        """Set the state of a run."""
        (run,) = [run for run in self.runs if run["dag_run_id"] == run_id]
        run["state"] = body["state"]
        return 200, {}


def day(text):
    """The date of a moment as the client writes it."""
    return date.fromisoformat(text[:10])


@pytest.fixture
def server(monkeypatch):
    """An api-server behind the real client; time passes with every look."""
    found = Server()

    def connect(api):
        api.client = httpx.Client(transport=httpx.MockTransport(found.answer))

    monkeypatch.setattr(BackfillApi, "__post_init__", connect)
    monkeypatch.setattr(backfilling.time, "sleep", lambda _: None)
    monkeypatch.setattr(backfilling.time, "monotonic", lambda: 10.0 * found.looks)
    return found


def ask(reprocess="none", parallel=2):
    """The backfill of three days."""
    return BackfillRequest(DAG, FIRST, LAST, parallel, reprocess)


def run(reprocess="none", parallel=2):
    """Backfill and return the states of the days and what was said."""
    said = []
    days = backfill(ask(reprocess, parallel), load_settings({}), lambda _: None, said.append)
    return {each.day: each.state for each in days}, said


def test_a_backfill_is_airflows_own(server):
    """Days are run by one backfill of Airflow, and nothing out of the ordinary is said."""
    assert (dict.fromkeys(DAYS, "success"), []) == run()
    assert ["backfill"] * 3 == [each["run_type"] for each in server.runs]


def test_a_dry_run_starts_nothing(server):
    """It tells the days and leaves Airflow as it is."""
    assert (tuple(DAYS), []) == (plan_days(ask(), load_settings({})), server.runs)


@pytest.mark.parametrize(
    ("reprocess", "expected"),
    [
        ("none", ["skipped", "skipped", "success"]),
        ("failed", ["skipped", "success", "success"]),
        ("completed", ["success", "success", "success"]),
    ],
)
def test_days_that_ran_are_run_again_as_asked(server, reprocess, expected):
    """What exists is skipped, unless it is asked for."""
    server.add(DAYS[0], "backfill", state="success")
    server.add(DAYS[1], "backfill", state="failed")
    states, _ = run(reprocess)
    assert dict(zip(DAYS, expected, strict=True)) == states


def test_the_same_backfill_is_joined(server):
    """Interrupted and given again, the command follows what Airflow goes on with."""
    server.create(ask().body, {})
    states, (said,) = run()
    assert (dict.fromkeys(DAYS, "success"), 1) == (states, len(server.backfills))
    assert "following it" in said


def test_another_backfill_of_the_dag_is_waited_for(server, monkeypatch):
    """Airflow has one for each DAG: ours starts when the other one is noticed to be over."""
    server.create(BackfillRequest(DAG, LAST, LAST, 1, "none").body, {})
    monkeypatch.setattr(backfilling.time, "sleep", lambda _: server.step())
    states, said = run()
    assert ("success", 2) == (states[DAYS[0]], len(server.backfills))
    assert "waiting for it" in said[0]


def test_a_starving_backfill_is_left_for_direct_runs(server):
    """With twenty other runs and nothing moving, days are started directly, few at a time."""
    server.starving, server.others = True, 20
    states, said = run()
    assert dict.fromkeys(DAYS, "success") == states
    kinds = [each["run_type"] for each in server.runs if each["state"] == "success"]
    assert ["manual"] * 3 == kinds
    assert "issue 58554" in said[0]
    assert all(each["completed_at"] for each in server.backfills)


def test_a_slow_backfill_is_not_taken_for_a_starving_one(server, monkeypatch):
    """Without many other runs, waiting is all there is to do."""
    server.starving, server.others = True, 19
    monkeypatch.setattr(backfilling.time, "sleep", lambda _: patience(server))
    assert (dict.fromkeys(DAYS, "success"), []) == run()


def patience(server):
    """After long, the scheduler gets to it."""
    server.starving = server.looks < 30


def test_a_run_queued_for_a_dead_backfill_is_started_anew(server):
    """A cleared run of a cancelled backfill would stay queued forever."""
    server.backfills.append({"id": 1, "completed_at": "now", **ask().body})
    server.add(DAYS[1], "backfill", 1, state="queued")
    states, said = run()
    assert (dict.fromkeys(DAYS, "success"), 1) == (states, len(said))
    assert "queued for a backfill that is over" in said[0]
    assert ["failed", "success"] == [
        each["state"] for each in server.runs if each["partition_key"] == DAYS[1]
    ]


def test_a_failed_day_is_told_and_stops_no_other(server, monkeypatch):
    """The other days are run to their end."""
    add = server.add

    def broken(key, kind, backfill=None, state="queued", run_id=""):
        add(key, kind, backfill, "failed" if key == DAYS[1] else state, run_id)

    monkeypatch.setattr(server, "add", broken)
    states, _ = run()
    assert ["success", "failed", "success"] == list(states.values())


def test_a_paused_dag_is_told(server):
    """Its runs would wait forever."""
    server.paused = True
    with pytest.raises(StackError, match="must not be paused"):
        run()


def test_a_sweep_that_is_not_there_is_told(server, tmp_path):
    """A name without a grid file is no reason to wait."""
    home = load_settings({"SWEEPSTAKE_HOME": str(tmp_path), "SWEEPSTAKE_GRIDS": str(tmp_path)})
    lost = BackfillRequest("sweep__lost", FIRST, LAST, 1, "none")
    with pytest.raises(NotFoundError, match="lost: must be a sweep whose data are by day"):
        backfill(lost, home, lambda _: None, lambda _: None)


@pytest.mark.parametrize(
    ("state", "expected"),
    [("success", True), ("failed", True), ("skipped", True), ("running", False), ("queued", False)],
)
def test_a_day_is_over_when_nothing_more_will_happen(state, expected):
    """Ended and skipped days are not looked at again."""
    assert expected == Day("2026-01-01", state).is_over
