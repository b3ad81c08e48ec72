"""Rows: what the page asks of Airflow's database."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import or_, select

from sweepstake.airflow.task_graph import WAVES
from sweepstake.airflow_client.retrying import DAG
from sweepstake.airflow_client.standstill import OF_FILES
from sweepstake.pages.states import Ran
from sweepstake.pages.sweep_page import Batch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

MOST = 100


@dataclass(frozen=True, slots=True)
class Rows:
    """What is asked of Airflow, of the DAGs that may be read, as the REST API tells it."""

    session: Session
    readable: frozenset[str]
    xcoms: frozenset[str] = frozenset()
    """The DAGs of which it may also be read what tasks tell each other."""

    def unfinished_runs(self, dags: Iterable[str]) -> list[dict[str, Any]]:
        """The hundred oldest runs that have not ended, of the DAGs that may be read."""
        begins = (DagRun.dag_id.startswith(each, autoescape=True) for each in dags)
        query = select(DagRun).where(DagRun.state.in_(("queued", "running")), or_(*begins))
        query = query.where(DagRun.dag_id.in_(self.readable)).order_by(DagRun.run_after)
        return [
            {
                "dag_id": run.dag_id,
                "dag_run_id": run.run_id,
                "state": str(run.state),
                "queued_at": _text(run.queued_at),
                "start_date": _text(run.start_date),
                "last_scheduling_decision": _text(run.last_scheduling_decision),
            }
            for run in self.session.scalars(query.limit(MOST))
        ]

    def sweeps(self) -> dict[str, Ran]:
        """The hundred newest runs of sweeps, newest first, by the sweep's id.

        That of a day is told by its task ``plan``; before that it has none.
        """
        dags = [each for each in self.readable if each == DAG or each.startswith(OF_FILES)]
        query = select(DagRun.dag_id, DagRun.run_id, DagRun.state).where(DagRun.dag_id.in_(dags))
        found = self.session.execute(query.order_by(DagRun.run_after.desc()).limit(MOST)).all()
        days = self._days([(dag, run) for dag, run, _ in found if dag != DAG])
        ids = {(dag, run): run if dag == DAG else days.get((dag, run)) for dag, run, _ in found}
        newest: dict[str, Ran] = {}
        for dag, run, state in found:
            if sweep := ids[dag, run]:
                newest.setdefault(sweep, Ran(dag, run, str(state)))
        return newest

    def run(self, dag: str, run: str) -> Ran | None:
        """A run, ``None`` where there is none that may be read."""
        query = select(DagRun.state).where(DagRun.dag_id == dag, DagRun.run_id == run)
        found = self.session.scalar(query.where(DagRun.dag_id.in_(self.readable)))
        return None if found is None else Ran(dag, run, str(found))

    def sweep_of(self, dag: str, run: str) -> str:
        """The sweep that a run is of, empty where it is of none (yet)."""
        if dag not in self.readable:
            return ""
        return run if dag == DAG else self._days([(dag, run)]).get((dag, run), "")

    def batch(self, dag: str, run: str, index: int, task: str = "") -> Batch | None:
        """The trials of a mapped task that trains; ``None`` where it has none."""
        query = _xcom(dag, [run], _asker_of(task), "return_value")
        rows = self.session.scalars(query.where(XComModel.dag_id.in_(self.xcoms))).all()
        try:
            found = _value(rows[0])[index] if rows else None
            return found and Batch(
                int(found["first"]),
                int(found["last"]),
                str(found["label"]),
                int(found.get("wave", 0)),
            )
        except (LookupError, TypeError, ValueError):  # somebody else wrote it
            return None

    def _days(self, runs: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
        query = select(XComModel).where(XComModel.task_id == "plan", XComModel.key == "sweep")
        query = query.where(XComModel.dag_id.in_({dag for dag, _ in runs} & self.xcoms))
        query = query.where(XComModel.run_id.in_({run for _, run in runs}))
        rows = self.session.scalars(query) if runs else ()
        return {(row.dag_id, row.run_id): str(_value(row)) for row in rows}

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        """Whether a DAG is paused, ``None`` where there is none."""
        dag = self.session.get(DagModel, dag_id)
        return {"is_paused": dag.is_paused} if dag else None

    def tasks(self, dag_id: str, run_id: str, states: Iterable[str]) -> list[dict[str, Any]]:
        """A hundred task instances of a run that are in any of these states."""
        task = TaskInstance
        query = select(task).where(task.dag_id == dag_id, task.run_id == run_id)
        query = query.where(task.state.in_(list(states))).limit(MOST)
        return [
            {
                "task_id": each.task_id,
                "state": str(each.state),
                "pool": each.pool,
                "queued_when": _text(each.queued_dttm),
                "scheduled_when": _text(each.scheduled_dttm),
            }
            for each in self.session.scalars(query)
        ]


def _asker_of(task: str) -> str:
    """The task whose result the mapped task of this name trains."""
    wave = re.fullmatch(rf"{WAVES}\.train_([0-9]{{1,3}})", task)
    return f"{WAVES}.ask_{wave[1]}" if wave else "plan"


def _xcom(dag: str, runs: list[str], task: str, key: str) -> Any:
    query = select(XComModel).where(XComModel.dag_id == dag, XComModel.run_id.in_(runs))
    return query.where(XComModel.task_id == task, XComModel.key == key, XComModel.map_index == -1)


def _value(row: XComModel) -> Any:
    """What a task of ours pushed: plain JSON, of which no class is made."""
    return (
        json.loads(row.value)
        if isinstance(row.value, str) and row.value[:1] in '[{"'
        else row.value
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
