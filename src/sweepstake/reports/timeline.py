"""The timeline: the metric of each day's champion as a figure."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sweepstake.champions.past_days import DayChampion

MANY_DAYS = 60
"""From here on the versions are not written beside their points."""


def draw(day_champions: Sequence[DayChampion], title: str, file: Path) -> None:
    """Draw the score of each day's champion as a PNG; a ring marks the day on which one won."""
    from datetime import date

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [held for held in day_champions if held.score is not None and isfinite(held.score)]
    page = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasAgg(page)
    axes = page.add_subplot()
    days: Any = [date.fromisoformat(held.day) for held in shown]
    scores = [held.score or 0.0 for held in shown]
    axes.plot(days, scores, marker=".", linewidth=1.2)
    for position, (day, score) in enumerate(zip(days, scores, strict=True)):
        if position == 0 or shown[position].version != shown[position - 1].version:
            axes.plot([day], [score], marker="o", markersize=9, fillstyle="none", color="C1")
            if len(shown) <= MANY_DAYS:
                text = f"v{shown[position].version}"
                axes.annotate(text, (day, score), (0, 9), textcoords="offset points", ha="center")
    axes.set_title(title, parse_math=False)
    axes.set_ylabel("score on the day's holdout")
    axes.margins(y=0.2)
    axes.grid(visible=True, alpha=0.3)
    page.autofmt_xdate()
    file.parent.mkdir(parents=True, exist_ok=True)
    page.savefig(file, dpi=100)
