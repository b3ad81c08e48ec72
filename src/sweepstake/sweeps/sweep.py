"""The use cases of a sweep: plan its trials, train a batch of them, close the books."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sweepstake.domain.ranking import leaderboard
from sweepstake.domain.tags import Tag, mean_cv
from sweepstake.domain.trial import SETTLED, TrialState
from sweepstake.errors import (
    CancelledError,
    GridFileError,
    InvalidPointError,
    PermanentError,
    SweepFailedError,
    printable,
)
from sweepstake.gridfile import draws
from sweepstake.intake import intake, reports
from sweepstake.mlflow_client.bulk import MODEL_FOLDER
from sweepstake.mlflow_client.comparison import batch_url, run_url
from sweepstake.mlflow_client.registry import Registry
from sweepstake.mlflow_client.run_datasets import run_dataset
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.processes.isolation import Worker, repeat_once
from sweepstake.reports import report
from sweepstake.storage.disk import disk_faults
from sweepstake.storage.scratch import scratch
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import budget, overlap, workload
from sweepstake.sweeps.budget import Budget
from sweepstake.sweeps.cancellation import Cancellation, lift, reason_of
from sweepstake.sweeps.plan import Batch, Plan
from sweepstake.sweeps.planned_sweep import open_planned, shared_tags, sweep_tags
from sweepstake.sweeps.recorder import Recorder
from sweepstake.sweeps.search_state import stopped_short, told_of_search
from sweepstake.sweeps.settlement import settle
from sweepstake.sweeps.trainer import Trainer
from sweepstake.wording.markup import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sweepstake.domain.spec import SweepSpec
    from sweepstake.domain.trial import Standing, TrialResult
    from sweepstake.gridfile.grid_file import GridFile
    from sweepstake.gridfile.search_space import SearchSpace
    from sweepstake.mlflow_client.runs import SweepRun
    from sweepstake.preflight.checks import Preflight
    from sweepstake.settings import Settings
    from sweepstake.sweeps.planned_sweep import PlannedSweep
    from sweepstake.sweeps.recorder import Begun


@dataclass(frozen=True, slots=True)
class Trained:
    """A batch that is done: its page in MLflow, and how many of its trials failed."""

    page: str
    failed: int


log = logging.getLogger(__name__)


@disk_faults()
def plan(
    drop: intake.Drop,
    settings: Settings,
    is_live: Callable[[str], bool] = lambda _: False,
    *,
    again: bool = False,
) -> tuple[Batch, ...]:
    """Check the grid file, stage its data, open its parent run and pack what is left to train.

    Trials that any sweep of the same model has finished on the same data are left out and shown as
    reused. What an interrupted attempt left unfinished is removed: those trials are trained again.
    ``is_live`` says of a sweep's id whether it is in work, ``again`` whether somebody asks for this
    sweep, for the first time or once more: then it begins now.

    Raises:
        OverlapError: a sweep that is in work and began before is about to train some of the trials;
            call again.
        DiskFullError: there is no space for the staged data; call again.
        GridFileError: the file has mistakes; they are also written beside it.
        TrackingUnavailableError: MLflow does not answer.
    """
    workspace = Workspace(settings.workspace)
    may_wait = not reason_of(workspace, drop.sweep)
    if may_wait:
        overlap.check_again(drop.sweep, is_live, workspace, asked=again)
    grid, checked = _read(drop, settings)
    digest = _stage(checked, workspace)
    portion = checked.waves[0].portion
    trials = draws.trials_of(grid.spec, digest, portion=portion)
    policy = str(grid.spec.promotion.backfill) if drop.backfill else ""
    own = sweep_tags(grid.spec, drop.snapshot, checked.table.span, policy)
    sweep = _open_sweep(drop, grid.spec, shared_tags(grid.spec, digest), own, settings)
    dataset = run_dataset(
        checked.table, digest, grid.spec.data.filled_source, len(checked.sides[1])
    )
    Tracking(settings.tracking_uri).log_dataset(sweep.run_id, dataset)
    done, reused = _known(sweep, trials, settings)
    if may_wait:
        left = {each.key for each in trials if each.number not in done | reused.keys()}
        overlap.check(sweep, left, is_live, settings)
    order = workload.order(trials, checked.trial_seconds, done | reused.keys())
    planned = Plan(
        sweep=drop.sweep,
        file=drop.file,
        snapshot=drop.snapshot,
        spec=grid.spec,
        experiment_id=sweep.experiment_id,
        parent_run_id=sweep.run_id,
        data_digest=digest,
        trial_count=checked.trial_count,
        order=order,
        reused=reused,
        backfill=policy,
        warnings=checked.warnings,
        dataset=dataset,
        waves=checked.waves,
        trial_seconds=checked.trial_seconds,
    )
    planned.save(workspace)
    budget.begin(workspace, planned, again=again)
    seconds, limits = checked.trial_seconds, grid.spec.limits
    ranges = workload.ranges(trials, seconds, order, limits, settings.slots)
    return workload.batches(drop.sweep, trials, order, ranges)


@disk_faults()
def train(
    batch: Batch,
    settings: Settings,
    follow: Callable[[], None] = lambda: None,
    *,
    again: bool = True,
) -> Trained:
    """Train, track and register the trials of a batch.

    A repeated call finds what an earlier one has finished and does only the rest; ``again`` says
    whether trials that failed belong to the rest. ``follow`` is called after each trial. A trial
    that hangs, takes too much memory or crashes its process fails alone. Once somebody has
    cancelled the sweep, the trial at hand is given up and no other begun; nor is one once its
    search has ended.

    Raises:
        DiskFullError: there is no space for a model; nothing is lost, call again.
        TrackingUnavailableError: MLflow does not answer; nothing is lost, call again.
    """
    from sweepstake.data.dataset import open_staged

    planned = open_planned(batch.sweep, settings)
    dataset = open_staged(
        planned.workspace.bring_data(planned.plan.data_digest), planned.plan.data_digest
    )
    trainer = Trainer(planned.spec, dataset, planned.workspace.template(batch.sweep))
    name = batch.name
    found = planned.tracking.deduplicate(planned.tracking.children(planned.sweep, name))
    left = {child.key: child for child in found}
    settled = SETTLED if again else SETTLED | {TrialState.FAILED}
    runs, failed = [], 0
    cancellation = Cancellation(planned.workspace, batch.sweep)
    left_over = Budget(planned.workspace, planned.plan)
    with Recorder(planned, name) as recorder, Worker(trainer) as worker:
        for number in planned.plan.numbers(batch.first, batch.last, batch.wave):
            if cancellation.reason or left_over.spent:
                break
            trial = planned.trials[number]
            child = left.get(trial.key)
            if child is None or child.state not in settled:
                begun = recorder.begin(trial, child)
                runs.append(begun.run)
                state, score = _train_trial(recorder, worker, begun, planned.spec, cancellation)
                left_over.note(score)
            else:
                state = child.state
                runs.append(child.run)
            failed += state is TrialState.FAILED
            follow()
    page = batch_url(settings.mlflow_pages, planned.sweep, mean_cv(planned.spec.metric), name)
    if len(runs) == 1:
        page = run_url(settings.mlflow_pages, planned.plan.experiment_id, runs[0].run_id)
    return Trained(page, failed)


@disk_faults()
def close(sweep_id: str, settings: Settings) -> str:
    """Compare plan and MLflow, rank and end the parent run; returns its page in MLflow.

    Whatever happened before, afterwards no child is RUNNING, none is doubled, every trial of the
    plan has a state, and the parent says how the sweep ended.

    Raises:
        CancelledError: somebody cancelled the sweep.
        SweepFailedError: more trials failed than ``limits.max_failed`` allows.
        NotFoundError: the sweep was never planned.
    """
    planned = open_planned(sweep_id, settings)
    cancelled = reason_of(planned.workspace, sweep_id)
    standings = settle(planned, cancelled)
    failed, tried = _counts(standings)
    tolerated = tried > 0 and planned.spec.limits.tolerates(failed, tried)
    with scratch() as folder:
        ranked = leaderboard(standings, planned.spec.metric)
        summary = report.summarise(
            ranked, planned.spec, planned.sweep, folder, planned.plan.warnings
        )
        told = cancelled or told_of_search(planned, standings)
        note = f"**{escaped(told)}**\n\n{summary.note}" if told else summary.note
        planned.tracking.share_view(planned.sweep, summary.view)
        stopped = stopped_short(planned)
        state = TrialState.COMPLETE if tolerated and not stopped else TrialState.FAILED
        if cancelled:
            state = TrialState.CANCELLED
        planned.tracking.close_sweep(planned.sweep, state, summary.metrics, note, folder)
    if cancelled:
        message = f"{cancelled} What is done stays. Go on by sweepstake retry."
        raise CancelledError(message)
    lift(planned.workspace, sweep_id)  # of somebody who came too late
    if state is not TrialState.COMPLETE:
        message = f"{sweep_id}: {_fault(planned, standings, stopped)}"
        raise SweepFailedError(message)
    return run_url(settings.mlflow_pages, planned.plan.experiment_id, planned.plan.parent_run_id)


def _fault(planned: PlannedSweep, standings: Sequence[Standing], stopped: str) -> str:
    """Why a sweep that nobody cancelled has failed, and the way out."""
    if stopped:
        return (
            f"its search must end for a reason, but {stopped} "
            "Read the log of its task ask; then retry the sweep."
        )
    if not standings:
        ended = budget.ended(planned.workspace, planned.plan)
        return f"at least one trial must begin, but none did. {ended} Raise search.max_time."
    failed, tried = _counts(standings)
    reasons = "Read their reasons on the parent run; then fix the grid file."
    if not tried:
        fitted = f"at least one trial must be fitted, but all {len(standings)} were skipped."
        return f"{fitted} {reasons}"
    most = f"at most {planned.spec.limits.max_failed:g} of the trials may fail (limits.max_failed)"
    return f"{most}, but {failed} of {tried} did. {reasons}"


def _counts(standings: Sequence[Standing]) -> tuple[int, int]:
    """How many trials failed, and of how many that were tried."""
    states = [standing.state for standing in standings]
    return states.count(TrialState.FAILED), len(states) - states.count(TrialState.SKIPPED)


def _read(drop: intake.Drop, settings: Settings) -> tuple[GridFile, Preflight]:
    """The checked grid file; its mistakes go beside it as well, for whoever dropped it."""
    from sweepstake.preflight import checks

    content = Workspace(settings.workspace).read_snapshot(drop.snapshot)
    watched = intake.is_watched(drop, settings)
    try:
        day = date.fromisoformat(drop.partition) if drop.partition else None
        grid, checked = checks.inspect(content, drop.file, settings, day)
    except GridFileError as error:
        if watched:
            reports.write(settings, drop.file, str(error))
        raise
    if watched:
        reports.clear(settings, drop.file)
    for warning in checked.warnings:
        log.warning("%s", printable(f"{drop.file}: {warning}"))
    return grid, checked


def _stage(checked: Preflight, workspace: Workspace) -> str:
    from sweepstake.data import dataset

    digest = dataset.stage(checked.table, checked.sides, workspace.data)
    workspace.share_data(digest)
    return digest


def _open_sweep(
    drop: intake.Drop,
    spec: SweepSpec,
    tags: dict[str, str],
    own: dict[str, str],
    settings: Settings,
) -> SweepRun:
    tracking = Tracking(settings.tracking_uri)
    Registry(settings.tracking_uri).ensure_model(spec.model)
    experiment = tracking.ensure_experiment(spec.model, mean_cv(spec.metric))
    return tracking.open_sweep(experiment, drop.sweep, tags, own)


def _known(
    sweep: SweepRun, trials: SearchSpace, settings: Settings
) -> tuple[set[int], dict[int, str]]:
    """Numbers this sweep has finished, and those of other sweeps' trials with their run ids."""
    tracking = Tracking(settings.tracking_uri)
    own = tracking.children(sweep)
    done = {child.number for child in own if child.state in SETTLED}
    for child in own:
        if child.state not in SETTLED:
            tracking.delete_run(child.run_id)
    missing = {trial.key: trial.number for trial in trials if trial.number not in done}
    digest = sweep.tags[Tag.DATA_DIGEST]
    found = tracking.completed(sweep.experiment_id, missing, digest)
    return done, {missing[key]: run_id for key, run_id in found.items()}


def _train_trial(
    recorder: Recorder, worker: Worker, begun: Begun, spec: SweepSpec, cancellation: Cancellation
) -> tuple[TrialState, float | None]:
    """Fit one trial; what became of it, and its score. What ends the fit is not the task's end."""
    run_id, folder = begun.run.run_id, recorder.folder(begun) / MODEL_FOLDER

    def fit() -> tuple[TrialResult, str]:
        result = worker.call("fit", begun.trial, limits=spec.limits, check=cancellation.check)
        if begun.trial.portion:
            return result, ""  # scored on a part of the data, it becomes no model
        shutil.rmtree(folder, ignore_errors=True)  # of a process that stood still
        return result, worker.call("write", run_id, folder)

    try:
        result, sha256 = repeat_once(fit)
    except CancelledError:
        recorder.give_up(begun)
        return TrialState.CANCELLED, None
    except InvalidPointError as error:
        recorder.skip(begun, str(error))
        return TrialState.SKIPPED, None
    except PermanentError as error:
        recorder.fail(begun, str(error))
        return TrialState.FAILED, None
    recorder.complete(begun, result, sha256)
    return TrialState.COMPLETE, result.metrics.get(mean_cv(spec.metric))
