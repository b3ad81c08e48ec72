"""What Sweepstake's runs look like in MLflow: their records, names and tags."""

from __future__ import annotations

import getpass
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from platform import python_version
from sys import intern
from typing import TYPE_CHECKING, Any

from sweepstake.domain.tags import MlflowTag, Tag
from sweepstake.domain.trial import TrialState
from sweepstake.mlflow_client.axes import Axes
from sweepstake.mlflow_client.bulk import MODEL_FOLDER
from sweepstake.mlflow_client.run_names import Naming, clip, run_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sweepstake.domain.trial import Trial, TrialResult
    from sweepstake.mlflow_client.run_datasets import RunDataset

LIBRARIES = ("numpy", "scipy", "pandas", "skops", "mlflow", "sweepstake")
"""Distributions, besides scikit-learn, whose versions are written on every run."""

TAG_LENGTH = 5000
PARAM_LENGTH = 6000
PARAMS_PER_CALL = 100
METRICS_PER_CALL = 800  # with parameters and a tag below MLflow's 1000 entities

_STATE = {
    "SCHEDULED": TrialState.PENDING,
    "RUNNING": TrialState.RUNNING,
    "FINISHED": TrialState.COMPLETE,
}
NUMBER = re.compile(r"[0-9]{1,9}")
"""The number of a trial in its tag."""


@dataclass(frozen=True, slots=True)
class SweepRun:
    """A sweep's parent run: all that a worker needs to hang trials under it.

    ``tags`` are the same on every child: data digest, seed, metric, library versions. ``naming`` is
    how its trials are told apart, ``axes`` what charts draw of them beside their parameters, and
    ``dataset`` what they were trained on, where that is known.
    """

    experiment_id: str
    run_id: str
    sweep_id: str
    tags: Mapping[str, str]
    naming: Naming = field(default_factory=Naming, compare=False)
    axes: Axes = field(default_factory=Axes, compare=False)
    dataset: RunDataset | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TrialRun:
    """An open child run and the place of its files."""

    run_id: str
    artifact_uri: str

    @property
    def model_uri(self) -> str:
        """Where the model's folder is stored."""
        return f"{self.artifact_uri}/{MODEL_FOLDER}"


