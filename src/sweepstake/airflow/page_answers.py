"""Answers: pages as HTTP answers, made in threads of their own, so that Airflow's stay free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs

import anyio
from fastapi import HTTPException
from fastapi.responses import HTMLResponse

from sweepstake.errors import NotFoundError, SweepstakeError, TransientError
from sweepstake.gridfile.loader import LARGEST
from sweepstake.pages import drawing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastapi import Request

T = TypeVar("T")

AT_ONCE = 4
WAITING = 32
"""Requests that wait for a thread; more are told to come again."""
LARGEST_FORM = 4 * LARGEST
"""Bytes of a form: what a grid file may have, each sign of it written as an escape."""
MOST_FIELDS = 12


class Threads:
    """Threads for what asks MLflow and Airflow: a slow server holds up nobody else's request."""

    def __init__(self) -> None:
        self._limit: anyio.CapacityLimiter | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Do some work in one of them.

        Raises:
            HTTPException: 503, too many wait.
        """
        self._limit = self._limit or anyio.CapacityLimiter(AT_ONCE)
        if self._limit.statistics().tasks_waiting >= WAITING:
            raise HTTPException(503, "The page is busy: MLflow or Airflow answers slowly. Wait.")
        return await anyio.to_thread.run_sync(work, limiter=self._limit)


THREADS = Threads()


def base_of(request: Request) -> dict[str, str]:
    """The addresses that links begin with: of the page, and of Airflow around it."""
    root = str(request.scope.get("root_path", ""))
    return {"root": root, "airflow": root.removesuffix("/sweepstake")}


async def drawn(
    request: Request, template: str, read: Callable[[], Mapping[str, Any]], status: int = 200
) -> HTMLResponse:
    """A page of what ``read`` tells; a sentence where that cannot be told."""

    def whole() -> HTMLResponse:
        base = base_of(request)
        try:
            text = drawing.render(template, {**base, **read()})
        except SweepstakeError as error:
            return fault(request, str(error), status_of(error))
        return HTMLResponse(text, status, headers=drawing.HEADERS)

    return await THREADS.run(whole)


def fault(request: Request, message: str, status: int, log_in: str = "") -> HTMLResponse:
    """A sentence in the place of a page, or of a part of one."""
    part = "HX-Request" in request.headers
    template = "told.html" if part else "fault.html"
    values = {**base_of(request), "message": message, "good": False, "log_in": log_in, "links": ()}
    return HTMLResponse(drawing.render(template, values), status, headers=drawing.HEADERS)


def status_of(error: SweepstakeError) -> int:
    """What HTTP calls an error."""
    if isinstance(error, NotFoundError):
        return 404
    return 503 if isinstance(error, TransientError) else 400


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form.

    Raises:
        HTTPException: 413, it is too large; 400, it is none.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            message = f"A form must have at most {LARGEST_FORM:,} bytes. Use sweepstake submit."
            raise HTTPException(413, message)
    try:
        text = body.decode("ascii")
        found = parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise HTTPException(400, "A form must be of text in UTF-8, but is not.") from None
    return {name: values[-1].replace("\r\n", "\n") for name, values in found.items()}
