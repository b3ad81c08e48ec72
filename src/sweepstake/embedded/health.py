"""Health: which components of the embedded stack do their work, asked of themselves."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx

from sweepstake.embedded import postgres

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.embedded.layout import Layout
    from sweepstake.embedded.ports import Ports

ANSWER_SECONDS = 5.0
HEARTBEATS = {
    "scheduler": "latest_scheduler_heartbeat",
    "triggerer": "latest_triggerer_heartbeat",
    "dag_processor": "latest_dag_processor_heartbeat",
}


def healthy(layout: Layout, ports: Ports, started: Mapping[str, float]) -> frozenset[str]:
    """The names of the healthy programs among those ``started`` (epoch seconds of each start)."""
    names: set[str] = set()
    if "postgres" in started and postgres.is_ready(layout, ports):
        names.add("postgres")
    if "mlflow" in started and _answers(f"{ports.mlflow_url}/health"):
        names.add("mlflow")
    if "api-server" in started:
        report = _airflow(ports)
        names |= of_airflow(report, started)
    return frozenset(names)


def of_airflow(report: Mapping[str, Any], started: Mapping[str, float]) -> set[str]:
    """The healthy Airflow programs by the api-server's ``report``.

    A heartbeat from before a program's start is its predecessor's and counts for nothing; that of
    one that has died stays in the report for a while.
    """
    if report.get("metadatabase", {}).get("status") != "healthy":
        return set()
    names = {"api-server"}
    for part, key in HEARTBEATS.items():
        name = part.replace("_", "-")
        state = report.get(part) or {}
        if state.get("status") == "healthy" and _epoch(state[key]) >= started.get(name, 0):
            names.add(name)
    return names & started.keys()


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _airflow(ports: Ports) -> dict[str, Any]:
    try:
        answer = _get(f"{ports.airflow_url}/api/v2/monitor/health")
    except httpx.HTTPError:
        return {}
    report: dict[str, Any] = answer.json() if answer.is_success else {}
    return report


def _answers(url: str) -> bool:
    try:
        return _get(url).is_success
    except httpx.HTTPError:
        return False


def _get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=ANSWER_SECONDS, trust_env=False)
