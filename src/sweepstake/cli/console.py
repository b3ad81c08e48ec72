"""Console: records as tables and live bars for people, as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from sweepstake.domain.tags import mean_cv, on_holdout
from sweepstake.domain.trial import TrialState
from sweepstake.errors import printable
from sweepstake.reports.report import varying

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sweepstake.airflow_client.backfilling import Day
    from sweepstake.champions.past_days import DayChampion
    from sweepstake.champions.pruning import Prunable
    from sweepstake.doctor import Finding
    from sweepstake.domain.trial import Standing
    from sweepstake.embedded import Component
    from sweepstake.mlflow_client.ledger import LedgerEntry
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.sweeps.leaderboard import Leaderboard
    from sweepstake.sweeps.preview import Preview
    from sweepstake.sweeps.progress import Progress as SweepProgress

WIDTH = 140
"""Columns of a table that goes into a file or a pipe, which have no width of their own."""


def _console(*, stderr: bool) -> Console:
    def build(width: int | None) -> Console:
        return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)

    console = build(None)
    return console if console.is_terminal else build(WIDTH)


out = _console(stderr=False)
err = _console(stderr=True)

ROWS = 20
FIGURE = 6
"""Columns that a score takes, which no narrow terminal cuts."""
BLOCKS = "▁▂▃▄▅▆▇█"


def tell(text: str) -> None:
    """An answer, on stdout, as it is: addresses and paths are never broken."""
    out.print(_plain(text), soft_wrap=True)


def tell_finding(finding: Finding) -> None:
    """What the doctor found, on stdout: in order, or what to fix."""
    mark, style = ("ok  ", "") if finding.ok else ("fix ", "red")
    text = f"{mark}  {finding.name}: {finding.message}"
    out.print(_plain(text), style=style, soft_wrap=True)


def say(text: str, style: str = "dim") -> None:
    """A sentence about what is going on, on stderr."""
    err.print(_plain(text), style=style, soft_wrap=True)


def _plain(text: str) -> str:
    """``text`` without signs that steer a terminal, in as many lines."""
    return "\n".join(map(printable, text.split("\n")))


def _add(table: Table, *cells: str) -> None:
    """A row of texts that came from files and servers."""
    table.add_row(*map(printable, cells))


def print_json(record: Any) -> None:
    """A record for programs, alone on stdout."""
    print(json.dumps(record, default=str, indent=2))  # noqa: T201 - stdout is the interface


def duration(seconds: float) -> str:
    """Seconds as hours, minutes and seconds, rounded up to a whole second."""
    return str(timedelta(seconds=ceil(seconds)))


def leaderboard_table(board: Leaderboard) -> Table:
    """The leaderboard, best first, at most `ROWS` trials.

    Cross-validation ranks. Scores on the holdout are shown of finalist and champion alone: they
    confirm one choice, and mislead whoever chooses by them.
    """
    table = Table(title=f"Leaderboard of {board.sweep} ({board.state})", title_justify="left")
    columns = ("rank", "trial", f"cv {board.metric}", f"holdout {board.metric}", "version", "")
    for heading in columns:
        width = FIGURE if heading.endswith(board.metric) else None
        table.add_column(heading, justify="right", overflow="fold", min_width=width)
    table.add_column("classifier", overflow="fold")
    names = varying(board.standings)
    for rank, standing in enumerate(board.standings[:ROWS], start=1):
        _add(table, *_leaderboard_row(rank, board, standing, names))
    if len(board.standings) > ROWS:
        table.caption = f"and {len(board.standings) - ROWS} more: --json shows all"
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
        return classifier
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
    table = Table(title=f"Champions of {model}  {_sparkline(day_champions)}", title_justify="left")
    for heading in ("day", "version", "score", "reason"):
        table.add_column(heading)
    for held in day_champions:
        _add(table, held.day, f"v{held.version}", _figure(held.score), held.reason)
    return table


def _sparkline(day_champions: Sequence[DayChampion]) -> str:
    """One block for each day, from the lowest score to the highest; a blank where there is none."""
    scores = [held.score for held in day_champions if held.score is not None]
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    step = (high - low) / (len(BLOCKS) - 1) or 1.0
    return "".join(
        " " if held.score is None else BLOCKS[round((held.score - low) / step)]
        for held in day_champions
    )


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
    counts = f"{_counted(preview.trial_count, 'trial')} in {_counted(preview.task_count, 'task')}"
    title = (
        f"{preview.sweep}: {counts}, {_counted(preview.fit_count, 'fit')}, "
        f"about {duration(preview.estimate_seconds)} of one core"
    )
    table = Table("trial", title=title, title_justify="left")
    for name in preview.trials[:ROWS]:
        _add(table, name)
    if len(preview.trials) > ROWS:
        table.caption = f"and {len(preview.trials) - ROWS} more: --json shows all"
    return table


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


def records(items: Iterable[Any]) -> list[dict[str, Any]]:
    """Frozen records as mappings for `print_json`."""
    return [asdict(item) for item in items]


class DayBars:
    """A live line for the days of a backfill, and one for each day that is in work."""

    def __init__(self, dag_id: str) -> None:
        self._dag_id = dag_id
        self._bars = SweepBars()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.__exit__()

    def show(self, days: Sequence[Day]) -> None:
        """Bring the lines up to date."""
        over = sum(day.is_over for day in days)
        failed = sum(day.state == "failed" for day in days)
        running = sum(day.state == "running" for day in days)
        detail = f"days, {running} running, {failed} failed"
        self._bars.update(self._dag_id, len(days), over, detail)
        for day in days:
            if day.is_over:
                self._bars.remove(day.day)
            elif day.state == "running":
                self._bars.show(day.day, day.progress)


class SweepBars:
    """One live line for each sweep: done, running, failed, best so far, time left."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=err,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._tasks:
            self._progress.stop()

    def show(self, sweep_id: str, progress: SweepProgress | None, doing: str = "") -> None:
        """Bring the line of a sweep up to date; without progress it is not planned yet.

        ``doing`` is what it does while no trial is trained.
        """
        task = self._tasks.get(sweep_id)
        if task is None:
            self._progress.start()
            task = self._progress.add_task(sweep_id, total=None, detail="waiting for its plan")
            self._tasks[sweep_id] = task
        if progress is not None:
            detail = ", ".join(filter(None, [doing, _detail(progress)]))
            self._progress.update(
                task, total=progress.total, completed=progress.ended, detail=detail
            )

    def update(self, name: str, total: int, completed: int, detail: str) -> None:
        """Bring any other line up to date."""
        self.show(name, None)
        task = self._tasks[name]
        self._progress.update(task, total=total, completed=completed, detail=detail)

    def remove(self, name: str) -> None:
        """Take a line away, if there is one."""
        if name in self._tasks:
            self._progress.remove_task(self._tasks.pop(name))


def _detail(progress: SweepProgress) -> str:
    parts = [f"{progress.running} running", f"{progress.failed} failed"]
    if progress.skipped:
        parts.append(f"{progress.skipped} skipped")
    if progress.best is not None:
        parts.append(f"best {progress.best:.4f}")
    if progress.seconds_left:
        parts.append(f"{timedelta(seconds=round(progress.seconds_left))} left")
    return ", ".join(parts)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
