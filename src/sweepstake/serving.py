"""Serving: the champion over HTTP, following the alias without dropping a request.

``POST /invocations`` takes MLflow's scoring format (``dataframe_split``, ``dataframe_records`` or
``inputs``) and answers ``{"predictions": [...]}``; the header ``X-Model-Version`` names the version
that answered. ``GET /health`` and ``/ping`` answer 200 once a champion is loaded, ``GET /version``
names it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from sweepstake.errors import SweepstakeError
from sweepstake.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pandas as pd
    from starlette.requests import Request
    from starlette.responses import Response

    from sweepstake.modelversion import Version
    from sweepstake.registry import Registry
    from sweepstake.workspace import Workspace

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
LARGEST_BODY = 16 * 1024 * 1024
"""Bytes of a request; more rows belong into a batch job."""

UNFIT = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What JSON, pandas and scikit-learn raise for rows that a model cannot take."""


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """A loaded champion."""

    version: Version
    estimator: Any


class Host:
    """Holds the champion of one model; ``refresh`` replaces it when the alias has moved."""

    def __init__(self, registry: Registry, workspace: Workspace, model: str) -> None:
        self._registry = registry
        self._workspace = workspace
        self.model = model
        self.served: Served | None = None

    def refresh(self) -> None:
        """Load the version that the alias names now; one that fails to load replaces nothing."""
        champion = self._registry.champion(self.model)
        if champion is None or (self.served and self.served.version.version == champion.version):
            return
        Provenance(self._workspace).vouch(champion)
        self.served = Served(champion, self._registry.load(champion))
        log.info("%s: serving version %s", self.model, champion.version)

    async def follow(self) -> None:
        """Refresh for ever; an error is logged and tried again."""
        while True:
            try:
                await asyncio.to_thread(self.refresh)
            except SweepstakeError as error:
                log.warning("%s: cannot load the champion: %s", self.model, error)
            except Exception:
                log.exception("%s: cannot load the champion", self.model)
            await asyncio.sleep(POLL_SECONDS)


def application(host: Host) -> Starlette:
    """The ASGI application that serves ``host``."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(host.follow())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def health(_: Request) -> Response:
        return _described(host) if host.served else _refusal(503, _no_champion(host))

    async def invocations(request: Request) -> Response:
        served = host.served
        if served is None:
            return _refusal(503, _no_champion(host))
        try:
            frame = _frame(await _body(request))
            predictions = await run_in_threadpool(served.estimator.predict, frame)
        except UNFIT as error:
            return _refusal(400, " ".join(str(error).split()))
        headers = {"X-Model-Version": served.version.version}
        return JSONResponse({"predictions": predictions.tolist()}, headers=headers)

    routes = [
        Route("/invocations", invocations, methods=["POST"]),
        *(Route(path, health) for path in ("/health", "/ping", "/version")),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _body(request: Request) -> Any:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > LARGEST_BODY:
            message = f"the body: must not be larger than {LARGEST_BODY:,} bytes. Send fewer rows."
            raise ValueError(message)
    return json.loads(received)


def _frame(body: Any) -> pd.DataFrame:
    """The rows of a request; their columns are named, as scikit-learn else goes by position.

    Raises:
        ValueError: the body has none of the three forms.
    """
    import pandas as pd

    match body:
        case {"dataframe_split": {"columns": list(columns), "data": list(data)}}:
            frame = pd.DataFrame(data, columns=columns)
        case {"dataframe_records": list(content)} | {"inputs": list(content) | dict(content)}:
            frame = pd.DataFrame(content)
        case _:
            frame = pd.DataFrame()
    if frame.columns.empty or not all(isinstance(name, str) for name in frame.columns):
        message = (
            "the body: must hold dataframe_split (columns and data), dataframe_records or inputs "
            "(named columns), but has none of them. See MLflow's scoring format."
        )
        raise ValueError(message)
    return frame


def _described(host: Host) -> Response:
    version = host.served.version if host.served else None
    return JSONResponse({"model": host.model, "version": version and version.version})


def _no_champion(host: Host) -> str:
    return f"{host.model}: has no champion loaded yet. Run a sweep, or wait."


def _refusal(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status_code=status)
