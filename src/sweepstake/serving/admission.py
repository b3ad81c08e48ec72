"""Admission: how many requests a server holds at once, and how many bytes of them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from sweepstake.serving.scoring import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is admitted: bytes of a body, bytes and requests at once, seconds to send a body."""

    body: int = 16 * 1024 * 1024
    held: int = 64 * 1024 * 1024
    requests: int = 128
    seconds: float = 30.0


class Admission:
    """Counts what is held; used in the event loop alone.

    Where it is full, a body that is still arriving gives way: who sends slowly keeps nobody out.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.held = 0
        self.arriving: dict[Body, asyncio.Timeout] = {}
        self.requests = 0

    @contextmanager
    def of(self, request: Request) -> Iterator[Body]:
        """Admit a request for as long as the block runs.

        Raises:
            RefusedError: there are too many, and all have arrived.
        """
        if self.requests >= self._bounds.requests:
            if not self.arriving:
                message = "the server: has too many requests to answer. Send the rows again later."
                raise RefusedError(message, status=503)
            self._displace(next(iter(self.arriving)))
        body = Body(request)
        self.requests += 1
        try:
            yield body
        finally:
            self._release(body)

    async def read(self, body: Body) -> bytes:
        """The whole body of an admitted request.

        Raises:
            RefusedError: it is too large or too slow, all bodies together are too large, or who
                sends it hangs up.
        """
        try:
            async with asyncio.timeout(self._bounds.seconds) as self.arriving[body]:
                async for chunk in body.request.stream():
                    self._take(body, chunk)
        except TimeoutError:
            raise self._too_slow(body) from None
        except ClientDisconnect:  # nobody reads the answer, and it is no fault to be logged
            message = "the body: must be sent whole. Send it again."
            raise RefusedError(message) from None
        finally:
            self.arriving.pop(body, None)
        return bytes(body.received)

    def _take(self, body: Body, chunk: bytes) -> None:
        if not body.admitted:  # it gave way while this chunk was on its way
            raise self._too_slow(body)
        body.received += chunk
        self.held += len(chunk)
        if len(body.received) > self._bounds.body:
            message = f"the body: must not be larger than {self._bounds.body:,} bytes."
            message += " Send fewer rows."
            raise RefusedError(message)
        while self.held > self._bounds.held:
            largest = max(self.arriving, key=lambda each: len(each.received))
            if largest is body:
                message = "the server: holds too many large bodies. Send the rows again later."
                raise RefusedError(message, status=503)
            self._displace(largest)

    def _displace(self, body: Body) -> None:
        """Let a body that is still arriving give its place to another."""
        self._release(body)
        timeout = self.arriving.pop(body)
        if not timeout.expired():
            timeout.reschedule(asyncio.get_running_loop().time())

    def _release(self, body: Body) -> None:
        if body.admitted:
            body.admitted = False
            self.requests -= 1
            self.held -= len(body.received)

    def _too_slow(self, body: Body) -> RefusedError:
        if not body.admitted:
            message = (
                "the body: must arrive at once while the server is full, and gave way to others."
            )
            return RefusedError(message + " Send it again later.", status=503)
        message = f"the body: must arrive within {self._bounds.seconds:g} s."
        return RefusedError(message + " Send it faster, or less.", status=408)


class Body:
    """What has come of the body of an admitted request, and whether it still is admitted."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.received = bytearray()
        self.admitted = True
