"""States: what a sweep is doing, in one word, from what Airflow and MLflow say of it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from sweepstake.intake.daily_files import PREFIX

ID = re.compile(r"(?P<name>.+)__[0-9a-f]{12}(__(?P<day>\d{4}-\d{2}-\d{2}))?")
DAG = "sweep"


class SweepState(StrEnum):
    """One word for people."""

    WAITING = "waiting"
    """Airflow has queued its run, or it is not planned yet."""
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Ran(NamedTuple):
    """A run in Airflow that is at work on a sweep, or was."""

    dag: str
    run: str
    state: str


_OF_MLFLOW = {
    "RUNNING": SweepState.RUNNING,
    "FINISHED": SweepState.COMPLETE,
    "FAILED": SweepState.FAILED,
    "KILLED": SweepState.CANCELLED,
}


def state_of(status: str, run: str | None) -> SweepState:
    """From the status of the parent run (empty: none) and the state of the run in Airflow, if any.

    A run in Airflow that has ended tells that a parent left open is not at work any more; one that
    goes on, that an ended parent is worked on again.
    """
    known = _OF_MLFLOW.get(status, SweepState.WAITING)
    if run == "queued":
        return SweepState.WAITING
    if run == "running":
        return SweepState.RUNNING
    if run == "failed" and known in {SweepState.WAITING, SweepState.RUNNING}:
        return SweepState.FAILED
    return known


def is_id(sweep: str) -> bool:
    """Whether it is the id of a sweep, and not a name."""
    return ID.fullmatch(sweep) is not None


def dag_of(sweep: str) -> str:
    """The DAG whose rights hold for a sweep: a file with data by day has one of its own."""
    found = ID.fullmatch(sweep)
    return PREFIX + found["name"] if found and found["day"] else DAG


def name_of(sweep: str) -> str:
    """The name that its grid file gave a sweep."""
    found = ID.fullmatch(sweep)
    return found["name"] if found else sweep


def day_of(sweep: str) -> str:
    """The day of a sweep's data, empty where they are not by day."""
    found = ID.fullmatch(sweep)
    return (found["day"] or "") if found else ""
