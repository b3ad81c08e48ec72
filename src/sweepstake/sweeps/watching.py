"""Watching: a sweep as MLflow has it, wherever it runs, until it ends.

It asks nobody but MLflow and the workspace: whoever reaches these can watch, begin again and leave,
and the sweep goes on as it is.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sweepstake.errors import NotFoundError, TransientError
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.sweeps import progress
from sweepstake.sweeps.planned_sweep import open_planned

if TYPE_CHECKING:
    from collections.abc import Callable

    from sweepstake.settings import Settings
    from sweepstake.sweeps.progress import Progress

POLL_SECONDS = 2.0
STILL_SECONDS = 600.0
"""After so long without an end of a trial it is said that nothing happens."""
OPEN = "RUNNING"


def watch(
    name: str,
    settings: Settings,
    show: Callable[[str, Progress | None], None],
    say: Callable[[str], None],
) -> tuple[str, str]:
    """Wait until the latest sweep of this name, or that with this id, ends; its id and status.

    ``show`` is called every two seconds, ``say`` with a sentence where nothing happens. A server
    that is away for a while is waited for.

    Raises:
        NotFoundError: nobody handed in such a sweep.
    """
    tracking, still = Tracking(settings.tracking_uri), _Still(say)
    found = _sweep(name, settings, tracking)
    while True:
        sweep, status = found
        try:
            if sweep:
                planned = open_planned(sweep, settings)
                at = progress.measure(planned)
                show(sweep, at)
                still.see(sweep, at.ended)
            else:
                show(name, None)
                still.see(name, -1)
            if status and status != OPEN:
                return sweep, status
            time.sleep(POLL_SECONDS)
            found = _sweep(name, settings, tracking)
        except TransientError as error:
            say(f"{error} Asking again.")
            time.sleep(POLL_SECONDS)


def _sweep(name: str, settings: Settings, tracking: Tracking) -> tuple[str, str]:
    """Id and status; two empty texts of one that is handed in and has not begun."""
    try:
        return tracking.latest_sweep(name)
    except NotFoundError:
        if not progress.submitted(name, settings):
            raise
        return "", ""


class _Still:
    """Notices that no trial ends any more."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._ended, self._since = -2, time.monotonic()

    def see(self, sweep: str, ended: int) -> None:
        """Say it each time that it stood still so long; ``ended`` is -1 before it has begun."""
        now = time.monotonic()
        if ended != self._ended:
            self._ended, self._since = ended, now
        elif now - self._since > STILL_SECONDS:
            self._since = now
            minutes = round(STILL_SECONDS / 60)
            hint = "sweepstake status tells whether Airflow stands still"
            what = "no trial has ended" if ended >= 0 else "it has not begun"
            self._say(f"{sweep}: {what} for {minutes} minutes; {hint}.")
