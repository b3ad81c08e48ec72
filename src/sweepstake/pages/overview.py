"""Overview: the newest sweeps, and the models in service."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sweepstake.domain.tags import mean_cv
from sweepstake.errors import NotFoundError, PermanentError, SweepstakeError, TransientError
from sweepstake.mlflow_client import sweep_list
from sweepstake.mlflow_client.connection import Connection
from sweepstake.pages.live import Live
from sweepstake.pages.model_page import ModelPage
from sweepstake.pages.model_page import read as read_model
from sweepstake.pages.states import Ran, SweepState, dag_of, day_of, name_of, state_of
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import progress
from sweepstake.sweeps.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sweepstake.mlflow_client.sweep_list import ListedSweep
    from sweepstake.settings import Settings
    from sweepstake.sweeps.progress import Progress

MOST_SWEEPS = 100
MOST_MODELS = 20
_SWEEPS: Live[tuple[ListedSweep, ...]] = Live()
_PROGRESS: Live[Progress] = Live()
_PLANNED: set[tuple[str, str, str]] = set()
"""The parent runs that are those of plans."""


@dataclass(frozen=True, slots=True)
class Row:
    """A sweep in the list; figures are ``None`` where they are not known (yet)."""

    sweep: str
    name: str
    day: str
    state: SweepState
    model: str = ""
    metric: str = ""
    total: int | None = None
    done: int = 0
    failed: int = 0
    best: float | None = None
    seconds_left: float | None = None
    decision: str = ""
    reason: str = ""
    started: int | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """What the first page tells; ``faults`` are sentences about what cannot be told now."""

    models: tuple[ModelPage, ...]
    rows: tuple[Row, ...]
    faults: tuple[str, ...] = ()

    @property
    def serving(self) -> frozenset[str]:
        """The sweeps whose best trials are in service."""
        return frozenset(each.champion.sweep for each in self.models if each.champion)


def read(
    settings: Settings,
    runs: Mapping[str, Ran],
    may_see: Callable[[str], bool],
    *,
    with_models: bool,
) -> Overview:
    """The sweeps that somebody may see, newest first, and the models that they trained.

    ``runs`` are those of Airflow that may be seen, by the ids of their sweeps; ``may_see`` says so
    of a DAG.
    """
    faults: list[str] = []
    listed = _listed(settings, faults)
    planned = [each for each in listed if _is_planned(each, settings)]
    seen = [each for each in planned if may_see(dag_of(each.sweep))]
    known = {each.sweep for each in seen}
    waiting = [_of_run(sweep, ran.state) for sweep, ran in runs.items() if sweep not in known]
    rows = [_of_parent(each, runs.get(each.sweep), settings) for each in seen]
    names = list(dict.fromkeys(each.model for each in seen if each.model)) if with_models else []
    models = tuple(_models(names[:MOST_MODELS], settings, faults))
    return Overview(models, (*waiting, *rows)[:MOST_SWEEPS], tuple(dict.fromkeys(faults)))


def forget() -> None:
    """Look anew: something was done."""
    _SWEEPS.forget()
    _PROGRESS.forget()


def progress_of(sweep: str, settings: Settings) -> Progress | None:
    """How far a sweep is; ``None`` where that is not known yet."""
    try:
        return _PROGRESS.get(sweep, lambda: progress.look(sweep, settings))
    except (NotFoundError, TransientError):
        return None


def _listed(settings: Settings, faults: list[str]) -> Sequence[ListedSweep]:
    def find() -> tuple[ListedSweep, ...]:
        return sweep_list.newest(Connection(settings.tracking_uri), MOST_SWEEPS)

    try:
        return _SWEEPS.get(settings.tracking_uri, find)
    except SweepstakeError as error:
        faults.append(str(error))
        return ()


def _is_planned(listed: ListedSweep, settings: Settings) -> bool:
    """Whether a parent run is that of a plan: anybody who may write runs may tag one as a sweep's.

    That a run is a plan's does not change, so it is looked up once.
    """
    key = (settings.tracking_uri, listed.sweep, listed.run_id)
    if key in _PLANNED:
        return True
    try:
        plan = Plan.load(Workspace(settings.workspace), listed.sweep)
    except PermanentError:
        return False
    if plan.parent_run_id == listed.run_id:
        _PLANNED.add(key)
        return True
    return False


def _models(names: Iterable[str], settings: Settings, faults: list[str]) -> Iterable[ModelPage]:
    for name in names:
        try:
            yield read_model(name, settings)
        except NotFoundError:
            continue  # it was deleted
        except SweepstakeError as error:
            faults.append(str(error))


def _of_run(sweep: str, state: str) -> Row:
    """A sweep that MLflow knows nothing of: it waits, or its plan failed."""
    return Row(sweep, name_of(sweep), day_of(sweep), state_of("", state))


def _of_parent(listed: ListedSweep, ran: Ran | None, settings: Settings) -> Row:
    state = state_of(listed.status, ran.state if ran else None)
    figures = listed.figures
    total = figures.get("trials_total")
    row = Row(
        sweep=listed.sweep,
        name=name_of(listed.sweep),
        day=day_of(listed.sweep),
        state=state,
        model=listed.model,
        metric=listed.metric,
        total=None if total is None else int(total),
        done=int(sum(figures.get(f"trials_{each}", 0.0) for each in ("complete", "skipped"))),
        failed=int(figures.get("trials_failed", 0.0)),
        best=figures.get(f"best_{mean_cv(listed.metric)}"),
        decision=listed.decision,
        reason=listed.reason,
        started=listed.started,
    )
    return _moving(row, settings) if state is SweepState.RUNNING else row


def _moving(row: Row, settings: Settings) -> Row:
    """The row of a sweep at work, with its figures as of moments ago."""
    now = progress_of(row.sweep, settings)
    if now is None:
        return row
    return replace(
        row,
        total=now.total,
        done=now.complete + now.skipped,
        failed=now.failed,
        best=now.best,
        seconds_left=now.seconds_left,
    )
