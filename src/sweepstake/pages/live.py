"""Live: what many readers ask for again and again, read from the servers now and then."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from sweepstake.errors import SweepstakeError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")

LEAST_SECONDS = 2.0
SHARE = 10.0
"""What took a second to read is read again after ten: at most a tenth of a core is spent on it."""
MOST = 200


@dataclass(slots=True)
class _Kept(Generic[T]):
    answer: T | None = None
    error: SweepstakeError | None = None
    read: float = float("-inf")
    took: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_fresh(self, now: float) -> bool:
        return now - self.read < max(LEAST_SECONDS, self.took * SHARE)


class Live(Generic[T]):
    """Answers by key, the `MOST` that were asked for last; safe among threads.

    While one reader has an answer read again, the others are told the last one. An error of ours is
    an answer too: a server that is down is not asked by every reader.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, _Kept[T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """The answer of ``read``, or what it was moments ago.

        Raises:
            SweepstakeError: what ``read`` raised.
        """
        kept = self._of(key)
        if not kept.is_fresh(time.monotonic()):
            first = kept.read == float("-inf")
            if kept.lock.acquire(blocking=first):
                try:
                    self._read(kept, read)
                finally:
                    kept.lock.release()
        return _told(kept)

    def forget(self) -> None:
        """Read everything again: somebody has changed something."""
        with self._lock:
            self._kept.clear()

    def _of(self, key: Hashable) -> _Kept[T]:
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
            return kept

    def _read(self, kept: _Kept[T], read: Callable[[], T]) -> None:
        begun = time.monotonic()
        if kept.is_fresh(begun):  # another reader had it read meanwhile
            return
        try:
            answer, error = read(), None
        except SweepstakeError as found:
            answer, error = None, found
        now = time.monotonic()
        kept.answer, kept.error, kept.read, kept.took = answer, error, now, now - begun


def _told(kept: _Kept[T]) -> T:
    if kept.error is not None:
        raise kept.error.with_traceback(None)
    return kept.answer  # type: ignore[return-value]
