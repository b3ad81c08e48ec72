"""The plan of a sweep: which trials are left to train, in which order, tracked where."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec_record import record_of, spec_of
from sweepstake.domain.tags import mean_cv
from sweepstake.errors import GridFileError, NotFoundError
from sweepstake.mlflow_client.run_datasets import RunDataset
from sweepstake.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.domain.spec import SweepSpec
    from sweepstake.storage.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Batch:
    """The trials ``order[first:last + 1]`` of a plan, trained by one task.

    ``label`` names the batch for people; it is the only part that a list of batches repeats.
    """

    sweep: str
    first: int
    last: int
    label: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``plan`` decided; whatever comes after it follows it, and reads no grid file again.

    ``spec`` is on the day of the data, where they are kept by day. ``order`` lists the numbers of
    the trials to train; ``reused`` maps the numbers of those that an earlier sweep already trained
    to their run ids. ``backfill`` is the policy for versions of a backfilled day, empty for those
    that compete for the champion in service anyway.
    """

    sweep: str
    file: str
    snapshot: str
    spec: SweepSpec
    experiment_id: str
    parent_run_id: str
    data_digest: str
    trial_count: int
    order: tuple[int, ...]
    reused: Mapping[int, str]
    backfill: str = ""
    warnings: tuple[str, ...] = ()
    """What deserves a look in the data."""
    dataset: RunDataset | None = None
    """What runs say of the data; ``None`` in plans of earlier releases."""

    @property
    def model(self) -> str:
        """The registered model of its versions."""
        return self.spec.model

    @property
    def metric_name(self) -> str:
        """The metric that trials are ranked by, as it is named on their runs."""
        return mean_cv(self.spec.metric)

    @property
    def partition(self) -> str:
        """The day of the data, empty where they are not kept by day."""
        return str(self.spec.data.partition or "")

    def save(self, workspace: Workspace) -> None:
        """Store the plan under its sweep's name, and that its model is one of this workspace."""
        record = {field.name: getattr(self, field.name) for field in fields(self)}
        record |= {
            "spec": record_of(self.spec),
            "dataset": asdict(self.dataset) if self.dataset else None,
        }
        workspace.write_record(_record_name(self.sweep), record)
        digest = hashlib.sha256(self.model.encode()).hexdigest()
        workspace.write_record(f"models/{digest}", {"model": self.model})

    @classmethod
    def load(cls, workspace: Workspace, sweep_id: str) -> Plan:
        """Read the plan of a sweep.

        Raises:
            NotFoundError: the sweep was never planned in this workspace.
        """
        record = workspace.read_record(_record_name(sweep_id))
        if "spec" not in record:
            record = _with_spec(record, workspace)
        record["spec"] = spec_of(record["spec"])
        record["order"] = tuple(record["order"])
        record["dataset"] = RunDataset(**record["dataset"]) if record.get("dataset") else None
        record["warnings"] = tuple(record.get("warnings", ()))
        record["reused"] = {int(number): run for number, run in record["reused"].items()}
        return cls(**record)


def planned_models(workspace: Workspace) -> tuple[str, ...]:
    """The registered models that sweeps of this workspace train, sorted."""
    return tuple(sorted(record["model"] for record in workspace.records("models")))


def _record_name(sweep_id: str) -> str:
    return f"sweeps/{sweep_id}/plan"


def _with_spec(record: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    """The record of a plan that an earlier release wrote: its spec is read from the snapshot.

    Raises:
        NotFoundError: the grid file has mistakes by the rules of this release.
    """
    from sweepstake.gridfile import loader

    kept = {name: value for name, value in record.items() if name not in {"model", "partition"}}
    content, day = workspace.read_snapshot(record["snapshot"]), record.get("partition")
    try:
        spec = loader.parse(content, record["file"], load_settings()).spec
    except GridFileError as error:
        message = f"{record['sweep']}: its grid file must be right for this release, but is not: "
        message += f"{error} Correct it and submit it again."
        raise NotFoundError(message) from None
    return {**kept, "spec": record_of(spec.at(date.fromisoformat(day) if day else None))}
