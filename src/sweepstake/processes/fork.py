"""A fork: a child process for one piece of work, with nothing of its parent but memory.

It ends with its parent, and so does what it forks itself; what those fork in turn is theirs.
"""

from __future__ import annotations

import gc
import os
import signal
import stat
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sweepstake.processes.death_signal import end_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DESCRIPTORS = Path("/dev/fd")
FIRST_INHERITED = 3
"""The descriptors below are standard input, output and error."""
OWN_HANDLERS = {
    signal.SIGINT: signal.SIG_IGN,  # Ctrl-C is for the parent, which waits for its forks
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGUSR2: signal.SIG_IGN,
}
"""What a fork does with signals that its parent handles."""


def fork(work: Callable[[], None]) -> int:
    """Do ``work`` in a child process; return the child's id."""
    flush()
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, OWN_HANDLERS)
    try:
        return os.fork() or _live(parent, before, work)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _live(parent: int, mask: set[int], work: Callable[[], None]) -> NoReturn:
    """The child's whole life; it never returns into the parent's code."""
    code = 1
    try:
        end_with(parent)
        _part_from_parent()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.register_at_fork(after_in_child=_once(partial(end_with, os.getpid())))
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is ends here
        sys.excepthook(*sys.exc_info())
    finally:
        flush()
        os._exit(code)


def _part_from_parent() -> None:
    part_from_sockets()
    for number, handler in OWN_HANDLERS.items():
        signal.signal(number, handler)
    gc.freeze()  # memory that is shared with the parent shall stay shared


def _once(act: Callable[[], None]) -> Callable[[], None]:
    """A hook that acts in what this process forks, and in nothing that those fork in turn."""
    left = [act]
    return lambda: left.pop()() if left else None


def flush() -> None:
    """Write what is kept for standard output and error."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def part_from_sockets() -> None:
    """Let go of every connection that was inherited.

    Their numbers stay in use, so that an object of the parent that is thrown away later closes
    nothing of this process.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in _sockets():
        os.dup2(nothing, descriptor, inheritable=False)
    os.close(nothing)


def _sockets() -> Iterator[int]:
    for descriptor in [int(entry.name) for entry in DESCRIPTORS.iterdir()]:
        try:
            mode = os.fstat(descriptor).st_mode
        except OSError:  # that of the listing itself
            continue
        if descriptor >= FIRST_INHERITED and stat.S_ISSOCK(mode):
            yield descriptor


def exit_code(pid: int) -> int | None:
    """The exit code of a child, negative for a signal; ``None`` while it runs."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # somebody else has waited for it
        return 1
    return os.waitstatus_to_exitcode(status) if ended else None


def kill(pid: int) -> None:
    """Kill a child that has not been waited for, so that its id is still its own."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def told(code: int) -> str:
    """How a process ended, in words."""
    if code < 0:
        return f"Its process was killed by signal {-code}."
    return f"Its process failed with exit code {code}: see the scheduler's log."
