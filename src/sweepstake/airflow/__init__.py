"""Airflow as it runs us: what DAG files, scheduler, triggerer and API server load."""

from __future__ import annotations

from typing import Any

__all__ = ["load_dags"]


def __getattr__(name: str) -> Any:
    """Import the adapter when a DAG file asks for it: Airflow loads this package before itself."""
    if name in __all__:
        from sweepstake.airflow import adapter

        return getattr(adapter, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
