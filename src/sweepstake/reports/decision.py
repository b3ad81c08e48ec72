"""The decision about the champion, as the report shows it: known at its end, drawn in later."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sweepstake.domain.promotion import Verdict
from sweepstake.errors import printable
from sweepstake.reports.chart import Axis, Chart, Kind, Panel, Series

if TYPE_CHECKING:
    from sweepstake.mlflow_client.ledger import LedgerEntry

BEGIN, END = "<!--decision-->", "<!--/decision-->"
"""Between these a report has its decision; no text of a user can have them, as each is escaped."""


class Badge(StrEnum):
    """What came of the best trial, as a mark and not by colour alone."""

    PROMOTED = "✓ Promoted"
    KEPT = "✕ Not promoted"
    OPEN = "… Not decided yet"


@dataclass(frozen=True, slots=True)
class Decided:
    """What a report says of the champion; ``gain`` lies between ``low`` and ``high``, if known.

    It is as of ``when``: a file cannot know who is in service later, and ``later`` says who does.
    """

    badge: Badge
    headline: str
    reason: str
    when: str = ""
    later: str = ""
    metric: str = ""
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    min_delta: float = 0.0


def undecided(model: str, reason: str) -> Decided:
    """Before its round, or where there is none: then ``reason`` says why."""
    if reason:
        return Decided(Badge.KEPT, "No new decision about it.", printable(reason))
    told = "Its finalist meets the champion next, and this place then says what came of it."
    return Decided(Badge.OPEN, f"{printable(model)}: judged after the sweep.", told)


def decided(entry: LedgerEntry) -> Decided:
    """What a round came to."""
    record = entry.record or {}
    gain = record.get("gain") or {}
    promoted = entry.verdict is Verdict.PROMOTE
    return Decided(
        badge=Badge.PROMOTED if promoted else Badge.KEPT,
        headline=_headline(entry, promoted=promoted),
        reason=printable(entry.reason),
        when=f"{entry.decided:%Y-%m-%d %H:%M} UTC",
        later=f"Who is in service now: sweepstake champion {printable(entry.model)}.",
        metric=printable(str((record.get("terrain") or {}).get("metric", ""))),
        gain=gain.get("gain"),
        low=gain.get("low"),
        high=gain.get("high"),
        confidence=record.get("confidence", 0.95),
        min_delta=record.get("min_delta", 0.0),
    )


def chart(told: Decided) -> Chart:
    """The gain over the champion between its bounds, against what it has to exceed."""
    if told.gain is None or told.low is None or told.high is None:
        return Chart("decision", "Gain over the champion", "Nothing was compared.")
    span = Series((told.low, told.high), (0.0, 0.0), "between the bounds", Kind.LINE)
    text = f"gain {told.gain:+.4f}"
    point = Series((told.gain,), (0.0,), text, hover=(text,))
    nothing = Series((told.min_delta,) * 2, (-1.0, 1.0), "to be exceeded", Kind.LINE, quiet=True)
    x = Axis(f"gain in {told.metric} on the holdout")
    y = Axis(ticks=((0.0, "finalist"),), low=-1, high=1)
    caption = f"Gain {told.gain:+.4f}, {100 * told.confidence:g} % bounds {told.low:+.4f} and "
    caption += f"{told.high:+.4f}; it has to exceed {told.min_delta:g}."
    title = "Gain over the champion"
    return Chart("decision", title, caption, (Panel(x, y, (nothing, span, point)),))


def drawn_in(page: str, fragment: str) -> str:
    """A report with another decision in its place; unchanged where it has no such place."""
    between = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return between.sub(lambda _: fragment, page, count=1)


def _headline(entry: LedgerEntry, *, promoted: bool) -> str:
    day = f" as of {entry.partition}" if entry.as_of else ""
    model = printable(entry.model)
    if promoted:
        return f"v{entry.version} became champion of {model}{day}."
    if entry.previous:
        return f"Champion v{entry.previous} of {model}{day} stayed."
    return f"{model} still had no champion{day}."
