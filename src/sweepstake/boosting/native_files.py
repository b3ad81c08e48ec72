"""Native files: a model's boosters as their libraries write them, beside the skops file.

The skops file has the name and the SHA-256 of each, so who trusts its hash trusts theirs. While it
is written they are collected, and while it is read they are offered. MLflow's loaders offer none:
then they are looked for where MLflow's path of code leads, in the folder of the model.
"""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CODE = "code"
"""The folder of a model that MLflow puts on Python's path."""
NAME = re.compile(r"booster(-[1-9][0-9]{0,5})?\.(json|txt|cbm)")
_collected: ContextVar[Collected | None] = ContextVar("collected", default=None)
_offered: ContextVar[Mapping[str, bytes] | None] = ContextVar("offered", default=None)


class Collected:
    """The files of a model that is being written, by name; each booster has one."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._told: dict[int, tuple[str, str]] = {}

    def told(self, booster: object, ending: str, written: Callable[[], bytes]) -> tuple[str, str]:
        """The name and the SHA-256 of a booster's file, which is written at the first call.

        skops asks an object for its state more than once.
        """
        if id(booster) not in self._told:
            count = len(self.files) + 1
            name = f"booster.{ending}" if count == 1 else f"booster-{count}.{ending}"
            self.files[name] = written()
            self._told[id(booster)] = name, digest(self.files[name])
        return self._told[id(booster)]


@contextmanager
def collecting() -> Iterator[dict[str, bytes]]:
    """Within it, boosters whose state is asked for put their files here, by name."""
    collected = Collected()
    token = _collected.set(collected)
    try:
        yield collected.files
    finally:
        _collected.reset(token)


@contextmanager
def offering(files: Mapping[str, bytes]) -> Iterator[None]:
    """Within it, boosters are read from these files."""
    token = _offered.set(files)
    try:
        yield
    finally:
        _offered.reset(token)


def collected() -> Collected | None:
    """Where files are put; ``None`` where no model is being written."""
    return _collected.get()


def found(name: str, wanted: str) -> bytes:
    """The booster's file of this name and SHA-256.

    Raises:
        ValueError: there is none.
    """
    offered = _offered.get()
    places = [offered] if offered is not None else map(_beside, sys.path)
    for files in places:
        content = files.get(name)
        if content is not None and digest(content) == wanted:
            return content
    message = f"{name}: must lie beside the model with sha256 {wanted}, but does not. "
    raise ValueError(message + "Take the whole folder of the model, or train it again.")


class _Folder:
    """The files of the folder of a model whose code is on Python's path."""

    def __init__(self, entry: str) -> None:
        self._code = Path(entry)

    def get(self, name: str) -> bytes | None:
        """The content of a file, if it is there."""
        file = self._code.parent / name
        if self._code.name != CODE or not NAME.fullmatch(name) or not file.is_file():
            return None
        return file.read_bytes()


def _beside(entry: str) -> _Folder:
    return _Folder(entry)


def digest(content: bytes) -> str:
    """The SHA-256 of a file."""
    return sha256(content).hexdigest()
