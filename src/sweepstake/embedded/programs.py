"""Programs: what the supervisor runs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.embedded import postgres
from sweepstake.embedded.ports import HOST

if TYPE_CHECKING:
    from sweepstake.embedded.layout import Layout
    from sweepstake.embedded.ports import Ports

MLFLOW_WORKERS = 2
ALIVE_SECONDS = 120
"""How long a worker of MLflow's server may not answer: uvicorn's own 5 seconds are less than one
takes for its imports on a busy machine, and it would be killed again and again."""
NAMES = ("postgres", "mlflow", "scheduler", "dag-processor", "triggerer", "api-server")
"""The programs, those that others need first."""


@dataclass(frozen=True, slots=True)
class Program:
    """One supervised program.

    name: as ``status`` and the log file call it.
    command: absolute path and arguments.
    stop_signal: what asks it to end quickly and cleanly.
    whole_group: whether the signal goes to its children too.
    """

    name: str
    command: tuple[str, ...]
    stop_signal: str = "TERM"
    whole_group: bool = True


def programs(layout: Layout, ports: Ports) -> tuple[Program, ...]:
    """The programs of the stack in the order of ``NAMES``."""
    return (
        Program(
            name="postgres",
            command=postgres.command(layout, ports),
            stop_signal="INT",
            whole_group=False,
        ),
        Program(name="mlflow", command=_after_its_like(*_mlflow(layout, ports))),
        Program(name="scheduler", command=_airflow("scheduler", "--skip-serve-logs")),
        Program(name="dag-processor", command=_airflow("dag-processor")),
        Program(name="triggerer", command=_airflow("triggerer", "--skip-serve-logs")),
        Program(name="api-server", command=_airflow("api-server")),
    )


def _airflow(*arguments: str) -> tuple[str, ...]:
    return _after_its_like(sys.executable, "-m", "airflow", *arguments)


def _after_its_like(*command: str) -> tuple[str, ...]:
    """A command that begins when nothing of the program that was killed before it is left."""
    return (sys.executable, "-m", "sweepstake.embedded.successor", *command)


def _mlflow(layout: Layout, ports: Ports) -> tuple[str, ...]:
    """The tracking server: workers write artifacts straight into the folder, the UI reads it."""
    return (
        *(sys.executable, "-m", "mlflow", "server"),
        *("--host", HOST, "--port", str(ports.mlflow), "--workers", str(MLFLOW_WORKERS)),
        *("--app-name", "sweepstake"),
        *("--backend-store-uri", postgres.uri("mlflow", ports)),
        *("--default-artifact-root", layout.artifacts.as_uri(), "--no-serve-artifacts"),
        *("--uvicorn-opts", f"--no-access-log --timeout-worker-healthcheck {ALIVE_SECONDS}"),
    )
