"""Sweepstake: hyperparameter sweeps on Airflow and MLflow, whose winner goes into production.

What a program needs is here; it is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweepstake.api import (
        champion,
        compare,
        frame,
        history,
        leaderboard,
        load_grid,
        load_model,
        plan,
        rerun,
        run,
        schema,
        show,
        submit,
    )
    from sweepstake.champions.comparing import Comparison
    from sweepstake.errors import GridFileError, SweepstakeError
    from sweepstake.gridfile.grid_file import GridFile
    from sweepstake.mlflow_client.ledger import LedgerEntry
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.settings import Settings, load_settings
    from sweepstake.sweeps.leaderboard import Leaderboard
    from sweepstake.sweeps.preview import Preview
    from sweepstake.sweeps.rerun import Rerun
    from sweepstake.sweeps.trial_lookup import TrialRecord

    __version__: str

__all__ = [
    "Comparison",
    "GridFile",
    "GridFileError",
    "Leaderboard",
    "LedgerEntry",
    "Preview",
    "Rerun",
    "Settings",
    "SweepstakeError",
    "TrialRecord",
    "Version",
    "__version__",
    "champion",
    "compare",
    "frame",
    "history",
    "leaderboard",
    "load_grid",
    "load_model",
    "load_settings",
    "plan",
    "rerun",
    "run",
    "schema",
    "show",
    "submit",
]
_ELSEWHERE = {
    "Comparison": "champions.comparing",
    "GridFile": "gridfile.grid_file",
    "GridFileError": "errors",
    "Leaderboard": "sweeps.leaderboard",
    "LedgerEntry": "mlflow_client.ledger",
    "Preview": "sweeps.preview",
    "Rerun": "sweeps.rerun",
    "Settings": "settings",
    "SweepstakeError": "errors",
    "TrialRecord": "sweeps.trial_lookup",
    "Version": "mlflow_client.model_version",
    "load_settings": "settings",
}
"""Where the names are that are not of `api`."""


def __getattr__(name: str) -> Any:
    """Import what is asked for: the whole library takes seconds, and most programs need a part."""
    if name == "__version__":
        from importlib.metadata import version

        return version("sweepstake")
    if name in __all__:
        return getattr(import_module(f"sweepstake.{_ELSEWHERE.get(name, 'api')}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)
