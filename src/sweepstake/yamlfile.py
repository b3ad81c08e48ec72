"""YAML text -> document: the core schema of YAML 1.2, without tags, anchors or second documents.

PyYAML's own loaders follow YAML 1.1 (``on`` is true, ``1e-3`` is text, ``12:30:00`` is 45000) and
lose duplicate keys, so only its parser is used; scalars are resolved here by the tables of
https://yaml.org/spec/1.2.2/#1032-tag-resolution.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from sweepstake.document import Builder

if TYPE_CHECKING:
    from sweepstake.document import Document

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
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
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
        _refuse_extras(event, line, builder)
    if isinstance(event, yaml.ScalarEvent):
        builder.scalar(_value(event, line, builder), line)
    elif isinstance(event, yaml.MappingStartEvent):
        builder.open({}, line)
    elif isinstance(event, yaml.SequenceStartEvent):
        builder.open([], line)
    elif isinstance(event, yaml.CollectionEndEvent):
        builder.close()


def _refuse_extras(event: yaml.NodeEvent, line: int, builder: Builder) -> None:
    """Anchors make files explode in memory and tags name code: neither is part of a grid file."""
    if event.anchor is not None:
        sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
        builder.fail(
            line,
            "",
            f"must not have anchors or aliases, but got '{sign}{event.anchor}'. "
            "Write the value out, or quote it if it is text.",
        )
    tag = getattr(event, "tag", None)
    if tag is not None:
        name = tag.replace("tag:yaml.org,2002:", "!!")
        builder.fail(line, "", f"must not have tags, but got '{name}'. Remove it.")


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
