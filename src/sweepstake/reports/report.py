"""The report of a sweep: leaderboard as table, page and figure, and the note on the parent run."""

from __future__ import annotations

import csv
import json
import logging
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from sweepstake.domain import ranking
from sweepstake.domain.tags import mean_cv, std_cv
from sweepstake.domain.trial import TrialState
from sweepstake.errors import printable
from sweepstake.mlflow_client import comparison
from sweepstake.mlflow_client.run_names import clip
from sweepstake.reports import best_charts, decision, page, picture, run_charts, trial_charts
from sweepstake.reports.chart import Chart
from sweepstake.reports.trial_charts import shares
from sweepstake.wording.markup import escaped
from sweepstake.wording.spreadsheet import cell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import TextIO

    from sweepstake.domain.spec import SweepSpec
    from sweepstake.domain.trial import Standing, TrialResult
    from sweepstake.mlflow_client.comparison import View
    from sweepstake.mlflow_client.runs import SweepRun
    from sweepstake.reports.decision import Decided
    from sweepstake.reports.material import Material

log = logging.getLogger(__name__)

T = TypeVar("T")

PAGE = "report.html"
PICTURES = "figures"
"""The folder of the pictures."""
TOGETHER = ("scores", "parameters")
"""Charts that are one picture."""
NOTE_ROWS = 10
VIEW_PARAMS = 8
"""Axes that a parallel-coordinates plot still shows legibly."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the parent run says of its sweep: figures, a Markdown note and a comparison page."""

    metrics: Mapping[str, float]
    note: str
    view: View


def summarise(
    standings: Sequence[Standing],
    spec: SweepSpec,
    sweep: SweepRun,
    folder: Path,
    warnings: Sequence[str] = (),
) -> Summary:
    """Write ``leaderboard.csv`` and ``leaderboard.json`` into ``folder``; return the summary.

    ``standings`` are ranked, best first; ``warnings`` are those about the data.
    """
    rows = table(standings)
    with (folder / "leaderboard.csv").open("w", encoding="utf-8", newline="") as stream:
        write_csv(rows, stream)
    text = json.dumps(rows, indent=1, default=str, allow_nan=False)
    (folder / "leaderboard.json").write_text(text, encoding="utf-8")
    view = comparison.view(sweep, _compared(spec.all_metrics), varying(standings)[:VIEW_PARAMS])
    note = "\n\n".join([_note(standings, spec, sweep, view), *map(_warning, warnings)])
    return Summary(_metrics(standings, spec.metric), note, view)


def write(material: Material, folder: Path, told: Decided) -> None:
    """Write the report into the empty ``folder``: one page, and its figures as pictures.

    ``report.html`` loads nothing; ``leaderboard.png`` has the scores, ``figures`` the others.
    ``told`` is what is decided about the champion so far. The same material makes the same files.
    """
    charts = draw_all(material)
    (folder / PAGE).write_text(page.write(material, charts, told), encoding="utf-8")
    write_pictures(charts, folder)
    write_decision(told, folder)


def write_decision(told: Decided, folder: Path) -> None:
    """Draw the gain over the champion between its bounds as a picture, if there was a test."""
    shown = decision.chart(told)
    if shown.panels:
        (folder / PICTURES).mkdir(exist_ok=True)
        picture.draw(shown, folder / PICTURES / "decision.png")


