"""Reach: which servers a command talks to, and whether they are there, before it waits for them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sweepstake.errors import SettingsError, StackError
from sweepstake.stacks import CLIENT, ELSEWHERE, FOLDER, listens, running_at

if TYPE_CHECKING:
    from sweepstake.settings import Settings

HTTP = ("http://", "https://")


def elsewhere(settings: Settings) -> str:
    """A sentence about a stack that is not the working folder's own; nothing about that one."""
    if settings.home == Path.cwd() / FOLDER or not (settings.home / CLIENT).exists():
        return ""
    return f"The stack is that in {settings.home}."


def must_track(settings: Settings) -> None:
    """See that something listens where MLflow is to be.

    Raises:
        StackError: nothing does.
    """
    must_be_own(settings)
    uri = settings.tracking_uri
    if uri.startswith(HTTP):
        _must_listen(uri, "MLflow", "MLFLOW_TRACKING_URI")


def must_schedule(settings: Settings) -> None:
    """See that something listens where Airflow is to be.

    Raises:
        StackError: nothing does.
    """
    must_be_own(settings)
    _must_listen(settings.airflow_url, "Airflow", "SWEEPSTAKE_AIRFLOW_URL")


def must_be_own(settings: Settings) -> None:
    """See that no other stack of this user answers in the place of the one that is meant.

    Raises:
        StackError: one does, as the one that is meant is down and had the same ports.
    """
    other = stranger(settings)
    if other:
        message = (
            f"{settings.home}: its stack must be up, but is not: that in {other} has its ports. "
        )
        raise StackError(message + f"Start it by sweepstake up, or set SWEEPSTAKE_HOME={other}.")


def stranger(settings: Settings) -> Path | None:
    """The other stack that answers at the addresses of the one that is meant, if one does."""
    if any(map(os.environ.get, ELSEWHERE[:2])):
        return None
    return running_at({settings.airflow_url, settings.tracking_uri}, settings.home, os.environ)


def must_be_watched(settings: Settings, *, named: bool) -> None:
    """See that somebody may look into the folder for grid files; ``named`` says that it is set.

    Raises:
        SettingsError: no stack was ever up here, and nothing names a folder.
    """
    if named or (settings.home / CLIENT).exists():
        return
    message = f"{settings.grids}: must be a folder that a stack watches, but no stack was found: "
    message += f"none was ever up in {settings.home.parent} or above it, and none of yours runs. "
    raise SettingsError(message + "Start one by sweepstake up, or set SWEEPSTAKE_GRIDS.")


def _must_listen(address: str, server: str, setting: str) -> None:
    if listens(address):
        return
    scheme, _, rest = address.partition("://")
    shown = f"{scheme}://{rest.rpartition('@')[2]}"  # a password may stand before it
    message = f"{shown}: {server} must listen there, but nothing does. "
    raise StackError(message + f"Start the stack by sweepstake up, or correct {setting}.")
