"""A planned sweep: what each of its tasks needs at hand."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sweepstake.domain.revision import training_tag
from sweepstake.domain.tags import Tag, on_holdout, own
from sweepstake.mlflow_client.axes import axes_of
from sweepstake.mlflow_client.registry import Registry
from sweepstake.mlflow_client.run_names import naming_of
from sweepstake.mlflow_client.runs import SweepRun, library_tags
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps.plan import Plan
from sweepstake.sweeps.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.data.partitions import Span
    from sweepstake.domain.spec import SweepSpec
    from sweepstake.domain.trial import Trial
    from sweepstake.gridfile.search_space import SearchSpace
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.mlflow_client.runs import Child
    from sweepstake.settings import Settings


@dataclass(frozen=True, slots=True)
class PlannedSweep:
    """A planned sweep with its trials and the places where they are tracked and registered."""

    plan: Plan
    trials: SearchSpace
    sweep: SweepRun
    tracking: Tracking
    registry: Registry
    workspace: Workspace

    @property
    def spec(self) -> SweepSpec:
        """What the grid file says, on the day of the data."""
        return self.plan.spec

    def versions(self) -> tuple[Version, ...]:
        """The versions of this execution; one on other data may have registered its own.

        Those that only say to be of this sweep are none of them.
        """
        provenance = Provenance(self.workspace)
        versions = self.registry.versions(self.spec.model, self.plan.sweep)
        found = filter(provenance.is_own, versions)
        digest = self.plan.data_digest
        return tuple(each for each in found if each.tags.get(Tag.DATA_DIGEST) == digest)

    def register(
        self, trial: Trial | Child, run_id: str, metrics: Mapping[str, float], sha256: str
    ) -> Version:
        """Make the model of a trained trial a version of the sweep's model, once."""
        tags = self.version_tags(trial, metrics, sha256)
        return self.registry.register(self.spec.model, run_id, tags)

    def version_tags(
        self, trial: Trial | Child, metrics: Mapping[str, float], sha256: str
    ) -> dict[str, str]:
        """What a version of the trial's model says of its origin."""
        return {
            Tag.SWEEP: self.plan.sweep,
            Tag.TRIAL_KEY: trial.key,
            Tag.TRIAL_NUMBER: str(trial.number),
            Tag.METRIC: self.spec.metric,
            Tag.CV_SCORE: repr(float(metrics[self.plan.metric_name])),
            **_score_tag(metrics.get(on_holdout(self.spec.metric))),
            Tag.SHA256: sha256,
            Tag.DATA_DIGEST: self.plan.data_digest,
            **_if_any(Tag.PARTITION, self.plan.partition),
            **_if_any(Tag.BACKFILL, self.plan.backfill),
        }


def open_planned(sweep_id: str, settings: Settings) -> PlannedSweep:
    """A sweep that was planned in this workspace, with all that its tasks need.

    Raises:
        NotFoundError: the sweep was never planned.
    """
    workspace = Workspace(settings.workspace)
    plan = Plan.load(workspace, sweep_id)
    trials = plan.trials
    return PlannedSweep(
        plan=plan,
        trials=trials,
        sweep=SweepRun(
            experiment_id=plan.experiment_id,
            run_id=plan.parent_run_id,
            sweep_id=sweep_id,
            tags=shared_tags(plan.spec, plan.data_digest),
            naming=naming_of(trials),
            axes=axes_of(trials),
            dataset=plan.dataset,
        ),
        tracking=Tracking(settings.tracking_uri),
        registry=Registry(settings.tracking_uri),
        workspace=workspace,
    )


def shared_tags(spec: SweepSpec, data_digest: str) -> dict[str, str]:
    """The tags that a sweep's parent shares with all its children."""
    return {
        Tag.DATA_DIGEST: data_digest,
        Tag.METRIC: spec.metric,
        Tag.SEED: str(spec.seed),
        **_if_any(Tag.PARTITION, str(spec.data.partition or "")),
        **library_tags(),
    }


def sweep_tags(
    spec: SweepSpec, snapshot: str, span: Span | None = None, backfill: str = ""
) -> dict[str, str]:
    """The tags that only the parent has; ``span`` tells the rows of a partition."""
    rows = {own(name): str(value) for name, value in asdict(span).items()} if span else {}
    return {
        **{name: value for name, value in rows.items() if value},
        **_if_any(Tag.BACKFILL, backfill),
        Tag.DATA: spec.data.filled_source,
        Tag.GRID_DIGEST: snapshot,
        Tag.MODEL: spec.model,
        Tag.NAME: spec.name,
        **training_tag(),
    }


def _if_any(name: str, value: str) -> dict[str, str]:
    """A tag, unless its value is empty: MLflow's pages show empty ones as well."""
    return {name: value} if value else {}


def _score_tag(score: float | None) -> dict[str, str]:
    """The score on the holdout of the version's own sweep, where it has one."""
    return {} if score is None else {Tag.TEST_SCORE: repr(float(score))}
