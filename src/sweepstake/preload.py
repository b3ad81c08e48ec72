"""Preload: import what tasks need in the process that forks their workers."""

from __future__ import annotations

import gc
import importlib
import pkgutil
import sys
import warnings
from contextlib import suppress

LIBRARIES = (
    "airflow.dag_processing.dagbag",
    "airflow.providers.standard.decorators.python",
    "airflow.providers.standard.operators.trigger_dagrun",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "httpcore",
    "matplotlib.figure",
    "mlflow.pyfunc.model",
    "mlflow.sklearn",
    "pandas",
    "pyarrow.parquet",
    "skops.io",
)
FOR_BUCKETS = ("boto3", "s3fs")
ADAPTERS = {"airflow", "bundle", "cli", "clidays", "cliservers", "dags", "doctor", "executor"}
ADAPTERS |= {"runtime", "serving", "taskgraph", "timetables"}
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

    import sweepstake

    sklearn.utils.all_estimators()
    for library in LIBRARIES:
        importlib.import_module(library)
    own = [f"sweepstake.{module.name}" for module in _without_adapters(sweepstake.__path__)]
    for name in (*FOR_BUCKETS, *own):
        with suppress(ImportError):  # a task that needs it will tell why
            importlib.import_module(name)
    gc.freeze()


def _without_adapters(path: list[str]) -> list[pkgutil.ModuleInfo]:
    return [module for module in pkgutil.iter_modules(path) if module.name not in ADAPTERS]
