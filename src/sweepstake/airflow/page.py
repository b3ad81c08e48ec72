"""The page Sweeps in Airflow: what it shows, by its routes; `page_acts` has what it does.

It is a part of Airflow's api-server. Every request is held against Airflow's own permissions: who
may not see plugins gets nothing, and others what they may read, and do, of each DAG.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.common.db.common import SessionDep  # noqa: TC002 - FastAPI reads it
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from sweepstake.airflow import page_acts
from sweepstake.airflow.page_answers import drawn, fault
from sweepstake.airflow.page_rights import (
    ANSWER,
    BACKFILL,
    CANCEL,
    GUARDS,
    RETRY,
    ROLL_BACK,
    SEE_RUNS,
    SEE_TASKS,
    SEE_XCOMS,
    SUBMIT,
    Reader,
    ReaderDep,
    log_in_url,
)
from sweepstake.airflow.page_rows import Rows
from sweepstake.airflow_client.answering import JUDGES
from sweepstake.airflow_client.standstill import STILL_SECONDS, is_ours, standstills
from sweepstake.champions import approval
from sweepstake.errors import NotFoundError, OverlapError, SweepstakeError
from sweepstake.intake import daily_files
from sweepstake.pages import drawing, model_page, overview, sweep_page
from sweepstake.pages.states import DAG, Ran, SweepState, dag_of, name_of, state_of
from sweepstake.settings import load_settings
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import overlap

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from starlette.exceptions import HTTPException as AnyHttpError

UNAUTHORIZED = 401
NO_SWEEP = "must be the run of a sweep that has begun, but is not. See the page Sweeps."
IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""Of a page people would rather know at once that MLflow is away; nothing else here asks it."""


@cache
def made() -> FastAPI:
    """The application that Airflow's api-server mounts."""
    os.environ.update(IMPATIENT)
    app = FastAPI(openapi_url=None, dependencies=GUARDS)
    app.get("/", response_class=HTMLResponse)(show)
    app.get("/sweeps/{sweep}", response_class=HTMLResponse)(show_sweep)
    app.get("/runs/{dag_id}/{run_id}", response_class=HTMLResponse)(show_run)
    app.get("/models/{model}", response_class=HTMLResponse)(show_model)
    app.get("/submit", response_class=HTMLResponse)(show_form)
    app.get("/backfill/{name}", response_class=HTMLResponse)(show_backfill)
    app.get("/static/{name}")(send_file)
    page_acts.add_to(app)
    app.exception_handler(HTTPException)(tell)
    return app


async def tell(request: Request, error: AnyHttpError) -> HTMLResponse:
    """What is refused, as a sentence; who is not logged in is shown where to."""
    back = str(request.url) if request.method == "GET" else str(request.base_url)
    log_in = log_in_url(back) if error.status_code == UNAUTHORIZED else ""
    return fault(request, str(error.detail), error.status_code, log_in)


async def show(request: Request, session: SessionDep, reader: ReaderDep) -> HTMLResponse:
    """The newest sweeps, the models in service, and what stands still."""

    def read() -> dict[str, Any]:
        rows, settings = _rows(session, reader), load_settings()
        seen = rows.readable
        still, runs = standstills(rows), rows.sweeps()
        session.close()  # MLflow may take its time
        may_see = seen.__contains__
        found = overview.read(settings, runs, may_see, with_models=JUDGES in seen)
        return {
            "page": found,
            "standstills": still,
            "minutes": round(STILL_SECONDS / 60),
            "daily": _daily(seen),
            "may_submit": reader.may(DAG, SUBMIT),
            "may_see_models": JUDGES in seen,
        }

    return await drawn(request, "overview.html", read)


async def show_sweep(
    request: Request, sweep: str, session: SessionDep, reader: ReaderDep
) -> HTMLResponse:
    """A sweep with its trials."""

    def read() -> dict[str, Any]:
        dag = dag_of(sweep)
        _must_see(reader, dag)
        rows = _rows(session, reader)
        ran = rows.run(dag, sweep) or rows.sweeps().get(sweep)
        session.close()
        return _of_sweep(sweep, ran, reader, None)

    return await drawn(request, "sweep.html", read)


