"""Pictures of the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.rounds import OURS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

INK, ACCENT, QUIET = "#24292f", "#0b7285", "#adb5bd"
STEP_COLOURS = ("#0b7285", "#3bc9db", "#f59f00", "#e8590c", "#868e96", "#dee2e6", "#ced4da")


def ways(cost: Mapping[str, float], names: Mapping[str, str], path: Path) -> None:
    """One bar per way, milliseconds per trial on a logarithmic scale, ours in colour."""
    figure, axes = _canvas(7, 0.5 * len(cost) + 1)
    order = sorted(cost, key=lambda way: -cost[way])
    colours = [ACCENT if way == OURS else QUIET for way in order]
    bars = axes.barh([names[way] for way in order], [1000 * cost[w] for w in order], color=colours)
    axes.bar_label(bars, [f"{1000 * cost[way]:,.0f} ms" for way in order], padding=4)
    axes.set_xscale("log")
    axes.margins(x=0.2)
    axes.set_xlabel("milliseconds per trial (logarithmic)")
    figure.savefig(path)


def steps(parts: Mapping[str, float], path: Path) -> None:
    """One stacked bar: where a worker's time for one trial goes, in milliseconds."""
    figure, axes = _canvas(7, 1.8)
    left = 0.0
    for (name, value), colour in zip(parts.items(), STEP_COLOURS, strict=False):
        axes.barh([""], [value], left=left, color=colour, label=f"{name} {value:.0f} ms")
        left += value
    axes.set_xlabel("milliseconds of a worker per trial")
    axes.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    figure.savefig(path)


def curve(points: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Milliseconds per trial, and seconds to the leaderboard, against the number of trials."""
    figure, axes = _canvas(7, 3.2)
    trials = [point["trials"] for point in points]
    lines = [point["timeline"] for point in points]
    cost = [1000 * (x["last_trial"] - x["sweep_started"]) / x["trials"] for x in lines]
    axes.plot(trials, cost, "o-", color=ACCENT)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("trials in the sweep")
    axes.set_ylabel("milliseconds per trial", color=ACCENT)
    other = axes.twinx()
    other.spines.top.set_visible(False)
    other.plot(trials, [line["leaderboard"] for line in lines], "s--", color=INK)
    other.set_yscale("log")
    other.set_ylabel("seconds from file to leaderboard")
    figure.savefig(path)


def _canvas(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=144, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
