"""Airflow's REST API for backfills and the runs of days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from sweepstake.airflow_client.api import AirflowApi
from sweepstake.errors import NotFoundError, StackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE = 100


@dataclass(frozen=True, slots=True)
class DayRun:
    """A DAG run of one day; ``queued`` is when it was asked for, in ISO 8601."""

    day: str
    run_id: str
    state: str
    kind: str
    queued: str

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end."""
        return self.state in {"success", "failed"}


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """A backfill as it is asked for: the days from ``first`` to ``last``, both included."""

    dag_id: str
    first: date
    last: date
    parallel: int
    reprocess: str

    @property
    def body(self) -> dict[str, Any]:
        """What Airflow takes; it reads the dates in the time zone of the DAG's timetable."""
        return {
            "dag_id": self.dag_id,
            "from_date": f"{self.first}T00:00:00Z",
            "to_date": f"{self.last}T00:00:00Z",
            "max_active_runs": self.parallel,
            "reprocess_behavior": self.reprocess,
        }


class BackfillApi(AirflowApi):
    """A session with the api-server that can also backfill."""

    def check_dag(self, dag_id: str) -> None:
        """Hold that the DAG is there and not paused.

        Raises:
            NotFoundError: Airflow knows no such DAG (yet).
            StackError: it is paused, so its runs would wait forever.
        """
        answer = self.call("GET", f"/dags/{dag_id}", allow={404})
        if answer.status_code == httpx.codes.NOT_FOUND or answer.json()["is_stale"]:
            message = f"{dag_id}: must be a DAG in Airflow, but is none (yet). "
            raise NotFoundError(message + "Is its grid file in the watched folder, and correct?")
        if answer.json()["is_paused"]:
            message = f"{dag_id}: must not be paused, or its days will wait. Unpause it at "
            message += f"{self.url}/dags/{dag_id}."
            raise StackError(message)

    def would_run(self, request: BackfillRequest) -> list[str]:
        """The days that a backfill would make runs of; none where there is no such DAG."""
        answer = self.call("POST", "/backfills/dry_run", request.body, allow={404, 422})
        found = answer.json().get("backfills", ()) if answer.is_success else ()
        return [entry["partition_key"] for entry in found]

    def start(self, request: BackfillRequest) -> int | None:
        """Start a backfill; its id, or ``None`` while Airflow still counts another one as running.

        Raises:
            NotFoundError: there is no day in the range that is over.
        """
        answer = self.call("POST", "/backfills", request.body, allow={409, 422})
        if answer.status_code == httpx.codes.CONFLICT:
            return None
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            days = f"{request.first} to {request.last}"
            message = f"{request.dag_id}: must have days that are over from {days}, "
            message += f"but Airflow says: {answer.text[:300]}"
            raise NotFoundError(message)
        return int(answer.json()["id"])

    def active(self, dag_id: str) -> dict[str, Any] | None:
        """The backfill of the DAG that Airflow counts as running."""
        found = self.call("GET", f"/backfills?dag_id={dag_id}&order_by=-id&limit={PAGE}").json()
        running = (each for each in found["backfills"] if each["completed_at"] is None)
        return next(running, None)

    def cancel(self, backfill_id: int) -> None:
        """End a backfill: its queued runs fail, those that run go on."""
        self.call("PUT", f"/backfills/{backfill_id}/cancel", allow={409})

    def day_runs(self, request: BackfillRequest) -> dict[str, DayRun]:
        """The newest run of each day of the range that has one."""
        found: dict[str, DayRun] = {}
        for run in sorted(self._day_runs(request), key=lambda run: run.queued):
            found[run.day] = run
        return found

    def _day_runs(self, request: BackfillRequest) -> Iterator[DayRun]:
        # a day begins at another moment in UTC than where the DAG lives
        first, last = request.first - timedelta(days=1), request.last + timedelta(days=1)
        query = f"partition_date_gte={first}&partition_date_lte={last}&limit={PAGE}"
        offset, total = 0, 1
        while offset < total:
            path = f"/dags/{request.dag_id}/dagRuns?{query}&offset={offset}&order_by=run_after"
            answer = self.call("GET", path).json()
            yield from (
                _day_run(run)
                for run in answer["dag_runs"]
                if str(request.first) <= (run["partition_key"] or "") <= str(request.last)
            )
            offset, total = offset + PAGE, answer["total_entries"]

    def running(self) -> int:
        """How many runs of any DAG are running."""
        answer = self.call("GET", "/dags/~/dagRuns?state=running&limit=1")
        return int(answer.json()["total_entries"])

    def start_day(self, dag_id: str, day: str, run_id: str, note: str) -> None:
        """Start the run of one day, beside all backfills; one of this id that exists is left."""
        body = {"dag_run_id": run_id, "logical_date": None, "partition_key": day, "note": note}
        self.call("POST", f"/dags/{dag_id}/dagRuns", body, allow={409})

    def fail(self, dag_id: str, run: DayRun, note: str) -> None:
        """End a run as failed, with a note that says why."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run.run_id, safe='')}"
        self.call("PATCH", path, {"state": "failed", "note": note})

    def sweep_of(self, dag_id: str, run_id: str) -> str:
        """The sweep that a run has planned, empty before it has."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"
        answer = self.call("GET", f"{path}/taskInstances/plan/xcomEntries/sweep", allow={404})
        return str(answer.json()["value"]).strip('"') if answer.is_success else ""


def _day_run(run: Mapping[str, Any]) -> DayRun:
    return DayRun(
        day=run["partition_key"],
        run_id=run["dag_run_id"],
        state=run["state"],
        kind=run["run_type"],
        queued=run["queued_at"] or run["start_date"] or "",
    )
