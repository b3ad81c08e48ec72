"""Drawing: templates of the page, in which every text is data, and the files beside them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from sweepstake.errors import printable
from sweepstake.pages.states import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

STATIC = {
    "htmx-2.0.11.min.js": "text/javascript; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
}
"""The files that pages load, with their types; there are no others."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
MINUTE, HOUR = 60, 3600
NONE = "-"


def render(template: str, values: Mapping[str, Any]) -> str:
    """A template with these values; whatever they hold is drawn as text."""
    return _templates().get_template(template).render(**values)


@cache
def static(name: str) -> bytes:
    """The content of a file of `STATIC`."""
    return (files("sweepstake.pages") / "static" / name).read_bytes()


@cache
def stamp() -> str:
    """What changes when a file does, for addresses that may be kept."""
    content = b"".join(static(name) for name in STATIC)
    return hashlib.sha256(content).hexdigest()[:12]


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("sweepstake.pages", "templates"),
        autoescape=True,
        auto_reload=False,  # an upgrade changes templates and modules together, at a restart
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "figure": figure,
        "duration": duration,
        "moment": moment,
        "part": part,
        "plain": printable,
        "counted": counted,
        "named": name_of,
    }
    made.globals["stamp"] = stamp
    return made


def part(text: str) -> str:
    """A text as one part of an address."""
    return quote(text, safe="")


def figure(value: float | None) -> str:
    """A score, or a dash."""
    return NONE if value is None else f"{value:.4f}"


def duration(seconds: float | None) -> str:
    """Seconds in the units that suit them.

    >>> duration(0.25), duration(75), duration(7300), duration(None)
    ('0.25 s', '1 min 15 s', '2 h 1 min', '-')
    """
    if seconds is None:
        return NONE
    if seconds < MINUTE:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    if seconds < HOUR:
        return f"{seconds // MINUTE:.0f} min {seconds % MINUTE:.0f} s"
    return f"{seconds // HOUR:.0f} h {seconds % HOUR // MINUTE:.0f} min"


def moment(at: datetime | float | None) -> str:
    """A time, which may be in milliseconds, in UTC to the minute."""
    if at is None:
        return NONE
    if not isinstance(at, datetime):
        at = datetime.fromtimestamp(at / 1000, UTC)
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def counted(number: int, noun: str) -> str:
    """``1 trial``, ``1,000 trials``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
