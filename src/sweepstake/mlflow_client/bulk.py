"""Bulk: child runs and their versions as one request to a tracking server that takes many at once.

MLflow's own API takes a run in three requests and a version in a fourth. A server that runs the app
`sweepstake` (see `mlflow_server.app`) takes many of them in one, at ``RUNS``, and the tags of many
versions at ``VERSION_TAGS``. `bulkbody` reads there what is written here.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sweepstake.mlflow_client.run_datasets import RunDataset

RUNS = "/api/2.0/sweepstake/runs"
VERSION_TAGS = "/api/2.0/sweepstake/version-tags"
MODEL_FOLDER = "model"
"""The folder of a run's artifacts that its version is made of."""

MOST_BYTES = 16_000_000
"""The longest body that a server reads."""
MOST_RUNS, MOST_VERSIONS = 500, 1000
"""What one body may hold; MLflow's own API takes one of either."""
MOST_POINTS, MOST_VALUES = 5000, 1000
"""Figures of a run; parameters or tags of one thing. MLflow's API takes 1000 and 100 at a time."""
RUNS_PER_CALL, BYTES_PER_CALL = 200, 8_000_000
"""What one request is made to hold."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A child run, whole: open as long as it has no ``ended``.

    Times are in milliseconds since the epoch; ``metrics`` are name, value and step. ``version`` has
    the tags of the model version that the run's model shall become, or is ``None``.
    """

    run_id: str
    status: str
    started: int
    ended: int | None
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[tuple[str, float, int], ...] = ()
    version: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Bulk:
    """Runs of one experiment, the registered model of their versions, and what they trained on."""

    experiment_id: str
    name: str
    runs: tuple[RunRecord, ...]
    dataset: RunDataset | None = None

    def to_json(self) -> dict[str, Any]:
        """The request's body; figures that JSON has no word for are texts in it."""
        return {
            "experiment_id": self.experiment_id,
            "name": self.name,
            "runs": [_run_json(run) for run in self.runs],
            "dataset": asdict(self.dataset) if self.dataset else None,
        }

    def parts(self) -> Iterator[Bulk]:
        """The runs in requests of a size that a server takes, in their order."""
        part: list[RunRecord] = []
        size = 0
        for run in self.runs:
            length = len(json.dumps(_run_json(run)))
            if part and (len(part) == RUNS_PER_CALL or size + length > BYTES_PER_CALL):
                yield replace(self, runs=tuple(part))
                part, size = [], 0
            part.append(run)
            size += length
        yield replace(self, runs=tuple(part))


@dataclass(frozen=True, slots=True)
class VersionTags:
    """Tags of versions of the registered model ``name``, by their numbers."""

    name: str
    tags: Mapping[int, Mapping[str, str]]

    def to_json(self) -> dict[str, Any]:
        """The request's body."""
        return asdict(self)


def _run_json(run: RunRecord) -> dict[str, Any]:
    return {**asdict(run), "metrics": _spelt(run.metrics)}


def _spelt(metrics: Iterable[tuple[str, float, int]]) -> list[tuple[str, float | str, int]]:
    return [(name, v if math.isfinite(v) else str(v), step) for name, v, step in metrics]