async def show_run(
    request: Request,
    dag_id: str,
    run_id: str,
    session: SessionDep,
    reader: ReaderDep,
    index: str = "",
) -> HTMLResponse:
    """The sweep of a run in Airflow, or the trials of one of its mapped tasks."""

    def read() -> dict[str, Any]:
        missing = NotFoundError(f"{run_id}: {NO_SWEEP}")
        if not is_ours(dag_id):
            raise missing
        _must_see(reader, dag_id)
        rows = _rows(session, reader)
        sweep, ran = rows.sweep_of(dag_id, run_id), rows.run(dag_id, run_id)
        mapped = index.isdecimal() and index.isascii()
        task = request.query_params.get("task", "")
        batch = rows.batch(dag_id, run_id, int(index[:9]), task) if mapped else None
        session.close()
        if not sweep or not ran:
            raise missing
        return _of_sweep(sweep, ran, reader, batch)

    return await drawn(request, "sweep.html", read)


async def show_model(request: Request, model: str, reader: ReaderDep) -> HTMLResponse:
    """A model's champion, every decision about it, and what is asked."""

    def read() -> dict[str, Any]:
        _must_see(reader, JUDGES)
        return {
            "page": model_page.read(model, load_settings()),
            "may_roll_back": reader.may(JUDGES, ROLL_BACK),
            "may_answer": reader.may(approval.DAG_ID, ANSWER),
            "gain_of": model_page.gain_of,
        }

    return await drawn(request, "model.html", read)


async def show_form(request: Request, reader: ReaderDep) -> HTMLResponse:
    """The form to submit a grid file."""

    def read() -> dict[str, Any]:
        reader.must(DAG, SUBMIT)
        return {}

    return await drawn(request, "submit.html", read)


async def show_backfill(request: Request, name: str, reader: ReaderDep) -> HTMLResponse:
    """The form to run a sweep on a range of days."""

    def read() -> dict[str, Any]:
        dag = daily_files.PREFIX + name
        reader.must(dag, BACKFILL)
        daily_files.find(name, Workspace(load_settings().workspace))
        return {"name": name, "dag": dag}

    return await drawn(request, "backfill.html", read)


async def send_file(name: str) -> Response:
    """A script or style sheet of the page."""
    if name not in drawing.STATIC:
        raise HTTPException(404, "There is no such file.")
    headers = {**drawing.HEADERS, "Cache-Control": "private, max-age=86400"}
    return Response(drawing.static(name), media_type=drawing.STATIC[name], headers=headers)


def _rows(session: Session, reader: Reader) -> Rows:
    mine = filter(is_ours, reader.readable())
    shown = frozenset(each for each in mine if reader.may(each, SEE_RUNS, SEE_TASKS))
    return Rows(session, shown, frozenset(each for each in shown if reader.may(each, SEE_XCOMS)))


def _must_see(reader: Reader, dag: str) -> None:
    """Hold that a DAG is ours and may be seen; of another nothing is told, not even that it is."""
    if not is_ours(dag) or not reader.may_see(dag):
        raise HTTPException(403, f"DAG {dag}: you must be allowed to read it, but are not.")


def _of_sweep(
    sweep: str, ran: Ran | None, reader: Reader, batch: sweep_page.Batch | None
) -> dict[str, Any]:
    """What the template of a sweep needs; of one that is not planned, that it waits."""
    dag, state = dag_of(sweep), ran.state if ran else None
    given = {
        "sweep": sweep,
        "dag": dag,
        "run": ran.run if ran else "",
        "name": name_of(sweep),
        "may_retry": reader.may(dag, RETRY),
        "may_cancel": reader.may(dag, CANCEL),
        "may_see_model": reader.may_see(JUDGES),
        "may_backfill": dag != DAG and reader.may(dag, BACKFILL),
        "progress": None,
    }
    settings = load_settings()
    try:
        page = sweep_page.read(sweep, state, settings, batch)
    except NotFoundError as error:
        if ran is None:
            raise
        at = state_of("", state)
        return given | {"page": None, "at": at, "why": _unplanned(sweep, at, error)}
    if page.state is SweepState.RUNNING:
        given["progress"] = overview.progress_of(sweep, settings)
    return given | {"page": page, "at": page.state, "why": ""}


def _unplanned(sweep: str, at: SweepState, error: NotFoundError) -> str:
    """Why a sweep that Airflow has a run of has no trials to show."""
    others = overlap.waits_for(sweep, Workspace(load_settings().workspace))
    if others:
        return str(OverlapError(sweep, others))
    if at is SweepState.FAILED:
        return "It could not be planned. The log of its task plan says why."
    return "Airflow has not planned it yet." if at is SweepState.WAITING else str(error)


def _daily(seen: frozenset[str]) -> list[daily_files.Daily]:
    """The files with data by day whose DAGs may be seen; none where the workspace is not told."""
    try:
        found = daily_files.published(Workspace(load_settings().workspace))
    except SweepstakeError:
        return []
    return [each for each in found if each.dag_id in seen]
