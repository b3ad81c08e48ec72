"""The run that a report is about, where the report is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.mlflow_client.run_files import RunFiles
from sweepstake.mlflow_client.runs import TrialRun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sweepstake.mlflow_client.connection import Connection


@dataclass(frozen=True, slots=True)
class ReportRun:
    """The parent run of a sweep."""

    client: Connection
    run_id: str

    def add(self, folder: Path) -> None:
        """Store every file below ``folder``; one of the same name is replaced."""
        RunFiles(self.client).upload(self._place(), folder)

    def read(self, name: str, most: int) -> bytes | None:
        """The content of a file; ``None`` where there is none of at most ``most`` bytes."""
        return RunFiles(self.client).read(self._place(), name, most)

    def note(self, figures: Mapping[str, float]) -> None:
        """Write single figures on the run."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, 0) for name, value in figures.items()]
        self.client.log_batch(self.run_id, metrics=metrics)

    def _place(self) -> TrialRun:
        return TrialRun(self.run_id, self.client.get_run(self.run_id).info.artifact_uri)
