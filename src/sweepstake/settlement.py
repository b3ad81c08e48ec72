"""Settlement: every trial of a plan with the state it is in, and mending what faults left."""

from __future__ import annotations

from dataclasses import replace
from math import isnan
from typing import TYPE_CHECKING

from sweepstake.runs import shown
from sweepstake.spec import BackfillPolicy
from sweepstake.trial import Standing, TrialState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sweepstake.modelversion import Version
    from sweepstake.runs import Child
    from sweepstake.trial import Trial
    from sweepstake.workbench import Workbench

ORPHANED = "Its task ended before the trial did, on every attempt. Retry the sweep."
NEVER_STARTED = "Its task never began to train it. Retry the sweep."


def settle(bench: Workbench) -> tuple[Standing, ...]:
    """One final standing for each trial of the plan, by number.

    Doubled runs and versions are removed, runs left open are ended as FAILED, and the versions that
    the grid file asks for (`register`) are registered where a fault kept them from it.
    """
    children = bench.tracking.deduplicate(bench.tracking.children(bench.sweep))
    ended = tuple(_end(bench, child) for child in children)
    versions = _register(bench, ended)
    lost = (TrialState.FAILED, NEVER_STARTED)
    return tuple(_standings(bench, ended, versions, lost))


def stand(bench: Workbench) -> tuple[Standing, ...]:
    """The standing of each trial at this moment, by number; changes nothing."""
    versions = {version.trial_key: version.version for version in bench.versions()}
    children = bench.tracking.children(bench.sweep)
    return tuple(_standings(bench, children, versions, (TrialState.PENDING, "")))


def _end(bench: Workbench, child: Child) -> Child:
    """A child that is over: one still open has lost its task."""
    if child.state in {TrialState.COMPLETE, TrialState.FAILED}:
        return child
    bench.tracking.finish(child.run_id, TrialState.FAILED, ORPHANED)
    return replace(child, state=TrialState.FAILED, reason=ORPHANED)


def _register(bench: Workbench, children: Iterable[Child]) -> dict[str, str]:
    """Version by trial key, after registering what should be a version and is none."""
    live = {child.run_id for child in children}
    kept = bench.registry.deduplicate(bench.versions(), live)
    _enter(bench, kept)
    versions = {version.trial_key: version.version for version in kept}
    for child in _wanted(bench, children):
        if child.key not in versions:
            version = bench.register(child, child.run, child.metrics, child.sha256)
            versions[child.key] = version.version
    return versions


def _enter(bench: Workbench, kept: Iterable[Version]) -> None:
    """Let versions that a backfill made before compete for what this run competes for."""
    for version in kept if not bench.plan.backfill else ():
        if version.tags.get("sweepstake.backfill", BackfillPolicy.LIVE) != BackfillPolicy.LIVE:
            bench.registry.enter(version)


def _wanted(bench: Workbench, children: Iterable[Child]) -> tuple[Child, ...]:
    """The trained children that `register` asks for: all of them, or the best."""
    trained = [child for child in children if child.state is TrialState.COMPLETE]
    score = {child.key: child.metrics[bench.metric_name] for child in trained}
    trained.sort(key=lambda child: (isnan(score[child.key]), -score[child.key], child.number))
    return tuple(trained[: bench.spec.register_top])


def _standings(
    bench: Workbench,
    children: Iterable[Child],
    versions: Mapping[str, str],
    missing: tuple[TrialState, str],
) -> Iterable[Standing]:
    by_key = {**_reused(bench), **{child.key: child for child in children}}
    for trial in bench.trials:
        child = by_key.get(trial.key)
        state, reason = (child.state, child.reason) if child else missing
        yield Standing(
            number=trial.number,
            key=trial.key,
            state=state,
            estimator=trial.estimator.name,
            params=_given(trial),
            metrics=child.metrics if child else {},
            run_id=child.run_id if child else "",
            reason=reason,
            version=versions.get(trial.key, ""),
            reused_from=bench.plan.reused.get(trial.number, ""),
        )


def _given(trial: Trial) -> dict[str, str]:
    return {name: shown(value) for name, value in trial.estimator.params.items()}


def _reused(bench: Workbench) -> dict[str, Child]:
    """The trials of earlier sweeps that this one shows, by key."""
    runs = bench.tracking.runs(bench.plan.experiment_id, bench.plan.reused.values())
    return {child.key: child for child in runs}
