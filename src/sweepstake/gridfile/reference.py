"""The reference of grid files, written from the schema: what the schema says, the docs say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sweepstake.gridfile.schema import WORDS, schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEAD = "| key | value | default | meaning |\n| --- | --- | --- | --- |"
FEW = 8
"""Examples beyond this number are for editors."""


def reference() -> str:
    """Markdown tables: of the top level, of each key that is a mapping of its own, of a range."""
    tables = [*_rows(schema()), "", *_sections(schema(), ""), *_range()]
    return "\n".join(["## Keys\n", HEAD, *tables])


def _range() -> Iterator[str]:
    """A table of what stands in place of a list of values."""
    part = schema()["$defs"]["range"]
    yield from ("## A range in `grid`\n", part["description"], "", HEAD, *_rows(part), "")


def _sections(mapping: Mapping[str, Any], place: str) -> Iterator[str]:
    """A table for each key that is a mapping of its own, those inside it after it."""
    for key, part in mapping["properties"].items():
        inner = _inner(_resolved(part))
        if inner:
            yield f"## `{place}{key}`\n"
            yield from (_resolved(part)["description"], "", HEAD, *_rows(inner), "")
            yield from _sections(inner, f"{place}{key}.")


def _resolved(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part of the schema with its ``$ref`` filled in."""
    target = schema()["$defs"].get(part.get("$ref", "").removeprefix("#/$defs/"), {})
    return {**target, **part}


def _inner(part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The mapping that a key holds, also as the entry of a list or as one of two forms."""
    choices = (part, part.get("items", {}), part.get("else", {}))
    return next((choice for choice in choices if "properties" in choice), None)


def _rows(mapping: Mapping[str, Any]) -> Iterator[str]:
    required = mapping.get("required", ())
    for key, raw in mapping["properties"].items():
        part = _resolved(raw)
        default = "required" if key in required else _default(part)
        cells = (f"`{key}`", _value(part), default, _meaning(part))
        yield f"| {' | '.join(cells)} |"


def _default(part: Mapping[str, Any]) -> str:
    return f"`{json.dumps(part['default'])}`" if "default" in part else ""


def _value(part: Mapping[str, Any]) -> str:
    """Kind and bounds of a value in words."""
    if "enum" in part:
        return " or ".join(f"`{value}`" for value in part["enum"])
    kinds = [part["type"]] if isinstance(part["type"], str) else part["type"]
    return ", ".join([" or ".join(WORDS[kind] for kind in kinds), *_bounds(part)])


def _bounds(part: Mapping[str, Any]) -> Iterator[str]:
    words = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "greater than",
        "exclusiveMaximum": "less than",
    }
    for keyword, word in words.items():
        if keyword in part:
            yield f"{word} {part[keyword]:,}"


def _meaning(part: Mapping[str, Any]) -> str:
    examples = part.get("examples", [])
    shown = ", ".join(f"`{json.dumps(example)}`" for example in examples)
    suffix = f" Examples: {shown}." if 0 < len(examples) <= FEW else ""
    return f"{part.get('description', part.get('title', ''))}{suffix}".replace("|", "\\|")
