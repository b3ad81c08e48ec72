"""Layout: where everything of one embedded stack lies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.errors import SettingsError
from sweepstake.stacks import CLIENT

if TYPE_CHECKING:
    from pathlib import Path

MISREAD = ("%", " ;", " #", "\n")
"""What supervisord takes for a placeholder, a comment or a new line, even inside a path."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The state folder of one embedded stack and the places in it."""

    home: Path

    @property
    def lock(self) -> Path:
        """Held by whoever starts or stops the stack."""
        return self.home / "lock"

    @property
    def ports(self) -> Path:
        """The ports of the last start."""
        return self.home / "ports.json"

    @property
    def credentials(self) -> Path:
        """Generated passwords and keys; private."""
        return self.home / "credentials.json"

    @property
    def client(self) -> Path:
        """What ``load_settings`` reads; private."""
        return self.home / CLIENT

    @property
    def logs(self) -> Path:
        """One log per program, and the supervisor's own."""
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """What a running stack needs and a stopped one does not."""
        return self.home / "run"

    @property
    def postgres(self) -> Path:
        """The database server's folder; as root it belongs to the server's own user."""
        return self.home / "postgres"

    @property
    def pgpass(self) -> Path:
        """The database password in libpq's own format; private."""
        return self.home / "pgpass"

    @property
    def airflow(self) -> Path:
        """``AIRFLOW_HOME``."""
        return self.home / "airflow"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts."""
        return self.home / "mlflow" / "artifacts"

    def create(self) -> None:
        """Create the folders, private to the user that runs the stack.

        Raises:
            SettingsError: the path holds what supervisord would misread.
        """
        if any(mark in str(self.home) for mark in MISREAD):
            message = (
                "SWEEPSTAKE_HOME: must hold no '%', no line break and no space before ';' or '#', "
                f"but got {str(self.home)!r}. Choose another folder."
            )
            raise SettingsError(message)
        folders = (self.home, self.logs, self.run, self.airflow / "config", self.artifacts)
        for folder in folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.logs, self.run, self.airflow, self.artifacts.parent):
            folder.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` at once, readable by its owner alone from the first byte."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
