"""Airflow imports this in each of its programs."""

from sweepstake.airflow.preload import preload_for_tasks

__all__ = []

preload_for_tasks()
