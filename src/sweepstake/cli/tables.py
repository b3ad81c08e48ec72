"""Tables: records as people read them in a terminal."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rich.table import Table

from sweepstake.cli import console
from sweepstake.cli.bars import sparkline
from sweepstake.domain.tags import mean_cv, on_holdout
from sweepstake.domain.trial import TrialState
from sweepstake.errors import printable
from sweepstake.reports.report import varying

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sweepstake.airflow_client.backfilling import Day
    from sweepstake.champions.past_days import DayChampion
    from sweepstake.champions.pruning import Prunable
    from sweepstake.domain.trial import Standing
    from sweepstake.domain.waves import Wave
    from sweepstake.embedded import Component
    from sweepstake.mlflow_client.ledger import LedgerEntry
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.sweeps.leaderboard import Leaderboard
    from sweepstake.sweeps.preview import Preview

ROWS = 20
MOST_WAVES = 5
"""Waves whose sizes are all told."""


FIGURE = 6
"""Columns that a score takes, which no narrow terminal cuts."""


def _add(table: Table, *cells: str) -> None:
    """A row of texts that came from files and servers."""
    table.add_row(*map(printable, cells))


def leaderboard_table(
    board: Leaderboard,
    standings: Sequence[Standing] | None = None,
    by: str = "",
    top: int | None = None,
) -> Table:
    """The leaderboard, best first, at most `ROWS` trials, or the ``top`` ones.

    ``standings`` are trials of it in another order, that of the figure ``by``.

    Cross-validation ranks. Scores on the holdout are shown of finalist and champion alone: they
    confirm one choice, and mislead whoever chooses by them.
    """
    table = Table(title=f"Leaderboard of {board.sweep} ({board.state})", title_justify="left")
    columns = ("rank", "trial", f"cv {board.metric}", f"holdout {board.metric}", "version", "")
    for heading in columns:
        width = FIGURE if heading.endswith(board.metric) else None
        table.add_column(heading, justify="right", overflow="fold", min_width=width)
    table.add_column("estimator", overflow="fold")
    for metric in board.metrics:
        table.add_column(f"cv {metric}", justify="right", overflow="fold", min_width=FIGURE)
    names, shown = varying(board.standings), board.standings if standings is None else standings
    ranks = {each.number: rank for rank, each in enumerate(board.standings, start=1)}
    if by:
        table.add_column(by, justify="right", overflow="fold", min_width=FIGURE)
    for standing in shown[: top or ROWS]:
        other = [_figure(standing.metrics.get(by))] if by else []
        cells = _leaderboard_row(ranks[standing.number], board, standing, names)
        tracked = [_figure(standing.metrics.get(mean_cv(metric))) for metric in board.metrics]
        _add(table, *cells, *tracked, *other)
    left = len(board.standings) - min(len(shown), top or ROWS)
    if left:
        table.caption = f"and {left} more: --json shows all, --csv too"
    return table


def _leaderboard_row(
    rank: int, board: Leaderboard, standing: Standing, names: Iterable[str]
) -> tuple[str, ...]:
    mark = _mark(board, standing)
    test = standing.metrics.get(on_holdout(board.metric)) if mark else None
    given = ", ".join(
        f"{name}={standing.params[name]}" for name in names if name in standing.params
    )
    complete = standing.state is TrialState.COMPLETE
    return (
        str(rank) if complete else "-",
        str(standing.number),
        _figure(standing.metrics.get(mean_cv(board.metric))),
        _figure(test),
        _version(standing),
        mark,
        _described(standing, f"{standing.estimator.rpartition('.')[2]} {given}".rstrip()),
    )


def _described(standing: Standing, classifier: str) -> str:
    """A trial's classifier; of one that is not complete also its state and why, if it has a reason.

    That of a cancelled sweep's trials is one for all of them, and stands below the table.
    """
    if standing.state is TrialState.COMPLETE:
        return f"{classifier} (on {standing.part})" if standing.part else classifier
    reason = "" if standing.state is TrialState.CANCELLED else standing.reason
    return f"{standing.state} {classifier}" + (f": {reason}" if reason else "")


def _version(standing: Standing) -> str:
    """``v3``, with ``reused`` where it is of a run that an earlier sweep trained."""
    words = (f"v{standing.version}" * bool(standing.version), "reused" * bool(standing.reused_from))
    return " ".join(filter(None, words))


def _mark(board: Leaderboard, standing: Standing) -> str:
    """Whether a trial's version is in service, or met the champion."""
    marks = {board.finalist: "finalist", board.champion: "champion"}
    return marks.get(standing.version, "") if standing.version else ""


def history_table(model: str, entries: Iterable[LedgerEntry]) -> Table:
    """The ledger of a model, newest decision first."""
    table = Table(title=f"Decisions about {model}", title_justify="left")
    for heading in (
        "when",
        "as of",
        "verdict",
        "version",
        "score",
        "before",
        "its score",
        "reason",
    ):
        table.add_column(heading)
    for entry in entries:
        _add(
            table,
            f"{entry.decided:%Y-%m-%d %H:%M:%S}",
            entry.partition if entry.as_of else "",
            str(entry.verdict),
            f"v{entry.version}",
            _figure(entry.candidate_score),
            f"v{entry.previous}" if entry.previous else "",
            _figure(entry.champion_score),
            entry.reason,
        )
    return table


