"""Console: sentences for people, records as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from rich.console import Console

from sweepstake.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sweepstake.doctor import Finding
    from sweepstake.errors import GridFileError

WIDTH = 140
"""Columns of a table that goes into a file or a pipe, which have no width of their own."""


def _console(*, stderr: bool) -> Console:
    def build(width: int | None) -> Console:
        return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)

    console = build(None)
    return console if console.is_terminal else build(WIDTH)


out = _console(stderr=False)
err = _console(stderr=True)


def tell(text: str) -> None:
    """An answer, on stdout, as it is: addresses and paths are never broken."""
    out.print(_plain(text), soft_wrap=True)


def tell_finding(finding: Finding) -> None:
    """What the doctor found, on stdout: in order, or what to fix."""
    mark, style = ("ok  ", "") if finding.ok else ("fix ", "red")
    text = f"{mark}  {finding.name}: {finding.message}"
    out.print(_plain(text), style=style, soft_wrap=True)


def say(text: str, style: str = "dim") -> None:
    """A sentence about what is going on, on stderr."""
    err.print(_plain(text), style=style, soft_wrap=True)


def say_problems(error: GridFileError) -> None:
    """Every mistake of a grid file, on stderr."""
    for problem in error.problems:
        say(f"{error.file}: {problem}", style="")


def _plain(text: str) -> str:
    """``text`` without signs that steer a terminal, in as many lines."""
    return "\n".join(map(printable, text.split("\n")))


def print_json(record: Any) -> None:
    """A record for programs, alone on stdout."""
    print(json.dumps(record, default=str, indent=2))  # noqa: T201 - stdout is the interface


def duration(seconds: float) -> str:
    """Seconds as hours, minutes and seconds, rounded up to a whole second."""
    return str(timedelta(seconds=ceil(seconds)))


def records(items: Iterable[Any]) -> list[dict[str, Any]]:
    """Frozen records as mappings for `print_json`."""
    return [asdict(item) for item in items]
