"""The plan of a sweep: which trials are left to train, in which order, tracked where."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """What ``plan`` decided; ``train`` and ``close`` follow it.

    ``order`` lists the numbers of the trials to train; ``reused`` maps the numbers of those that an
    earlier sweep already trained to their run ids. ``partition`` is the day of the data, empty
    where they are not kept by day; ``backfill`` is the policy for versions of a backfilled day,
    empty for those that compete for the champion in service anyway. ``model`` is the registered
    model of its versions.
    """

    sweep: str
    file: str
    snapshot: str
    experiment_id: str
    parent_run_id: str
    data_digest: str
    trial_count: int
    order: tuple[int, ...]
    reused: Mapping[int, str]
    partition: str = ""
    backfill: str = ""
    model: str = ""
    warnings: tuple[str, ...] = ()
    """What deserves a look in the data."""

    @property
    def day(self) -> date | None:
        """The partition as a date."""
        return date.fromisoformat(self.partition) if self.partition else None

    def save(self, workspace: Workspace) -> None:
        """Store the plan under its sweep's name, and that its model is one of this workspace."""
        workspace.write_record(_record_name(self.sweep), asdict(self))
        digest = hashlib.sha256(self.model.encode()).hexdigest()
        workspace.write_record(f"models/{digest}", {"model": self.model})

    @classmethod
    def load(cls, workspace: Workspace, sweep_id: str) -> Plan:
        """Read the plan of a sweep.

        Raises:
            NotFoundError: the sweep was never planned in this workspace.
        """
        record = workspace.read_record(_record_name(sweep_id))
        record["order"] = tuple(record["order"])
        record["warnings"] = tuple(record.get("warnings", ()))
        record["reused"] = {int(number): run for number, run in record["reused"].items()}
        return cls(**record)


def planned_models(workspace: Workspace) -> tuple[str, ...]:
    """The registered models that sweeps of this workspace train, sorted."""
    return tuple(sorted(record["model"] for record in workspace.records("models")))


def _record_name(sweep_id: str) -> str:
    return f"sweeps/{sweep_id}/plan"
