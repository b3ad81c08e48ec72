"""The page of Sweepstake in Airflow: which runs stand still, and which have failed trials.

It is a part of Airflow's api-server. Every request is held against Airflow's own permissions: who
may not see plugins gets nothing, and others see the DAGs whose runs and tasks they may read.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import (
    AccessView,
    DagAccessEntity,
    DagDetails,
)
from airflow.api_fastapi.common.db.common import SessionDep  # noqa: TC002 - FastAPI reads it
from airflow.api_fastapi.core_api.security import (
    GetUserDep,
    requires_access_view,
)
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, select_autoescape
from sqlalchemy import or_, select

from sweepstake.airflow_client.retrying import DAG
from sweepstake.airflow_client.standstill import OF_FILES, STILL_SECONDS, is_ours, standstills

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from sqlalchemy.orm import Session

MOST = 100
FAILED = re.compile(r"(\d+) failed: ")
"""How the name of a task begins of whose trials some failed."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'",
    "Cache-Control": "no-store",
}


@cache
def made() -> FastAPI:
    """The application that Airflow's api-server mounts."""
    needed = Depends(requires_access_view(AccessView.PLUGINS))
    app = FastAPI(openapi_url=None, dependencies=[needed])
    app.get("/", response_class=HTMLResponse)(show)
    return app


def show(session: SessionDep, user: GetUserDep) -> HTMLResponse:
    """The page, of what its reader may read."""
    readable = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    shown = frozenset(each for each in readable if is_ours(each) and _may_look_into(each, user))
    rows = Rows(session, shown)
    page = _templates().get_template("page.html")
    minutes = round(STILL_SECONDS / 60)
    content = page.render(standstills=standstills(rows), failures=rows.failures(), minutes=minutes)
    return HTMLResponse(content, headers=HEADERS)


def _may_look_into(dag_id: str, user: BaseUser) -> bool:
    """Whether a user may read the runs and the tasks of a DAG, which are rights of their own."""
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    return all(
        get_auth_manager().is_authorized_dag(
            method="GET", access_entity=entity, details=details, user=user
        )
        for entity in (DagAccessEntity.RUN, DagAccessEntity.TASK_INSTANCE)
    )


@cache
def _templates() -> Environment:
    loader = PackageLoader("sweepstake.airflow", "templates")
    return Environment(loader=loader, autoescape=select_autoescape())


@dataclass(frozen=True, slots=True)
class Rows:
    """What `standstill` asks of Airflow, from its database, as the REST API tells it."""

    session: Session
    readable: frozenset[str]

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

    def failures(self) -> dict[tuple[str, str], int]:
        """The failed trials of the hundred newest sweeps, by DAG and run, as their tasks are named.

        Runs without any are left out.
        """
        sweeps = [each for each in self.readable if each == DAG or each.startswith(OF_FILES)]
        newest = select(DagRun.run_id).where(DagRun.dag_id.in_(sweeps))
        runs = self.session.scalars(newest.order_by(DagRun.run_after.desc()).limit(MOST))
        task = TaskInstance
        name: Any = task.rendered_map_index  # in SQL: what Airflow shows as the name of a task
        query = select(task.dag_id, task.run_id, name).where(name.contains(" failed: "))
        query = query.where(task.dag_id.in_(sweeps), task.run_id.in_(list(runs)))
        query = query.where(task.state.in_(("success", "failed")))  # no names of earlier tries
        found: Counter[tuple[str, str]] = Counter()
        for dag_id, run_id, label in self.session.execute(query):
            if told := FAILED.match(label):
                found[dag_id, run_id] += int(told[1])
        return dict(found)

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


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
