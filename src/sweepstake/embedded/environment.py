"""Environment: the variables that every process of the embedded stack inherits."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sweepstake.embedded.ports import HOST
from sweepstake.embedded.processes import MARK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.embedded.layout import Layout
    from sweepstake.embedded.ports import Ports
    from sweepstake.settings import Settings

FOREIGN = (
    "AIRFLOW_HOME",
    "AIRFLOW_CONFIG",
    "AIRFLOW__",
    "MLFLOW_",
    "_MLFLOW_",
    "PG",
    "SUPERVISOR_",
)
"""Variables that another installation may have left, and that would redirect this one."""

POOL = "sweepstake"
"""Airflow's pool of training tasks: one slot for each core."""

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Trials run side by side already: more threads per trial only make them wait for each other."""


def of_children(
    settings: Settings, layout: Layout, ports: Ports, environ: Mapping[str, str]
) -> dict[str, str]:
    """``environ`` without what belongs to other installations, and with what the stack needs."""
    return {
        **{key: value for key, value in environ.items() if _is_kept(key)},
        **_machine(layout, environ),
        **mlflow_variables(layout, ports),
        **_sweepstake(settings, ports),
    }


def _is_kept(name: str) -> bool:
    return not name.startswith(FOREIGN) and name != "PYTHONDONTWRITEBYTECODE"


def _machine(layout: Layout, environ: Mapping[str, str]) -> dict[str, str]:
    """What makes processes findable, and each of them light.

    ``SPT_NOENV`` keeps Airflow's process titles from overwriting the environment that holds the
    mark of the stack.
    """
    return {
        **dict.fromkeys(ONE_THREAD, "1"),
        MARK: str(layout.home),
        "SPT_NOENV": "1",
        "AIRFLOW_HOME": str(layout.airflow),
        "PGPASSFILE": str(layout.pgpass),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), environ.get("PATH", ""))),
        "PYTHONUNBUFFERED": "1",
    }


def mlflow_variables(layout: Layout, ports: Ports) -> dict[str, str]:
    """MLflow: no job runner (8 processes), no telemetry, no gateway, no hidden request per run.

    It answers to its own address only, registers only models of its own artifact folder, and
    nothing in the stack opens a model by MLflow's own, more trusting ways.
    """
    return {
        "MLFLOW_TRACKING_URI": ports.mlflow_url,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        "MLFLOW_SERVER_ALLOWED_HOSTS": f"{HOST}:{ports.mlflow},localhost:{ports.mlflow}",
        "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX": (
            f"^({re.escape(layout.artifacts.as_uri())}/|models:/m-|runs:/)"
        ),
        "MLFLOW_ALLOW_MODEL_CODE_EXECUTION": "false",  # what MLflow 3.18 asks
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    }


def _sweepstake(settings: Settings, ports: Ports) -> dict[str, str]:
    """What ``load_settings`` reads in a task."""
    return {
        "SWEEPSTAKE_HOME": str(settings.home),
        "SWEEPSTAKE_GRIDS": str(settings.grids),
        "SWEEPSTAKE_WORKSPACE": str(settings.workspace),
        "SWEEPSTAKE_DATA_ROOTS": os.pathsep.join(map(str, settings.data_roots)),
        "SWEEPSTAKE_DEFAULT_SOURCE": settings.default_source,
        "SWEEPSTAKE_AIRFLOW_URL": ports.airflow_url,
        "SWEEPSTAKE_POOL": POOL,
    }
