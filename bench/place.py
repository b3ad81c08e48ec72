"""Place: a folder to run programs in that need no stack, with a tracking store of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Place:
    """A folder with a tracking store of its own, and how programs find both."""

    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """The environment of what runs here."""
        store = f"sqlite:///{self.folder / 'mlflow.db'}"
        own = {"MLFLOW_TRACKING_URI": store, "SWEEPSTAKE_HOME": str(self.folder / "home")}
        path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"  # mlflow starts uvicorn by its name
        return {**os.environ, **own, "PATH": path}

    def start(self, *command: str, log: str, **environ: str) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own; what it says goes into a file.

        ``environ`` is what its environment has besides.
        """
        with (self.folder / log).open("ab") as file:
            return subprocess.Popen(
                [str(PROGRAMS / command[0]), *command[1:]],
                cwd=self.folder,
                env=self.environ | environ,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def run(self, *command: str, **environ: str) -> None:
        """Run a program to its end.

        Raises:
            RuntimeError: it failed; carries what it said.
        """
        if self.start(*command, log="run.log", **environ).wait():
            raise RuntimeError((self.folder / "run.log").read_text(encoding="utf-8"))


@contextmanager
def new_place() -> Iterator[Place]:
    """An empty place, which is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="sweepstake-bench-"))
    try:
        yield Place(folder)
    finally:
        shutil.rmtree(folder)
