"""The leaderboard's figure: scores in order, and the score over each parameter that varies."""

from __future__ import annotations

from math import ceil, inf, isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sweepstake.domain.trial import Standing

PANELS = 6
"""Parameters drawn; more do not fit one page."""
COLUMNS = 3
LEVELS = 12
"""Distinct words that an axis still shows legibly."""
MANY = 200
"""Trials from which on error bars become a band."""


def draw(standings: Sequence[Standing], metric: str, params: Sequence[str], file: Path) -> None:
    """Draw ``metric`` of the trials that have it, in the given order, as a PNG into ``file``.

    ``metric`` is the name of a mean over folds; its spread is the metric named ``std`` instead.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [s for s in standings if isfinite(s.metrics.get(metric, float("nan")))]
    panels = [name for name in params if _is_legible(shown, name)][:PANELS]
    rows = 1 + ceil(len(panels) / COLUMNS)
    with rc_context({"text.parse_math": False}):  # dollar signs in values are dollar signs
        page = Figure(figsize=(11, 3.4 * rows), layout="constrained")
        FigureCanvasAgg(page)
        grid = page.add_gridspec(rows, COLUMNS)
        _draw_scores(page.add_subplot(grid[0, :]), shown, metric)
        for i, name in enumerate(panels):
            axes = page.add_subplot(grid[1 + i // COLUMNS, i % COLUMNS])
            _draw_param(axes, shown, metric, name)
        page.savefig(file, dpi=100)


def _draw_scores(axes: Any, shown: Sequence[Standing], metric: str) -> None:
    ranks = range(1, len(shown) + 1)
    scores = [s.metrics[metric] for s in shown]
    spread = [s.metrics.get(metric.replace("mean_", "std_", 1), 0.0) for s in shown]
    if len(shown) > MANY:
        low = [score - std for score, std in zip(scores, spread, strict=True)]
        high = [score + std for score, std in zip(scores, spread, strict=True)]
        axes.fill_between(ranks, low, high, alpha=0.25, linewidth=0)
        axes.plot(ranks, scores, linewidth=1.2)
    else:
        axes.errorbar(ranks, scores, yerr=spread, fmt="o", markersize=4, capsize=2, linewidth=1)
    axes.set_xlabel("rank (bars: standard deviation over folds)")
    axes.set_ylabel(metric)
    axes.grid(visible=True, alpha=0.3)


def _draw_param(axes: Any, shown: Sequence[Standing], metric: str, name: str) -> None:
    having = [s for s in shown if name in s.params]
    scores = [s.metrics[metric] for s in having]
    values = [s.params[name] for s in having]
    numbers = _numbers(values)
    if numbers is None:
        levels = sorted(set(values), key=_order)
        axes.set_xticks(range(len(levels)), levels, rotation=30, ha="right")
        numbers = [float(levels.index(value)) for value in values]
    elif min(numbers) > 0 and max(numbers) / min(numbers) >= 100:  # noqa: PLR2004  two decades
        axes.set_xscale("log")
    axes.scatter(numbers, scores, s=14, alpha=0.5, linewidths=0)
    axes.set_xlabel(name)
    axes.grid(visible=True, alpha=0.3)


def _is_legible(shown: Sequence[Standing], name: str) -> bool:
    values = [s.params[name] for s in shown if name in s.params]
    return bool(values) and (_numbers(values) is not None or len(set(values)) <= LEVELS)


def _order(value: str) -> tuple[float, str]:
    """Numbers by size, then words by letter."""
    numbers = _numbers([value])
    return (numbers[0] if numbers else inf, value)


def _numbers(values: Sequence[str]) -> list[float] | None:
    """The values as numbers, ``None`` unless all of them are finite ones."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return None
    return numbers if all(map(isfinite, numbers)) else None
