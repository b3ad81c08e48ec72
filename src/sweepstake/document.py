"""A document: the values of a YAML or JSON file and the line on which each of them stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from sweepstake.errors import GridFileError, Problem
from sweepstake.nearmiss import shown

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
    """What a file says: plain Python values, the line of each place, and what is wrong so far."""

    value: Any
    lines: Mapping[str, int]
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is still open; ``key`` is a one-item list while its value is due."""

    container: dict[Any, Any] | list[Any]
    path: str
    key: list[Any] = field(default_factory=list)
    doubled: bool = False


@dataclass(slots=True)
class Builder:
    """Builds a document from a flat stream of calls, so that no input can exhaust the stack."""

    file: str
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _root: list[Any] = field(default_factory=list)
    _stack: list[_Frame] = field(default_factory=list)
    _seen: int = 0

    def scalar(self, value: Any, line: int) -> None:
        """Add a scalar: a key where the open mapping awaits one, else a value."""
        self._count(line)
        if isinstance(value, str) and (found := UNFIT.search(value)):
            message = f"must not hold control characters, but has {found.group()!r}. Remove it."
            self.fail(line, "", message)
        if self._awaits_key():
            self._open_key(value, line)
        else:
            self._place(value, line)

    def open(self, container: dict[Any, Any] | list[Any], line: int) -> None:
        """Add an empty list or mapping and fill it with what follows until ``close``."""
        self._count(line)
        if self._awaits_key():
            self.fail(line, self._stack[-1].path, "a key must be text. Quote it.")
        if len(self._stack) >= DEEPEST:
            self.fail(line, "", f"must not nest deeper than {DEEPEST} levels. Flatten it.")
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

    def _open_key(self, key: Any, line: int) -> None:
        """Whole numbers stay keys (class weights have them); any other key is text."""
        top = self._stack[-1]
        if isinstance(key, bool) or not isinstance(key, str | int):
            key = shown(key)
        path = join(top.path, key)
        top.doubled = key in top.container
        if top.doubled:
            first = self.lines[path]
            message = f"is written twice, first on line {first}. Keep one of them."
            self.problems.append(Problem(line, path, message))
        else:
            self.lines[path] = line
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
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 0)
