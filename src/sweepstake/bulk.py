"""Bulk: child runs and their versions as one request to a tracking server that takes many at once.

MLflow's own API takes a run in three requests and a version in a fourth. A server that runs the app
`sweepstake` (see `trackingapp`) takes any number of them in one, at the address ``RUNS``, and any
number of version tags at ``VERSION_TAGS``.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RUNS = "/api/2.0/sweepstake/runs"
VERSION_TAGS = "/api/2.0/sweepstake/version-tags"
MODEL_FOLDER = "model"
"""The folder of a run's artifacts that its version is made of."""


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
    """Runs of one experiment, and the registered model of their versions."""

    experiment_id: str
    name: str
    runs: tuple[RunRecord, ...]

    def to_json(self) -> dict[str, Any]:
        """The request's body; figures that JSON has no word for are texts in it."""
        return {
            "experiment_id": self.experiment_id,
            "name": self.name,
            "runs": [{**asdict(run), "metrics": _spelt(run.metrics)} for run in self.runs],
        }

    @classmethod
    def from_json(cls, body: Any) -> Bulk:
        """The bulk that ``to_json`` wrote.

        Raises:
            ValueError: it was something else.
        """
        try:
            runs = tuple(_checked(_run(**run)) for run in body["runs"])
            return cls(str(body["experiment_id"]), str(body["name"]), runs)
        except (AttributeError, KeyError, TypeError, OverflowError) as error:
            message = f"{RUNS}: must get an experiment_id, a name and runs, but got {error!r}."
            raise ValueError(message) from error


@dataclass(frozen=True, slots=True)
class VersionTags:
    """Tags of versions of the registered model ``name``, by their numbers."""

    name: str
    tags: Mapping[int, Mapping[str, str]]

    def to_json(self) -> dict[str, Any]:
        """The request's body."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Any) -> VersionTags:
        """The tags that ``to_json`` wrote.

        Raises:
            ValueError: it was something else.
        """
        try:
            tags = {int(number): _texts(given) for number, given in body["tags"].items()}
            return cls(str(body["name"]), tags)
        except (AttributeError, KeyError, TypeError) as error:
            message = f"{VERSION_TAGS}: must get a name and tags by version, but got {error!r}."
            raise ValueError(message) from error


def _spelt(metrics: Iterable[tuple[str, float, int]]) -> list[tuple[str, float | str, int]]:
    return [(name, v if math.isfinite(v) else str(v), step) for name, v, step in metrics]


def _run(
    metrics: Iterable[tuple[str, float | str, int]],
    tags: Mapping[str, str],
    params: Mapping[str, str],
    version: Mapping[str, str] | None,
    **fields: Any,
) -> RunRecord:
    return RunRecord(
        tags=_texts(tags),
        params=_texts(params),
        metrics=tuple((str(name), float(value), int(step)) for name, value, step in metrics),
        version=None if version is None else _texts(version),
        **{name: fields[name] for name in ("run_id", "status")},
        started=int(fields["started"]),
        ended=None if fields["ended"] is None else int(fields["ended"]),
    )


def _checked(run: RunRecord) -> RunRecord:
    """A run with a name, and a state that fits its end."""
    states = {"RUNNING"} if run.ended is None else {"FINISHED", "FAILED"}
    if run.status not in states or "mlflow.runName" not in run.tags:
        message = f"{RUNS}: a run must have a name and be one of {sorted(states)}, but got {run}."
        raise ValueError(message)
    return run


def _texts(values: Mapping[str, str]) -> dict[str, str]:
    return {str(name): str(value) for name, value in values.items()}
