"""Markup: text of users as it can stand in Markdown without being read as markup."""

from __future__ import annotations

import html

from sweepstake.errors import printable

MARKS = "\\|*_~`[]"


def escaped(text: str) -> str:
    """``text`` in one line, its marks of Markdown and HTML made harmless."""
    safe = html.escape(printable(" ".join(text.split())), quote=False)
    for mark in MARKS:
        safe = safe.replace(mark, "\\" + mark)
    return safe
