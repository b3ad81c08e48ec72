"""Asking: the next wave of a search, chosen by the scores so far."""

from __future__ import annotations

import math
from itertools import count
from typing import TYPE_CHECKING

from sweepstake.domain.ranking import best
from sweepstake.domain.search import Method
from sweepstake.domain.tags import Tag
from sweepstake.storage.disk import disk_faults
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import asked_waves, budget, halving, overlap, tpe, workload
from sweepstake.sweeps.asked_waves import AskedWave
from sweepstake.sweeps.cancellation import reason_of
from sweepstake.sweeps.plan import Batch, Plan
from sweepstake.sweeps.planned_sweep import open_planned
from sweepstake.sweeps.settlement import stand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sweepstake.domain.trial import Standing
    from sweepstake.gridfile.search_space import Chosen
    from sweepstake.settings import Settings
    from sweepstake.sweeps.planned_sweep import PlannedSweep

NO_POINT = "Every point of the space was tried."


def more_waves(sweep_id: str, settings: Settings) -> int:
    """How many waves a planned sweep may have after its first one.

    Raises:
        NotFoundError: the sweep was never planned.
    """
    waves = Plan.load(Workspace(settings.workspace), sweep_id).waves
    return max(0, len(waves) - 1)


@disk_faults()
def ask(
    sweep_id: str, wave: int, settings: Settings, is_live: Callable[[str], bool] = lambda _: False
) -> tuple[Batch, ...] | None:
    """The batches of a wave, from 1, once the wave before it is trained; ``None`` after the last.

    What was chosen is kept: a repeated call has the same trials. ``is_live`` says of a sweep's id
    whether it is in work.

    Raises:
        NotFoundError: the sweep was never planned.
        OverlapError: a sweep that is in work and began before is about to train some of the trials;
            call again.
        TrackingUnavailableError: MLflow does not answer; nothing is lost, call again.
    """
    planned = open_planned(sweep_id, settings)
    plan = planned.plan
    beyond = wave >= len(plan.waves) or wave > len(plan.asked) + 1  # the one before was not asked
    if beyond or reason_of(planned.workspace, sweep_id):
        return None
    if wave == len(plan.asked) + 1 and not _choose(planned, wave, settings, is_live):
        return None
    return _batches(open_planned(sweep_id, settings), wave)


def later_waves(sweep_id: str, settings: Settings) -> Iterator[tuple[Batch, ...]]:
    """The batches of each wave after the first one, chosen once those before it are trained."""
    for wave in count(1):
        batches = ask(sweep_id, wave, settings)
        if batches is None:
            return
        yield batches


def _choose(
    planned: PlannedSweep, wave: int, settings: Settings, is_live: Callable[[str], bool]
) -> bool:
    """Choose and keep a wave, or end the search for a reason; whether there is a wave."""
    overlap.check_again(planned.plan.sweep, is_live, planned.workspace)
    standings = stand(planned)
    reason = _over(planned, standings)
    points: Sequence[Chosen] = ()
    if not reason:
        points, reason = _points(planned, standings, wave)
    if reason:
        budget.end(planned.workspace, planned.plan, reason)
        return False
    _keep(planned, points, wave, settings, is_live)
    return True


def _over(planned: PlannedSweep, standings: Sequence[Standing]) -> str:
    """Why no further wave is asked for; empty where one is."""
    workspace, plan, search = planned.workspace, planned.plan, planned.spec.search
    if told := budget.ended(workspace, plan):
        return told
    if budget.time_left(workspace, plan) <= 0:
        return budget.out_of_time(search)
    head = best(standings, planned.spec.metric)
    target, patience = search.stop.target, search.stop.patience
    if target is not None and head and head.metrics[plan.metric_name] >= target:
        return f"A trial reached the target of {target:g}."
    if patience is not None and _vain(planned, standings) >= patience:
        return f"No score was better in the last {patience} waves (search.stop.patience)."
    return ""


def _vain(planned: PlannedSweep, standings: Sequence[Standing]) -> int:
    """How many waves in a row, the last one included, brought no better score."""
    heads = [-math.inf] * (len(planned.plan.asked) + 1)
    for each in standings:
        score = each.metrics.get(planned.plan.metric_name, math.nan)
        if math.isfinite(score):
            heads[each.wave or 0] = max(heads[each.wave or 0], score)
    return len(heads) - 1 - heads.index(max(heads))


def _points(
    planned: PlannedSweep, standings: Sequence[Standing], wave: int
) -> tuple[Sequence[Chosen], str]:
    """The points of a wave, or why there are none."""
    size = planned.plan.waves[wave]
    if planned.spec.search.method is Method.HALVING:
        points: Sequence[Chosen] = halving.survivors(planned, standings, size)
        return points, "" if points else budget.NO_SCORE
    points = tpe.ask(planned, standings, wave, size.trials)
    return points, "" if points else NO_POINT


def _keep(
    planned: PlannedSweep,
    points: Sequence[Chosen],
    wave: int,
    settings: Settings,
    is_live: Callable[[str], bool],
) -> None:
    """Store a wave with its batches; trials that are trained already are left out."""
    plan, first = planned.plan, len(planned.trials)
    known = AskedWave(tuple(points), (), {}, ())
    trials = plan.with_wave(known).trials
    keys = {trials[number].key: number for number in range(first, len(trials))}
    found = planned.tracking.completed(
        plan.experiment_id, keys, planned.sweep.tags[Tag.DATA_DIGEST]
    )
    overlap.check(planned.sweep, keys.keys() - found, is_live, settings)
    reused = {keys[key]: run_id for key, run_id in found.items()}
    order = workload.order(trials, plan.trial_seconds, reused.keys(), first)
    limits = planned.spec.limits
    slots = settings.slots
    ranges = workload.ranges(trials, plan.trial_seconds, order, limits, slots)
    asked = AskedWave(tuple(points), order, reused, ranges)
    asked_waves.keep(asked, plan.search_folder, wave, planned.workspace)


def _batches(planned: PlannedSweep, wave: int) -> tuple[Batch, ...]:
    """The batches of a wave that was asked for."""
    asked = planned.plan.asked[wave - 1]
    return workload.batches(planned.plan.sweep, planned.trials, asked.order, asked.ranges, wave)
