"""The page of a sweep: what won, by how much, whether it is in service and why; and its trials."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from sweepstake.domain.tags import mean_cv, std_cv
from sweepstake.domain.trial import TrialState
from sweepstake.errors import NotFoundError, TransientError
from sweepstake.mlflow_client.comparison import run_url
from sweepstake.pages import model_page
from sweepstake.pages.charts import Mark, scatter
from sweepstake.pages.live import Live
from sweepstake.pages.states import SweepState, day_of, name_of, state_of
from sweepstake.reports.report import varying
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import leaderboard
from sweepstake.sweeps.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sweepstake.domain.trial import Standing
    from sweepstake.mlflow_client.ledger import LedgerEntry
    from sweepstake.pages.charts import Chart
    from sweepstake.pages.model_page import ModelPage
    from sweepstake.settings import Settings
    from sweepstake.sweeps.leaderboard import Leaderboard

MOST_TRIALS = 200
MOST_REASONS = 20
_BOARDS: Live[Board] = Live()


@dataclass(frozen=True, slots=True)
class Board:
    """A leaderboard and the plan it is of, with what is drawn of them for every reader."""

    board: Leaderboard
    plan: Plan
    rows: tuple[TrialRow, ...]
    shown: Shown


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial as a line of the table; figures are ``None`` where it has none.

    ``tracked`` are the means of the page's ``metrics``, which are beside the one that ranks.
    """

    number: int
    rank: int | None
    state: TrialState
    estimator: str
    given: str
    score: float | None
    spread: float | None
    tracked: tuple[float | None, ...]
    seconds: float | None
    version: str
    mark: str
    reason: str
    reused: bool
    url: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Some trials, as they are drawn: the lines of a table, what is left out of it, and charts."""

    rows: tuple[TrialRow, ...]
    left_out: int
    reasons: tuple[tuple[str, int], ...]
    charts: tuple[Chart, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """The trials of one task, by their places in the plan's order."""

    first: int
    last: int
    label: str
    wave: int = 0


@dataclass(frozen=True, slots=True)
class SweepPage:
    """A sweep at one moment; of its trials the best, and those that are not complete.

    With a ``batch``, what is ``shown`` are its trials alone.
    """

    sweep: str
    name: str
    day: str
    state: SweepState
    model: str
    metric: str
    metrics: tuple[str, ...]
    url: str
    counts: dict[str, int]
    best: TrialRow | None
    shown: Shown
    decision: str
    entry: LedgerEntry | None
    champion: ModelPage | None
    warnings: tuple[str, ...]
    batch: Batch | None = None
    search: str = ""

    @property
    def total(self) -> int:
        """How many trials it has."""
        return self.counts["total"]

    @property
    def done(self) -> int:
        """How many of them are over and did not fail."""
        return self.counts["COMPLETE"] + self.counts["SKIPPED"]

    @property
    def failed(self) -> int:
        """How many failed."""
        return self.counts["FAILED"]

    @property
    def is_live(self) -> bool:
        """Whether more may come."""
        return self.state in {SweepState.RUNNING, SweepState.WAITING} or not self.decision

    @property
    def in_service(self) -> bool:
        """Whether its best trial is the champion now."""
        current = self.champion.champion if self.champion else None
        return bool(current and self.best and self.best.version == current.version)


def read(sweep: str, run: str | None, settings: Settings, batch: Batch | None = None) -> SweepPage:
    """A sweep as of moments ago; ``run`` is the state of its run in Airflow, if it has one.

    Raises:
        NotFoundError: it is not planned (yet).
        TrackingUnavailableError: MLflow does not answer.
    """
    key = (settings.tracking_uri, sweep)
    found = _BOARDS.get(key, lambda: _read(sweep, settings))
    board, plan = found.board, found.plan
    champion = _model(plan.model, settings)
    return SweepPage(
        sweep=sweep,
        name=name_of(sweep),
        day=day_of(sweep),
        state=state_of(board.state, run),
        model=plan.model,
        metric=board.metric,
        metrics=board.metrics,
        url=board.url,
        counts=_counts(board.standings),
        best=next((each for each in found.rows if each.rank), None),
        shown=found.shown if batch is None else _of_batch(found, batch),
        decision=board.decision,
        entry=model_page.entry_of(sweep, champion) if champion else None,
        champion=champion,
        warnings=board.warnings,
        batch=batch,
        search=board.search,
    )


def forget() -> None:
    """Look anew: something was done."""
    _BOARDS.forget()


def _read(sweep: str, settings: Settings) -> Board:
    plan = Plan.load(Workspace(settings.workspace), sweep)
    board = leaderboard.read(sweep, settings)
    rows = tuple(_rows(board, plan, settings))
    return Board(board, plan, rows, _shown(board.metric, rows))


