"""Provenance: which models were trained in this workspace, and the hashes of their files.

Tags in MLflow can be changed by whoever may edit a run or a version, and a version may name any
sweep as its own. The workspace is written by the stack alone, so what it says of a run holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweepstake.errors import ModelFileError, NotFoundError
from sweepstake.sweeps.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.storage.workspace import Workspace


class Provenance:
    """What a workspace knows of the versions in MLflow; each sweep is looked up once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._plans: dict[str, Plan | None] = {}
        self._models: dict[str, frozenset[tuple[str, str]]] = {}

    def plan(self, version: Version) -> Plan | None:
        """The plan of the sweep that a version says it is of, if it was planned here."""
        sweep = version.sweep
        if sweep not in self._plans:
            self._plans[sweep] = _plan(self._workspace, sweep)
        return self._plans[sweep]

    def vouch(self, version: Version) -> None:
        """See that a version may be loaded: that the hash on it is the one its trainer noted.

        Raises:
            ModelFileError: it is no model that was trained here for its registered model.
        """
        if not self.is_own(version):
            message = (
                f"{version.model} v{version.version}: must have been trained by a sweep of this "
                f"workspace, but {self._workspace.root} has no record of that. Register models by "
                "sweeps alone, and check SWEEPSTAKE_WORKSPACE."
            )
            raise ModelFileError(message)

    def is_own(self, version: Version) -> bool:
        """Whether a version is a model that was trained here for its registered model."""
        plan = self.plan(version)
        if plan is None or plan.model != version.model or not version.is_whole:
            return False
        if plan.sweep not in self._models:
            self._models[plan.sweep] = trained(self._workspace, plan.sweep)
        return (version.run_id, version.sha256) in self._models[plan.sweep]


def note(workspace: Workspace, sweep: str, part: str, hashes: Mapping[str, str]) -> None:
    """Keep the hashes of the model files of a ``part`` of a sweep, by the ids of their runs."""
    workspace.write_record(f"{_folder(sweep)}/{part}", dict(hashes))


def trained(workspace: Workspace, sweep: str) -> frozenset[tuple[str, str]]:
    """The models of a sweep: the id of a run, and the hash that its model file may have.

    A run that was trained again after a kill has two.
    """
    try:
        parts = workspace.records(_folder(sweep))
    except NotFoundError:  # a tag that names no sweep
        return frozenset()
    return frozenset(pair for part in parts if isinstance(part, dict) for pair in part.items())


def _folder(sweep: str) -> str:
    return f"sweeps/{sweep}/models"


def _plan(workspace: Workspace, sweep: str) -> Plan | None:
    try:
        return Plan.load(workspace, sweep)
    except NotFoundError:
        return None
