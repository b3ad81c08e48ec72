"""Schedules: when a sweep runs by itself, and which days its data fall into."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from sweepstake.domain.spec import PARTITION, Schedule
from sweepstake.errors import Problem
from sweepstake.gridfile.document import line_of
from sweepstake.wording.near_misses import did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PRESETS = {"@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}
ONCE_A_DAY = re.compile(r"\d+ \d+ \S+ \S+ \S+")
BRACES = re.compile(r"\{[^{}]*\}?|\}")
BY_DAY = "Put {partition} into data.source, or name data.time_column."


def read(raw: Mapping[str, Any]) -> Schedule | None:
    """The schedule of a sound file, presets written out."""
    section = raw.get("schedule")
    if section is None:
        return None
    cron = " ".join(section["cron"].split())
    return Schedule(
        PRESETS.get(cron, cron), section.get("start", ""), section.get("timezone", "UTC")
    )


def days(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What the schedule and the window of a file say about its data, as fields of ``DataSpec``."""
    schedule, data = _section(raw, "schedule"), _section(raw, "data")
    window = data.get("window", schedule.get("window"))
    whole = re.fullmatch(r"(\d{1,4})d", window) if isinstance(window, str) else None
    zone = schedule.get("timezone", "UTC")
    return {
        "window_days": int(whole.group(1)) if whole else None,
        "timezone": zone if isinstance(zone, str) and zone in _timezones() else "UTC",
    }


def problems_of(raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Problem]:
    """What the schema cannot see: crons, time zones, days, and what belongs together."""
    found = [*_of_data(raw), *_of_schedule(raw)]
    for path, message in found:
        yield Problem(line_of(lines, path), path, message)


def _of_data(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    data, schedule = _section(raw, "data"), _section(raw, "schedule")
    source = data.get("source")
    for other in BRACES.findall(source) if isinstance(source, str) else ():
        if other != PARTITION:
            message = f"may hold {PARTITION!r} in braces, but got {shown(other)}."
            yield "data.source", message + did_you_mean(other, [PARTITION])
    if "window" in data and "window" in schedule:
        yield "schedule.window", "is in data too. Keep it in one of them."
    for section in ("data", "schedule"):
        if "window" in _section(raw, section) and "time_column" not in data:
            message = "needs the key 'time_column' in data: rows without a time are in no window."
            yield f"{section}.window", f"{message} Add it."


def _of_schedule(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    section = _section(raw, "schedule")
    if not section:
        return
    data = _section(raw, "data")
    if not BRACES.search(str(data.get("source", ""))) and "time_column" not in data:
        yield "schedule", f"needs data by day: each day would be the same. {BY_DAY}"
    for key, check in (("cron", _cron), ("start", _start), ("timezone", _timezone)):
        value = section.get(key)
        message = check(value) if isinstance(value, str) and value else ""
        if message:
            yield f"schedule.{key}", message


def _cron(text: str) -> str:
    from croniter import croniter

    plain = " ".join(text.split())
    plain = PRESETS.get(plain, plain)
    if not croniter.is_valid(plain):
        known = did_you_mean(text, PRESETS) if text.startswith("@") else ""
        return f"must be a cron expression, but got {shown(text)}.{known or _EXAMPLE}"
    if not ONCE_A_DAY.fullmatch(plain):
        return f"must name one minute and one hour, but got {shown(text)}.{_EXAMPLE}"
    return ""


_EXAMPLE = " Write minute, hour, day, month and weekday: '30 6 * * *'."


def _start(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        # what is no day by its form is the schema's to tell
        formed = re.fullmatch(r"\d{4}-\d{2}-\d{2}", text)
        return f"must be a day of the calendar, but got {shown(text)}." if formed else ""
    return ""


@cache
def _timezones() -> frozenset[str]:
    """Listing them walks through hundreds of files."""
    return frozenset(available_timezones())


def _timezone(text: str) -> str:
    known = _timezones()
    if text in known:
        return ""
    hint = did_you_mean(text, sorted(known)) or " Write UTC, or a name such as Europe/Madrid."
    return f"must be a time zone, but got {shown(text)}.{hint}"


def _section(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = raw.get(key)
    return section if isinstance(section, dict) else {}
