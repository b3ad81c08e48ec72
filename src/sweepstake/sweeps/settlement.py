"""Settlement: every trial of a plan with the state it is in, and mending what faults left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from sweepstake.domain.promotion import Verdict
from sweepstake.domain.ranking import order
from sweepstake.domain.spec import BackfillPolicy
from sweepstake.domain.tags import Tag
from sweepstake.domain.trial import SETTLED, Standing, TrialState
from sweepstake.mlflow_client.run_names import shown
from sweepstake.sweeps import budget, provenance
from sweepstake.sweeps.cancellation import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sweepstake.domain.trial import Trial
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.mlflow_client.runs import Child
    from sweepstake.sweeps.planned_sweep import PlannedSweep

    Missing = tuple[TrialState, str] | None
    """What a trial without a run is; ``None`` where it is no trial, as the search ended before."""

ORPHANED = "Its task ended before the trial did, on every attempt. Retry the sweep."
NEVER_STARTED = "Its task never began to train it. Retry the sweep."
NOTHING = (TrialState.PENDING, "")
WRITERS = 4
"""Versions that are registered at the same time."""


def settle(planned: PlannedSweep, cancelled: str = "") -> tuple[Standing, ...]:
    """One final standing for each trial of the plan, by number; of an ended search, that began.

    ``cancelled`` is why trials were not trained, where the sweep was cancelled; the runs that are
    open then are removed.

    Doubled runs and versions are removed, runs left open are ended as FAILED, and the versions that
    the grid file asks for (`register`) are registered where they are not: because of a fault, or as
    an earlier sweep trained them and did not register them, or as their model was deleted.
    """
    children = planned.tracking.deduplicate(planned.tracking.children(planned.sweep))
    if cancelled:
        children = tuple(_without_open(planned, children))
    by_key = _by_key(planned, tuple(_end(planned, child) for child in children))
    versions = _register(planned, by_key)
    lost: Missing = (TrialState.FAILED, NEVER_STARTED)
    if cancelled:
        lost = (TrialState.CANCELLED, cancelled)
    elif budget.ended(planned.workspace, planned.plan):
        lost = None
    return tuple(_standings(planned, by_key, versions, lost))


def stand(planned: PlannedSweep) -> tuple[Standing, ...]:
    """The standing of each trial at this moment, by number; changes nothing."""
    by_key = _by_key(planned, planned.tracking.children(planned.sweep))
    versions = _present(planned, by_key, planned.versions())
    cancelled = reason_of(planned.workspace, planned.plan.sweep)
    missing: Missing = (TrialState.CANCELLED if cancelled else TrialState.PENDING, cancelled)
    if not cancelled and budget.ended(planned.workspace, planned.plan):
        missing = None
    return tuple(_standings(planned, by_key, versions, missing))


def judged_before(planned: PlannedSweep, ranked: Sequence[Standing]) -> str:
    """What was decided about the best trial in an earlier sweep, empty where it was not.

    A trial that is trained and judged is not contested again: it is the same evidence.
    """
    best = next(iter(ranked), None)
    if best is None or not best.reused_from or not best.version:
        return ""
    version = planned.registry.version(planned.spec.model, best.version)
    if version.decision not in set(Verdict):
        return ""
    reason = version.tags.get(Tag.REASON, "")
    told = f"Its best, v{best.version}, was judged in sweep {version.sweep}: {reason}"
    if version.decision != Verdict.KEEP:
        return told
    knowingly = f"sweepstake champion {planned.spec.model} --replace --to v{best.version} --why ..."
    return f"{told} Put it into service knowingly by {knowingly}"


def _by_key(planned: PlannedSweep, children: Iterable[Child]) -> dict[str, Child]:
    """The trials that this sweep trained, and those of earlier ones that it shows, by key."""
    numbers = {run_id: number for number, run_id in planned.plan.reused.items()}
    reused = planned.tracking.runs(planned.plan.experiment_id, numbers)
    shown = (replace(child, number=numbers[child.run_id]) for child in reused)
    return {child.key: child for child in (*shown, *children)}


def _without_open(planned: PlannedSweep, children: Iterable[Child]) -> Iterator[Child]:
    """The children that are over; what killed tasks of a cancelled sweep left open is removed."""
    for child in children:
        if child.state in SETTLED | {TrialState.FAILED}:
            yield child
        else:
            planned.tracking.delete_run(child.run_id)


def _end(planned: PlannedSweep, child: Child) -> Child:
    """A child that is over: one still open has lost its task."""
    if child.state in SETTLED | {TrialState.FAILED}:
        return child
    planned.tracking.finish(child.run_id, TrialState.FAILED, ORPHANED)
    return replace(child, state=TrialState.FAILED, reason=ORPHANED)


def _register(planned: PlannedSweep, by_key: Mapping[str, Child]) -> dict[str, Version]:
    """Version by trial key, after registering what should be a version and is none."""
    live = {child.run_id for child in by_key.values()}
    present = _present(planned, by_key, planned.registry.deduplicate(planned.versions(), live))
    _enter(planned, present.values())
    own = _trained_here(planned, by_key.values())
    missing = [child for child in _wanted(planned, own) if child.key not in present]
    with ThreadPoolExecutor(WRITERS) as pool:
        made = pool.map(lambda child: _as_version(planned, child), missing)
        return present | {version.trial_key: version for version in made}


def _as_version(planned: PlannedSweep, child: Child) -> Version:
    return planned.register(child, child.run_id, child.metrics, child.sha256)


def _trained_here(planned: PlannedSweep, children: Iterable[Child]) -> tuple[Child, ...]:
    """The children whose models this workspace knows; those of earlier sweeps it notes again."""
    found = tuple(children)
    sweeps = {child.sweep for child in found}
    models = {pair for sweep in sweeps for pair in provenance.trained(planned.workspace, sweep)}
    known = tuple(child for child in found if (child.run_id, child.sha256) in models)
    reused = {child.run_id: child.sha256 for child in known if child.sweep != planned.plan.sweep}
    if reused:
        provenance.note(planned.workspace, planned.plan.sweep, "reused", reused)
    return known


def _present(
    planned: PlannedSweep, by_key: Mapping[str, Child], own: Iterable[Version]
) -> dict[str, Version]:
    """Version by trial key: the sweep's ``own``, and those that earlier sweeps made of their runs.

    A reused trial whose run is a version is registered: a second one would be the same model.
    """
    reused = set(planned.plan.reused.values())
    keys = {child.run_id: key for key, child in by_key.items() if child.run_id in reused}
    earlier = planned.registry.of_runs(planned.spec.model, keys)
    found = {keys[version.run_id]: version for version in earlier}
    return found | {version.trial_key: version for version in own}


def _enter(planned: PlannedSweep, kept: Iterable[Version]) -> None:
    """Let versions that a backfill made before compete for what this run competes for."""
    for version in kept if not planned.plan.backfill else ():
        if version.tags.get(Tag.BACKFILL, BackfillPolicy.LIVE) != BackfillPolicy.LIVE:
            planned.registry.enter(version)


def _wanted(planned: PlannedSweep, children: Iterable[Child]) -> tuple[Child, ...]:
    """The trained children that `register` asks for: all of them, or the best."""
    trained = [child for child in children if child.state is TrialState.COMPLETE]
    trained.sort(key=lambda child: order(child.metrics[planned.plan.metric_name], child.number))
    return tuple(trained[: planned.spec.register_top])


def _standings(
    planned: PlannedSweep,
    by_key: Mapping[str, Child],
    versions: Mapping[str, Version],
    missing: Missing,
) -> Iterable[Standing]:
    waves = planned.plan.wave_of_each()
    for trial in planned.trials:
        child, version = by_key.get(trial.key), versions.get(trial.key)
        if child is None and missing is None:
            continue
        state, reason = (child.state, child.reason) if child else missing or NOTHING
        yield Standing(
            number=trial.number,
            key=trial.key,
            state=state,
            estimator=trial.estimator.name,
            params=_given(trial),
            metrics=child.metrics if child else {},
            run_id=child.run_id if child else "",
            reason=reason,
            version=version.version if version else "",
            reused_from=planned.plan.reused.get(trial.number, ""),
            run_of=child.sweep if child else "",
            batch=child.batch if child else "",
            started=child.started if child else 0,
            ended=child.ended if child else 0,
            wave=waves[trial.number] if waves else None,
            rung=trial.portion.rung if trial.portion else None,
            part=trial.portion.words if trial.portion else "",
        )


def _given(trial: Trial) -> dict[str, str]:
    return {name: shown(value) for name, value in trial.estimator.params.items()}
