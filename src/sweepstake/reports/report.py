"""The report of a sweep: leaderboard as table, page and figure, and the note on the parent run."""

from __future__ import annotations

import csv
import html
import json
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from sweepstake.domain import ranking
from sweepstake.domain.tags import mean_cv, on_holdout, std_cv
from sweepstake.domain.trial import TrialState
from sweepstake.errors import printable
from sweepstake.mlflow_client import comparison
from sweepstake.reports import figure
from sweepstake.wording.markup import escaped
from sweepstake.wording.spreadsheet import cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sweepstake.domain.spec import SweepSpec
    from sweepstake.domain.trial import Standing, TrialResult
    from sweepstake.mlflow_client.comparison import View
    from sweepstake.mlflow_client.runs import SweepRun

NOTE_ROWS = 10
VIEW_PARAMS = 8
"""Axes that a parallel-coordinates plot still shows legibly."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the parent run says of its sweep: figures, a Markdown note and a comparison page."""

    metrics: Mapping[str, float]
    note: str
    view: View


def write(
    standings: Sequence[Standing],
    spec: SweepSpec,
    sweep: SweepRun,
    folder: Path,
    warnings: Sequence[str] = (),
) -> Summary:
    """Write the report's files into ``folder`` and return the summary.

    ``standings`` are ranked, best first; ``warnings`` are those about the data. Files:
    ``leaderboard.csv``, ``leaderboard.json``,
    ``report.html`` (self-contained) and ``leaderboard.png``.
    """
    rows = table(standings)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    _write_csv(rows, columns, folder / "leaderboard.csv")
    text = json.dumps(rows, indent=1, default=str, allow_nan=False)
    (folder / "leaderboard.json").write_text(text, encoding="utf-8")
    shown = [name for name in columns if not name.startswith(on_holdout(""))]
    (folder / "report.html").write_text(_page(rows, shown, sweep.sweep_id), encoding="utf-8")
    params = varying(standings)
    figure.draw(standings, mean_cv(spec.metric), params, folder / "leaderboard.png")
    view = comparison.view(sweep, _compared(spec.metric), params[:VIEW_PARAMS])
    note = "\n\n".join([_note(standings, spec, sweep, view), *map(_warning, warnings)])
    return Summary(_metrics(standings, spec.metric), note, view)


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
    }


def _write_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], file: Path) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)


def _compared(metric: str) -> list[str]:
    return [mean_cv(metric), std_cv(metric), "fit_seconds"]


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


def _note(standings: Sequence[Standing], spec: SweepSpec, sweep: SweepRun, view: View) -> str:
    counts = _counts(standings)
    others = (name for name in ("skipped", "cancelled") if counts[name])
    untrained = "".join(f"{counts[name]} {name}, " for name in others)
    outcome = (
        f"{counts['complete']} of {counts['total']} trials complete, "
        f"{counts['failed']} failed, {untrained}{counts['reused']} reused from earlier sweeps."
    )
    links = f"[Compare all trials]({view.link}) · [list them]({comparison.list_link(sweep)})"
    parts = [_headline(standings, spec.metric), links, outcome, _top(standings, spec.metric)]
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


def _top(standings: Sequence[Standing], metric: str) -> str:
    ranked = [s for s in standings if s.state is TrialState.COMPLETE][:NOTE_ROWS]
    lines = [
        f"| {rank} | {s.number} | {escaped(_described(s))} | {_score(s, metric):.4f} "
        f"| {s.version} | {_origin(s)} |"
        for rank, s in enumerate(ranked, start=1)
    ]
    head = f"| rank | trial | classifier | mean CV {escaped(metric)} | version | trained by |"
    return "\n".join([head, "|---|---|---|---|---|---|", *lines]) if lines else ""


def _origin(standing: Standing) -> str:
    """Whose run it is, and so whose a version of it: this sweep's own, or that of another."""
    return escaped(standing.run_of) if standing.reused_from else "this sweep"


def _described(standing: Standing) -> str:
    name = standing.estimator.rpartition(".")[2]
    return f"{name} " + ", ".join(f"{k}={v}" for k, v in sorted(standing.params.items()))


def _page(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{_shown(row.get(name))}</td>" for name in columns) + "</tr>"
        for row in rows
    )
    return _HTML.format(title=html.escape(title), head=head, body=body, count=len(rows))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else html.escape(printable(str(value)))


_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 14px system-ui, sans-serif; margin: 2rem; color: #1b1f24; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .3rem .7rem; border-bottom: 1px solid #d8dee4; text-align: left;
  white-space: nowrap; font-variant-numeric: tabular-nums; }}
th {{ position: sticky; top: 0; background: #f6f8fa; cursor: pointer; }}
tbody tr:hover {{ background: #f6f8fa; }}
</style></head><body>
<h1>{title}</h1>
<p>{count} trials, best first. Click a column to sort by it.</p>
<table><thead><tr>{head}</tr></thead><tbody>
{body}
</tbody></table>
<script>
const body = document.querySelector("tbody");
const compare = new Intl.Collator(undefined, {{ numeric: true }}).compare;
const key = (row, column) => row.cells[column].textContent;
const order = (a, b) => a !== "" && b !== "" && !isNaN(a) && !isNaN(b) ? a - b : compare(a, b);
document.querySelectorAll("th").forEach((head, column) => {{
  let sign = -1;
  head.addEventListener("click", () => {{
    sign = -sign;
    const rows = [...body.rows].sort((a, b) => sign * order(key(a, column), key(b, column)));
    body.append(...rows);
  }});
}});
</script></body></html>
"""
