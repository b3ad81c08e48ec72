"""Patience: how long a client may take for the head of a request; a body has a bound of its own."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

SECONDS = 30.0


class PatientProtocol(HttpToolsProtocol):
    """Uvicorn's protocol, with an end to waiting: it waits forever for the head of a request.

    Where there are too many connections, the one that has asked for nothing for longest is closed.
    """

    _patience: asyncio.TimerHandle | None = None
    _since = 0.0

    def connection_made(self, transport: Any) -> None:
        """Wait for the first head."""
        super().connection_made(transport)
        self._await_head()
        self._since = self.loop.time()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Wait for the head of the next request, from its first byte."""
        self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Ask for nothing from now on."""
        self._since = self.loop.time()
        super().on_response_complete()

    def idle_since(self) -> float:
        """Since when no request is answered, by the loop's clock; infinity while one is."""
        idle = self.cycle is None or self.cycle.response_complete
        return self._since if idle else inf

    def _make_room(self) -> None:
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency:
            return
        others = [each for each in self.connections if isinstance(each, PatientProtocol)]
        oldest = min(others, key=lambda each: each.idle_since())
        if oldest.idle_since() < self.idle_since():
            self.connections.discard(oldest)
            oldest.transport.close()

    def _await_head(self) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
