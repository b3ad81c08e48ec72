"""Acts: what the page does in the name of its reader, each as the command line does it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse

from sweepstake.airflow.page_answers import drawn, form_of
from sweepstake.airflow.page_rights import (
    ANSWER,
    BACKFILL,
    CANCEL,
    RETRY,
    ROLL_BACK,
    SUBMIT,
    Reader,
    ReaderDep,
    must_be_ours,
)
from sweepstake.airflow_client import answering, backfilling, cancelling, retrying
from sweepstake.airflow_client.backfill_api import BackfillRequest
from sweepstake.champions import approval
from sweepstake.errors import NotFoundError, SettingsError
from sweepstake.intake.daily_files import PREFIX
from sweepstake.pages import errands, model_page, overview, sweep_page
from sweepstake.pages.states import DAG, dag_of, is_id
from sweepstake.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sweepstake.settings import Settings

MOST_PARALLEL = 64
LONGEST_WHY = 1000
REPROCESS = ("none", "failed", "completed")


def add_to(app: FastAPI) -> None:
    """Add the routes that change something; each must be asked for by the page itself."""
    acts: dict[str, Callable[..., Any]] = {
        "/submit/check": check,
        "/submit/start": start,
        "/sweeps/{sweep}/retry": retry,
        "/sweeps/{sweep}/cancel": cancel,
        "/backfill/{name}": backfill,
        "/models/{model}/answer": answer,
        "/models/{model}/rollback": roll_back,
    }
    for path, act in acts.items():
        app.post(path, response_class=HTMLResponse, dependencies=[Depends(must_be_ours)])(act)


async def check(request: Request, reader: ReaderDep) -> HTMLResponse:
    """Every mistake of a grid file, or what it would run."""
    form = await form_of(request)

    def read() -> dict[str, Any]:
        reader.must(DAG, SUBMIT)
        content, file = _grid(form)
        found = errands.run("check", content=content, file=file)
        problems = found.get("problems", [])
        return {
            "file": file,
            "problems": problems,
            "lines": _lines(content, problems),
            "plan": found.get("plan"),
            "warnings": found.get("warnings", ()),
            "replaces": found.get("replaces", False),
        }

    return await drawn(request, "checked.html", read)


async def start(request: Request, reader: ReaderDep) -> HTMLResponse:
    """Put a grid file that was checked into the watched folder."""
    form = await form_of(request)

    def read() -> dict[str, Any]:
        reader.must(DAG, SUBMIT)
        content, file = _grid(form)
        if hashlib.sha256(content.encode()).hexdigest() != form.get("digest"):
            message = f"{file}: must be started as it was checked, but was changed since."
            raise SettingsError(message + " Check it again.")
        found = errands.run("start", content=content, file=file)
        if found.get("problems"):
            message = f"{file}: must have no mistakes, but has some now. Check it again."
            raise SettingsError(message)
        _forget()
        if found["by_day"]:
            told = f"{file} is in the watched folder: its days run in DAG {PREFIX}{found['name']}."
            return _told(told, (f"/backfill/{found['name']}", "Backfill its days"))
        told = f"{found['sweep']} is in the watched folder. It begins within seconds."
        return _told(told, (f"/sweeps/{found['sweep']}", "Follow it"))

    return await drawn(request, "told.html", read)


async def retry(request: Request, sweep: str, reader: ReaderDep) -> HTMLResponse:
    """Train again what failed in a sweep."""

    def act(settings: Settings) -> str:
        reader.must(_dag_of(sweep), RETRY)
        found = retrying.retry(sweep, settings)
        if not found.goes_on:
            return f"{found.run}: every trial is complete, so nothing is trained again."
        return f"{found.run} is tried again."

    return await _done(request, reader, act)


async def cancel(request: Request, sweep: str, reader: ReaderDep) -> HTMLResponse:
    """End a sweep before its time."""
    form = await form_of(request)

    def act(settings: Settings) -> str:
        reader.must(_dag_of(sweep), CANCEL)
        why = " ".join(form.get("why", "").split())[:LONGEST_WHY]
        found = cancelling.cancel(sweep, reader.name, why, settings)
        if not found.was_live:
            return f"{found.sweep}: it has ended, so there is nothing to cancel."
        return f"{found.sweep} ends within seconds; trials that are done stay."

    return await _done(request, reader, act)


async def backfill(request: Request, name: str, reader: ReaderDep) -> HTMLResponse:
    """Run a sweep on each day of a range, or only say which days that would be."""
    form = await form_of(request)

    def act(settings: Settings) -> str:
        reader.must(PREFIX + name, BACKFILL)
        wanted = _range(name, form)
        if form.get("only") == "days":
            days = backfilling.plan_days(wanted, settings)
            return f"{wanted.dag_id}: {len(days)} days would run. {', '.join(days[:100])}"
        if backfilling.begin(wanted, settings):
            return f"{wanted.dag_id}: the backfill has begun. Its days are in the list of sweeps."
        message = f"{wanted.dag_id}: must have no other backfill at work, but has one. "
        raise SettingsError(message + "Wait for its end, or cancel it in Airflow.")

    return await _done(request, reader, act)


async def answer(request: Request, model: str, reader: ReaderDep) -> HTMLResponse:
    """Approve or decline the promotion that waits."""
    form = await form_of(request)

    def act(settings: Settings) -> str:
        reader.must(approval.DAG_ID, ANSWER)
        approved = form.get("answer") == "approve"
        given = approval.Answer(approved, reader.name, form.get("why", ""))
        asked = answering.answer(model, given, form.get("key", ""), settings)
        word = "approved" if approved else "declined"
        return f"{model} v{asked.version} is {word}. It is carried out within a minute."

    return await _done(request, reader, act)


async def roll_back(request: Request, model: str, reader: ReaderDep) -> HTMLResponse:
    """Put a former champion back into service."""
    form = await form_of(request)

    def act(_: Settings) -> str:
        reader.must(answering.JUDGES, ROLL_BACK)
        given = {"to": form.get("to", ""), "why": form.get("why", "")}
        done = errands.run("rollback", model=model, by=reader.name, **given)
        return f"{model}: champion is v{done['champion']}. {done['reason']}"

    return await _done(request, reader, act)


async def _done(request: Request, reader: Reader, act: Callable[[Settings], str]) -> HTMLResponse:
    """The answer to an act in its reader's name; whoever looks then sees what it changed."""

    def read() -> dict[str, Any]:
        told = act(replace(load_settings(), airflow_token=reader.token))
        _forget()
        return _told(told)

    return await drawn(request, "told.html", read)


