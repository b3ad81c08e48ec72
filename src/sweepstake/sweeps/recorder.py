"""The recorder: keeps what became of a batch's trials in MLflow, while the next one is trained."""

from __future__ import annotations

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self
from uuid import uuid4

from sweepstake.domain.trial import TrialState
from sweepstake.errors import NotFoundError, TransientError
from sweepstake.mlflow_client.bulk import Bulk, RunRecord
from sweepstake.mlflow_client.model_version import first_tags
from sweepstake.mlflow_client.runs import (
    TrialRun,
    child_tags,
    failure_tags,
    result_metrics,
    result_params,
    result_tags,
)
from sweepstake.reports import report
from sweepstake.storage.scratch import scratch
from sweepstake.sweeps import provenance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sweepstake.domain.trial import Trial, TrialResult
    from sweepstake.mlflow_client.runs import Child
    from sweepstake.sweeps.planned_sweep import PlannedSweep

WRITE_SECONDS = 1.0
"""How often trials are written: a kill costs what ended since, and MLflow one request."""
UPLOADS = 4
"""Trials whose files are uploaded at the same time: a bucket answers each file after a while."""
MOST_UNWRITTEN = 64
"""Trials that may wait to be written; then training waits for MLflow."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A trial that is being trained; ``started`` is in milliseconds since the epoch."""

    run: TrialRun
    trial: Trial
    started: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial that is over, with its result and model, or with the reason why it has none."""

    begun: Begun
    ended: int
    result: TrialResult | None = None
    sha256: str = ""
    reason: str = ""
    state: TrialState = TrialState.FAILED
    """Of a trial without a result: FAILED or SKIPPED."""


class Writer(Protocol):
    """How trials get to the tracking server.

    repeatable: whether a write that failed may be done again as a whole.
    """

    repeatable: bool

    def begin(self, trial: Trial, left: Child | None) -> TrialRun:
        """The run of a trial: a new one, or what is ``left`` of an earlier try."""

    def write(self, ended: Sequence[Ended], begun: Begun | None) -> None:
        """Store trials that are over, whose files are uploaded, and the one that is not."""


class Recorder:
    """Keeps the trials of one batch; use it in ``with``, whose end waits until all are kept.

    Every second a thread uploads the files of the trials that ended, then writes these trials. A
    server that is away for a while costs nothing where writes can be repeated. What else the thread
    meets, and what the last write meets, is raised by whichever method is called next.

    Raises:
        TrackingUnavailableError: MLflow does not answer; what is not kept is trained again.
        DiskFullError: there is no space for a model.
    """

    def __init__(self, planned: PlannedSweep, batch: str) -> None:
        self._tracking, self._workspace = planned.tracking, planned.workspace
        self._sweep, self._axes = planned.plan.sweep, planned.sweep.axes
        together = planned.tracking.takes_bulk()
        self.writer: Writer = BulkWriter(planned, batch) if together else RestWriter(planned, batch)
        self._part = f"{batch}-{uuid4().hex}"
        self._hashes: dict[str, str] = {}
        self._begun: Begun | None = None
        self._shown: Begun | None = None
        self._ended: list[Ended] = []
        self._error: Exception | None = None
        self._changing, self._writing = threading.Lock(), threading.Lock()
        self._over = threading.Event()
        self._home = ExitStack()
        self._folders = self._home.enter_context(scratch())
        self._thread = threading.Thread(target=self._write_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        try:
            self._raise()
            self._write()
        finally:
            self._home.close()

    def begin(self, trial: Trial, left: Child | None = None) -> Begun:
        """Open the run of a trial; ``left`` is what a killed attempt left under the same key."""
        self._raise()
        begun = Begun(self.writer.begin(trial, left), trial, _now())
        shutil.rmtree(self.folder(begun), ignore_errors=True)  # of a killed attempt
        self.folder(begun).mkdir(parents=True)
        with self._changing:
            self._begun = begun
        return begun

    def folder(self, begun: Begun) -> Path:
        """Where the files of a trial are written: where they stay, or wait to be uploaded."""
        waiting = self._folders / begun.run.run_id
        return self._tracking.files.local_folder(begun.run) or waiting

    def complete(self, begun: Begun, result: TrialResult, sha256: str) -> None:
        """Keep a trial whose model lies in its folder; ``sha256`` is the hash of the model file."""
        result = replace(result, params={**result.params, **self._axes.of(begun.trial)})
        report.write_confusion(result, self.folder(begun))
        self._end(Ended(begun, _now(), result, sha256))

    def fail(self, begun: Begun, reason: str) -> None:
        """Keep a trial that has no model, and the reason why; its files are dropped."""
        shutil.rmtree(self.folder(begun))
        self._end(Ended(begun, _now(), reason=reason))

    def skip(self, begun: Begun, reason: str) -> None:
        """Keep a trial that scikit-learn refuses, which is no failure of the sweep."""
        shutil.rmtree(self.folder(begun))
        self._end(Ended(begun, _now(), reason=reason, state=TrialState.SKIPPED))

    def give_up(self, begun: Begun) -> None:
        """Leave nothing of a trial that was not trained to its end."""
        with self._writing:  # it may be shown as running, and is not shown again
            with self._changing:
                self._begun = None
            with suppress(NotFoundError):  # MLflow was not told of it yet
                self._tracking.delete_run(begun.run.run_id)
        shutil.rmtree(self.folder(begun), ignore_errors=True)

    def _end(self, ended: Ended) -> None:
        with self._changing:
            self._begun = None
            self._ended.append(ended)
        if len(self._ended) >= MOST_UNWRITTEN:
            self._write()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _write_on(self) -> None:
        while not self._over.wait(WRITE_SECONDS):
            try:
                self._write()
            except Exception as error:  # noqa: BLE001 - it is raised in the thread that trains
                if not (self.writer.repeatable and isinstance(error, TransientError)):
                    self._error = error
                    return

    def _write(self) -> None:
        with self._writing:
            with self._changing:
                ended, self._ended = self._ended, []
                begun = self._begun
            try:
                self._send(ended, begun)
            except TransientError:
                if self.writer.repeatable:
                    with self._changing:
                        self._ended = ended + self._ended
                raise

    def _send(self, ended: list[Ended], begun: Begun | None) -> None:
        if ended or begun is not self._shown:
            with ThreadPoolExecutor(UPLOADS) as pool:
                list(pool.map(self._upload, [each.begun for each in ended]))
            self._note(ended)
            self.writer.write(ended, begun)
            self._shown = begun

    def _note(self, ended: list[Ended]) -> None:
        """Keep the hashes of the models where MLflow's users cannot change them."""
        new = {each.begun.run.run_id: each.sha256 for each in ended if each.sha256}
        if new:
            self._hashes.update(new)
            provenance.note(self._workspace, self._sweep, self._part, self._hashes)

    def _upload(self, begun: Begun) -> None:
        if self._tracking.files.local_folder(begun.run) is None:
            self._tracking.files.upload(begun.run, self.folder(begun))
            shutil.rmtree(self.folder(begun), ignore_errors=True)


