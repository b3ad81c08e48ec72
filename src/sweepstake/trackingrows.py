"""Rows: what a posted bulk of runs becomes in the database of the tracking server.

The tables, the checks and the sessions are MLflow's own, so that what is written here is what its
API would have written, in a fraction of the time: its own way reads each run back several times. A
client chooses the ids of its runs. So a request that is sent twice changes nothing, and a client
that is killed leaves no half-written run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.bulk import RUNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sweepstake.bulk import Bulk, RunRecord

Row = dict[str, Any]


def artifact_uri(experiment: Any, run_id: str) -> str:
    """Where the files of a run of ``experiment`` lie, as ``SqlAlchemyStore.create_run`` has it."""
    from mlflow.utils.uri import append_to_uri_path

    return str(append_to_uri_path(experiment.artifact_location, run_id, "artifacts"))


def store_runs(tracking: Any, bulk: Bulk) -> set[str]:
    """Insert new runs, go on with open ones, pass over all others; the ids of those finished.

    ``tracking`` is the server's ``SqlAlchemyStore`` of runs. A run in MLflow's bin stays there.

    Raises:
        MlflowException: the runs cannot be written, or met another request: send it again.
    """
    from mlflow.store.tracking.dbmodels.models import SqlRun

    _check(bulk)
    with tracking.ManagedSessionMaker(read_only=False) as session:
        experiment = tracking.get_experiment(bulk.experiment_id)
        tracking._check_experiment_is_active(experiment)  # noqa: SLF001
        ids = [run.run_id for run in bulk.runs]
        found = session.query(SqlRun).filter(SqlRun.run_uuid.in_(ids)).with_for_update()
        known = {row.run_uuid: row for row in found}
        _hold_together(known.values(), bulk.experiment_id)
        new = [run for run in bulk.runs if run.run_id not in known]
        going = [run for run in bulk.runs if run.run_id in known and _is_open(known[run.run_id])]
        insert(session, SqlRun, (_run_row(run, experiment) for run in new))
        for run in going:
            known[run.run_id].status, known[run.run_id].end_time = run.status, run.ended
        _log(tracking, session, [*new, *going], {run.run_id for run in going})
        finished = {run.run_id for run in new if run.status == "FINISHED"}
        return finished | {run_id for run_id, row in known.items() if _is_finished(row)}


def _check(bulk: Bulk) -> None:
    """Hold every run to what MLflow's API allows."""
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.utils import validation

    for run in bulk.runs:
        validation._validate_run_id(run.run_id)  # noqa: SLF001
        validation._validate_batch_log_data(  # noqa: SLF001
            [Metric(name, value, run.started, step) for name, value, step in run.metrics],
            [Param(name, text) for name, text in run.params.items()],
            [RunTag(name, text) for name, text in run.tags.items()],
        )
        for name, text in (run.version or {}).items():
            validation._validate_model_version_tag(name, text)  # noqa: SLF001


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
        "name": run.tags["mlflow.runName"],
        "artifact_uri": artifact_uri(experiment, run.run_id),
        "experiment_id": int(experiment.experiment_id),
        "source_type": "UNKNOWN",
        "source_name": "",
        "entry_point_name": "",
        "source_version": "",
        "user_id": run.tags.get("mlflow.user", ""),
        "status": run.status,
        "start_time": run.started,
        "end_time": run.ended,
        "lifecycle_stage": "active",
    }


def _log(tracking: Any, session: Any, runs: Sequence[RunRecord], tagged: Collection[str]) -> None:
    """Insert the tags that are not there yet, parameters and metrics.

    Runs get parameters and metrics once, when they end; only the runs ``tagged`` may have tags.
    """
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlTag

    keys = session.query(SqlTag.run_uuid, SqlTag.key).filter(SqlTag.run_uuid.in_(tagged))
    present = {(run_id, key) for run_id, key in keys} if tagged else set()
    tags = (row for run in runs for row in _text_rows(run, run.tags))
    insert(session, SqlTag, (r for r in tags if (r["run_uuid"], r["key"]) not in present))
    insert(session, SqlParam, (row for run in runs for row in _text_rows(run, run.params)))
    points = [row for run in runs for row in _metric_rows(tracking, run)]
    insert(session, SqlMetric, points)
    insert(session, SqlLatestMetric, _latest(points))


def _text_rows(run: RunRecord, texts: Mapping[str, str]) -> Iterator[Row]:
    return ({"run_uuid": run.run_id, "key": key, "value": text} for key, text in texts.items())


def _metric_rows(tracking: Any, run: RunRecord) -> Iterator[Row]:
    """All points carry the moment at which the run ended."""
    for name, number, step in dict.fromkeys(run.metrics):
        is_nan, value = tracking.sanitize_metric_value(number)
        yield {
            "run_uuid": run.run_id,
            "key": name,
            "value": value,
            "timestamp": run.ended or run.started,
            "step": step,
            "is_nan": is_nan,
        }


def _latest(points: Iterable[Row]) -> Iterable[Row]:
    """Of each metric the point that MLflow shows: of the greatest step, then the greatest."""
    ordered = sorted(points, key=lambda row: (row["step"], row["value"]))
    return {(row["run_uuid"], row["key"]): row for row in ordered}.values()


def insert(session: Any, table: Any, rows: Iterable[Row]) -> None:
    """Insert rows in as few statements as the database allows."""
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
    from sqlalchemy import insert as statement
    from sqlalchemy.exc import IntegrityError

    found = list(rows)
    try:
        if found:
            session.execute(statement(table), found)
    except IntegrityError as error:
        message = f"{RUNS}: another request wrote some of these rows just now. Send it again."
        raise MlflowException(message, TEMPORARILY_UNAVAILABLE) from error
