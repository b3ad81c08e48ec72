"""The workspace: what tasks share, in a folder or a bucket; each write is complete or absent."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.errors import NotFoundError
from sweepstake.storage.bucket import open_store
from sweepstake.storage.store import FolderStore
from sweepstake.wording.near_misses import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sweepstake.storage.bucket import Bucket
    from sweepstake.storage.store import Store

CLOSED_DAYS = "closed-days"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a snapshot stands for: a sweep's id, and the file's name when it was first seen."""

    sweep: str
    file: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """Grid snapshots, plans, model templates, staged data and judging rounds under one root."""

    root: Path | Bucket

    @property
    def data(self) -> Path:
        """This host's folder of staged data sets, one for each digest."""
        return self.store.local / "data"

    def share_data(self, digest: str) -> None:
        """Let every host have the data set that was staged in ``data``."""
        self.store.share(f"data/{digest}")

    def bring_data(self, digest: str) -> Path:
        """The folder ``data`` with that data set in it, if it was ever shared."""
        if re.fullmatch("[0-9a-f]+", digest):
            self.store.bring(f"data/{digest}")
        return self.data

    def data_sets(self) -> dict[str, int]:
        """The bytes of each staged data set by its digest."""
        return _by_folder(self.store.sizes("data"))

    def staged(self, digest: str) -> float:
        """When a data set was last staged or shared, in seconds since the epoch."""
        names = self.store.sizes(f"data/{digest}")
        return max((self.store.written(name) for name in names), default=0) / 1e9

    def remove_data(self, digest: str) -> None:
        """Delete a staged data set, here and for other hosts."""
        self.store.clear(f"data/{digest}")

    def sweeps(self) -> tuple[str, ...]:
        """The ids of all sweeps that were planned."""
        names = self.store.sizes("sweeps")
        return tuple(name.split("/")[1] for name in names if name.endswith("/plan.json"))

    def templates(self) -> dict[str, int]:
        """The bytes of each sweep's template on this host, by the sweep's id."""
        found = FolderStore(self.store.local).sizes("sweeps")
        return _by_folder({name: size for name, size in found.items() if "/template/" in name})

    def remove_template(self, sweep_id: str) -> None:
        """Delete this host's template of a sweep."""
        FolderStore(self.store.local).clear(f"sweeps/{sweep_id}/template")

    def template(self, sweep_id: str) -> Path:
        """This host's folder of the files that all models of a sweep share."""
        return self.store.local / "sweeps" / sweep_id / "template"

    @property
    def closed_days(self) -> str:
        """The address of what is written again whenever a sweep of a day has closed."""
        return f"{self.root}/{CLOSED_DAYS}"

    def note_closed_day(self, sweep_id: str) -> None:
        """Let those who watch know that a sweep of a day has closed."""
        self.store.write(CLOSED_DAYS, sweep_id.encode())

    def keep_snapshot(self, content: bytes) -> str:
        """Store the bytes of a grid file under their SHA-256 and return it."""
        digest = hashlib.sha256(content).hexdigest()
        self.store.create(f"snapshots/{digest}", content)
        return digest

    def read_snapshot(self, digest: str) -> bytes:
        """The bytes of the grid file with this SHA-256.

        Raises:
            NotFoundError: no such snapshot was kept.
        """
        return self._read(f"snapshots/{digest}")

    def claim(self, digest: str, sweep_id: str, file: str) -> Claim:
        """The sweep that the snapshot ``digest`` stands for: ``sweep_id`` if none claimed it.

        Of several who claim at once, on whatever host, one is first and all are told the same.
        """
        content = json.dumps(asdict(Claim(sweep_id, file))).encode()
        self.store.create(f"{_claim(digest)}.json", content)
        return self.claimed(digest)

    def claims(self) -> tuple[Claim, ...]:
        """All sweeps that snapshots stand for."""
        return tuple(Claim(**record) for record in self._records("snapshots"))

    def is_claimed(self, digest: str) -> bool:
        """Whether the snapshot ``digest`` stands for a sweep already."""
        try:
            return bool(self.claimed(digest))
        except NotFoundError:
            return False

    def claimed(self, digest: str) -> Claim:
        """The sweep that the snapshot ``digest`` stands for.

        Raises:
            NotFoundError: nobody claimed it.
        """
        return Claim(**self.read_record(_claim(digest)))

    def own(self, name: str, stem: str) -> str:
        """The stem of the file whose default name this is: ``stem`` if it was none's so far.

        Names that differ in case alone are one, as they are to some databases and file systems.
        """
        record = f"names/{hashlib.sha256(name.casefold().encode()).hexdigest()}"
        self.store.create(f"{record}.json", json.dumps({"name": name, "stem": stem}).encode())
        return str(self.read_record(record)["stem"])

    def write_record(self, name: str, record: Any) -> None:
        """Store a JSON-able record, replacing the one of that name."""
        self.store.write(f"{name}.json", json.dumps(record).encode())

    def read_record(self, name: str) -> Any:
        """The record of that name.

        Raises:
            NotFoundError: there is none.
        """
        return json.loads(self._read(f"{name}.json"))

    def create_record(self, name: str, record: Any) -> None:
        """Store a JSON-able record unless there is one of that name: the first writer's stays."""
        self.store.create(f"{name}.json", json.dumps(record).encode())

    def remove_record(self, name: str) -> None:
        """Take the record of that name away, if there is one."""
        self.store.remove(f"{name}.json")

    def records(self, folder: str) -> list[Any]:
        """All records whose name starts with ``folder/``, in the order of their names."""
        return list(self._records(folder))

    def _records(self, folder: str) -> Iterator[Any]:
        for name in self.store.names(folder):
            if name.endswith(".json"):
                with suppress(FileNotFoundError):  # taken away since the folder was read
                    yield json.loads(self.store.read(name))

    @property
    def store(self) -> Store:
        """Where its files are."""
        return open_store(self.root)

    def _read(self, name: str) -> bytes:
        try:
            return self.store.read(name)
        except FileNotFoundError:
            message = (
                f"{name}: not in the workspace {self.root}. "
                "Submit the grid file again, or check SWEEPSTAKE_WORKSPACE."
            )
            raise NotFoundError(message) from None


def _by_folder(sizes: Mapping[str, int]) -> dict[str, int]:
    """The bytes of each folder's files, by the second part of their names; no unfinished ones."""
    total: dict[str, int] = {}
    for name, size in sizes.items():
        part = name.split("/")[1]
        if not part.startswith("."):
            total[part] = total.get(part, 0) + size
    return total


def _claim(digest: str) -> str:
    """The record of a snapshot's claim; the digest comes from whoever may trigger a DAG run."""
    if not re.fullmatch("[0-9a-f]{64}", digest):
        message = f"snapshot: must be the SHA-256 of a grid file, but got {shown(digest)}. "
        raise NotFoundError(message + "Drop the file into the watched folder instead.")
    return f"snapshots/{digest}"
