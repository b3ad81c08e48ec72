"""Processes: those that belong to one embedded stack, however they were started or orphaned."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MARK = "SWEEPSTAKE_STACK"
"""The variable that every process of a stack inherits; it holds the stack's state folder."""

PATIENCE_SECONDS = 10.0


def of_stack(home: Path) -> list[psutil.Process]:
    """Every other process that carries the mark of the stack in ``home``."""
    return [
        process
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get(MARK) == str(home) and process.pid != os.getpid()
    ]


def end(processes: Sequence[psutil.Process]) -> None:
    """Ask ``processes`` to end, and kill those that still run after some seconds."""
    for process in processes:
        _signal(process, kill=False)
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)
    kill(alive)


def kill(processes: Sequence[psutil.Process]) -> None:
    """Kill ``processes``, and wait until they are gone."""
    for process in processes:
        _signal(process, kill=True)
    psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return
