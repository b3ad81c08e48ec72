"""Checks: what the machine must have before the embedded stack starts."""

from __future__ import annotations

import os
import pwd
import shutil
from typing import TYPE_CHECKING

from sweepstake.errors import SettingsError, StackError

if TYPE_CHECKING:
    from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
LEAST_FREE_BYTES = 2 * 1024**3


def check_python(version: tuple[int, int]) -> None:
    """Refuse a Python that Airflow does not support.

    Raises:
        SettingsError: ``version`` is not from 3.11 to 3.13.
    """
    if not OLDEST <= version <= NEWEST:
        message = (
            f"Python: must be from {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}, "
            f"but got {version[0]}.{version[1]}. Install one of these and create .venv again."
        )
        raise SettingsError(message)


def check_disk(home: Path, least: int = LEAST_FREE_BYTES) -> None:
    """Refuse a disk with fewer than ``least`` free bytes for the state folder.

    Raises:
        StackError: too little space.
    """
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < least:
        message = (
            f"{home}: needs {least / 1024**3:.1f} GiB of free disk, but has {free / 1024**3:.1f}. "
            "Free some, or set SWEEPSTAKE_HOME to a folder on another disk."
        )
        raise StackError(message)


def check_user(name: str) -> None:
    """Refuse to run as root where PostgreSQL's own user ``name`` can be neither found nor made.

    Raises:
        StackError: there is no ``useradd``.
    """
    if os.geteuid() == 0 and not _user_exists(name) and shutil.which("useradd") is None:
        message = (
            f"postgres: must run as a user of its own, not as root, but there is neither a user "
            f"{name!r} nor the command useradd. Install it, or run as an ordinary user."
        )
        raise StackError(message)


def _user_exists(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())
