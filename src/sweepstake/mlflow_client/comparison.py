"""MLflow's own comparison page, opened on exactly the trials of one sweep.

The page reads its state from an experiment tag ``mlflow.sharedViewState.<key>``. That tag is not
part of MLflow's documented interface (its form is taken from the pages of MLflow 3.17): offer a
plain list of the runs beside it.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from sweepstake.domain.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweepstake.mlflow_client.runs import SweepRun

UI = "http://127.0.0.1:5000"
"""Where ``mlflow ui`` listens unless it is told otherwise."""
TAG = "mlflow.sharedViewState."
MODE = {"workflowType": "machine_learning"}
"""Opens MLflow's pages for training; without it they open in those for language models."""
CARD_HEIGHT = 420
"""Pixels of a chart, each of which has a row of its own."""


@dataclass(frozen=True, slots=True)
class View:
    """A prepared page: the key and value of its experiment tag, and its address below MLflow's."""

    key: str
    state: str
    link: str


def view(sweep: SweepRun, metrics: Sequence[str], params: Sequence[str]) -> View:
    """The page with parallel coordinates and a scatter plot of the children of ``sweep``.

    ``metrics`` are sorted by the first, descending; ``params`` are those that vary,
    each drawn on its axis where it has one.
    """
    params = sweep.axes.names(params)
    key = hashlib.sha256(sweep.sweep_id.encode()).hexdigest()[:16]
    state = {
        "orderByKey": f"metrics.`{metrics[0]}`",
        "orderByAsc": False,
        "searchFilter": children_filter(sweep),
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [
            *(f"metrics.`{name}`" for name in metrics),
            *(f"params.`{name}`" for name in params),
        ],
        "runsHiddenMode": "SHOWALL",
        "runListHidden": True,
        "compareRunSections": [_section(key)],
        "compareRunCharts": _charts(key, metrics, params),
    }
    record = {
        "name": sweep.sweep_id,
        "createdAt": int(time.time() * 1000),
        "state": json.dumps(state),
    }
    query = urlencode({"viewStateShareKey": key, "compareRunsMode": "CHART", **MODE})
    return View(key, json.dumps(record), f"#/experiments/{sweep.experiment_id}/runs?{query}")


def children_filter(sweep: SweepRun, batch: str | None = None) -> str:
    """MLflow's search text for the children of ``sweep``, of one ``batch`` if given."""
    query = f"tags.`mlflow.parentRunId` = '{sweep.run_id}'"
    return query if batch is None else f"{query} and tags.`{Tag.BATCH}` = '{batch}'"


def run_url(uri: str, experiment_id: str, run_id: str) -> str:
    """The page of a run."""
    return f"{_pages(uri)}/#/experiments/{experiment_id}/runs/{run_id}?{urlencode(MODE)}"


def version_url(uri: str, model: str, version: str) -> str:
    """The page of a model version."""
    page = f"{_pages(uri)}/#/models/{quote(model, safe='')}/versions/{version}"
    return f"{page}?{urlencode(MODE)}"


def batch_url(uri: str, sweep: SweepRun, metric: str, batch: str) -> str:
    """The page that lists the children of one batch, greatest ``metric`` first."""
    return f"{_pages(uri)}/{list_link(sweep, metric, batch)}"


def list_link(sweep: SweepRun, metric: str, batch: str | None = None) -> str:
    """The address, below MLflow's, of the list of children, greatest ``metric`` first.

    In its usual order, that of time, MLflow shows the parent alone, its children folded.
    """
    order = {"orderByKey": f"metrics.`{metric}`", "orderByAsc": "false"}
    given = {"searchFilter": children_filter(sweep, batch), **order, **MODE}
    query = urlencode(given, quote_via=quote)
    return f"#/experiments/{sweep.experiment_id}/runs?{query}"


def has_pages(uri: str) -> bool:
    """Whether there is a server with pages; a database alone has none."""
    return urlsplit(uri).scheme in {"http", "https"}


def opening(uri: str) -> str:
    """The command that shows the pages of a database; one with a password is not written out."""
    shown = '"$MLFLOW_TRACKING_URI"' if urlsplit(uri).password else shlex.quote(uri)
    return f"mlflow ui --backend-store-uri {shown}"


def _pages(uri: str) -> str:
    """The address of the pages, without a user and password that ``uri`` may hold.

    Those of a database are where ``mlflow ui`` shows it.
    """
    if not has_pages(uri):
        return UI
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")


def _section(key: str) -> dict[str, Any]:
    return {
        "uuid": f"{key}-section",
        "name": "Sweep",
        "display": True,
        "isReordered": False,
        "columns": 1,
        "cardHeight": CARD_HEIGHT,
    }


def _charts(key: str, metrics: Sequence[str], params: Sequence[str]) -> list[dict[str, Any]]:
    common = {"metricSectionId": f"{key}-section", "deleted": False, "isGenerated": False}
    parallel = {
        "uuid": f"{key}-parallel",
        "type": "PARALLEL",
        "selectedParams": list(params),
        "selectedMetrics": [metrics[0]],
        "showAllRuns": True,
    }
    axes = [{"key": name, "type": "PARAM"} for name in params]
    axes += [{"key": name, "type": "METRIC"} for name in metrics[1:]]
    scatter = {
        "uuid": f"{key}-scatter",
        "type": "SCATTER",
        "xaxis": axes[0] if axes else {"key": metrics[0], "type": "METRIC"},
        "yaxis": {"key": metrics[0], "type": "METRIC"},
    }
    return [{**common, **parallel}, {**common, **scatter}]
