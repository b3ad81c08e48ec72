"""Rows: what a posted bulk of runs becomes in the database of the tracking server.

The tables, the checks and the sessions are MLflow's own, so that what is written here is what its
API would have written, in a fraction of the time: its own way reads each run back several times. A
client chooses the ids of its runs. So a request that is sent twice changes nothing, and a client
that is killed leaves no half-written run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sweepstake.domain.tags import MlflowTag
from sweepstake.mlflow_client.artifact_store import artifact_uri
from sweepstake.mlflow_client.bulk import RUNS
from sweepstake.mlflow_server import dataset_rows, internals
from sweepstake.mlflow_server.statements import insert, repeated, upsert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sweepstake.mlflow_client.bulk import Bulk, RunRecord
    from sweepstake.mlflow_server.statements import Row

NAME = MlflowTag.NAME


def experiments_of(tracking: Any, run_ids: Iterable[str]) -> dict[str, str]:
    """The experiment of each run that there is."""
    from mlflow.store.tracking.dbmodels.models import SqlRun

    with tracking.ManagedSessionMaker(read_only=False) as session:  # not a copy that lags behind
        found = session.query(SqlRun.run_uuid, SqlRun.experiment_id)
        known = found.filter(SqlRun.run_uuid.in_(sorted(set(run_ids))))
        return {run_id: str(experiment) for run_id, experiment in known}


def as_taken(tracking: Any, bulk: Bulk) -> Bulk:
    """The runs as MLflow's API would take them: held to its rules, in the order in which it looks.

    Raises:
        MlflowException: there is no such experiment, it is in the bin, or a run would be refused.
    """
    _experiment(tracking, bulk)
    if bulk.dataset is not None:
        internals.validate_dataset(bulk.dataset.to_input())
    return replace(bulk, runs=tuple(map(_as_taken, bulk.runs)))


def store_runs(tracking: Any, bulk: Bulk) -> set[str]:
    """Insert new runs, go on with open ones, pass over all others; the ids of those finished.

    ``tracking`` is the server's ``SqlAlchemyStore`` of runs, ``bulk`` what ``as_taken`` made of it.
    A run in MLflow's bin stays there. One that is given several times is written as if it had come
    in as many requests.

    Raises:
        MlflowException: the runs cannot be written, or met others again and again: send it again.
    """

    def store() -> set[str]:
        with tracking.ManagedSessionMaker(read_only=False) as session:
            experiment = _experiment(tracking, bulk)
            parts = [_store(tracking, session, experiment, part) for part in _rounds(bulk.runs)]
            if bulk.dataset is not None:
                dataset_rows.store(session, bulk, experiment)
            return set().union(*parts)

    return repeated(store)


def _experiment(tracking: Any, bulk: Bulk) -> Any:
    experiment = tracking.get_experiment(bulk.experiment_id)
    internals.must_be_active(tracking, experiment)
    return experiment


def _as_taken(run: RunRecord) -> RunRecord:
    """A run whose too long texts are cut, if MLflow is set up to cut them."""
    from mlflow.entities import Metric, Param, RunTag

    params, tags = internals.validated(
        [Metric(name, value, _moment(run), step) for name, value, step in run.metrics],
        [Param(name, text) for name, text in run.params.items()],
        [RunTag(name, text) for name, text in run.tags.items()],
    )
    return replace(
        run,
        params={param.key: param.value for param in params},
        tags={tag.key: tag.value for tag in tags},
    )


def _moment(run: RunRecord) -> int:
    """All figures of a run carry the moment at which it ended."""
    return run.started if run.ended is None else run.ended


def _rounds(runs: Sequence[RunRecord]) -> Iterator[list[RunRecord]]:
    """The runs so that each is at most once in a part, in their order."""
    left = list(runs)
    while left:
        part: dict[str, RunRecord] = {}
        later = [run for run in left if part.setdefault(run.run_id, run) is not run]
        yield list(part.values())
        left = later


def _store(tracking: Any, session: Any, experiment: Any, runs: Sequence[RunRecord]) -> set[str]:
    """Write runs of different ids; the ids of those that are finished afterwards."""
    from mlflow.store.tracking.dbmodels.models import SqlRun

    known = _known(session, runs)
    _hold_together(known.values(), experiment.experiment_id)
    new = [run for run in runs if run.run_id not in known]
    insert(session, SqlRun, (_run_row(run, experiment) for run in new))
    _log_new(tracking, session, new)
    for run in runs:
        if run.run_id in known and _is_open(known[run.run_id]):
            _go_on(tracking, session, known[run.run_id], run)
    finished = {run.run_id for run in new if run.status == "FINISHED"}
    return finished | {run_id for run_id, row in known.items() if _is_finished(row)}


def _known(session: Any, runs: Iterable[RunRecord]) -> dict[str, Any]:
    """The rows of the runs that there are, locked in the order of their ids."""
    from mlflow.store.tracking.dbmodels.models import SqlRun

    found = session.query(SqlRun).filter(SqlRun.run_uuid.in_([run.run_id for run in runs]))
    return {row.run_uuid: row for row in found.order_by(SqlRun.run_uuid).with_for_update()}


def _hold_together(rows: Iterable[Any], experiment_id: str) -> None:
    """Refuse runs of another experiment than the one that the user may write to."""
    from mlflow.exceptions import MlflowException

    strange = [row.run_uuid for row in rows if str(row.experiment_id) != experiment_id]
    if strange:
        message = f"{RUNS}: all runs must be of experiment {experiment_id}, but got {strange}."
        raise MlflowException.invalid_parameter_value(message)


def _is_open(row: Any) -> bool:
    return bool(row.lifecycle_stage == "active" and row.status == "RUNNING")


def _is_finished(row: Any) -> bool:
    return bool(row.lifecycle_stage == "active" and row.status == "FINISHED")


def _run_row(run: RunRecord, experiment: Any) -> Row:
    """As ``SqlAlchemyStore.create_run`` fills it."""
    return {
        "run_uuid": run.run_id,
        "name": run.tags[NAME],
        "artifact_uri": artifact_uri(experiment, run.run_id),
        "experiment_id": int(experiment.experiment_id),
        "source_type": "UNKNOWN",
        "source_name": "",
        "entry_point_name": "",
        "source_version": "",
        "user_id": run.tags.get(MlflowTag.USER, ""),
        "status": run.status,
        "start_time": run.started,
        "end_time": run.ended,
        "lifecycle_stage": "active",
    }


def _log_new(tracking: Any, session: Any, runs: Sequence[RunRecord]) -> None:
    """Insert tags, parameters and metrics of runs that have none."""
    from mlflow.store.tracking.dbmodels import models

    points = [row for run in runs for row in _metric_rows(tracking, run)]
    insert(session, models.SqlTag, _text_rows(runs, lambda run: run.tags))
    insert(session, models.SqlParam, _text_rows(runs, lambda run: run.params))
    insert(session, models.SqlMetric, points)
    insert(session, models.SqlLatestMetric, _latest(points))


def _text_rows(
    runs: Iterable[RunRecord], texts: Callable[[RunRecord], Mapping[str, str]]
) -> Iterator[Row]:
    for run in runs:
        for key, text in texts(run).items():
            yield {"run_uuid": run.run_id, "key": key, "value": text}


def _metric_rows(tracking: Any, run: RunRecord) -> Iterator[Row]:
    """The points of a run, each once, also those that the database cannot tell apart."""
    seen = set()
    for name, number, step in run.metrics:
        is_nan, value = tracking.sanitize_metric_value(number)
        if (name, step, value, is_nan) not in seen:
            seen.add((name, step, value, is_nan))
            yield {
                "run_uuid": run.run_id,
                "key": name,
                "value": value,
                "timestamp": _moment(run),
                "step": step,
                "is_nan": is_nan,
            }


def _latest(points: Iterable[Row]) -> Iterable[Row]:
    """Of each metric the point that MLflow shows: of the greatest step, then the greatest."""
    latest: dict[tuple[str, str], Row] = {}
    for row in points:
        shown = latest.setdefault((row["run_uuid"], row["key"]), row)
        if (row["step"], row["value"]) > (shown["step"], shown["value"]):
            latest[row["run_uuid"], row["key"]] = row
    return latest.values()


def _go_on(tracking: Any, session: Any, row: Any, run: RunRecord) -> None:
    """Write what an open run has become, as ``log_batch`` and ``update_run_info`` do."""
    from mlflow.store.tracking.dbmodels import models

    row.status, row.end_time, row.name = run.status, run.ended, run.tags[NAME]
    upsert(session, models.SqlTag, _text_rows([run], lambda run: run.tags))
    insert(session, models.SqlParam, _text_rows([run], lambda run: _new_params(session, run)))
    points = _new_points(session, _metric_rows(tracking, run), run.run_id)
    insert(session, models.SqlMetric, points)
    logged = [models.SqlMetric(**point) for point in points]
    internals.update_latest(tracking, session, logged)


def _new_params(session: Any, run: RunRecord) -> dict[str, str]:
    """The parameters that are not there yet.

    Raises:
        MlflowException: one that is there has another value.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.store.tracking.dbmodels.models import SqlParam

    kept = {row.key: row.value for row in session.query(SqlParam).filter_by(run_uuid=run.run_id)}
    changed = sorted(key for key, value in run.params.items() if kept.get(key, value) != value)
    if changed:
        message = f"{RUNS}: run {run.run_id}: parameters must stay as they are, but got {changed}."
        raise MlflowException.invalid_parameter_value(message)
    return {key: value for key, value in run.params.items() if key not in kept}


def _new_points(session: Any, points: Iterable[Row], run_id: str) -> list[Row]:
    """The points that are not there yet."""
    from mlflow.store.tracking.dbmodels.models import SqlMetric

    wanted = list(points)
    found = session.query(SqlMetric).filter_by(run_uuid=run_id)
    kept = found.filter(SqlMetric.key.in_({point["key"] for point in wanted}))
    known = {tuple(getattr(row, name) for name in _POINT) for row in kept} if wanted else set()
    return [point for point in wanted if tuple(point[name] for name in _POINT) not in known]


_POINT = ("key", "timestamp", "step", "value", "is_nan")
"""What makes two points of a run the same."""
