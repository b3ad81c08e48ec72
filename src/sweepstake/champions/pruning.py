"""Pruning: what nobody needs any more is found, shown, and deleted if somebody says so.

It is never what an alias, the ledger, a version that waits for its verdict or a sweep in work
needs, nor a model of a sweep whose versions compete as of their day.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sweepstake.domain.ranking import order
from sweepstake.domain.spec import BackfillPolicy
from sweepstake.errors import NotFoundError
from sweepstake.mlflow_client.model_version import PENDING
from sweepstake.mlflow_client.registry import Registry
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps.plan import Plan
from sweepstake.sweeps.provenance import trained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sweepstake.domain.spec import Keep
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.mlflow_client.runs import Child
    from sweepstake.settings import Settings

DAY_SECONDS = 86_400
YOUNG_SECONDS = DAY_SECONDS
"""For so long a staged data set is kept in any case: a sweep may just be about to use it."""


class Kind(StrEnum):
    """What is pruned."""

    MODEL = "model files"
    DATA = "staged data"
    TEMPLATE = "model template"


@dataclass(frozen=True, slots=True)
class Prunable:
    """Something that may be deleted: its bytes, and why nobody needs it.

    ``name`` is the digest of a data set, the id of a sweep, or that of a run of ``model``.
    """

    kind: Kind
    name: str
    size: int
    why: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A planned sweep: when it ended, in seconds since the epoch, and its versions by their runs.

    ``end`` is infinite while it is in work.
    """

    plan: Plan
    end: float
    versions: Mapping[str, Version]

    @property
    def is_open(self) -> bool:
        """Whether it is in work, a version waits for its verdict, or its day may be replayed."""
        replayed = self.plan.backfill == BackfillPolicy.AS_OF
        waits = any(each.decision == PENDING for each in self.versions.values())
        return math.isinf(self.end) or replayed or waits


def find(settings: Settings, keep: Keep | None = None) -> tuple[Prunable, ...]:
    """What may be deleted; ``keep`` is the policy for sweeps whose grid file has none.

    Raises:
        TransientError: MLflow or the workspace does not answer.
    """
    survey = _Survey(settings)
    return (*survey.models(keep), *survey.data(), *survey.templates())


def prune(found: Iterable[Prunable], settings: Settings) -> None:
    """Delete what was found, save what came into use meanwhile; a repeated call does the rest.

    Raises:
        TransientError: MLflow, the artifact store or the workspace does not answer.
    """
    registry, workspace = Registry(settings.tracking_uri), Workspace(settings.workspace)
    for each in found:
        if each.kind is Kind.MODEL:
            _prune_model(each, registry)
        elif each.kind is Kind.TEMPLATE:
            workspace.remove_template(each.name)
        elif not _is_young(each.name, workspace):
            workspace.remove_data(each.name)


def _prune_model(item: Prunable, registry: Registry) -> None:
    versions = registry.of_runs(item.model, [item.name])
    if not registry.in_use(item.model).isdisjoint(each.version for each in versions):
        return
    for version in versions:
        registry.note_pruned(version)
    registry.files.remove(item.name)


def _is_young(digest: str, workspace: Workspace) -> bool:
    return time.time() - workspace.staged(digest) < YOUNG_SECONDS


class _Survey:
    """All sweeps of a workspace, looked at once."""

    def __init__(self, settings: Settings) -> None:
        self._registry = Registry(settings.tracking_uri)
        self._tracking = Tracking(settings.tracking_uri)
        self._workspace = Workspace(settings.workspace)
        self._in_use: dict[str, frozenset[str]] = {}
        looked = {each: self._look(each) for each in self._workspace.sweeps()}
        self._sweeps = {name: sweep for name, sweep in looked.items() if sweep}
        self._is_complete = len(looked) == len(self._sweeps)

    def models(self, keep: Keep | None) -> Iterator[Prunable]:
        """The model files of trials that lost, by the policy of each sweep."""
        for name, sweep in self._sweeps.items():
            policy = sweep.plan.spec.keep or keep
            if policy is None or sweep.is_open:
                continue
            if time.time() - sweep.end >= policy.days * DAY_SECONDS:
                why = f"not among the {policy.top} best of {name}"
                for trial in self._losers(sweep, policy.top):
                    if size := self._registry.files.size(trial.run_id):
                        yield Prunable(Kind.MODEL, trial.run_id, size, why, sweep.plan.model)

    def data(self) -> Iterator[Prunable]:
        """The data sets that no sweep, champion or replay needs; none if a plan is unreadable."""
        needed = {
            sweep.plan.data_digest
            for sweep in self._sweeps.values()
            if sweep.is_open or any(map(self._serves, sweep.versions.values()))
        }
        for digest, size in self._workspace.data_sets().items():
            spare = self._is_complete and digest not in needed
            if spare and not _is_young(digest, self._workspace):
                yield Prunable(Kind.DATA, digest, size, "of no sweep in work and of no champion")

    def templates(self) -> Iterator[Prunable]:
        """The templates of sweeps that have ended; a retry makes them again."""
        for name, size in self._workspace.templates().items():
            if name in self._sweeps and math.isfinite(self._sweeps[name].end):
                yield Prunable(Kind.TEMPLATE, name, size, "of a sweep that has ended")

    def _look(self, sweep_id: str) -> Surveyed | None:
        try:
            plan = Plan.load(self._workspace, sweep_id)
        except NotFoundError:  # of an earlier release, by whose rules its grid file was right
            return None
        ended = self._tracking.ended(plan.parent_run_id)
        versions = self._registry.versions(plan.model, sweep_id)
        end = math.inf if ended is None else ended / 1000
        return Surveyed(plan, end, {each.run_id: each for each in versions})

    def _losers(self, sweep: Surveyed, top: int) -> Iterator[Child]:
        """The trials of a sweep that neither are among its best nor were champion.

        The workspace knows which runs are its own: anybody may write others into the experiment.
        """
        own = {run_id for run_id, _ in trained(self._workspace, sweep.plan.sweep)}
        trials = self._tracking.runs(sweep.plan.experiment_id, own)
        name = sweep.plan.metric_name
        ranked = sorted(trials, key=lambda each: order(each.metrics.get(name), each.number))
        for trial in ranked[top:]:
            version = sweep.versions.get(trial.run_id)
            if version is None or not self._serves(version):
                yield trial

    def _serves(self, version: Version) -> bool:
        if version.model not in self._in_use:
            self._in_use[version.model] = self._registry.in_use(version.model)
        return version.version in self._in_use[version.model]
