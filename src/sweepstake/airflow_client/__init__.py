"""Airflow as a client uses it: runs are followed, backfilled, tried again and ended."""
