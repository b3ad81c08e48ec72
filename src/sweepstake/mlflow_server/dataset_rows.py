"""Dataset rows: what the runs of a posted bulk were trained on, as ``log_inputs`` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sweepstake.mlflow_client.run_datasets import CONTEXT
from sweepstake.mlflow_server.statements import insert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sweepstake.mlflow_client.bulk import Bulk
    from sweepstake.mlflow_client.run_datasets import RunDataset

DATASET, RUN = "DATASET", "RUN"


def store(session: Any, bulk: Bulk, experiment: Any) -> None:
    """Make the dataset of a bulk an input of those of its runs that have none of it yet.

    Runs in MLflow's bin are passed over. The dataset itself is written once for each experiment.

    Raises:
        MlflowException: another request is just writing the same: send it again.
    """
    from mlflow.store.tracking.dbmodels.models import SqlInput, SqlInputTag

    if bulk.dataset is None:
        return
    source = _source(session, bulk.dataset, experiment)
    inputs = [
        {
            "input_uuid": uuid4().hex,
            "source_type": DATASET,
            "source_id": source,
            "destination_type": RUN,
            "destination_id": run_id,
            "step": 0,
        }
        for run_id in _without(session, source, [run.run_id for run in bulk.runs])
    ]
    key, value = CONTEXT
    tags = [{"input_uuid": row["input_uuid"], "name": key, "value": value} for row in inputs]
    insert(session, SqlInput, inputs)
    insert(session, SqlInputTag, tags)


def _source(session: Any, dataset: RunDataset, experiment: Any) -> str:
    """The id of the dataset in its experiment, where it is written unless it is there."""
    from mlflow.store.tracking.dbmodels.models import SqlDataset

    key = {
        "experiment_id": int(experiment.experiment_id),
        "name": dataset.name,
        "digest": dataset.digest,
    }
    found = session.query(SqlDataset.dataset_uuid).filter_by(**key).scalar()
    if found is not None:
        return str(found)
    new = uuid4().hex
    row = {
        **key,
        "dataset_uuid": new,
        "dataset_source_type": dataset.source_type,
        "dataset_source": dataset.source,
        "dataset_schema": dataset.schema,
        "dataset_profile": dataset.profile,
    }
    insert(session, SqlDataset, [row])
    return new


def _without(session: Any, source: str, run_ids: Iterable[str]) -> list[str]:
    """Those of the runs, each once, that are there and lack the input."""
    from mlflow.store.tracking.dbmodels.models import SqlInput, SqlRun

    asked = sorted(set(run_ids))
    active = session.query(SqlRun.run_uuid).filter(
        SqlRun.run_uuid.in_(asked), SqlRun.lifecycle_stage == "active"
    )
    having = session.query(SqlInput.destination_id).filter(
        SqlInput.source_type == DATASET,
        SqlInput.source_id == source,
        SqlInput.destination_type == RUN,
        SqlInput.destination_id.in_(asked),
    )
    known = {run_id for (run_id,) in having}
    return [run_id for (run_id,) in active if run_id not in known]
