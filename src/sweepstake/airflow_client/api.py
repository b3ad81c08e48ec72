"""Airflow's REST API: the few calls that the command line makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx
from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_fixed,
)

from sweepstake.errors import SettingsError, StackError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tenacity import RetryCallState

    from sweepstake.settings import Settings

TIMEOUT_SECONDS = 30.0
LONGEST_NOTE = 1000
"""Characters of a note that Airflow takes."""
OUTAGE_SECONDS = 120.0
"""How long a server that has answered before may be away: its supervisor starts it again."""


@dataclass(slots=True)
class AirflowApi:
    """A session with the api-server, to be closed; logs in at need, again when the token ends.

    With a ``token`` of somebody's it is that person's, and ends with it.

    One that is not there at first is an error at once; one that goes away later is waited for.
    """

    url: str
    user: str
    password: str = field(repr=False)
    token: str = field(default="", repr=False)
    client: httpx.Client = field(init=False, repr=False)
    _was_there: bool = field(init=False, repr=False, default=False)

    def __post_init__(self) -> None:
        transport = httpx.HTTPTransport(retries=3)
        self.client = httpx.Client(timeout=TIMEOUT_SECONDS, transport=transport)
        if self.token:
            self._bear(self.token)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The api-server that ``settings`` name."""
        user, password = settings.airflow_user, settings.airflow_password
        return cls(settings.airflow_url, user, password, settings.airflow_token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def run_state(self, dag_id: str, run_id: str) -> str | None:
        """State of a DAG run, ``None`` where there is no such run."""
        answer = self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}", allow={404})
        return None if answer.status_code == httpx.codes.NOT_FOUND else answer.json()["state"]

    def run_url(self, dag_id: str, run_id: str) -> str:
        """The page of a DAG run."""
        return f"{self.url}/dags/{dag_id}/runs/{run_id}"

    def runs(self, dag_id: str, prefix: str = "") -> list[str]:
        """Ids of the latest hundred runs of a DAG that begin with ``prefix``, newest first."""
        query = httpx.QueryParams(order_by="-run_after", limit=100)
        query = query.add("run_id_prefix_pattern", prefix) if prefix else query
        answer = self.call("GET", f"/dags/{dag_id}/dagRuns?{query}", allow={404})
        return [run["dag_run_id"] for run in answer.json().get("dag_runs", ())]

    def unfinished_runs(self, dags: Iterable[str]) -> list[Mapping[str, Any]]:
        """The hundred oldest runs that have not ended, of DAGs whose ids begin so."""
        query = httpx.QueryParams(state="running", order_by="run_after", limit=100)
        query = query.add("state", "queued").add("dag_id_prefix_pattern", "|".join(dags))
        found: list[Mapping[str, Any]] = self.call("GET", f"/dags/~/dagRuns?{query}").json()[
            "dag_runs"
        ]
        return found

    def tasks(self, dag_id: str, run_id: str, states: Iterable[str]) -> list[Mapping[str, Any]]:
        """A hundred task instances of a run that are in any of these states."""
        query = httpx.QueryParams({"state": list(states), "limit": 100})
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances?{query}"
        found: list[Mapping[str, Any]] = self.call("GET", path).json()["task_instances"]
        return found

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Let a DAG run do a task and all that follows it once more."""
        body = {
            "dag_run_id": run_id,
            "task_ids": [task_id],
            "include_downstream": True,
            "only_failed": False,
            "dry_run": False,
        }
        self.call("POST", f"/dags/{dag_id}/clearTaskInstances", body)

    def note(self, dag_id: str, run_id: str, text: str) -> None:
        """Write a note on a DAG run, in place of the one that it has."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}?update_mask=note"
        self.call("PATCH", path, {"note": text[:LONGEST_NOTE]})

    def respond(self, dag_id: str, run_id: str, task_id: str, option: str, why: str) -> bool:
        """Answer what a task asks; whether it still did."""
        run = quote(run_id, safe="")
        path = f"/dags/{dag_id}/dagRuns/{run}/taskInstances/{task_id}/-1/hitlDetails"
        body = {"chosen_options": [option], "params_input": {"why": why}}
        return self.call("PATCH", path, body, allow={404, 409}).is_success

    def trigger(self, dag_id: str) -> None:
        """Start a run of a DAG that needs no configuration."""
        self.call("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None})

    def dag(self, dag_id: str) -> Mapping[str, Any] | None:
        """What Airflow knows of a DAG, ``None`` where there is none."""
        answer = self.call("GET", f"/dags/{dag_id}", allow={404})
        return None if answer.status_code == httpx.codes.NOT_FOUND else answer.json()

    def import_errors(self) -> list[Mapping[str, Any]]:
        """The DAG files that cannot be loaded: ``filename``, ``bundle_name``, ``stack_trace``."""
        found: list[Mapping[str, Any]] = self.call("GET", "/importErrors").json()["import_errors"]
        return found

    def option(self, section: str, name: str) -> str | None:
        """A value of Airflow's configuration, ``None`` where it shows none."""
        path = f"/config/section/{section}/option/{name}"
        answer = self.call("GET", path, allow={403, 404})
        return None if answer.is_error else answer.json()["sections"][0]["options"][0]["value"]

    def pool_slots(self, name: str) -> int | None:
        """How many slots a pool has, ``None`` where there is none."""
        answer = self.call("GET", f"/pools/{name}", allow={404})
        return None if answer.status_code == httpx.codes.NOT_FOUND else int(answer.json()["slots"])

    def ensure_pool(self, name: str, slots: int, description: str) -> None:
        """Create the pool, or give the one that exists these slots."""
        pool = {"slots": slots, "description": description, "include_deferred": False}
        answer = self.call("POST", "/pools", {"name": name, **pool}, allow={409})
        if answer.status_code == httpx.codes.CONFLICT:
            self.call("PATCH", f"/pools/{name}", {"pool": name, **pool})

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        allow: Collection[int] = (),
    ) -> httpx.Response:
        """One call of the API below ``/api/v2``; ``allow`` has the faults that the caller handles.

        Raises:
            StackError: the server is not there, or answers with another fault.
            SettingsError: it does not let this user in.
        """
        answer = self._send(method, f"/api/v2{path}", body)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._log_in()
            answer = self._send(method, f"/api/v2{path}", body)
        if answer.status_code == httpx.codes.FORBIDDEN and self.token:
            message = f"{self.url}: Airflow must allow you to {method} {path}, but does not."
            raise SettingsError(message + " Ask its administrator.")
        if answer.is_error and answer.status_code not in allow:
            message = f"{self.url}: {method} {path} must succeed, but got {answer.status_code}: "
            raise StackError(message + answer.text[:500])
        return answer

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        """One request; every one may be repeated, so a server that was there is waited for.

        So is one that takes the request and is slow with its answer: the machine is busy.
        """
        away = retry_if_exception_type(httpx.TransportError) | retry_if_result(_is_fault)
        patient = Retrying(
            retry=away if self._was_there else retry_if_exception_type(httpx.ReadTimeout),
            stop=stop_after_delay(OUTAGE_SECONDS),
            wait=wait_fixed(1),
            retry_error_callback=_as_it_is,
        )
        try:
            answer: httpx.Response = patient(
                self.client.request, method, f"{self.url}{path}", json=body
            )
        except httpx.TransportError as error:
            message = f"{self.url}: Airflow must answer, but got {error}. Start it: sweepstake up."
            raise StackError(message) from error
        self._was_there = True
        return answer

    def _log_in(self) -> None:
        if self.token:
            message = f"{self.url}: you must be logged in to Airflow, but your log-in is over."
            raise SettingsError(message + " Log in again.")
        credentials = {"username": self.user, "password": self.password}
        answer = self._send("POST", "/auth/token", credentials)
        if answer.is_server_error:
            message = f"{self.url}: Airflow must let users log in, but got {answer.status_code}. "
            raise StackError(message + "Look at the log of the api-server.")
        if answer.is_error:
            message = (
                f"{self.url}: user {self.user!r} must be able to log in, but got "
                f"{answer.status_code}. Check SWEEPSTAKE_AIRFLOW_USER and _PASSWORD."
            )
            raise SettingsError(message)
        self._bear(answer.json()["access_token"])

    def _bear(self, token: str) -> None:
        self.client.headers["Authorization"] = f"Bearer {token}"


def _is_fault(answer: httpx.Response) -> bool:
    return answer.is_server_error


def _as_it_is(state: RetryCallState) -> Any:
    """The last answer, or its error."""
    return state.outcome.result() if state.outcome else None
