"""Isolation: calls made in a forked process, so that what ends that process ends one call only.

A fork of a process that has everything imported costs milliseconds and shares its memory. It is
watched from outside: nothing inside a process can be trusted to stop C code that hangs. Memory is
measured instead of capped (``RLIMIT_AS``, ``RLIMIT_DATA``): a cap counts what is reserved and not
used, and turns a refused allocation into whatever a library makes of it, at worst an abort.
Libraries get one thread: others that a pool had before the fork are not in the fork, and GCC's
OpenMP would wait for them forever. Nor is a thread in the fork that held a lock at that moment, so
that whoever wants the lock there waits forever: a process that stands still is ended.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import warnings
from contextlib import suppress
from itertools import count
from multiprocessing import current_process, get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psutil
from threadpoolctl import threadpool_limits

from sweepstake.domain.spec import Limits
from sweepstake.errors import SweepstakeError, TrialFailedError
from sweepstake.storage.disk import disk_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

T = TypeVar("T")

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
STILL_SECONDS = 30.0
"""How long a process may use no processor at all. Seconds in which its caller runs: both may be
paused, and the caller need not have its time."""
POLLS_A_LOOK = 10
"""How often a call is polled between two looks at the time of its process, which cost more."""
UNLIMITED = Limits()
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT)
FATAL = (signal.SIGTERM, *CRASHES)
"""Signals that shall end a forked process at once. Airflow handles a crash in Python, where its
handler never runs: the instruction that crashed is repeated instead, forever.
"""
COUNTERS = Path("/proc/vmstat")
"""Where Linux counts, among other things, the processes that it ended as memory ran out."""
OUT_OF_MEMORY_SCORE = "800"
"""Of 1000: when memory runs out, Linux shall end the trial and not its task."""


class CutOffError(TrialFailedError):
    """A call whose process went beyond its limits or died."""


class StandstillError(CutOffError):
    """A call whose process used no processor for `STILL_SECONDS`: it waits for what never comes."""


class KilledError(CutOffError):
    """A call whose process was killed by somebody, as far as can be told."""


class Worker:
    """A process forked at the first call, which makes one call after the other; use it in ``with``.

    ``work`` is an object of the caller as it is at the fork; what a call changes in it stays in
    the process and is there in the next call.
    """

    def __init__(self, work: object) -> None:
        self._work = work
        self._fork: tuple[BaseProcess, Connection] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def call(
        self,
        method: str,
        *args: Any,
        limits: Limits = UNLIMITED,
        check: Callable[[], None] = lambda: None,
    ) -> Any:
        """What ``work.method(*args)`` returns; arguments and answer must be picklable.

        ``check`` is called again and again meanwhile; where it raises, the process is ended.

        Raises:
            CutOffError: the process went beyond ``limits`` or died.
            StandstillError: the process stood still.
            KilledError: somebody killed the process.
            TrialFailedError: the method raised.
            SweepstakeError: what the method raised of ours.
        """
        self._fork = process, pipe = self._fork or _forked(self._work)
        try:
            answer = _ask(process, pipe, (method, args), limits, check)
        except BaseException:
            self._end()  # the next call begins with a new process
            raise
        if isinstance(answer, SweepstakeError):
            raise answer
        return answer

    def _end(self) -> None:
        if self._fork is not None:
            process, pipe = self._fork
            self._fork = None
            _kill(process)
            pipe.close()


def repeat_once(act: Callable[[], T]) -> T:
    """What ``act`` returns; where its process stands still or is killed, it is done once more.

    Raises:
        StandstillError: the new process stood still as well.
        KilledError: the new process was killed as well.
    """
    try:
        return act()
    except (StandstillError, KilledError) as error:
        log.warning("%s The call is made again, in a new process.", error)
        return act()


def _forked(work: object) -> tuple[BaseProcess, Connection]:
    context = get_context("fork")
    _allow_children()
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(work, theirs, ours))
    with warnings.catch_warnings():  # of other threads: what they hold, the calls do not need
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    theirs.close()
    return process, ours


def _allow_children() -> None:
    """Let a daemonic process fork, as a worker of Celery's is.

    It may not, lest its children be orphaned; ours watch it and end with it.
    """
    current_process()._config["daemon"] = False  # type: ignore[attr-defined]  # noqa: SLF001


def _ask(
    process: BaseProcess,
    pipe: Connection,
    call: object,
    limits: Limits,
    check: Callable[[], None],
) -> Any:
    """The answer to a call.

    Raises:
        CutOffError: there is none.
        StandstillError: there will be none.
    """
    watch: _Watch | None = None  # it costs as much as a short call
    standstill = _standstill(process)
    with suppress(BrokenPipeError):  # it has died: that is told below
        pipe.send(call)
    while not pipe.poll(POLL_SECONDS):
        watch = watch or _Watch(process, limits)
        watch.look()
        check()
        if next(standstill):
            message = f"It used no processor for {STILL_SECONDS:g} s and was ended."
            raise StandstillError(message)
    try:
        return pipe.recv()
    except (EOFError, ConnectionResetError):
        process.join()
        raise (watch or _Watch(process, limits)).death() from None


def _kill(process: BaseProcess) -> None:
    """End a process with all that it started."""
    for each in _family(process):
        with suppress(psutil.NoSuchProcess):
            each.kill()
    process.join()
    process.close()


def _serve(work: object, pipe: Connection, theirs: Connection) -> None:
    """Make the calls that come through ``pipe`` until it is closed, in the forked process."""
    theirs.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, who ends this process
    for fatal in FATAL:
        signal.signal(fatal, signal.SIG_DFL)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123 - Linux
        score.write(OUT_OF_MEMORY_SCORE)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with suppress(EOFError), threadpool_limits(1):
        while True:
            method, args = pipe.recv()
            pipe.send(_outcome(getattr(work, method), args))


def _die_with_parent() -> None:
    parent = parent_process()
    if parent:
        parent.join()
    os._exit(1)


def _outcome(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The answer of a call, or the error that the caller shall see."""
    try:
        with disk_faults():
            return function(*args)
    except SweepstakeError as error:
        return error
    except BaseException as error:  # noqa: BLE001 - a trial may even call sys.exit
        return TrialFailedError(_plain(error))


