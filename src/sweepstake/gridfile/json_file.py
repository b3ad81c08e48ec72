"""JSON text -> document: as RFC 8259 has it, without duplicate keys."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sweepstake.gridfile.document import DEEPEST, Builder

if TYPE_CHECKING:
    from sweepstake.gridfile.document import Document

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]|[^\s\[\]{},:"]+|\n')
LONGEST_NUMBER = 400
NO_JSON = frozenset({"NaN", "Infinity", "-Infinity"})
"""What Python's reader takes beyond the standard."""


def read_json(text: str, file: str) -> Document:
    """Read one JSON document.

    Raises:
        GridFileError: the text is not JSON.
    """
    builder = Builder(file)
    try:
        json.loads(text, parse_int=len)  # for its errors; numbers are read with their lines below
    except json.JSONDecodeError as error:
        comma = _last_comma(text, error)
        problem = error.msg if comma < 0 else "a comma before a closing bracket"
        line = error.lineno if comma < 0 else text.count("\n", 0, comma) + 1
        builder.fail(line, "", f"is not valid JSON: {problem}. {_way_out(problem)}")
    except RecursionError:
        builder.fail(1, "", f"must not nest deeper than {DEEPEST} levels. Flatten it.")
    _build(text, builder)
    return builder.document()


def _build(text: str, builder: Builder) -> None:
    """Walk the tokens of valid JSON; between them stand only commas, colons and blanks."""
    line = 1
    for match in TOKEN.finditer(text):
        part = match.group()
        if part == "\n":
            line += 1
        elif part in "[{":
            builder.open({} if part == "{" else [], line)
        elif part in "]}":
            builder.close()
        else:
            builder.scalar(_scalar(part, line, builder), line)


def _scalar(part: str, line: int, builder: Builder) -> Any:
    if part in NO_JSON:
        builder.fail(line, "", f"must not hold {part}, which is not JSON. Use a number or null.")
    if part[0] != '"' and len(part) > LONGEST_NUMBER:
        builder.fail(line, "", f"must not hold a number of {len(part):,} digits. Use fewer.")
    return json.loads(part)


def _last_comma(text: str, error: json.JSONDecodeError) -> int:
    """Where the comma stands that follows a last entry, else -1; Python 3.13 has words for it."""
    if error.msg.startswith("Illegal trailing comma"):
        return error.pos
    before = text[: error.pos].rstrip()
    is_last = text[error.pos : error.pos + 1] in {"]", "}"} and before.endswith(",")
    return len(before) - 1 if is_last else -1


def _way_out(problem: str) -> str:
    if "closing bracket" in problem:
        return "Remove it."
    if "property name" in problem:
        return "Write keys in double quotes."
    if "delimiter" in problem:
        return "Put a comma between entries and a colon after each key."
    if "Extra data" in problem:
        return "Keep one value in the file."
    return "Check brackets, commas and double quotes."
