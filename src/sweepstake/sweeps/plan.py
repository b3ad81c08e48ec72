"""The plan of a sweep: which trials are left to train, in which order, tracked where."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from sweepstake.domain.search import Portion
from sweepstake.domain.spec_record import record_of, spec_of
from sweepstake.domain.tags import mean_cv
from sweepstake.domain.waves import Wave
from sweepstake.errors import GridFileError, NotFoundError
from sweepstake.gridfile.draws import trials_of
from sweepstake.gridfile.fit_seconds import FitSeconds
from sweepstake.mlflow_client.run_datasets import RunDataset
from sweepstake.settings import load_settings
from sweepstake.sweeps import asked_waves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.domain.spec import SweepSpec
    from sweepstake.gridfile.search_space import SearchSpace
    from sweepstake.storage.workspace import Workspace
    from sweepstake.sweeps.asked_waves import AskedWave


@dataclass(frozen=True, slots=True)
class Batch:
    """The trials ``order[first:last + 1]`` of a wave of a plan, trained by one task.

    ``label`` names the batch for people; it is the only part that a list of batches repeats.
    """

    sweep: str
    first: int
    last: int
    label: str
    wave: int = 0

    @property
    def name(self) -> str:
        """What tells it from the other batches of its sweep: ``4``, or ``2-4`` in a later wave."""
        return f"{self.wave}-{self.first}" if self.wave else str(self.first)


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
    waves: tuple[Wave, ...] = ()
    trial_seconds: tuple[FitSeconds, ...] = ()
    asked: tuple[AskedWave, ...] = ()

    @property
    def search_folder(self) -> str:
        """Where the records of its search are: one on other data has its own."""
        return f"sweeps/{self.sweep}/search-{self.parent_run_id}"

    @property
    def trials(self) -> SearchSpace:
        """The trials that are chosen so far."""
        portion = self.waves[0].portion if self.waves else None
        later = [each.points for each in self.asked]
        return trials_of(self.spec, self.data_digest, later, portion)

    def wave_of_each(self) -> list[int]:
        """The wave of each trial, by number; none where all are chosen at once."""
        first = len(self.trials) - sum(len(each.points) for each in self.asked)
        sizes = [first, *(len(each.points) for each in self.asked)]
        return [at for at, size in enumerate(sizes) for _ in range(size)] if self.waves else []

    def numbers(self, first: int, last: int, wave: int = 0) -> tuple[int, ...]:
        """The numbers of the trials at these positions of a wave's order."""
        order = self.asked[wave - 1].order if wave else self.order
        return order[first : last + 1]

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
        del record["asked"]  # kept one by one
        if len(self.waves) > 1:
            record["waves"] = [asdict(wave) for wave in self.waves]
            record["trial_seconds"] = [each.record() for each in self.trial_seconds]
        else:
            del record["waves"], record["trial_seconds"]
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
        record["waves"] = tuple(map(_wave, record.get("waves", ())))
        record["trial_seconds"] = tuple(map(FitSeconds.of_record, record.get("trial_seconds", ())))
        plan = cls(**record)
        return plan._with_asked(workspace) if plan.waves else plan

    def with_wave(self, wave: AskedWave) -> Plan:
        """The plan with one more wave."""
        return replace(self, asked=(*self.asked, wave))

    def _with_asked(self, workspace: Workspace) -> Plan:
        """The plan with the waves that were asked for since."""
        waves = tuple(asked_waves.asked(self.search_folder, workspace, len(self.waves) - 1))
        reused = {number: run for wave in waves for number, run in wave.reused.items()}
        return replace(self, asked=waves, reused={**self.reused, **reused})


def planned_models(workspace: Workspace) -> tuple[str, ...]:
    """The registered models that sweeps of this workspace train, sorted."""
    return tuple(sorted(record["model"] for record in workspace.records("models")))


def _wave(record: Mapping[str, Any]) -> Wave:
    portion = record["portion"]
    return Wave(record["trials"], Portion(**portion) if portion else None)


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
