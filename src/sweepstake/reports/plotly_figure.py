"""Figures by Plotly: the panels of a chart as the records that its script draws.

What Plotly shows it reads as a small markup: each text of a user is escaped here.
"""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

from sweepstake.reports.chart import Kind, Panel, Parallel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sweepstake.reports.chart import Axis, Heat, Series

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#A0522D")
"""Told apart by eyes of every kind (Okabe and Ito, Color Universal Design, 2008), and two more."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKS = ("circle", "diamond", "square", "x", "cross", "triangle-up")
QUIET = "#8a8f98"
SCALE = "Cividis"
"""Its brightness rises evenly, so that it is the same without colours."""
MANY = 1_000
"""Points from which on they are drawn by the graphics processor."""
HEIGHT = 340
WIDE = {Kind.BARS: 110, Kind.SPANS: 90}
"""Pixels of a figure besides its bars or lines."""
PER_PLACE = 26


def figure(panel: Panel | Parallel) -> str:
    """A panel as the JSON of a figure of Plotly, which no text in it can end."""
    from plotly import graph_objects as go

    made = _parallel(panel) if isinstance(panel, Parallel) else _panel(panel)
    return inert(go.Figure(made).to_json())


def inert(text: str) -> str:
    """JSON as it can stand in a script: no sign in it is one of HTML's."""
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def script(record: Any) -> str:
    """A record as JSON for a script."""
    return inert(json.dumps(record, allow_nan=False, separators=(",", ":")))


def text_of(text: str) -> str:
    """A text that Plotly shows as it is, in as many lines."""
    return "<br>".join(html.escape(line, quote=False) for line in text.split("\n"))


def _panel(panel: Panel) -> dict[str, Any]:
    data = [_heat(panel.heat)] if panel.heat else []
    quiet = [series for series in panel.series if series.quiet]
    loud = [series for series in panel.series if not series.quiet]
    data += [_trace(series, 0) for series in quiet]
    data += [_trace(series, at) for at, series in enumerate(loud)]
    x, y = _axis(panel.x), _axis(panel.y)
    if panel.heat:
        x |= {"type": "category"}
        y |= {"type": "category"}
    layout = {
        "template": "none",
        "title": _title(panel),
        "height": _height(panel),
        "margin": {"l": 60, "r": 24, "t": _top(panel), "b": 48},
        "xaxis": x,
        "yaxis": y,
        "hovermode": "closest",
        "showlegend": sum(bool(each.name) for each in panel.series) > 1,
        "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        "uirevision": "same",
    }
    return {"data": data, "layout": {key: each for key, each in layout.items() if each is not None}}


def _title(panel: Panel) -> dict[str, Any] | None:
    font = {"font": {"size": 14}, "x": 0.02, "xanchor": "left", "y": 0.98, "yanchor": "top"}
    return {"text": text_of(panel.title), **font} if panel.title else None


def _top(panel: Panel) -> int:
    """Room above the axes: for a title, and a legend of as many lines as it may take."""
    named = sum(bool(series.name) for series in panel.series)
    legend = 0 if named < 2 else 24 + 19 * ((named - 1) // 2)  # noqa: PLR2004  nothing to tell apart
    return (36 if panel.title else 12) + legend


def _height(panel: Panel) -> int:
    for series in panel.series:
        if series.kind in WIDE:
            return WIDE[series.kind] + PER_PLACE * max(3, len(panel.y.ticks))
    if panel.heat:
        return max(HEIGHT, 120 + 24 * len(panel.heat.rows))
    return 190 if len(panel.y.ticks) == 1 else HEIGHT + max(0, _top(panel) - 60)


def _axis(axis: Axis) -> dict[str, Any]:
    made: dict[str, Any] = {"title": {"text": text_of(axis.title)}, "automargin": True}
    made |= {"zeroline": False, "type": "log" if axis.log else "linear"}
    if axis.ticks:
        made["tickvals"] = [place for place, _ in axis.ticks]
        made["ticktext"] = [text_of(text) for _, text in axis.ticks]
    if axis.low is not None and axis.high is not None:
        made["range"] = [axis.low, axis.high]
    elif axis.low is not None:
        made["rangemode"] = "tozero"
    return made


def _trace(series: Series, at: int) -> dict[str, Any]:
    color = QUIET if series.quiet else COLORS[at % len(COLORS)]
    made: dict[str, Any] = {"name": text_of(series.name), "showlegend": bool(series.name)}
    made |= {"x": _numbers(series.x), "y": _numbers(series.y)}
    if series.hover:
        made |= {"text": [text_of(text) for text in series.hover], "textposition": "none"}
        made |= {"hovertemplate": "%{text}<extra></extra>"}
    if series.kind is Kind.BARS:
        return made | {"type": "bar", "orientation": "h", "marker": {"color": color}}
    made.pop("textposition", None)
    return made | _scatter(series, at, color)


def _scatter(series: Series, at: int, color: str) -> dict[str, Any]:
    kind = "scattergl" if len(series.x) > MANY else "scatter"
    width = {Kind.SPANS: 14, Kind.LINE: 1 if series.quiet else 2}.get(series.kind, 2)
    line: dict[str, Any] = {"color": color, "width": width}
    if kind == "scatter":
        line["dash"] = "dot" if series.quiet else DASHES[at % len(DASHES)]
    if series.kind is Kind.SPANS:
        line["dash"] = "solid"
    if series.kind is Kind.STEPS and kind == "scatter":
        line["shape"] = "hv"
    if series.kind is not Kind.POINTS:
        return {"type": kind, "mode": "lines", "line": line}
    marker = {"color": color, "size": 7, "opacity": 0.75, "symbol": MARKS[at % len(MARKS)]}
    made = {"type": kind, "mode": "markers", "marker": marker}
    if series.spread:
        made["error_y"] = {"array": _numbers(series.spread), "width": 2, "thickness": 1}
    return made


def _heat(heat: Heat) -> dict[str, Any]:
    shown = len(heat.columns) * len(heat.rows) <= 150  # noqa: PLR2004  cells that hold a text
    made: dict[str, Any] = {
        "type": "heatmap",
        "x": [text_of(name) for name in heat.columns],
        "y": [text_of(name) for name in heat.rows],
        "z": [list(row) for row in heat.values],
        "colorscale": SCALE,
        "colorbar": {"thickness": 12},
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
    }
    if heat.texts:
        made |= {"text": [list(row) for row in heat.texts]}
        made |= {"hovertemplate": "%{x}, %{y}: %{text}<extra></extra>"}
        made |= {"texttemplate": "%{text}"} if shown else {}
    return made


def _parallel(drawn: Parallel) -> dict[str, Any]:
    dimensions = [
        _dimension(axis, places) for axis, places in zip(drawn.axes, drawn.places, strict=True)
    ]
    line = {"color": _numbers(drawn.places[-1]), "colorscale": SCALE, "showscale": False}
    trace = {"type": "parcoords", "dimensions": dimensions, "line": line}
    margin = {"l": 70, "r": 60, "t": 56, "b": 24}
    layout = {"template": "none", "height": 420, "margin": margin}
    return {"data": [trace], "layout": layout}


def _dimension(axis: Axis, places: Sequence[float]) -> dict[str, Any]:
    made: dict[str, Any] = {"label": text_of(axis.title), "values": _numbers(places)}
    if axis.ticks:
        made["tickvals"] = [place for place, _ in axis.ticks]
        made["ticktext"] = [text_of(text) for _, text in axis.ticks]
    return made


def _numbers(values: Iterable[float]) -> Any:
    import numpy as np

    return np.fromiter(values, dtype="f8")
