"""Errands: what the page has done by a child, which may neither last nor be one of many."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sweepstake.errors import SettingsError, StackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECONDS = 180.0
AT_ONCE = 2
WAIT_SECONDS = 5.0
KEPT = ("SWEEPSTAKE_", "MLFLOW_", "AWS_", "OMP_", "OPENBLAS_", "MKL_", "LC_")
KEPT_NAMES = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "XDG_STATE_HOME")
"""What a child is told of the environment: no secret of Airflow's is among it."""
OWN = ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT")
"""The page's impatience is no child's."""
_PLACES = threading.BoundedSemaphore(AT_ONCE)


def run(act: str, **given: str) -> dict[str, Any]:
    """The answer of a child to one errand: see `child`.

    Raises:
        StackError: others have theirs done, or it took too long or died.
        SettingsError: it could not be done; says why.
    """
    with place():
        answer = _asked(json.dumps({"act": act, "given": given}))
    if "error" in answer:
        raise SettingsError(answer["error"])
    return answer


@contextmanager
def place() -> Iterator[None]:
    """One of the few places for a child.

    Raises:
        StackError: all are taken.
    """
    if not _PLACES.acquire(timeout=WAIT_SECONDS):
        message = f"The page: must do at most {AT_ONCE} checks at once, and does. Ask again soon."
        raise StackError(message)
    try:
        yield
    finally:
        _PLACES.release()


def _asked(errand: str) -> dict[str, Any]:
    """What the child writes; one that is not done in time is ended with all that it forked."""
    with _child() as process:
        try:
            told, said = process.communicate(errand, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            message = f"The page: must have its check done in {SECONDS:g} s, but it was not. "
            raise StackError(message + "Check the file by sweepstake validate.") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        last = said.strip().rpartition("\n")[2][:300]
        message = f"The page: its check must end well, but did not: {last}."
        raise StackError(message + " Read the log of the api-server.")
    found: dict[str, Any] = json.loads(told)
    return found


def _child() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sweepstake.pages.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(os.environ),
        text=True,
        encoding="utf-8",
        start_new_session=True,  # a group of its own, to be ended as one
    )


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Of these variables, those that a child is told."""
    return {
        name: value
        for name, value in environ.items()
        if (name.startswith(KEPT) and name not in OWN) or name in KEPT_NAMES
    }
