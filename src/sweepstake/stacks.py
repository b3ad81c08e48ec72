"""Stacks: where the embedded stack of a command is, wherever the command was called."""

from __future__ import annotations

import hashlib
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sweepstake.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

HOME = "SWEEPSTAKE_HOME"
FOLDER = ".sweepstake"
CLIENT = "client.env"
"""What a stack tells its clients; there once it was up."""
ELSEWHERE = ("MLFLOW_TRACKING_URI", "SWEEPSTAKE_AIRFLOW_URL", "SWEEPSTAKE_GRIDS")
"""Who sets one of these means servers of their own choice."""
LOOK_SECONDS = 1.0


def near(env: Mapping[str, str], folder: Path) -> Path:
    """The state folder that is set, else that of the nearest stack in ``folder`` or above it.

    Where none was ever up it is ``folder``'s own. Folders of other users count as none: whoever
    may write above a folder must not choose whom its commands talk to.
    """
    if env.get(HOME):
        return folder / env[HOME]
    for above in (folder, *folder.parents):
        if _is_ours(above / FOLDER):
            return above / FOLDER
    return folder / FOLDER


def find(env: Mapping[str, str], folder: Path) -> Path:
    """The state folder of a command; where none was ever up, that of the user's one running stack.

    Raises:
        SettingsError: several run, or that of ``folder`` is another user's.
    """
    home = near(env, folder)
    if env.get(HOME) or _is_ours(home):
        return home
    if (home / CLIENT).exists():
        message = f"{home}: must be yours, since commands trust it, but is another user's. "
        raise SettingsError(message + f"Set {HOME} to it if you trust it.")
    if any(map(env.get, ELSEWHERE)):
        return home
    running = list(_running(env))
    if len(running) > 1:
        message = f"{HOME}: must say which stack is meant, as {len(running)} run: "
        raise SettingsError(message + f"{', '.join(map(str, running))}. Set it to one of them.")
    return running[0] if running else home


def running_at(addresses: Collection[str], but: Path, env: Mapping[str, str]) -> Path | None:
    """The stack of this user that runs at one of these addresses, other than that in ``but``."""
    others = (home for home in _running(env) if home.resolve() != but.resolve())
    return next((each for each in others if set(told(each).values()) & set(addresses)), None)


def told(home: Path) -> dict[str, str]:
    """What the stack in ``home`` told its clients, as ``KEY=value`` lines; nothing before it."""
    try:
        text = (home / CLIENT).read_text(encoding="utf-8")
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def remember(home: Path, env: Mapping[str, str]) -> None:
    """Note for this user's commands that a stack is up, as well as that can be noted."""
    if notes := _notes(env):
        with suppress(OSError):
            notes.mkdir(parents=True, exist_ok=True)
            (notes / _name(home)).write_text(str(home), encoding="utf-8")


def forget(home: Path, env: Mapping[str, str]) -> None:
    """Take that back."""
    if notes := _notes(env):
        with suppress(OSError):
            (notes / _name(home)).unlink()


def listens(address: str, seconds: float = LOOK_SECONDS) -> bool:
    """Whether anything takes connections at a URL."""
    try:
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if parts.hostname is None:
            return False
        socket.create_connection((parts.hostname, port), seconds).close()
    except (OSError, ValueError):  # no number stands where the port should
        return False
    return True


def _running(env: Mapping[str, str]) -> Iterator[Path]:
    notes = _notes(env)
    for note in sorted(notes.iterdir()) if notes and notes.is_dir() else ():
        home = Path(note.read_text(encoding="utf-8", errors="replace"))
        if _is_ours(home) and listens(told(home).get("SWEEPSTAKE_AIRFLOW_URL", "")):
            yield home


def _notes(env: Mapping[str, str]) -> Path | None:
    """The folder of the XDG base directory specification for such notes."""
    if env.get("XDG_STATE_HOME"):
        return Path(env["XDG_STATE_HOME"]) / "sweepstake" / "stacks"
    home = env.get("HOME")
    return Path(home) / ".local" / "state" / "sweepstake" / "stacks" if home else None


def _name(home: Path) -> str:
    return hashlib.sha256(str(home).encode()).hexdigest()[:16]


def _is_ours(home: Path) -> bool:
    """Whether a stack of this user was up there; a link counts as whose it is."""
    try:
        return {place.lstat().st_uid for place in (home, home / CLIENT)} == {os.geteuid()}
    except OSError:
        return False