def draw_all(material: Material) -> list[Chart]:
    """The charts of a report, in their order; one that fails says so and keeps no other away."""
    found = _tried("importance", "Importance of each parameter", lambda: shares(material))
    known: Mapping[str, float] = {} if isinstance(found, Chart) else found
    makers: dict[str, tuple[str, Callable[[], Chart]]] = {
        "scores": ("Scores in their order", lambda: trial_charts.scores(material)),
        "parameters": ("Score by parameter", lambda: trial_charts.parameters(material, known)),
        "importance": ("Importance of each parameter", lambda: trial_charts.importances(known)),
        "parallel": ("Parallel coordinates", lambda: trial_charts.parallel(material, known)),
        "pairs": ("Pairs of parameters", lambda: trial_charts.pairs(material, known)),
        "time": ("Score against fit time", lambda: trial_charts.times(material)),
        "folds": ("Folds", lambda: best_charts.folds(material)),
        "curves": ("Learning curves", lambda: best_charts.curves(material)),
        "quality": (best_charts.QUALITY, lambda: best_charts.quality(material)),
        "failures": ("Trials without a model", lambda: run_charts.reasons(material)),
        "timeline": ("Time line by worker", lambda: run_charts.timeline(material)),
    }
    return [_tried(key, title, make) for key, (title, make) in makers.items()]


def write_pictures(charts: Sequence[Chart], folder: Path) -> None:
    """Draw each chart as a PNG; the scores, with their parameters, as ``leaderboard.png``."""
    named = {chart.key: chart for chart in charts}
    top = replace(named["scores"], panels=named["scores"].panels + named["parameters"].panels)
    (folder / PICTURES).mkdir()
    places = {f"{PICTURES}/{key}.png": chart for key, chart in named.items() if key not in TOGETHER}
    for name, chart in {"leaderboard.png": top, **places}.items():
        if chart.panels or chart is top:
            picture.draw(chart, folder / name)


def _tried(key: str, title: str, make: Callable[[], T]) -> T | Chart:
    try:
        return make()
    except Exception as error:
        log.exception("a chart could not be drawn")
        reason = printable(f"It could not be drawn ({type(error).__name__}: {error})")
        return Chart(key, title, f"{clip(reason, 300)}. That is a fault of Sweepstake: report it.")


def write_confusion(result: TrialResult, folder: Path) -> None:
    """Write ``confusion_matrix.json`` (rows: true labels) into ``folder``, if there is a matrix."""
    if result.confusion:
        record = {"labels": result.labels, "matrix": result.confusion}
        text = json.dumps(record, allow_nan=False)
        (folder / "confusion_matrix.json").write_text(text, encoding="utf-8")


def table(standings: Sequence[Standing]) -> list[dict[str, Any]]:
    """One flat row per trial: rank (COMPLETE only), identity, parameters, metrics, provenance.

    Figures that are not finite become ``None``, as JSON has no word for them.
    """
    complete = (s.number for s in standings if s.state is TrialState.COMPLETE)
    ranks = {number: rank for rank, number in enumerate(complete, start=1)}
    return [_row(standing, ranks.get(standing.number)) for standing in standings]


def varying(standings: Sequence[Standing]) -> list[str]:
    """Names of the parameters that are not the same in all trials, sorted."""
    names = sorted({name for standing in standings for name in standing.params})
    return [name for name in names if len({s.params.get(name) for s in standings}) > 1]


def _row(standing: Standing, rank: int | None) -> dict[str, Any]:
    return {
        "rank": rank,
        "number": standing.number,
        "state": str(standing.state),
        "estimator": standing.estimator,
        **{f"param.{name}": value for name, value in standing.params.items()},
        **{name: v if isfinite(v) else None for name, v in sorted(standing.metrics.items())},
        "version": standing.version,
        "run_id": standing.run_id,
        "run_of": standing.run_of,
        "reused_from": standing.reused_from,
        "reason": standing.reason,
        "key": standing.key,
        **({} if standing.wave is None else {"wave": standing.wave}),
        **({} if standing.rung is None else {"rung": standing.rung, "part": standing.part}),
    }


def write_csv(rows: Sequence[Mapping[str, Any]], stream: TextIO) -> None:
    """Write rows as CSV; a text that spreadsheets take for a formula is marked as text."""
    columns = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(stream, [cell(name) for name in columns])
    writer.writeheader()
    writer.writerows({cell(name): cell(value) for name, value in row.items()} for row in rows)


