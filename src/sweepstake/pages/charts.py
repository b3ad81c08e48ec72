"""Charts: figures as places in a picture, for a template to draw as SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 14, 12, 34
MOST_MARKS = 500
TICKS = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """A point, with bounds if it has any; ``kind`` is a word for its look, ``told`` its text."""

    x: float
    y: float
    told: str
    kind: str = "plain"
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, and what stands there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Places in a picture of ``width`` by ``height``; ``line`` is a path of SVG."""

    title: str
    x_label: str
    y_label: str
    marks: tuple[Mark, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    line: str = ""
    zero: float | None = None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    bottom: int = field(default=HEIGHT - BOTTOM)
    right: int = field(default=WIDTH - RIGHT)
    top: int = TOP


def scatter(
    title: str,
    labels: tuple[str, str],
    marks: Sequence[Mark],
    *,
    best: bool = False,
    zero: bool = False,
) -> Chart | None:
    """Points, those of the same ``kind`` alike; ``None`` where there are none.

    ``best`` adds the line of the greatest value so far, ``zero`` a line at 0.
    """
    shown = [each for each in marks if math.isfinite(each.x) and math.isfinite(each.y)]
    if not shown:
        return None
    shown.sort(key=lambda each: each.x)
    ends = [v for each in shown for v in (each.y, each.low, each.high) if v is not None]
    xs, ys = _span([each.x for each in shown]), _span([*ends, 0.0] if zero else ends)
    return Chart(
        title=title,
        x_label=labels[0],
        y_label=labels[1],
        marks=tuple(_placed(each, xs, ys) for each in _thinned(shown)),
        x_ticks=tuple(Tick(_across(v, xs), _text(v)) for v in _ticks(xs, _least(shown))),
        y_ticks=tuple(Tick(_up(v, ys), _text(v)) for v in _ticks(ys)),
        line=_best_line(shown, xs, ys) if best else "",
        zero=_up(0.0, ys) if zero else None,
    )


def _placed(mark: Mark, xs: tuple[float, float], ys: tuple[float, float]) -> Mark:
    low, high = (None if v is None else _up(v, ys) for v in (mark.low, mark.high))
    return Mark(_across(mark.x, xs), _up(mark.y, ys), mark.told, mark.kind, low, high)


def _thinned(marks: Sequence[Mark]) -> Iterable[Mark]:
    """So many as a browser draws at once, the good ones among them."""
    step = max(1, math.ceil(len(marks) / MOST_MARKS))
    return [each for n, each in enumerate(marks) if n % step == 0 or each.kind == "good"]


def _best_line(marks: Sequence[Mark], xs: tuple[float, float], ys: tuple[float, float]) -> str:
    parts: list[str] = []
    best = -math.inf
    for each in marks:
        if each.y > best:
            if parts:
                parts.append(f"H{_across(each.x, xs):.1f}")
            best = each.y
            parts.append(f"{'V' if parts else f'M{_across(each.x, xs):.1f} '}{_up(best, ys):.1f}")
    parts.append(f"H{WIDTH - RIGHT}")
    return "".join(parts)


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return low - room, high + room


def _across(value: float, span: tuple[float, float]) -> float:
    return LEFT + (value - span[0]) / (span[1] - span[0]) * (WIDTH - LEFT - RIGHT)


def _up(value: float, span: tuple[float, float]) -> float:
    return HEIGHT - BOTTOM - (value - span[0]) / (span[1] - span[0]) * (HEIGHT - TOP - BOTTOM)


def _least(marks: Sequence[Mark]) -> float:
    """The least step of an axis: whole numbers have nothing between them."""
    return 1.0 if all(each.x.is_integer() for each in marks) else 0.0


def _ticks(span: tuple[float, float], least: float = 0.0) -> list[float]:
    """Round numbers between the ends."""
    raw = (span[1] - span[0]) / TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = max(least, next(power * m for m in (1, 2, 5, 10) if power * m >= raw))
    first = math.ceil(span[0] / step) * step
    count = int((span[1] - first) / step + 1e-9)
    return [round(first + n * step, 12) for n in range(count + 1)]


def _text(value: float) -> str:
    return f"{value:.4g}"