class RestWriter:
    """Writes by MLflow's own API: two requests to begin a trial, three to end it."""

    repeatable = False

    def __init__(self, planned: PlannedSweep, batch: str) -> None:
        self._planned, self._batch = planned, batch

    def begin(self, trial: Trial, left: Child | None) -> TrialRun:
        """Create the run, unless a blank one is left."""
        return self._planned.tracking.start_trial(self._planned.sweep, trial, self._batch, left)

    def write(self, ended: Sequence[Ended], begun: Begun | None) -> None:  # noqa: ARG002 - it is known
        """Log and end each run, then make its model a version.

        Where that is cut short, the next attempt sees by the run's state what is left to do.
        """
        for each in ended:
            self._write(each)

    def _write(self, ended: Ended) -> None:
        tracking, run = self._planned.tracking, ended.begun.run
        if ended.result is None:
            tracking.finish(run.run_id, ended.state, ended.reason)
            return
        tracking.log_result(run.run_id, ended.result, ended.sha256)
        tracking.finish(run.run_id, TrialState.COMPLETE)
        if self._planned.spec.register_top is None and ended.sha256:
            tags = self._planned.version_tags(ended.begun.trial, ended.result.metrics, ended.sha256)
            model = self._planned.spec.model
            self._planned.registry.register(model, run.run_id, tags, fresh=True)


class BulkWriter:
    """Writes whole runs and their versions, as many as there are, in one request."""

    repeatable = True

    def __init__(self, planned: PlannedSweep, batch: str) -> None:
        self._planned, self._batch = planned, batch
        self._place = planned.tracking.files.root(planned.sweep.experiment_id)

    def begin(self, trial: Trial, left: Child | None) -> TrialRun:  # noqa: ARG002 - any trial will do
        """Choose the id of the run; nothing is sent unless something else has to be removed."""
        if left is not None and left.is_blank:
            return left.run
        if left is not None:
            self._planned.tracking.delete_run(left.run_id)
        run_id = uuid4().hex
        return TrialRun(run_id, self._place(run_id))

    def write(self, ended: Sequence[Ended], begun: Begun | None) -> None:
        """Send them; a trial that takes longer than a moment is shown as running."""
        runs = [self._over(each) for each in ended]
        if begun is not None:
            runs.append(
                RunRecord(begun.run.run_id, "RUNNING", begun.started, None, self._tags(begun))
            )
        if runs:
            planned = self._planned
            planned.tracking.post(
                Bulk(
                    planned.sweep.experiment_id,
                    planned.spec.model,
                    tuple(runs),
                    planned.sweep.dataset,
                )
            )

    def _tags(self, begun: Begun) -> dict[str, str]:
        return child_tags(self._planned.sweep, begun.trial, self._batch)

    def _over(self, ended: Ended) -> RunRecord:
        begun, result = ended.begun, ended.result
        if result is None:
            tags = self._tags(begun) | failure_tags(ended.state, ended.reason)
            return RunRecord(begun.run.run_id, "FAILED", begun.started, ended.ended, tags)
        return RunRecord(
            run_id=begun.run.run_id,
            status="FINISHED",
            started=begun.started,
            ended=ended.ended,
            tags=self._tags(begun) | result_tags(result, ended.sha256),
            params=result_params(result),
            metrics=result_metrics(result),
            version=self._version(ended, result),
        )

    def _version(self, ended: Ended, result: TrialResult) -> dict[str, str] | None:
        """The tags of the version, where every trial becomes one, and this one has a model."""
        if self._planned.spec.register_top is not None or not ended.sha256:
            return None
        begun = ended.begun
        tags = self._planned.version_tags(begun.trial, result.metrics, ended.sha256)
        return first_tags(tags)


def _now() -> int:
    return int(time.time() * 1000)
