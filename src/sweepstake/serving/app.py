"""Serving: the champion over HTTP, following the alias without dropping a request.

``POST /invocations`` takes MLflow's scoring protocol; the header ``X-Model-Version`` names the
version that answered. ``GET /health`` and ``/ping`` answer 200 once a champion is loaded,
``/version`` names it, ``/metrics`` is for Prometheus, ``/openapi.json`` and ``/docs`` describe it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sweepstake.errors import SweepstakeError
from sweepstake.serving import openapi
from sweepstake.serving.admission import Admission, Bounds
from sweepstake.serving.metrics import Figures
from sweepstake.serving.pool import Question, WorkerPool
from sweepstake.serving.scoring import Answer, RefusedError, refusal
from sweepstake.sweeps.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.mlflow_client.registry import Registry
    from sweepstake.storage.workspace import Workspace

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
LONGEST_WAIT = 60.0
"""Seconds until a version that could not be loaded is tried again, at most."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many processes answer, the seconds that a request may take, and what is admitted."""

    processes: int = 2
    seconds: float = 30.0
    bounds: Bounds = Bounds()  # noqa: RUF009 - it is frozen


class Host:
    """Holds the champion of one model; ``refresh`` replaces it when the alias has moved."""

    def __init__(
        self,
        registry: Registry,
        workspace: Workspace,
        model: str,
        capacity: Capacity = Capacity(),
    ) -> None:
        self._registry = registry
        self._workspace = workspace
        self._capacity = capacity
        self._refused: tuple[str, float, float] = ("", 0.0, 0.0)
        self.model = model
        self.served: WorkerPool | None = None
        self.example = b""
        self.figures = Figures(model)
        self._admission = Admission(capacity.bounds)
        self.figures.count(lambda: self._admission.requests)

    def refresh(self) -> WorkerPool | None:
        """Serve the version that the alias names now; the pool that it replaces, if it does.

        A version takes over only after it answered its own input example.

        Raises:
            SweepstakeError: it cannot be loaded, or does not answer: the one before stays.
        """
        champion = self._registry.champion(self.model)
        if champion is None or (self.served and self.served.version.version == champion.version):
            return None
        version, wait, until = self._refused
        if version == champion.version and time.monotonic() < until:
            return None
        wait = min(2 * wait, LONGEST_WAIT) if version == champion.version else POLL_SECONDS
        self._refused = (champion.version, wait, time.monotonic() + wait)
        before, self.served = self.served, self._pool(champion)
        self._refused = ("", 0.0, 0.0)
        self.figures.took_over(champion.version)
        log.info("%s: serving version %s", self.model, champion.version)
        return before

    def _pool(self, champion: Version) -> WorkerPool:
        Provenance(self._workspace).vouch(champion)
        stored, example = self._registry.files.fetch(champion)
        _preload()
        pool = WorkerPool(champion, stored, self._capacity.processes, self._capacity.seconds)
        try:
            pool.prove(example)
        except BaseException:
            pool.close()
            raise
        self.example = example
        return pool

    async def follow(self) -> None:
        """Refresh forever; an error is logged and tried again."""
        while True:
            try:
                replaced = await asyncio.to_thread(self.refresh)
                if replaced:
                    replaced.retire()
            except SweepstakeError as error:
                self.figures.failed_to_follow()
                log.warning("%s: cannot load the champion: %s", self.model, error)
            except Exception:
                self.figures.failed_to_follow()
                log.exception("%s: cannot load the champion", self.model)
            await asyncio.sleep(POLL_SECONDS)

    async def answer(self, pool: WorkerPool, request: Request) -> Answer:
        """The answer of a pool to a request."""
        try:
            with self._admission.of(request) as body, pool.in_use():
                content = await self._admission.read(body)
                mime = request.headers.get("content-type", "")
                method = request.query_params.get("method", "predict")
                return await pool.answer(Question(content, mime, method))
        except RefusedError as error:
            return refusal(error.status, str(error))


def application(host: Host) -> Starlette:
    """The ASGI application that serves ``host``."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(host.follow())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        if host.served:
            host.served.close()

    async def health(_: Request) -> Response:
        return _described(host) if host.served else _no_champion(host)

    async def invocations(request: Request) -> Response:
        began, pool = time.monotonic(), host.served
        if pool is None:
            return _no_champion(host)
        answer = await host.answer(pool, request)
        seconds = time.monotonic() - began
        version = pool.version.version
        host.figures.answered(answer, version, seconds)
        log.info(
            "answered",
            extra={
                "status": answer.status,
                "rows": answer.rows,
                "version": version,
                "milliseconds": round(1000 * seconds, 3),
            },
        )
        return _sent(answer, version)

    async def metrics(_: Request) -> Response:
        return Response(host.figures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def described(_: Request) -> Response:
        return JSONResponse(_document(host))

    async def page(_: Request) -> Response:
        return HTMLResponse(openapi.page(_document(host)), headers=openapi.HEADERS)

    routes = [
        Route("/invocations", invocations, methods=["POST"]),
        *(Route(path, health) for path in ("/health", "/ping", "/version")),
        Route("/metrics", metrics),
        Route("/openapi.json", described),
        Route("/docs", page),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _preload() -> None:
    """Import what every process of a pool needs before it is forked."""
    import pandas as pd  # noqa: F401
    import sklearn.pipeline  # noqa: F401
    import skops.io  # noqa: F401

    from sweepstake.casting import column_cast  # noqa: F401


def _document(host: Host) -> dict[str, Any]:
    columns = host.served.columns if host.served else []
    return openapi.document(host.model, columns, host.example)


def _described(host: Host) -> Response:
    version = host.served.version.version if host.served else None
    content = {"model": host.model, "version": version}
    return JSONResponse(content, headers={"X-Model-Version": version} if version else None)


def _no_champion(host: Host) -> Response:
    message = f"{host.model}: has no champion loaded yet. Run a sweep, or wait."
    return _sent(refusal(503, message), "")


def _sent(answer: Answer, version: str) -> Response:
    headers = {"X-Model-Version": version} if version else {}
    if answer.status == 503:  # noqa: PLR2004
        headers["Retry-After"] = "1"
    return Response(answer.body, answer.status, headers, "application/json")
