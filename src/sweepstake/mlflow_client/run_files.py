"""The files of runs: where the artifact store has them, and putting them there."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sweepstake.mlflow_client.artifact_store import artifact_uri
from sweepstake.mlflow_client.connection import Connection, faults
from sweepstake.storage.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Callable

    from sweepstake.mlflow_client.runs import TrialRun


class RunFiles:
    """The artifacts of runs on the MLflow server of ``client``.

    A run whose place is not in the artifact store raises ``ArtifactPlaceError``.
    """

    def __init__(self, client: Connection) -> None:
        self._client = client

    def root(self, experiment_id: str) -> Callable[[str], str]:
        """A function that tells where the files of a run of the experiment lie, by the run's id."""
        experiment = self._client.get_experiment(experiment_id)
        self._client.confined(experiment.artifact_location)
        return partial(artifact_uri, experiment)

    def local_folder(self, run: TrialRun) -> Path | None:
        """Where the artifacts of ``run`` lie, if the store is a folder that this host shares."""
        from mlflow.utils.file_utils import local_file_uri_to_path
        from mlflow.utils.uri import is_local_uri

        if not is_local_uri(run.artifact_uri):
            return None
        return Path(local_file_uri_to_path(self._client.confined(run.artifact_uri)))

    def read(self, run: TrialRun, name: str, most: int) -> bytes | None:
        """A file at the top of ``run``; ``None`` where there is none of at most ``most`` bytes."""
        repository = self._client.artifacts(run.artifact_uri)
        with faults(self._client.uri):
            sizes = {each.path: each.file_size or 0 for each in repository.list_artifacts()}
        if sizes.get(name, most + 1) > most:
            return None
        with scratch() as folder:
            with faults(self._client.uri):
                repository.download_artifacts(name, str(folder))
            return (folder / name).read_bytes()

    def upload(self, run: TrialRun, folder: Path) -> None:
        """Store every file below ``folder`` as an artifact of ``run``, any ``MLmodel`` last.

        Stores are atomic per file, not per folder: a model folder without ``MLmodel`` is no model.
        """
        repository = self._client.artifacts(run.artifact_uri)
        files = (path for path in folder.rglob("*") if path.is_file())
        with faults(self._client.uri):
            for file in sorted(files, key=lambda path: (path.name == "MLmodel", path)):
                parent = file.parent.relative_to(folder).as_posix()
                repository.log_artifact(str(file), None if parent == "." else parent)
