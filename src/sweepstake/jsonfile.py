"""JSON text -> document: as RFC 8259 has it, without duplicate keys."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sweepstake.document import DEEPEST, Builder

if TYPE_CHECKING:
    from sweepstake.document import Document

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
        message = f"is not valid JSON: {error.msg}. {_way_out(error.msg)}"
        builder.fail(error.lineno, "", message)
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


def _way_out(problem: str) -> str:
    if "property name" in problem:
        return "Write keys in double quotes and no comma after the last entry."
    if "delimiter" in problem:
        return "Put a comma between entries and a colon after each key."
    if "Extra data" in problem:
        return "Keep one value in the file."
    return "Check brackets, commas and double quotes."
