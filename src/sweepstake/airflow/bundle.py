"""The bundle of the package's own DAG files, for ``[dag_processor] dag_bundle_config_list``.

The option is the same on every host, wherever Python keeps its packages there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.local import LocalDagBundle

DAG_FILES = (Path(__file__).parents[1] / "dags").resolve()
"""The folder of the DAG files: of the wheel, or ``dags`` of a clone, to which a link leads."""


class SweepstakeBundle(LocalDagBundle):
    """The DAG files of the installed release; only an upgrade changes them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(path=str(DAG_FILES), **kwargs)
