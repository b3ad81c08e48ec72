"""A document: the values of a YAML or JSON file and the line on which each of them stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from sweepstake.errors import GridFileError, Problem
from sweepstake.wording.near_misses import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEEPEST = 30
"""Levels of nesting; a grid file of an ensemble of ensembles needs about twelve."""
MOST_VALUES = 100_000
"""Keys and values in one file; bounds the memory that a file of 1 MB can take to about 50 MB."""

UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What no name and no value may hold: control characters, and halves of characters."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: plain Python values, the line of each place, and what is wrong so far.

    ``origins`` maps places of ``value`` to where the file writes them, where that differs.
    """

    value: Any
    lines: Mapping[str, int]
    problems: tuple[Problem, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is still open; ``key`` is a one-item list while its value is due.

    A frame that ``merges`` adds to the mapping of the frame below it, which ``merged`` keys came to
    by merging: whatever the mapping writes itself counts more.
    """

    container: dict[Any, Any] | list[Any]
    path: str
    key: list[Any] = field(default_factory=list)
    doubled: bool = False
    merges: bool = False
    merged: set[Any] = field(default_factory=set)


@dataclass(slots=True)
class Builder:
    """Builds a document from a flat stream of calls, so that no input can exhaust the stack."""

    file: str
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _root: list[Any] = field(default_factory=list)
    _stack: list[_Frame] = field(default_factory=list)
    _merging: bool = False
    _seen: int = 0

    def merge(self, line: int) -> bool:
        """Take what comes next into the open mapping; false where no key is due."""
        if not self._awaits_key():
            return False
        self._count(line)
        self._merging = True
        return True

    def scalar(self, value: Any, line: int) -> None:
        """Add a scalar: a key where the open mapping awaits one, else a value."""
        self._count(line)
        if isinstance(value, str) and (found := UNFIT.search(value)):
            message = f"must not hold control characters, but has {found.group()!r}. Remove it."
            self.fail(line, "", message)
        if self._merging or self._merges_a_list():
            self.fail(line, "", f"'<<' takes a mapping, but got {shown(value)}. Name an anchor.")
        if self._awaits_key():
            self._open_key(value, line)
        else:
            self._place(value, line)

    def open(self, container: dict[Any, Any] | list[Any], line: int) -> None:
        """Add an empty list or mapping and fill it with what follows until ``close``."""
        self._count(line)
        if len(self._stack) >= DEEPEST:
            self.fail(line, "", f"must not nest deeper than {DEEPEST} levels. Flatten it.")
        if self._merging or self._merges_a_list():
            self._stack.append(self._merging_frame(container, line))
            return
        if self._awaits_key():
            self.fail(line, self._stack[-1].path, "a key must be text. Quote it.")
        path = self._place(container, line)
        self._stack.append(_Frame(container, path))

    def close(self) -> None:
        """End the innermost open list or mapping."""
        self._stack.pop()

    def document(self) -> Document:
        """What was built."""
        return Document(self._root[0] if self._root else None, self.lines, tuple(self.problems))

    def fail(self, line: int, path: str, message: str) -> NoReturn:
        """Stop: nothing after this can be read.

        Raises:
            GridFileError: always, with the problems so far.
        """
        raise GridFileError(self.file, [*self.problems, Problem(line, path, message)])

    def _count(self, line: int) -> None:
        self._seen += 1
        if self._seen > MOST_VALUES:
            self.fail(line, "", f"must not hold more than {MOST_VALUES:,} values. Split the file.")

    def _awaits_key(self) -> bool:
        top = self._stack[-1] if self._stack else None
        return top is not None and isinstance(top.container, dict) and not top.key

    def _merges_a_list(self) -> bool:
        top = self._stack[-1] if self._stack else None
        return top is not None and top.merges and isinstance(top.container, list)

    def _merging_frame(self, container: dict[Any, Any] | list[Any], line: int) -> _Frame:
        """The frame of what follows ``<<``: a mapping, or a list of them."""
        if isinstance(container, list) and not self._merging:
            self.fail(line, "", "'<<' takes a mapping, but got a list of lists. Name an anchor.")
        self._merging = False
        if isinstance(container, list):
            return _Frame(container, self._stack[-1].path, merges=True)
        base = next(frame for frame in reversed(self._stack) if isinstance(frame.container, dict))
        return _Frame(base.container, base.path, merges=True, merged=base.merged)

    def _open_key(self, key: Any, line: int) -> None:
        """Whole numbers stay keys (class weights have them); any other key is text."""
        top = self._stack[-1]
        if isinstance(key, bool) or not isinstance(key, str | int):
            key = shown(key)
        path = join(top.path, key)
        top.doubled = key in top.container and (top.merges or key not in top.merged)
        if top.merges:
            self._open_merged(top, key, path, line)
            return
        if top.doubled:
            first = self.lines[path]
            message = f"is written twice, first on line {first}. Keep one of them."
            self.problems.append(Problem(line, path, message))
        else:
            self.lines[path] = line
            top.merged.discard(key)
        top.key.append(key)

    def _open_merged(self, top: _Frame, key: Any, path: str, line: int) -> None:
        """A key that comes by merging counts only where the mapping has none of that name."""
        if not top.doubled:
            self.lines[path] = line
            top.merged.add(key)
        top.key.append(key)

    def _place(self, value: Any, line: int) -> str:
        """Put ``value`` where it belongs and return its path."""
        if not self._stack:
            self._root.append(value)
            self.lines[""] = line
            return ""
        top = self._stack[-1]
        if isinstance(top.container, list):
            path = join(top.path, len(top.container))
            top.container.append(value)
            self.lines[path] = line
            return path
        key = top.key.pop()
        if not top.doubled:
            top.container[key] = value
        return member(top.path, key)


def member(path: str, key: object) -> str:
    """The path of a mapping's member."""
    return f"{path}.{key}" if path else str(key)


def join(path: str, step: object) -> str:
    """The path of a part: ``grid`` and ``max_depth`` make ``grid.max_depth``; 1 makes ``[1]``."""
    return f"{path}[{step}]" if isinstance(step, int) else member(path, step)


def place(steps: Iterable[object]) -> str:
    """The path that ``steps`` (keys and list positions from the root) lead to."""
    path = ""
    for step in steps:
        path = join(path, step)
    return path


def line_of(lines: Mapping[str, int], path: str) -> int:
    """The line of a place, or of the nearest enclosing one that has a line; 0 without any."""
    while path and path not in lines:
        path = enclosing(path)
    return lines.get(path, 0)


def written_at(path: str, origins: Mapping[str, str]) -> str:
    """Where the file writes a place: ``models[0].args.C`` for ``configs[0].kwargs.C``."""
    part = path
    while part and part not in origins:
        part = enclosing(part)
    if part not in origins:
        return path
    return (origins[part] + path[len(part) :]).removeprefix(".")


def enclosing(path: str) -> str:
    """The path of what a place is part of; empty for the whole file.

    >>> enclosing("grid.max_depth[1]"), enclosing("grid")
    ('grid.max_depth', '')
    """
    return path[: max(path.rfind("."), path.rfind("["), 0)]
