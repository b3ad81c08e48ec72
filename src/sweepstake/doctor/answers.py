"""Answers of servers to a plain request, and what they tell of their clocks."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import httpx

from sweepstake.errors import SettingsError, StackError

PATIENCE_SECONDS = 10.0
MOST_APART_SECONDS = 5.0
"""Airflow's tokens tolerate ten seconds, S3's signatures minutes."""


def ask(server: str, url: str, way_out: str) -> httpx.Response:
    """Any answer of a server.

    Raises:
        StackError: there is none.
    """
    try:
        return httpx.get(url, timeout=PATIENCE_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fault = str(error) or type(error).__name__
        message = f"{server} at {url}: must answer, but got {fault}. {way_out}"
        raise StackError(message) from None


def clock(server: str, url: str) -> str:
    """How a server's clock goes, by the date of its answer.

    Raises:
        SettingsError: it is too far from this host's.
    """
    before = time.time()
    told = ask(server, url, "Start it.").headers.get("Date")
    ahead = ahead_seconds(before, time.time(), told)
    if abs(ahead) > MOST_APART_SECONDS:
        side = "ahead" if ahead > 0 else "behind"
        message = f"{server} at {url}: its clock must be within {MOST_APART_SECONDS:.0f} s of this "
        message += f"host's, but is {abs(ahead):.0f} s {side}. Let both follow a time server."
        raise SettingsError(message)
    return f"within {MOST_APART_SECONDS:.0f} s of this host's" if told else "does not tell"


def ahead_seconds(before: float, after: float, told: str | None) -> float:
    """The least by which a clock is ahead that told this date, cut to a second, meanwhile.

    >>> ahead_seconds(1.5, 1.7, "Thu, 01 Jan 1970 00:01:01 GMT")
    59.3
    """
    if told is None:
        return 0.0
    date = parsedate_to_datetime(told).timestamp()
    earliest, latest = date - after, date + 1 - before
    return max(earliest, 0.0) + min(latest, 0.0)
