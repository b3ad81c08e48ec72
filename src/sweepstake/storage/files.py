"""Files that others may write: opened once, without waiting, and only where they are files.

A path names something else as soon as somebody exchanges what lies there. So a file is opened once,
what was opened is asked what it is, and from then on its descriptor or its bytes are what counts.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sweepstake.storage.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
STEP = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MOST_LINKS = 40
"""Links on the way to a file; as many as Linux follows."""
KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


class OutsideError(OSError):
    """A path that leads out of its folder."""

    def __init__(self) -> None:
        super().__init__(errno.EXDEV, "it leads out of the folder")


def read(path: Path, most: int) -> bytes:
    """The bytes of a regular file, at most one more than ``most``; links are followed.

    Raises:
        OSError: there is none, it cannot be read, or is something else than a file.
    """
    return _content(_checked(os.open(path, READ)), most)


def read_inside(folder: Path, name: str, most: int) -> bytes:
    """The bytes of a regular file in ``folder``; a link in its place must not lead out of it.

    Raises:
        OutsideError: a link on the way leads out of the folder.
        OSError: as for `read`.
    """
    return _content(open_inside(folder, name), most)


def open_inside(folder: Path, name: str) -> int:
    """A descriptor of the regular file ``name`` below ``folder``, to be closed.

    Links are followed one by one, from the descriptor of one folder to the next, and never out of
    ``folder``: whoever exchanges something on the way reaches nothing that lies elsewhere.

    Raises:
        OutsideError: the way leads out of the folder.
        OSError: as for `read`.
    """
    folders = [os.open(folder, STEP & ~os.O_NOFOLLOW)]
    links, rest = 0, _parts(name, folder)
    try:
        while True:
            part = rest.pop() if rest else "."
            target = link_of(part, folders[-1])
            if target is not None:
                links += 1
                _follow(target, folder, folders, rest)
            elif part == "..":
                _leave(folders)
            elif rest:
                folders.append(os.open(part, STEP, dir_fd=folders[-1]))
            else:
                return _checked(os.open(part, READ | os.O_NOFOLLOW, dir_fd=folders[-1]))
            if links > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    finally:
        for each in folders:
            os.close(each)


@contextmanager
def pinned(folder: Path, name: str) -> Iterator[Path]:
    """A path of the regular file ``name`` below ``folder`` that nobody can exchange in the block.

    It has the file's own last name. Where the system has no ``/proc`` it is the path as it was.

    Raises:
        OSError: as for `open_inside`.
    """
    handle = open_inside(folder, name)
    try:
        with scratch() as home:
            path = home / Path(name).name
            source = Path(f"/proc/self/fd/{handle}")  # also in a fork, which has the handle too
            path.symlink_to(source if source.exists() else (folder / name).resolve())
            yield path
    finally:
        os.close(handle)


def _content(handle: int, most: int) -> bytes:
    with os.fdopen(handle, "rb") as stream:
        return stream.read(most + 1)


def _checked(handle: int) -> int:
    """The descriptor again, if it is that of a regular file; else it is closed."""
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return handle
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise OSError(errno.EINVAL, f"it is {KINDS.get(stat.S_IFMT(mode), 'no file')}")


def _parts(name: str, folder: Path) -> list[str]:
    """The steps to ``name``, the first one last; an absolute path has to begin with ``folder``."""
    if name.startswith("/"):
        for root in (folder, folder.resolve()):
            with suppress(ValueError):
                return _parts(str(Path(name).relative_to(root)), folder)
        raise OutsideError
    return [part for part in reversed(name.split("/")) if part not in ("", ".")]


def link_of(part: str, folder: int) -> str | None:
    """Where a link leads; ``None`` for what is none, or not there."""
    try:
        return os.readlink(part, dir_fd=folder)
    except OSError:
        return None


def _follow(target: str, folder: Path, folders: list[int], rest: list[str]) -> None:
    """Put the steps of a link's target before those that are left."""
    rest.extend(_parts(target, folder))
    while target.startswith("/") and len(folders) > 1:
        os.close(folders.pop())


def _leave(folders: list[int]) -> None:
    """Go back to the folder before."""
    if len(folders) == 1:
        raise OutsideError
    os.close(folders.pop())
