"""The page of a report: one file of HTML that loads nothing, made from charts and records."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

from sweepstake.domain.tags import mean_cv
from sweepstake.domain.trial import TrialState
from sweepstake.errors import printable
from sweepstake.reports import decision, plotly_figure, run_charts
from sweepstake.reports.scale import MISSING, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from sweepstake.domain.trial import Standing
    from sweepstake.reports.chart import Chart
    from sweepstake.reports.decision import Decided
    from sweepstake.reports.material import Material

FIRST_ROWS = 25
"""Rows of the leaderboard on a page, and those that are there without scripts."""
LONGEST_CELL = 300


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart with its figures as Plotly's records."""

    chart: Chart
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What won and by how much, in a few words."""

    headline: str
    what: str
    gap: str


def write(material: Material, charts: Sequence[Chart], told: Decided) -> str:
    """The whole page, with the decision as far as it is known."""
    heads, rows = leaderboard(material)
    return _environment().get_template("report.html").render(
        material=material,
        answer=answer(material),
        decision=fragment(told),
        charts=[drawn(chart) for chart in charts],
        failures=run_charts.failures(material)[: run_charts.MOST_REASONS],
        heads=heads,
        rows=rows[:FIRST_ROWS],
        table=plotly_figure.script({"heads": heads, "rows": rows, "page": FIRST_ROWS}),
        plotly=plotly_script(),
        counts=counts(material),
        printable=printable,
    )  # fmt: skip


def fragment(told: Decided) -> str:
    """The part of the page that says what was decided, with its marks."""
    shown = drawn(decision.chart(told))
    template = _environment().get_template("decision.html")
    text = template.render(told=told, drawn=shown)
    return f"{decision.BEGIN}{text}{decision.END}"


def drawn(chart: Chart) -> Drawn:
    """A chart with its figures."""
    return Drawn(chart, tuple(plotly_figure.figure(panel) for panel in chart.panels))


def answer(material: Material) -> Answer:
    """What a reader wants to know first."""
    best = material.best
    if best is None:
        return Answer("No trial was ranked", "", "Read below why none has a score.")
    score, spread = material.score(best), material.spread(best)
    headline = (
        f"Trial {best.number} won with {printable(material.metric)} {score:.4f} ± {spread:.4f}"
    )
    name = best.estimator.rpartition(".")[2]
    described = material.described(best)
    what = described if described.startswith(name) else f"{name} {described}"
    return Answer(headline, what, _gap(material))


def leaderboard(material: Material) -> tuple[list[str], list[list[Any]]]:
    """The headings and the cells of every trial, ranked; numbers stay numbers, to be sorted by."""
    several = ["estimator"] if len(material.classifiers) > 1 else []
    params = list(material.varying)
    tracked = [f"mean CV {metric}" for metric in material.metrics]
    heads = ["rank", "trial", f"mean CV {material.metric}", "±", *tracked, *several, *params]
    heads += ["fit seconds", "version", "state", "reason"]
    ranks = {standing.number: rank for rank, standing in enumerate(material.ranked, start=1)}
    rows = [_row(material, s, ranks.get(s.number), params) for s in material.standings]
    return [printable(head) for head in heads], rows


def _row(material: Material, standing: Standing, rank: int | None, params: list[str]) -> list[Any]:
    several = [standing.estimator.rpartition(".")[2]] if len(material.classifiers) > 1 else []
    values = [_cell(standing.params.get(name, MISSING)) for name in params]
    score = material.score(standing)
    scored = (
        [_rounded(score), _rounded(material.spread(standing))] if isfinite(score) else [None] * 2
    )
    means = (standing.metrics.get(mean_cv(metric), nan) for metric in material.metrics)
    tracked = [_rounded(mean) if isfinite(mean) else None for mean in means]
    seconds = standing.metrics.get("fit_seconds")
    state = standing.state.lower() + (" (reused)" if standing.reused_from else "")
    version = int(standing.version) if standing.version.isdecimal() else None
    told = standing.reason or (f"scored on {standing.part}" if standing.part else "")
    end = [_rounded(seconds), version, state, _cell(told)]
    return [rank, standing.number, *scored, *tracked, *several, *values, *end]


def _cell(text: str) -> Any:
    if text == "None":
        return "null"
    value = number(text)
    whole = value is not None and value.is_integer() and "e" not in text.lower()
    if value is not None:
        return int(value) if whole and abs(value) < 1e15 else value  # noqa: PLR2004  exact in JS
    return printable(text)[:LONGEST_CELL]


def _rounded(value: float | None) -> float | None:
    return float(f"{value:.6g}") if value is not None and isfinite(value) else None


def _gap(material: Material) -> str:
    """By how much the best is ahead, and whether that is more than the folds differ."""
    ranked = material.ranked
    if len(ranked) == 1:
        return "It is the only trial with a score."
    first, second = ranked[0], ranked[1]
    ahead = material.score(first) - material.score(second)
    middle = material.score(first) - material.score(ranked[len(ranked) // 2])
    close = sum(material.score(s) >= material.score(first) - material.spread(first) for s in ranked)
    gap = f"{ahead:.4f} ahead of the second (trial {second.number}), {middle:.4f} of the median."
    if close > 1:
        gap += f" {close:,} of {len(ranked):,} trials are within one standard deviation of it."
    return gap


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("sweepstake.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def plotly_script() -> str:
    """Plotly's own script; nothing in it ends the element that holds it."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).replace("</script", "<\\/script")


COUNTED = (TrialState.COMPLETE, TrialState.FAILED, TrialState.SKIPPED, TrialState.CANCELLED)


def counts(material: Material) -> str:
    """How many trials came to what."""
    found = {state: sum(s.state is state for s in material.standings) for state in COUNTED}
    told = [f"{count:,} {state.lower()}" for state, count in found.items() if count]
    reused = sum(bool(s.reused_from) for s in material.standings)
    told += [f"{reused:,} reused"] if reused else []
    return f"{len(material.standings):,} trials: {', '.join(told)}."