def champion_text(model: str, version: Version | None, entries: Iterable[LedgerEntry]) -> str:
    """Who is in service, since when and why."""
    if version is None:
        return f"{model} has no champion {_last_day(entries)}"
    mine = (e for e in entries if e.version == version.version and not e.as_of)
    entry = next((e for e in mine if e.changes), None)
    since = f" since {entry.decided:%Y-%m-%d %H:%M:%S} UTC. {entry.reason}" if entry else ""
    return f"{model}: champion is v{version.version}{since}"


def _last_day(entries: Iterable[LedgerEntry]) -> str:
    """What there is besides a champion in service."""
    day = max((entry.partition for entry in entries if entry.as_of), default="")
    return (
        f"in service; for that of the last backfilled day ask with --as-of {day}" if day else "yet"
    )


def day_champion_text(model: str, day: str, held: DayChampion) -> str:
    """Who was champion at the end of a day."""
    score = f" with {_figure(held.score)}" if held.score is not None else ""
    return (
        f"{model}: champion as of {day} was v{held.version}, "
        f"decided on the data of {held.day}{score}. {held.reason}"
    )


def day_champions_table(model: str, day_champions: Sequence[DayChampion]) -> Table:
    """The champion of each day, and above them the run of their scores as a line of blocks."""
    line = sparkline([held.score for held in day_champions])
    table = Table(title=f"Champions of {model}  {line}", title_justify="left")
    for heading in ("day", "version", "score", "reason"):
        table.add_column(heading)
    for held in day_champions:
        _add(table, held.day, f"v{held.version}", _figure(held.score), held.reason)
    return table


def days_table(dag_id: str, days: Iterable[Day]) -> Table:
    """What became of each day of a backfill."""
    table = Table(title=f"Days of {dag_id}", title_justify="left")
    for heading in ("day", "state", "trials", "failed", "best", "sweep"):
        table.add_column(heading)
    for day in days:
        at = day.progress
        figures = (
            (f"{at.complete}/{at.total}", str(at.failed), _figure(at.best)) if at else ("",) * 3
        )
        _add(table, day.day, day.state, *figures, day.sweep)
    return table


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def preview_table(preview: Preview) -> Table:
    """What a sweep would train."""
    parts = _counted(preview.task_count, "task")
    if preview.waves:
        parts = waves_text(preview.waves)
    title = (
        f"{preview.sweep}: {_counted(preview.trial_count, 'trial')} in {parts}, "
        f"{_counted(preview.fit_count, 'fit')}, "
        f"about {console.duration(preview.estimate_seconds)} of one core"
    )
    if preview.max_seconds:
        title += f"; none begins after {console.duration(preview.max_seconds)}"
    table = Table("trial", title=title, title_justify="left")
    for name in preview.trials[:ROWS]:
        _add(table, name)
    left = [f"{len(preview.trials) - ROWS} more: --json shows all"] * (len(preview.trials) > ROWS)
    later = preview.trial_count - len(preview.trials) if preview.waves else 0
    left += [f"{later} that are chosen by the scores of these"] * bool(later)
    table.caption = "and " + ", ".join(left) if left else None
    return table


def waves_text(waves: Sequence[Wave]) -> str:
    """``3 waves (10, 4, 2)``, or of rungs also on what: ``2 rungs (27 on 2 of the folds, 9)``.

    Of many waves only the first ones and the last one are told.
    """
    rungs = any(wave.portion for wave in waves)
    sizes = [f"{w.trials} on {w.portion.words}" if w.portion else str(w.trials) for w in waves]
    if not rungs and len(sizes) > MOST_WAVES:
        sizes = [*sizes[:2], "...", sizes[-1]]
    return f"{_counted(len(waves), 'rung' if rungs else 'wave')} ({', '.join(sizes)})"


def status_table(components: Iterable[Component]) -> Table:
    """The components of the embedded stack."""
    table = Table(title="Embedded stack", title_justify="left")
    for heading in ("component", "state", "pid", "up for", "restarts", "address"):
        table.add_column(heading)
    for component in components:
        _add(
            table,
            component.name,
            str(component.state),
            str(component.pid or ""),
            str(timedelta(seconds=round(component.uptime))) if component.pid else "",
            str(component.restarts),
            component.url or "",
        )
    return table


def prunable_table(found: Sequence[Prunable]) -> Table:
    """How much of each kind may be deleted, and why."""
    table = Table(title="What nobody needs", title_justify="left")
    table.add_column("what")
    table.add_column("count", justify="right")
    table.add_column("megabytes", justify="right")
    table.add_column("because it is")
    groups: dict[tuple[str, str], list[int]] = {}
    for each in found:
        groups.setdefault((each.kind, each.why), []).append(each.size)
    for (kind, why), sizes in groups.items():
        _add(table, kind, f"{len(sizes):,}", f"{sum(sizes) / 1e6:,.1f}", why)
    return table


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