@dataclass(frozen=True, slots=True)
class Child:
    """A child run as MLflow has it; times are in milliseconds since the epoch, 0 for none."""

    run: TrialRun
    sweep: str
    key: str
    number: int
    batch: str
    state: TrialState
    estimator: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    reason: str
    sha256: str
    started: int
    ended: int = 0

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.run.run_id

    @property
    def is_blank(self) -> bool:
        """Whether nothing was logged yet, so that a later attempt can go on with this run."""
        return self.state is TrialState.RUNNING and not self.params and not self.metrics


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent run as MLflow has it: its status there, and the figures of its best trial by name.

    ``metric`` is what trials are ranked by.
    """

    status: str
    metric: str
    figures: Mapping[str, float]


def library_tags() -> dict[str, str]:
    """Which scikit-learn trained, in a tag of its own, and the other libraries in one.

    Each tag of a child costs the tracking server a row: a sweep of 10,000 trials saves 60,000.
    """
    versions = {"python": python_version(), **{name: version(name) for name in LIBRARIES}}
    return {
        Tag.SCIKIT_LEARN: version("scikit-learn"),
        Tag.LIBRARIES: ", ".join(f"{name} {text}" for name, text in versions.items()),
    }


def origin_tags(sweep_id: str, role: str) -> dict[str, str]:
    """Tags that say which sweep a run belongs to, as ``sweep`` or ``trial``, and who started it."""
    return {
        Tag.SWEEP: sweep_id,
        Tag.ROLE: role,
        MlflowTag.SOURCE: "sweepstake",
        "mlflow.source.type": "JOB",
        MlflowTag.USER: getpass.getuser(),
    }


def trial_tags(trial: Trial, batch: str, naming: Naming) -> dict[str, str]:
    """Tags that tell a child run from its siblings."""
    return {
        Tag.TRIAL_KEY: trial.key,
        Tag.TRIAL_NUMBER: str(trial.number),
        Tag.BATCH: batch,
        Tag.ESTIMATOR: trial.estimator.name,
        MlflowTag.NAME: run_name(trial, naming),
        **_rung_tags(trial),
    }


def _rung_tags(trial: Trial) -> dict[str, str]:
    """On which part of the data a trial of a rung is scored; none for all of them."""
    if trial.portion is None:
        return {}
    return {Tag.RUNG: str(trial.portion.rung), Tag.PORTION: trial.portion.words}


def child_tags(sweep: SweepRun, trial: Trial, batch: str) -> dict[str, str]:
    """All tags that a child run has from its beginning."""
    own = trial_tags(trial, batch, sweep.naming)
    tags = origin_tags(sweep.sweep_id, "trial") | dict(sweep.tags) | own
    return tags | {MlflowTag.PARENT: sweep.run_id}


def result_tags(result: TrialResult, sha256: str) -> dict[str, str]:
    """The tags that tell of a finished trial; ``sha256`` is the hash of its model file."""
    texts = {
        Tag.WARNINGS: "\n".join(result.warnings),
        Tag.SHA256: sha256,
        Tag.GROWN_TREES: str(result.grown or ""),
        Tag.SHARED_STEPS: ", ".join(result.shared_steps),
    }
    return {name: clip(text, TAG_LENGTH) for name, text in texts.items() if text}


def failure_tags(state: TrialState, reason: str) -> dict[str, str]:
    """The tags that say in plain words why a trial failed or was skipped, and which of both."""
    skipped = {Tag.SKIPPED: "true"} if state is TrialState.SKIPPED else {}
    return {Tag.ERROR: clip(reason, TAG_LENGTH), **skipped}


def result_params(result: TrialResult) -> dict[str, str]:
    """Parameters by names that MLflow takes, no two of them the same, and in its length."""
    found: dict[str, str] = {}
    for name, value in result.params.items():
        plain = re.sub(r"[^\w\-./ :]", "_", name)
        while plain in found:  # of columns a* and a?, say
            plain += "_"
        found[plain] = clip(value, PARAM_LENGTH)
    return found


def result_metrics(result: TrialResult) -> tuple[tuple[str, float, int], ...]:
    """Name, value and step of every figure; those without steps have step 0."""
    single = ((name, value, 0) for name, value in result.metrics.items())
    curves = ((each.name, value, step) for each in result.curves for step, value in each.points)
    return (*single, *curves)


def requests_of(
    params: Sequence[Any], metrics: Sequence[Any]
) -> Iterator[tuple[Sequence[Any], Sequence[Any]]]:
    """Parameters and metrics as the parts of requests that keep MLflow's limits."""
    while params or metrics:
        yield params[:PARAMS_PER_CALL], metrics[:METRICS_PER_CALL]
        params, metrics = params[PARAMS_PER_CALL:], metrics[METRICS_PER_CALL:]


def _state(status: str, tags: Mapping[str, str]) -> TrialState:
    skipped = status == "FAILED" and Tag.SKIPPED in tags
    return TrialState.SKIPPED if skipped else _STATE.get(status, TrialState.FAILED)


def is_trial(run: Any) -> bool:
    """Whether a run of MLflow has what those of trials have; anybody may write runs there."""
    tags = run.data.tags
    named = {Tag.TRIAL_KEY, Tag.BATCH, Tag.ESTIMATOR} <= tags.keys()
    return named and bool(NUMBER.fullmatch(tags.get(Tag.TRIAL_NUMBER, "")))


def child_of(run: Any) -> Child:
    """MLflow's run as a record; texts that are the same in thousands of runs are kept once."""
    tags = run.data.tags
    return Child(
        run=TrialRun(run.info.run_id, run.info.artifact_uri),
        sweep=tags.get(Tag.SWEEP, ""),
        key=tags[Tag.TRIAL_KEY],
        number=int(tags[Tag.TRIAL_NUMBER]),
        batch=tags[Tag.BATCH],
        state=_state(run.info.status, tags),
        estimator=tags[Tag.ESTIMATOR],
        params={intern(name): intern(text) for name, text in run.data.params.items()},
        metrics={intern(name): value for name, value in run.data.metrics.items()},
        reason=tags.get(Tag.ERROR, ""),
        sha256=tags.get(Tag.SHA256, ""),
        started=run.info.start_time,
        ended=run.info.end_time or 0,
    )