def _model(model: str, settings: Settings) -> ModelPage | None:
    try:
        return model_page.read(model, settings)
    except (NotFoundError, TransientError):
        return None


def _of_batch(found: Board, batch: Batch) -> Shown:
    known = 0 <= batch.wave <= len(found.plan.asked)  # somebody else may have written it
    numbers = set(found.plan.numbers(batch.first, batch.last, batch.wave) if known else ())
    return _shown(found.board.metric, [each for each in found.rows if each.number in numbers])


def _shown(metric: str, rows: Sequence[TrialRow]) -> Shown:
    left_out = max(0, len(rows) - MOST_TRIALS)
    return Shown(tuple(_chosen(rows)), left_out, _reasons(rows), tuple(_charts(metric, rows)))


def _rows(board: Leaderboard, plan: Plan, settings: Settings) -> Iterable[TrialRow]:
    ranks = _ranks(board.standings)
    names = varying(board.standings)
    for each in board.standings:
        yield TrialRow(
            number=each.number,
            rank=ranks.get(each.number),
            state=each.state,
            estimator=each.estimator.rpartition(".")[2],
            given=_given(each, names),
            score=_finite(each.metrics.get(mean_cv(board.metric))),
            spread=_finite(each.metrics.get(std_cv(board.metric))),
            tracked=tuple(_finite(each.metrics.get(mean_cv(name))) for name in board.metrics),
            seconds=_seconds(each),
            version=each.version,
            mark=_mark(board, each),
            reason=each.reason,
            reused=bool(each.reused_from),
            url=run_url(settings.mlflow_pages, plan.experiment_id, each.run_id)
            if each.run_id
            else "",
        )


def _given(standing: Standing, names: Sequence[str]) -> str:
    """The parameters that vary, and of a trial of a rung its part of the data."""
    params = standing.params
    given = ", ".join(f"{name}={params[name]}" for name in names if name in params)
    return f"{given} (on {standing.part})" if standing.part else given


def _ranks(standings: Sequence[Standing]) -> dict[int, int]:
    complete = (each.number for each in standings if each.state is TrialState.COMPLETE)
    return {number: rank for rank, number in enumerate(complete, start=1)}


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def _seconds(standing: Standing) -> float | None:
    """How long its folds and its last fit took to train."""
    names = ("fit_seconds", "refit_seconds")
    found = [standing.metrics[name] for name in names if name in standing.metrics]
    return sum(found) if found else None


def _mark(board: Leaderboard, standing: Standing) -> str:
    marks = {board.finalist: "finalist", board.champion: "champion"}
    return marks.get(standing.version, "") if standing.version else ""


def _chosen(rows: Sequence[TrialRow]) -> Iterable[TrialRow]:
    """Half of the table for what is not complete, if there is so much of it."""
    ranked = [each for each in rows if each.rank]
    others = [each for each in rows if not each.rank]
    others.sort(key=lambda each: (_URGENT.get(each.state, len(_URGENT)), each.number))
    room = max(MOST_TRIALS // 2, MOST_TRIALS - len(others))
    best = ranked[:room]
    return [*best, *others[: MOST_TRIALS - len(best)]]


_URGENT = {TrialState.FAILED: 0, TrialState.RUNNING: 1, TrialState.SKIPPED: 2}


def _counts(standings: Sequence[Standing]) -> dict[str, int]:
    found = Counter(str(each.state) for each in standings)
    return {"total": len(standings), **{str(state): found[str(state)] for state in TrialState}}


def _reasons(rows: Sequence[TrialRow]) -> tuple[tuple[str, int], ...]:
    """Why trials failed, the most frequent reason first, and how many did."""
    failed = (each.reason for each in rows if each.state is TrialState.FAILED)
    return tuple(Counter(failed).most_common(MOST_REASONS))


def _charts(metric: str, rows: Sequence[TrialRow]) -> Iterable[Chart]:
    scored = [each for each in rows if each.rank and each.score is not None]
    marks = [Mark(float(r.number), r.score or 0.0, _told(r), _kind(r)) for r in scored]
    label = f"mean {metric}"
    by_number = scatter(
        "Score of each trial, and the best so far", ("trial", label), marks, best=True
    )
    timed = [
        Mark(each.seconds, each.score or 0.0, _told(each), _kind(each))
        for each in scored
        if each.seconds is not None
    ]
    by_time = scatter("Score against seconds of training", ("seconds", label), timed)
    return filter(None, (by_number, by_time))


def _told(row: TrialRow) -> str:
    return f"#{row.number} {row.estimator} {row.given}: {row.score:.4f}"


def _kind(row: TrialRow) -> str:
    return "good" if row.rank == 1 else "plain"
