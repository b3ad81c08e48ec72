"""The newest sweeps on a server, as their parent runs tell of them, in one search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.domain.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.mlflow_client.connection import Connection


@dataclass(frozen=True, slots=True)
class ListedSweep:
    """A sweep by its parent run; ``status`` is MLflow's, times are in milliseconds.

    ``figures`` are counts by outcome and those of its best trial, once it has closed; ``decision``
    is the verdict on its finalist with its ``reason``, empty before there is one.
    """

    sweep: str
    model: str
    metric: str
    status: str
    started: int
    ended: int | None
    figures: Mapping[str, float]
    decision: str
    reason: str
    experiment_id: str
    run_id: str


def newest(client: Connection, most: int) -> tuple[ListedSweep, ...]:
    """The parent runs that began last, newest first, in any experiment."""
    experiments = [each.experiment_id for each in client.every("search_experiments")]
    found = client.search_runs(
        experiments,
        f"tags.`{Tag.ROLE}` = 'sweep'",
        max_results=most,
        order_by=["attributes.start_time DESC"],
    )
    return tuple(_listed(run) for run in found if run.data.tags.get(Tag.SWEEP))


def _listed(run: Any) -> ListedSweep:
    tags = run.data.tags
    return ListedSweep(
        sweep=tags[Tag.SWEEP],
        model=tags.get(Tag.MODEL, ""),
        metric=tags.get(Tag.METRIC, ""),
        status=run.info.status,
        started=run.info.start_time,
        ended=run.info.end_time,
        figures=run.data.metrics,
        decision=tags.get(Tag.DECISION, ""),
        reason=tags.get(Tag.REASON, ""),
        experiment_id=run.info.experiment_id,
        run_id=run.info.run_id,
    )
