"""Preload: import what tasks need in the process that forks their workers."""

from __future__ import annotations

import gc
import importlib
import pkgutil
import sys
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

LIBRARIES = (
    "airflow.dag_processing.dagbag",
    "airflow.providers.standard.decorators.python",
    "airflow.providers.standard.operators.trigger_dagrun",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "httpcore",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "mlflow.pyfunc.model",
    "mlflow.sklearn",
    "optuna.importance",
    "pandas",
    "plotly.offline",
    "pyarrow.parquet",
    "skops.io",
)
FOR_BUCKETS = ("boto3", "s3fs")
ELSEWHERE = {"airflow", "cli", "doctor", "embedded", "mlflow_server", "serving"}
"""Packages that no task imports, or whose DAG file does."""
FORKING = ({"scheduler"}, {"celery", "worker"})
"""Words on the command lines of the programs whose forks run tasks."""


def preload_for_tasks() -> None:
    """Import in a scheduler or a Celery worker all that tasks import; elsewhere do nothing."""
    if any(words <= set(sys.argv) for words in FORKING):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # skops looks into every module, deprecated ones too
            _preload()


def _preload() -> None:
    import sklearn.utils
    from plotly.graph_objects import Figure  # noqa: F401 - loaded when it is named

    import sweepstake
    from sweepstake.mlflow_client import model_folders

    sklearn.utils.all_estimators()
    for library in LIBRARIES:
        importlib.import_module(library)
    for name in (*FOR_BUCKETS, *_modules(sweepstake)):
        with suppress(ImportError):  # a task that needs it will tell why
            importlib.import_module(name)
    model_folders.find_packages()
    gc.freeze()


def _modules(package: ModuleType) -> Iterator[str]:
    """The names of all modules below a package that tasks may import."""
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if found.ispkg and found.name.rpartition(".")[2] not in ELSEWHERE:
            yield from _modules(importlib.import_module(found.name))
        elif not found.ispkg:
            yield found.name
