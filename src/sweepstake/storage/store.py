"""Stores: where the files of the workspace lie, a folder or a bucket; a write is whole or absent.

A name is a relative path with slashes. Folders of files that are mapped into memory have a copy on
each host: in a folder they are that copy, from a bucket they are fetched once.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from sweepstake.errors import NotFoundError
from sweepstake.wording.near_misses import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_PART = 255
"""Bytes that the name of a file may have on common disks."""
LONGEST_NAME = 1000
"""Bytes of a whole name: buckets take 1,024."""


class Store(Protocol):
    """What the workspace needs of the place where its files are."""

    @property
    def local(self) -> Path:
        """This host's folder for what is mapped into memory."""

    def read(self, name: str) -> bytes:
        """The bytes of a file; ``FileNotFoundError`` where there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Put a file in the place of the one before."""

    def create(self, name: str, content: bytes) -> None:
        """Write a file unless there is one: the first writer's stays."""

    def add(self, name: str, content: bytes) -> None:
        """Write a file without looking first: the place itself refuses a second one."""

    def remove(self, name: str) -> None:
        """Take a file away, if there is one."""

    def names(self, folder: str) -> list[str]:
        """The names of the files directly in a folder, in their order."""

    def written(self, name: str) -> int:
        """When a file was written, in nanoseconds; ``FileNotFoundError`` where there is none."""

    def share(self, folder: str) -> None:
        """Let other hosts have a folder of ``local`` that is complete."""

    def bring(self, folder: str) -> None:
        """Have a shared folder in ``local``, or nothing where it was never shared."""

    def sizes(self, folder: str) -> dict[str, int]:
        """The bytes of each file below a folder, in the order of their names."""

    def clear(self, folder: str) -> None:
        """Delete a folder with all that is in it, here and for other hosts."""


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Files in a folder that all who use them have mounted."""

    local: Path

    def read(self, name: str) -> bytes:
        """See `Store`."""
        try:
            return self._at(name).read_bytes()
        except NotADirectoryError as error:  # below a file there is none
            raise FileNotFoundError(error.errno, error.strerror, name) from error

    def write(self, name: str, content: bytes) -> None:
        """See `Store`."""
        write_atomically(self._at(name), content)

    def create(self, name: str, content: bytes) -> None:
        """See `Store`."""
        if not self._at(name).exists():
            self.add(name, content)

    def add(self, name: str, content: bytes) -> None:
        """See `Store`; a hard link is the second's refusal."""
        create_atomically(self._at(name), content)

    def remove(self, name: str) -> None:
        """See `Store`."""
        self._at(name).unlink(missing_ok=True)

    def names(self, folder: str) -> list[str]:
        """See `Store`."""
        return sorted(f"{folder}/{path.name}" for path in self._at(folder).glob("*"))

    def written(self, name: str) -> int:
        """See `Store`."""
        return self._at(name).stat().st_mtime_ns

    def share(self, folder: str) -> None:
        """Nothing to do: every host has the folder itself."""

    def bring(self, folder: str) -> None:
        """Nothing to do: every host has the folder itself."""

    def sizes(self, folder: str) -> dict[str, int]:
        """See `Store`."""
        sizes: dict[str, int] = {}
        for path in sorted(self._at(folder).rglob("*")):
            with suppress(FileNotFoundError):  # deleted since the folder was read
                if path.is_file():
                    sizes[path.relative_to(self.local).as_posix()] = path.stat().st_size
        return sizes

    def clear(self, folder: str) -> None:
        """See `Store`; it is renamed first, so that nobody finds a part of it."""
        home = self._at(folder)
        doomed = home.with_name(f".{uuid4().hex}.part")
        with suppress(FileNotFoundError):
            home.rename(doomed)
            shutil.rmtree(doomed)

    def _at(self, name: str) -> Path:
        return self.local / checked(name)


def checked(name: str) -> str:
    """A name again, if it is one of a place in the store: it may hold what others wrote in a tag.

    Raises:
        NotFoundError: it leads elsewhere, or no store could have such a file.
    """
    parts = name.split("/")
    leads_out = name.startswith("/") or not {".", ".."}.isdisjoint(parts)
    if leads_out or not name.isprintable() or _is_too_long(name):
        message = f"{shown(name)}: must name a place inside the workspace, but cannot. "
        raise NotFoundError(message + "Use the id of a sweep or a model.")
    return name


def _is_too_long(name: str) -> bool:
    """Of a printable name: half a surrogate pair is none, and has no bytes."""
    parts = (len(part.encode()) for part in name.split("/"))
    return len(name.encode()) > LONGEST_NAME or max(parts) > LONGEST_PART


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