def _compared(metrics: Sequence[str]) -> list[str]:
    first, *others = metrics
    return [mean_cv(first), std_cv(first), *map(mean_cv, others), "fit_seconds"]


def _metrics(standings: Sequence[Standing], metric: str) -> dict[str, float]:
    """Counts by outcome, and every single figure of the best trial as ``best_<name>``."""
    best = ranking.best(standings, metric)
    figures = {f"best_{name}": value for name, value in best.metrics.items()} if best else {}
    return {**figures, **{f"trials_{name}": float(n) for name, n in _counts(standings).items()}}


def _counts(standings: Sequence[Standing]) -> dict[str, int]:
    return {
        "total": len(standings),
        "complete": sum(s.state is TrialState.COMPLETE for s in standings),
        "failed": sum(s.state is TrialState.FAILED for s in standings),
        "skipped": sum(s.state is TrialState.SKIPPED for s in standings),
        "cancelled": sum(s.state is TrialState.CANCELLED for s in standings),
        "reused": sum(bool(s.reused_from) for s in standings),
    }


def _score(standing: Standing, metric: str) -> float:
    return standing.metrics.get(mean_cv(metric), float("nan"))


def _scores(standing: Standing, metrics: Sequence[str]) -> str:
    """The cells of a line of Markdown, one for each metric."""
    return " | ".join(f"{_score(standing, metric):.4f}" for metric in metrics)


def _note(standings: Sequence[Standing], spec: SweepSpec, sweep: SweepRun, view: View) -> str:
    counts = _counts(standings)
    others = (name for name in ("skipped", "cancelled") if counts[name])
    untrained = "".join(f"{counts[name]} {name}, " for name in others)
    outcome = (
        f"{counts['complete']} of {counts['total']} trials complete, "
        f"{counts['failed']} failed, {untrained}{counts['reused']} reused from earlier sweeps."
    )
    listed = comparison.list_link(sweep, mean_cv(spec.metric))
    links = f"[Compare all trials]({view.link}) · [list them]({listed})"
    parts = [_headline(standings, spec.metric), links, outcome, _top(standings, spec.all_metrics)]
    return "\n\n".join(part for part in parts if part)


def _warning(text: str) -> str:
    return f"**Warning about the data:** {escaped(text)}"


def _headline(standings: Sequence[Standing], metric: str) -> str:
    best = ranking.best(standings, metric)
    if best is None:
        return "**No trial was ranked.**"
    spread = best.metrics.get(std_cv(metric), float("nan"))
    score = f"{_score(best, metric):.4f} ± {spread:.4f}"
    return f"**Best: trial {best.number}, {escaped(metric)} {score}** ({escaped(_described(best))})"


def _top(standings: Sequence[Standing], metrics: Sequence[str]) -> str:
    ranked = [s for s in standings if s.state is TrialState.COMPLETE][:NOTE_ROWS]
    lines = [
        f"| {rank} | {s.number} | {escaped(_described(s))} "
        f"| {_scores(s, metrics)} | {s.version} | {_origin(s)} |"
        for rank, s in enumerate(ranked, start=1)
    ]
    means = " | ".join(f"mean CV {escaped(metric)}" for metric in metrics)
    head = f"| rank | trial | estimator | {means} | version | trained by |"
    line = "|---" * (len(metrics) + 5) + "|"
    return "\n".join([head, line, *lines]) if lines else ""


def _origin(standing: Standing) -> str:
    """Whose run it is, and so whose a version of it: this sweep's own, or that of another."""
    return escaped(standing.run_of) if standing.reused_from else "this sweep"


def _described(standing: Standing) -> str:
    name = standing.estimator.rpartition(".")[2]
    name += f" (on {standing.part})" if standing.part else ""
    return f"{name} " + ", ".join(f"{k}={v}" for k, v in sorted(standing.params.items()))
