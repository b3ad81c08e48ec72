"""Pictures by Matplotlib: the panels of a chart as a PNG, for pages that run no scripts."""

from __future__ import annotations

import warnings
from math import ceil
from typing import TYPE_CHECKING, Any

from sweepstake.mlflow_client.runs import clip
from sweepstake.reports.chart import Kind, Panel, Parallel

if TYPE_CHECKING:
    from pathlib import Path

    from sweepstake.reports.chart import Axis, Chart, Heat, Series

COLUMNS = 3
WIDTH, HEIGHT = 12.0, 4.0
MANY = 500
"""Points from which on they are small."""
DASHES = ("-", "--", ":", "-.")
MARKS = ("o", "D", "s", "X", "P", "^")


def draw(chart: Chart, file: Path) -> None:
    """Draw a chart as a PNG into ``file``; one without panels has its sentence in it."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(COLUMNS, max(1, len(chart.panels)))
    rows = max(1, ceil(len(chart.panels) / columns))
    looks: Any = {"text.parse_math": False, "font.size": 11}  # a dollar sign is one
    with rc_context(looks), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # of signs that no font here has
        page = Figure(figsize=(WIDTH, HEIGHT * rows + 0.6), dpi=90)
        FigureCanvasAgg(page)
        page.suptitle(chart.title, fontsize=14)
        for at, panel in enumerate(chart.panels):
            _draw(page.add_subplot(rows, columns, at + 1), panel)
        if not chart.panels:
            page.text(0.5, 0.5, clip(chart.caption, 110), ha="center")
        high = HEIGHT * rows + 0.6
        page.subplots_adjust(
            left=0.07 if columns > 1 else 0.1, right=0.97, bottom=0.85 / high, top=1 - 0.85 / high,
            hspace=0.45, wspace=0.36,
        )  # fmt: skip
        page.savefig(file, dpi=90)


def _draw(axes: Any, panel: Panel | Parallel) -> None:
    if isinstance(panel, Parallel):
        _draw_parallel(axes, panel)
        return
    axes.set_title(panel.title, fontsize=11)
    if panel.heat:
        _draw_heat(axes, panel.heat)
    loud = [series for series in panel.series if not series.quiet]
    for at, series in enumerate(loud):
        _draw_series(axes, series, at)
    for series in panel.series:
        if series.quiet:
            _draw_series(axes, series, 0)
    _set_axis(axes, panel.x, "x")
    _set_axis(axes, panel.y, "y")
    if sum(bool(series.name) for series in panel.series) > 1:
        axes.legend(fontsize=9)


def _draw_series(axes: Any, series: Series, at: int) -> None:
    color = "0.55" if series.quiet else f"C{at % 10}"
    if series.kind is Kind.BARS:
        axes.barh(series.y, series.x, color=color)
    elif series.kind is Kind.POINTS:
        size = 2 if len(series.x) > MANY else 5
        axes.errorbar(
            series.x, series.y, yerr=series.spread or None, fmt=MARKS[at % len(MARKS)], alpha=0.7,
            markersize=size, capsize=2, elinewidth=1, color=color, label=series.name or None,
        )  # fmt: skip
    else:
        width = {Kind.SPANS: 9.0}.get(series.kind, 1.0 if series.quiet else 1.8)
        dash = ":" if series.quiet else DASHES[at % len(DASHES)]
        style = "-" if series.kind is Kind.SPANS else dash
        steps = "steps-post" if series.kind is Kind.STEPS else "default"
        axes.plot(
            series.x, series.y, linestyle=style, linewidth=width, color=color, drawstyle=steps,
            label=series.name or None, solid_capstyle="butt",
        )  # fmt: skip


def _set_axis(axes: Any, axis: Axis, side: str) -> None:
    getattr(axes, f"set_{side}label")(clip(axis.title, 60))
    if axis.log:
        getattr(axes, f"set_{side}scale")("log")
    if axis.ticks:
        places, texts = zip(*axis.ticks, strict=True)
        turned = {"rotation": 30, "ha": "right"} if side == "x" and len(texts) > COLUMNS else {}
        getattr(axes, f"set_{side}ticks")(places, texts, **turned)
    if axis.low is not None or axis.high is not None:
        getattr(axes, f"set_{side}lim")(axis.low, axis.high)
    if not axes.images:
        axes.grid(visible=True, alpha=0.3)


def _draw_heat(axes: Any, heat: Heat) -> None:
    import numpy as np

    values = np.array(heat.values, dtype=float)
    drawn = axes.imshow(values, cmap="cividis", aspect="auto", origin="lower")
    axes.set_xticks(range(len(heat.columns)), heat.columns, rotation=30, ha="right")
    axes.set_yticks(range(len(heat.rows)), heat.rows)
    axes.figure.colorbar(drawn, ax=axes, shrink=0.8)
    middle = (np.nanmin(values) + np.nanmax(values)) / 2
    for y, row in enumerate(heat.texts if values.size <= 150 else ()):  # noqa: PLR2004  legible
        for x, text in enumerate(row):
            color = "black" if values[y, x] > middle else "white"
            axes.text(x, y, text, ha="center", va="center", fontsize=8, color=color)


def _draw_parallel(axes: Any, drawn: Parallel) -> None:
    """Lines over axes that are all as long; the score's has its own numbers at the right."""
    import numpy as np
    from matplotlib.collections import LineCollection

    places = np.array(drawn.places, dtype=float)
    low, high = places.min(axis=1, keepdims=True), places.max(axis=1, keepdims=True)
    spread = np.where(high > low, high - low, 1.0)
    scaled = np.where(high > low, (places - low) / spread, 0.5)
    order = np.argsort(places[-1])
    across = np.arange(len(places))
    lines = [np.column_stack([across, scaled[:, at]]) for at in order]
    found = LineCollection(lines, cmap="cividis", array=places[-1][order], linewidths=1, alpha=0.6)
    axes.add_collection(found)
    axes.set_xlim(-0.2, len(places) - 0.8)
    axes.set_ylim(-0.05, 1.05)
    axes.set_xticks(across, [clip(axis.title, 24) for axis in drawn.axes])
    axes.set_yticks([])
    for at, axis in enumerate(drawn.axes):
        axes.axvline(at, color="0.4", linewidth=1)
        for place, text in axis.ticks or _ends(places[at]):
            y = (place - low[at, 0]) / spread[at, 0] if high[at, 0] > low[at, 0] else 0.5
            axes.annotate(text, (at, y), (4, 0), textcoords="offset points", fontsize=9)


def _ends(values: Any) -> tuple[tuple[float, str], ...]:
    return tuple((float(each), f"{each:.4g}") for each in (values.min(), values.max()))
