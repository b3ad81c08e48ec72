"""The workspace: the folder that tasks share, where each write is complete or absent."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sweepstake.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Workspace:
    """Grid snapshots, plans, model templates, staged data and judging rounds under one root."""

    root: Path

    @property
    def data(self) -> Path:
        """Staged data sets, one folder for each digest."""
        return self.root / "data"

    @property
    def closed_days(self) -> Path:
        """The file that is written anew whenever a sweep of a day has closed."""
        return self.root / "closed-days"

    def template(self, sweep_id: str) -> Path:
        """Folder of the files that all models of a sweep share."""
        return self.root / "sweeps" / sweep_id / "template"

    def keep_snapshot(self, content: bytes) -> str:
        """Store the bytes of a grid file under their SHA-256 and return it."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._snapshot(digest)
        if not path.exists():
            write_atomically(path, content)
        return digest

    def read_snapshot(self, digest: str) -> bytes:
        """The bytes of the grid file with this SHA-256.

        Raises:
            NotFoundError: no such snapshot was kept.
        """
        return self._read(self._snapshot(digest))

    def claim(self, digest: str, sweep_id: str) -> str:
        """The sweep that the snapshot ``digest`` stands for: ``sweep_id`` if none claimed it.

        Of several who claim at once, on whatever host, one is first and all are told the same.
        """
        path = self._snapshot(digest).with_suffix(".sweep")
        if not path.exists():
            create_atomically(path, sweep_id.encode())
        return path.read_text(encoding="utf-8")

    def write_record(self, name: str, record: Any) -> None:
        """Store a JSON-able record, replacing the one of that name."""
        write_atomically(self.root / f"{name}.json", json.dumps(record).encode())

    def read_record(self, name: str) -> Any:
        """The record of that name.

        Raises:
            NotFoundError: there is none.
        """
        return json.loads(self._read(self.root / f"{name}.json"))

    def remove_record(self, name: str) -> None:
        """Take the record of that name away, if there is one."""
        (self.root / f"{name}.json").unlink(missing_ok=True)

    def records(self, folder: str) -> list[Any]:
        """All records whose name starts with ``folder/``, in the order of their names."""
        return list(self._records(folder))

    def _records(self, folder: str) -> Iterator[Any]:
        for path in sorted((self.root / folder).glob("*.json")):
            with suppress(FileNotFoundError):  # taken away since the folder was read
                yield json.loads(path.read_bytes())

    def _snapshot(self, digest: str) -> Path:
        return self.root / "snapshots" / digest

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            message = (
                f"{path.relative_to(self.root)}: not in the workspace {self.root}. "
                "Submit the grid file again, or check SWEEPSTAKE_WORKSPACE."
            )
            raise NotFoundError(message) from None


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that readers see all of it or nothing, whoever is killed meanwhile."""
    with _written_beside(path, content) as temporary:
        temporary.replace(path)


def create_atomically(path: Path, content: bytes) -> None:
    """Write a file, complete or not at all, unless there is one: the first writer's stays."""
    with _written_beside(path, content) as temporary, suppress(FileExistsError):
        path.hardlink_to(temporary)


@contextmanager
def _written_beside(path: Path, content: bytes) -> Iterator[Path]:
    """A complete file in the folder of ``path`` for as long as the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid4().hex}.part")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
