"""The death signal: Linux ends a process with the one that forked it."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress

PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""


def end_with(parent: int) -> None:
    """Let this process be killed when ``parent``, which forked it, ends; end now if it has ended.

    What counts for Linux is the thread that forked. Where there is no such signal, nothing happens.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
