"""MLflow runs: one parent per sweep, one child per trial, created or found, never doubled."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sweepstake.domain.tags import MlflowTag, Tag
from sweepstake.domain.trial import Curve, TrialState
from sweepstake.errors import NotFoundError
from sweepstake.mlflow_client.bulk import RUNS
from sweepstake.mlflow_client.comparison import TAG, children_filter
from sweepstake.mlflow_client.connection import Connection, quoted
from sweepstake.mlflow_client.decision_note import with_decision
from sweepstake.mlflow_client.run_files import RunFiles
from sweepstake.mlflow_client.runs import (
    Child,
    Parent,
    SweepRun,
    TrialRun,
    child_of,
    child_tags,
    failure_tags,
    is_trial,
    origin_tags,
    requests_of,
    result_metrics,
    result_params,
    result_tags,
)
from sweepstake.wording.near_misses import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from sweepstake.domain.trial import Trial, TrialResult
    from sweepstake.mlflow_client.bulk import Bulk
    from sweepstake.mlflow_client.comparison import View
    from sweepstake.mlflow_client.run_datasets import RunDataset

IDS_PER_CALL = 200

IDENTITY = (Tag.DATA_DIGEST, Tag.SCIKIT_LEARN, Tag.TRAINING)
"""Tags on which trial keys depend: the same grid file on other data is another execution."""

_STATUS = {
    TrialState.RUNNING: "RUNNING",
    TrialState.COMPLETE: "FINISHED",
    TrialState.FAILED: "FAILED",
    TrialState.SKIPPED: "FAILED",
    TrialState.CANCELLED: "KILLED",
}


SWEEP_ID = re.compile(r"__[0-9a-f]{12}(__\d{4}-\d{2}-\d{2})?$")
"""How the id of a sweep ends; a name without such an end means the latest of that name."""


class Tracking:
    """The runs on the MLflow server at ``uri``; raises what ``Connection`` raises."""

    def __init__(self, uri: str) -> None:
        self.client = Connection(uri)
        self.files = RunFiles(self.client)

    def ensure_experiment(self, name: str, primary_metric: str) -> str:
        """Create or find the experiment ``name`` (restored if deleted) and return its id.

        One that somebody else made with a place of his own for its files is refused.

        ``primary_metric`` is the one that MLflow's pages show first, such as ``mean_cv_f1_macro``.
        """
        experiment = self.client.experiment(name)
        self.client.confined(experiment.artifact_location)
        wanted = {
            "mlflow.experimentKind": "custom_model_development",
            "mlflow.experiment.primaryMetric.name": primary_metric,
            "mlflow.experiment.primaryMetric.greaterIsBetter": "True",
        }
        for key, value in wanted.items():
            if experiment.tags.get(key) != value:
                self.client.set_experiment_tag(experiment.experiment_id, key, value)
        return str(experiment.experiment_id)

    def open_sweep(
        self,
        experiment_id: str,
        sweep_id: str,
        tags: Mapping[str, str],
        own: Mapping[str, str] | None = None,
    ) -> SweepRun:
        """Create or find the parent run of ``sweep_id`` and set it RUNNING.

        ``tags`` go on the parent and on every child, ``own`` on the parent alone; where those of
        ``IDENTITY`` are not what they were, it is another execution, with a parent of its own. Of
        parents doubled by a lost reply the oldest stays: the search after the creation makes every
        process agree on it.
        """
        about = {**tags, **(own or {}), MlflowTag.NAME: sweep_id}
        found = self._parents(experiment_id, sweep_id, about)
        if not found:
            self.client.create_run(experiment_id, tags={**origin_tags(sweep_id, "sweep"), **about})
            found = self._parents(experiment_id, sweep_id, about)
        parent, *doubles = found
        for double in doubles:
            self.delete_run(double.info.run_id)
        if parent.info.status != "RUNNING":
            self.client.update_run(parent.info.run_id, status="RUNNING")
        return SweepRun(experiment_id, parent.info.run_id, sweep_id, dict(tags))

    def _parents(self, experiment_id: str, sweep_id: str, tags: Mapping[str, str]) -> list[Any]:
        known = {name: tags[name] for name in IDENTITY if name in tags}
        wanted = {Tag.SWEEP: sweep_id, Tag.ROLE: "sweep", **known}
        query = " and ".join(f"tags.`{name}` = {quoted(value)}" for name, value in wanted.items())
        found = self.client.every(
            "search_runs", experiment_ids=[experiment_id], filter_string=query
        )
        return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))

    def open_sweeps(self, sweep: SweepRun) -> dict[str, str]:
        """The other sweeps of an experiment, on the same data, that have not ended.

        Each by its id, with the digest of its grid file, as the tags of its parent run say.
        """
        wanted = {name: sweep.tags[name] for name in IDENTITY if name in sweep.tags}
        tags = {Tag.ROLE: "sweep", **wanted}
        parts = [f"tags.`{name}` = {quoted(value)}" for name, value in tags.items()]
        query = " and ".join(["attributes.status = 'RUNNING'", *parts])
        found = self.client.every(
            "search_runs", experiment_ids=[sweep.experiment_id], filter_string=query
        )
        others = (run.data.tags for run in found if run.info.run_id != sweep.run_id)
        return {each.get(Tag.SWEEP, ""): each.get(Tag.GRID_DIGEST, "") for each in others}

    def latest_sweep(self, name: str) -> tuple[str, str]:
        """Id and MLflow status of the newest sweep with this name or id, in any experiment.

        Raises:
            NotFoundError: there is none.
        """
        experiments = {e.experiment_id: e.name for e in self.client.every("search_experiments")}
        tag = Tag.SWEEP if SWEEP_ID.search(name) else Tag.NAME
        query = f"tags.`{Tag.ROLE}` = 'sweep' and tags.`{tag}` = {quoted(name)}"
        found = self.client.search_runs(
            [*experiments], query, max_results=1, order_by=["attributes.start_time DESC"]
        )
        if not found:
            message = f"{name}: must be a sweep's name or id, but MLflow knows none such."
            message += did_you_mean(name, experiments.values())
            raise NotFoundError(message + f" Look at {self.client.uri}.")
        return found[0].data.tags[Tag.SWEEP], found[0].info.status

    def ended(self, run_id: str) -> int | None:
        """When a run was ended, in milliseconds; ``None`` while it is open, or is cancelled.

        One that was deleted for good will not end any more: it counts as ended at the beginning.
        """
        try:
            info = self.client.get_run(run_id).info
        except NotFoundError:
            return 0
        return None if info.status in {"RUNNING", "KILLED"} else int(info.end_time or 0)

    def parent(self, run_id: str) -> Parent:
        """The parent run of a sweep; one that was deleted for good has ended, without figures."""
        try:
            run = self.client.get_run(run_id)
        except NotFoundError:
            return Parent("FINISHED", "", {})
        return Parent(run.info.status, run.data.tags.get(Tag.METRIC, ""), run.data.metrics)

    def children(self, sweep: SweepRun, batch: str | None = None) -> tuple[Child, ...]:
        """All child runs of ``sweep`` (of one ``batch`` if given), by number, then by age."""
        return self._trials(sweep.experiment_id, children_filter(sweep, batch))

    def curve(self, run_id: str, metric: str) -> Curve:
        """The values of a metric of a run, one for each step, such as the scores of its folds."""
        points = self.client.get_metric_history(run_id, metric)
        return Curve(metric, tuple(sorted({each.step: each.value for each in points}.items())))

    def tags_of(self, run_id: str) -> dict[str, str]:
        """The tags of a run."""
        return dict(self.client.get_run(run_id).data.tags)

    def runs(self, experiment_id: str, run_ids: Iterable[str]) -> tuple[Child, ...]:
        """The trials of any sweep with these run ids; those deleted meanwhile are left out."""
        wanted = sorted(run_ids)
        parts = (wanted[i : i + IDS_PER_CALL] for i in range(0, len(wanted), IDS_PER_CALL))
        queries = (f"attributes.run_id IN ({', '.join(map(quoted, part))})" for part in parts)
        return tuple(child for query in queries for child in self._trials(experiment_id, query))

    def _trials(self, experiment_id: str, query: str) -> tuple[Child, ...]:
        runs = self.client.every("search_runs", experiment_ids=[experiment_id], filter_string=query)
        found = (child_of(run) for run in runs if is_trial(run))
        return tuple(sorted(found, key=lambda child: (child.number, child.started, child.run_id)))

    def completed(
        self, experiment_id: str, keys: Collection[str], data_digest: str
    ) -> dict[str, str]:
        """Run id by trial key of trials that any sweep of the experiment has finished.

        MLflow cannot search for a list of tags, so this reads the finished trials on the same data,
        newest first, until all of ``keys`` are found.
        """
        query = (
            f"attributes.status = 'FINISHED' and tags.`{Tag.ROLE}` = 'trial' "
            f"and tags.`{Tag.DATA_DIGEST}` = '{data_digest}'"
        )
        wanted, found = set(keys), dict[str, str]()
        if not wanted:
            return found
        for run in self.client.every(
            "search_runs", experiment_ids=[experiment_id], filter_string=query
        ):
            if len(found) == len(wanted):
                break
            key = run.data.tags.get(Tag.TRIAL_KEY)
            if key in wanted:
                found.setdefault(key, run.info.run_id)
        return found

    def start_trial(
        self, sweep: SweepRun, trial: Trial, batch: str, left: Child | None = None
    ) -> TrialRun:
        """Open the child run of ``trial``, with its dataset in a request of its own.

        ``left`` is what a killed attempt left under the same key: a blank run is used again; any
        other is deleted, as MLflow's parameters are write-once and metrics would be doubled.
        """
        if left is not None and left.is_blank:
            self.log_dataset(left.run_id, sweep.dataset)
            return left.run
        if left is not None:
            self.delete_run(left.run_id)
        run = self.client.create_run(sweep.experiment_id, tags=child_tags(sweep, trial, batch))
        self.log_dataset(run.info.run_id, sweep.dataset)
        return TrialRun(run.info.run_id, run.info.artifact_uri)

    def log_dataset(self, run_id: str, dataset: RunDataset | None) -> None:
        """Say of a run what it trains on, once; nothing is sent where that is not known."""
        if dataset is not None:
            self.client.log_inputs(run_id, datasets=[dataset.to_input()])

    def log_result(self, run_id: str, result: TrialResult, sha256: str = "") -> None:
        """Log parameters, metrics, curves and warnings, in as few requests as MLflow allows.

        The same timestamp goes on every point, so a request that is sent twice changes nothing.
        ``sha256`` is the hash of the model file, for whoever registers the model later.
        """
        from mlflow.entities import Metric, Param, RunTag

        now = _now()
        params = [Param(name, text) for name, text in result_params(result).items()]
        metrics = [Metric(name, v, now, step) for name, v, step in result_metrics(result)]
        tags = [RunTag(name, text) for name, text in result_tags(result, sha256).items()]
        for some_params, some_metrics in requests_of(params, metrics):
            self.client.log_batch(run_id, metrics=some_metrics, params=some_params, tags=tags)

    def takes_bulk(self) -> bool:
        """Whether the server takes many whole runs in one request."""
        return self.client.offers(RUNS)

    def post(self, bulk: Bulk) -> None:
        """Store whole runs, and versions of their models, in requests that may be repeated."""
        for part in bulk.parts():
            self.client.post(RUNS, part.to_json())

    def finish(self, run_id: str, state: TrialState, reason: str = "") -> None:
        """End a run; ``reason`` says in plain words why it failed or was skipped."""
        for name, text in failure_tags(state, reason).items() if reason else ():
            self.client.set_tag(run_id, name, text)
        self.client.set_terminated(run_id, _STATUS[state])

    def delete_run(self, run_id: str) -> None:
        """Move a run to MLflow's bin; one that is there already stays there."""
        self.client.delete_run(run_id)

    def deduplicate(
        self, children: Sequence[Child], registered: Collection[str] = ()
    ) -> tuple[Child, ...]:
        """Keep one run per trial key, delete the others and return those kept, in their order.

        A lost reply or an overtaken worker doubles runs. Kept is the run that a model version
        points to (``registered`` run ids), then a COMPLETE one, then the oldest.
        """
        best: dict[str, Child] = {}
        for child in sorted(children, key=lambda child: _rank(child, registered)):
            if best.setdefault(child.key, child) is not child:
                self.delete_run(child.run_id)
        kept = {child.run_id for child in best.values()}
        return tuple(child for child in children if child.run_id in kept)

    def close_sweep(
        self,
        sweep: SweepRun,
        state: TrialState,
        metrics: Mapping[str, float],
        note: str,
        artifacts: Path,
    ) -> None:
        """Write figures, Markdown ``note`` and the files in ``artifacts`` on the parent; end it."""
        from mlflow.entities import Metric, RunTag

        run = self.client.get_run(sweep.run_id)
        self.files.upload(TrialRun(sweep.run_id, run.info.artifact_uri), artifacts)
        now = _now()
        note = with_decision(note, run.data.tags)
        figures = [Metric(name, value, now, 0) for name, value in metrics.items()]
        self.client.log_batch(sweep.run_id, metrics=figures, tags=[RunTag(MlflowTag.NOTE, note)])
        self.finish(sweep.run_id, state)

    def tell_decision(self, run_id: str, verdict: str, reason: str) -> None:
        """Write on a parent run what was decided about its finalist, as its note's second line."""
        with suppress(NotFoundError):  # whoever deletes the run needs no note
            note = self.client.get_run(run_id).data.tags.get(MlflowTag.NOTE, "")
            tags = {Tag.DECISION: verdict, Tag.REASON: reason}
            tags[MlflowTag.NOTE] = with_decision(note, tags)
            for name, text in tags.items():
                self.client.set_tag(run_id, name, text)

    def share_view(self, sweep: SweepRun, view: View) -> bool:
        """Offer a prepared comparison in the experiment's list of views; whether that worked.

        The tag is not part of MLflow's documented API: a refusal costs the view, not the sweep.
        """
        from mlflow.exceptions import MlflowException

        try:
            self.client.set_experiment_tag(sweep.experiment_id, TAG + view.key, view.state)
        except MlflowException:
            return False
        return True


def _rank(child: Child, registered: Collection[str]) -> tuple[bool, bool, int, str]:
    incomplete = child.state is not TrialState.COMPLETE
    return (child.run_id not in registered, incomplete, child.started, child.run_id)


def _now() -> int:
    return int(time.time() * 1000)
