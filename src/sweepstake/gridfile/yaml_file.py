"""YAML text -> document: the core schema of YAML 1.2, without tags or second documents.

PyYAML's own loaders follow YAML 1.1 (``on`` is true, ``1e-3`` is text, ``12:30:00`` is 45000) and
lose duplicate keys, so only its parser is used; scalars are resolved here by the tables of
https://yaml.org/spec/1.2.2/#1032-tag-resolution. Aliases are filled in event by event, so that each
value they stand for counts against what a file may hold; ``<<`` merges as
https://yaml.org/type/merge.html says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from sweepstake.gridfile.document import Builder

if TYPE_CHECKING:
    from sweepstake.gridfile.document import Document

WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
NOT_A_NUMBER = frozenset({".nan", ".NaN", ".NAN"})
INTEGER = re.compile(r"[-+]?[0-9]+")
PREFIXED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
LONGEST_NUMBER = 400
"""Characters; more digits than any double has."""


def read_yaml(text: str, file: str) -> Document:
    """Read one YAML document.

    Raises:
        GridFileError: the text is not YAML, or uses what a grid file does not allow.
    """
    builder = Builder(file)
    anchors = Anchors(builder)
    try:
        for written in yaml.parse(text, Loader=yaml.CSafeLoader):
            for event in anchors.filled(written):
                _take(event, builder)
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark
        line = mark.line if mark else 0
        builder.fail(line + 1, "", _syntax_message(str(error.problem), text, line))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        builder.fail(line, "", "must be text, but has control characters. Save it as UTF-8 text.")
    return builder.document()


def _take(event: yaml.Event, builder: Builder) -> None:
    """Hand one parser event to the builder."""
    mark: Any = event.start_mark
    line = mark.line + 1
    if isinstance(event, yaml.DocumentStartEvent) and builder.lines:
        builder.fail(line, "", "must hold one document, but a second one begins. Remove '---'.")
    if isinstance(event, yaml.NodeEvent):
        _refuse_tag(event, line, builder)
    if _is_merge(event) and builder.merge(line):
        return
    if isinstance(event, yaml.ScalarEvent):
        builder.scalar(_value(event, line, builder), line)
    elif isinstance(event, yaml.MappingStartEvent):
        builder.open({}, line)
    elif isinstance(event, yaml.SequenceStartEvent):
        builder.open([], line)
    elif isinstance(event, yaml.CollectionEndEvent):
        builder.close()


@dataclass(slots=True)
class Anchors:
    """The events of every anchored value, to stand in for its aliases."""

    builder: Builder
    _seen: list[yaml.Event] = field(default_factory=list)
    _spans: dict[str, slice] = field(default_factory=dict)
    _open: list[tuple[str, int, int]] = field(default_factory=list)
    """Anchors whose values have not ended: name, position of the first event, depth."""
    _depth: int = 0

    def filled(self, event: yaml.Event) -> list[yaml.Event]:
        """The event, or all those that an alias stands for; anchored ones are kept."""
        if isinstance(event, yaml.AliasEvent):
            events = self._named(event)
        else:
            events = [event]
            anchor: str | None = getattr(event, "anchor", None)
            if anchor is not None:
                self._open.append((anchor, len(self._seen), self._depth))
        if self._open:
            self._seen += events
        self._depth += isinstance(event, yaml.CollectionStartEvent)
        self._depth -= isinstance(event, yaml.CollectionEndEvent)
        while self._open and self._open[-1][2] >= self._depth:
            ended, start, _ = self._open.pop()
            self._spans[ended] = slice(start, len(self._seen))
        return events

    def _named(self, alias: yaml.AliasEvent) -> list[yaml.Event]:
        name = str(alias.anchor)
        mark: Any = alias.start_mark
        line = mark.line + 1
        if name in {opened for opened, *_ in self._open}:
            self.builder.fail(line, "", f"'*{name}' must not stand inside its own '&{name}'.")
        if name not in self._spans:
            message = f"'*{name}' has no anchor '&{name}' before it. Add one, or quote it as text."
            self.builder.fail(line, "", message)
        return self._seen[self._spans[name]]


def _refuse_tag(event: yaml.NodeEvent, line: int, builder: Builder) -> None:
    """A tag names a type, in Python's own dialect even code: none is part of a grid file."""
    tag = getattr(event, "tag", None)
    if tag is not None:
        name = tag.replace("tag:yaml.org,2002:", "!!")
        builder.fail(line, "", f"must not have tags, but got '{name}'. Remove it.")


def _is_merge(event: yaml.Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]


def _value(event: yaml.ScalarEvent, line: int, builder: Builder) -> Any:
    """The value of a scalar: quoted and block scalars are text, plain ones by the core schema."""
    text: str = event.value
    if not event.implicit[0] or len(text) > LONGEST_NUMBER:
        return text
    if text in WORDS:
        return WORDS[text]
    if text in NOT_A_NUMBER:
        builder.fail(line, "", f"must not hold '{text}', which is not a number. Use a number.")
    return plain_number(text)


def plain_number(text: str) -> int | float | str:
    """The number that ``text`` writes in YAML 1.2's core schema, or ``text`` itself.

    >>> plain_number("1e-3"), plain_number("0x1F"), plain_number("12:30"), plain_number("007")
    (0.001, 31, '12:30', 7)
    """
    if INTEGER.fullmatch(text):
        return int(text)
    if PREFIXED.fullmatch(text):
        return int(text, 0)
    return float(text) if REAL.fullmatch(text) else text


def _syntax_message(problem: str, text: str, line: int) -> str:
    """The parser's own words, with the way out for the commonest slips."""
    lines = [*text.splitlines(), ""]
    return f"is not valid YAML: {problem}.{_way_out(problem, lines[min(line, len(lines) - 1)])}"


def _way_out(problem: str, line: str) -> str:
    if "\t" in line:
        return " Indent with blanks, not with tabs."
    if "mapping values" in problem:
        return " Quote a value that holds ': '."
    if "cannot start any token" in problem:
        return " Quote a value that begins with @, % or `."
    if "end of stream" in problem:
        return " Close the quote or bracket that is still open."
    return " Check indentation, brackets and quotes here and on the line before."
