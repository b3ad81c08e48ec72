"""The model store: the files of model versions, in the artifact store that their runs name."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sweepstake.errors import NotFoundError
from sweepstake.mlflow_client.connection import Connection, faults
from sweepstake.mlflow_client.runs import TrialRun
from sweepstake.modelfile.model_file import (
    MODEL_FILE,
    StoredModel,
    booster_names,
    boosters_beside,
    opened,
    read_model,
)
from sweepstake.storage.scratch import scratch

if TYPE_CHECKING:
    from sweepstake.mlflow_client.model_version import Stored

EXAMPLE_FILE = "input_example.json"


class ModelStore:
    """The files of versions on the MLflow server of ``client``.

    The place of the files is told by the run, and must be in the artifact store: else every method
    raises ``ArtifactPlaceError``, and ``NotFoundError`` where there is no such run.
    """

    def __init__(self, client: Connection) -> None:
        self._client = client

    def load(self, version: Stored) -> Any:
        """The fitted estimator of ``version``: see ``read``."""
        return opened(self.read(version))

    def read(self, version: Stored) -> StoredModel:
        """The files of ``version``, that of skops checked against its hash.

        The hash must be vouched for: see `provenance`. Those of boosters are held against it when
        the model is opened.

        Raises:
            ModelFileError: the skops file is missing or altered.
        """
        return self._files(version)[0]

    def fetch(self, version: Stored) -> tuple[StoredModel, bytes]:
        """The files of ``version`` and its input example, empty if there is none: see `read`."""
        stored, (example,) = self._files(version, EXAMPLE_FILE)
        return stored, example

    def size(self, run_id: str) -> int:
        """The bytes of all model files of a run; 0 where there are none."""
        with suppress(NotFoundError), faults(self._client.uri):
            found = self._repository(run_id).list_artifacts()
            return sum(file.file_size or 0 for file in found)
        return 0

    def remove(self, run_id: str) -> None:
        """Delete all model files of a run, if there are any."""
        if self.size(run_id):
            with suppress(NotFoundError), faults(self._client.uri):
                self._repository(run_id).delete_artifacts()

    def _files(self, version: Stored, *others: str) -> tuple[StoredModel, list[bytes]]:
        """The files of ``version``, and others of its folder, empty where they are not there."""
        repository = self._repository(version.run_id)

        def download(*names: str) -> None:
            for name in names:
                with suppress(NotFoundError), faults(self._client.uri):
                    repository.download_artifacts(name, str(folder))

        with scratch() as folder:
            download(MODEL_FILE, *others)
            content = read_model(folder, version.sha256)
            download(*booster_names(content))
            found = StoredModel(content, boosters_beside(content, folder))
            files = (folder / name for name in others)
            return found, [file.read_bytes() if file.exists() else b"" for file in files]

    def _repository(self, run_id: str) -> Any:
        files = TrialRun(run_id, self._client.get_run(run_id).info.artifact_uri)
        return self._client.artifacts(files.model_uri)