def _told(message: str, *links: tuple[str, str]) -> dict[str, Any]:
    return {"message": message, "good": True, "log_in": "", "links": links}


def _forget() -> None:
    for each in (overview, sweep_page, model_page):
        each.forget()


def _dag_of(sweep: str) -> str:
    """The DAG whose rights hold for a sweep, which only its id tells.

    Raises:
        NotFoundError: it is a name, of whatever DAG.
    """
    if not is_id(sweep):
        message = f"{sweep}: must be the id of a sweep, but is none. See the page Sweeps."
        raise NotFoundError(message)
    return dag_of(sweep)


def _grid(form: Mapping[str, str]) -> tuple[str, str]:
    """The text of a grid file, and its name.

    Raises:
        SettingsError: there is none.
    """
    file = form.get("file", "").strip()
    if not file.endswith((".yaml", ".yml", ".json")):
        message = "The name of a grid file must end with .yaml, .yml or .json. Correct the name."
        raise SettingsError(message)
    content = form.get("content", "")
    if not content.strip():
        message = f"{file}: must hold a grid, but is empty. Write one or choose a file."
        raise SettingsError(message)
    return content, file


def _lines(content: str, problems: list[dict[str, Any]]) -> list[tuple[int, str, list[str]]]:
    """The lines around mistakes, each with its number and what is wrong in it."""
    text = content.split("\n")
    wrong: dict[int, list[str]] = {}
    for each in problems:
        path = f"{each['path']}: " if each["path"] else ""
        wrong.setdefault(each["line"], []).append(f"{path}{each['message']}")
    near = {n + by for n in wrong if n for by in (-1, 0, 1)}
    shown = sorted(number for number in near if 1 <= number <= len(text))
    lines = [(number, text[number - 1][:300], wrong.get(number, [])) for number in shown]
    return [(0, "", wrong[0]), *lines] if 0 in wrong else lines


def _range(name: str, form: Mapping[str, str]) -> BackfillRequest:
    """The days that a form asks for.

    Raises:
        SettingsError: they are none.
    """
    try:
        first, last = (date.fromisoformat(form.get(each, "")) for each in ("first", "last"))
        parallel = int(form.get("parallel") or "4")
    except ValueError:
        message = "A backfill must have two days such as 2026-01-15 and a number. Correct them."
        raise SettingsError(message) from None
    again = form.get("reprocess", "none")
    if last < first or not 1 <= parallel <= MOST_PARALLEL or again not in REPROCESS:
        message = f"A backfill must end no earlier than it begins, with 1 to {MOST_PARALLEL} days "
        raise SettingsError(message + "at once. Correct it.")
    return BackfillRequest(PREFIX + name, first, last, parallel, again)
