"""The workbench: what every task of a planned sweep needs at hand."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sweepstake.domain.revision import training_tag
from sweepstake.gridfile import loader, search_space
from sweepstake.mlflow_client.registry import Registry
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
class Workbench:
    """A planned sweep with its trials and the places where they are tracked and registered."""

    plan: Plan
    spec: SweepSpec
    trials: SearchSpace
    sweep: SweepRun
    tracking: Tracking
    registry: Registry
    workspace: Workspace

    @property
    def metric_name(self) -> str:
        """The figure that trials are ranked by, as it is named on their runs."""
        return f"mean_cv_{self.spec.metric}"

    def versions(self) -> tuple[Version, ...]:
        """The versions of this execution; one on other data may have registered its own.

        Those that only say to be of this sweep are none of them.
        """
        provenance = Provenance(self.workspace)
        versions = self.registry.versions(self.spec.model, self.plan.sweep)
        found = filter(provenance.is_own, versions)
        digest = self.plan.data_digest
        return tuple(each for each in found if each.tags.get("sweepstake.data_digest") == digest)

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
            "sweepstake.sweep": self.plan.sweep,
            "sweepstake.trial_key": trial.key,
            "sweepstake.trial_number": str(trial.number),
            "sweepstake.metric": self.spec.metric,
            "sweepstake.cv_score": repr(float(metrics[self.metric_name])),
            **_score_tag(metrics.get(f"test_{self.spec.metric}")),
            "sweepstake.sha256": sha256,
            "sweepstake.data_digest": self.plan.data_digest,
            **_if_any("sweepstake.partition", self.plan.partition),
            **_if_any("sweepstake.backfill", self.plan.backfill),
        }


def open_workbench(sweep_id: str, settings: Settings) -> Workbench:
    """The workbench of a sweep that was planned in this workspace.

    Raises:
        NotFoundError: the sweep was never planned.
    """
    workspace = Workspace(settings.workspace)
    plan = Plan.load(workspace, sweep_id)
    spec = loader.parse(workspace.read_snapshot(plan.snapshot), plan.file, settings).spec.at(
        plan.day
    )
    tags = shared_tags(spec, plan.data_digest)
    return Workbench(
        plan=plan,
        spec=spec,
        trials=search_space.trials(spec, plan.data_digest),
        sweep=SweepRun(plan.experiment_id, plan.parent_run_id, sweep_id, tags),
        tracking=Tracking(settings.tracking_uri),
        registry=Registry(settings.tracking_uri),
        workspace=workspace,
    )


def shared_tags(spec: SweepSpec, data_digest: str) -> dict[str, str]:
    """The tags that a sweep's parent shares with all its children."""
    return {
        "sweepstake.data_digest": data_digest,
        "sweepstake.metric": spec.metric,
        "sweepstake.seed": str(spec.seed),
        **_if_any("sweepstake.partition", str(spec.data.partition or "")),
        **library_tags(),
    }


def sweep_tags(
    spec: SweepSpec, snapshot: str, span: Span | None = None, backfill: str = ""
) -> dict[str, str]:
    """The tags that only the parent has; ``span`` tells the rows of a partition."""
    rows = (
        {f"sweepstake.{name}": str(value) for name, value in asdict(span).items()} if span else {}
    )
    return {
        **{name: value for name, value in rows.items() if value},
        **_if_any("sweepstake.backfill", backfill),
        "sweepstake.data": spec.data.filled_source,
        "sweepstake.grid_digest": snapshot,
        "sweepstake.model": spec.model,
        "sweepstake.name": spec.name,
        **training_tag(),
    }


def _if_any(name: str, value: str) -> dict[str, str]:
    """A tag, unless its value is empty: MLflow's pages show empty ones as well."""
    return {name: value} if value else {}


def _score_tag(score: float | None) -> dict[str, str]:
    """The score on the holdout of the version's own sweep, where it has one."""
    return {} if score is None else {"sweepstake.test_score": repr(float(score))}
