"""One DAG `sweep__NAME` for each grid file in the watched folder whose data are by day.

The DAG intake publishes these files as small records; a task parses the one of its own DAG only.
"""

import logging

from airflow.sdk import get_parsing_context

from sweepstake.airflow.task_graph import daily_dag
from sweepstake.intake.daily_files import published
from sweepstake.settings import load_settings
from sweepstake.storage.workspace import Workspace

only = get_parsing_context().dag_id

for daily in published(Workspace(load_settings().workspace)):
    if only in {None, daily.dag_id}:
        try:
            globals()[daily.dag_id] = daily_dag(daily)
        except Exception:
            logging.getLogger(__name__).exception("%r makes no DAG; the others do", daily.dag_id)