class _Watch:
    """What there is to see of a process from outside while it makes a call.

    Its memory is what it has taken since the watch began; that of its children counts where there
    is a limit.
    """

    def __init__(self, process: BaseProcess, limits: Limits) -> None:
        self._process, self._limits = process, limits
        self._began, self._kills = time.monotonic(), _out_of_memory_kills()
        self._memory = _memory(process, whole=limits.trial_memory is not None)
        self._before = next(self._memory)
        self._most = 0

    def look(self) -> None:
        """Look once more.

        Raises:
            CutOffError: it has died, or is beyond its limits.
        """
        timeout, memory = self._limits.trial_timeout, self._limits.trial_memory
        self._most = max(self._most, next(self._memory) - self._before)
        if not self._process.is_alive():
            raise self.death()
        if timeout and time.monotonic() - self._began > timeout:
            message = f"It took longer than limits.trial_timeout = {timeout:g} s."
            raise CutOffError(message)
        if memory and self._most > memory:
            message = f"It needed more memory than limits.trial_memory = {memory / 1e9:g} GB."
            raise CutOffError(message)

    def death(self) -> CutOffError:
        """How the process died, by its exit code and by what was seen before."""
        code = self._process.exitcode or 0
        if code >= 0:
            return CutOffError(f"It ended the interpreter with exit code {code}.")
        name, seen = signal.Signals(-code).name, f"it had {self._most / 1e9:.1f} GB when last seen"
        if -code in CRASHES:
            return CutOffError(f"It crashed the interpreter ({name}).")
        if -code == signal.SIGKILL and _out_of_memory_kills() != self._kills:
            way_out = "Set limits.trial_memory."
            return CutOffError(f"It was killed ({name}) as memory ran out: {seen}. {way_out}")
        return KilledError(f"It was killed from outside ({name}): {seen}.")


def _out_of_memory_kills() -> str:
    """How many processes Linux has ended since it began, as memory ran out; empty elsewhere."""
    with suppress(OSError):
        lines = COUNTERS.read_text("ascii").splitlines()
        return next((line for line in lines if line.startswith("oom_kill ")), "")
    return ""


def _standstill(process: BaseProcess) -> Iterator[bool]:
    """At each step whether a process has used no processor for the steps of `STILL_SECONDS`.

    Its children are looked for only while it uses none itself: that takes a walk over all
    processes of the machine.
    """
    own, whole, since = -1.0, -1.0, 0
    for step in count():
        if step % POLLS_A_LOOK == 0:
            if (used := _processor_seconds(_alone(process))) != own:
                own, whole, since = used, -1.0, step
            elif (used := _processor_seconds(_family(process))) != whole:
                whole, since = used, step
        yield (step - since) * POLL_SECONDS >= STILL_SECONDS


def _processor_seconds(processes: Iterable[psutil.Process]) -> float:
    """Processor time that those of the processes that live have used, in seconds."""
    total = 0.0
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            total += sum(each.cpu_times())
    return total


def _memory(process: BaseProcess, *, whole: bool) -> Iterator[int]:
    """At each step the bytes that are a process's own, files mapped not counted.

    As a ``whole`` with its children, which count from the next look for them.
    """
    family: list[psutil.Process] = []
    for step in count():
        if step % POLLS_A_LOOK == 0:
            family = _family(process) if whole else _alone(process)
        total = 0
        for each in family:
            with suppress(psutil.NoSuchProcess):
                memory = each.memory_info()
                total += memory.rss - getattr(memory, "shared", 0)
        yield total


def _family(process: BaseProcess) -> list[psutil.Process]:
    """A process, as long as it is alive, and all that it started."""
    own = _alone(process)
    with suppress(psutil.NoSuchProcess):
        return [each for parent in own for each in (parent, *parent.children(recursive=True))]
    return []


def _alone(process: BaseProcess) -> list[psutil.Process]:
    """A process, as long as it is alive."""
    with suppress(psutil.NoSuchProcess):
        return [psutil.Process(process.pid)] if process.is_alive() else []
    return []


def _plain(error: BaseException) -> str:
    """An exception in one line: what kind it was, and what it said."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
