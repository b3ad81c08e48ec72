"""Writing: names and options as a grid file has to say them, for the ways out that messages give.

JSON's quotes are YAML's too, so what is quoted is so by them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

PLAIN_NAME = re.compile(r"[^\W\d][\w .-]*")
"""Names that a grid file can hold without quotes."""
WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
"""Those that YAML would take for something else."""


def name(text: str) -> str:
    r"""A name, quoted where it must be; signs that are not seen are written as their escapes.

    >>> name("age"), name("Unnamed: 0"), name("no"), name("a\u2028b")
    ('age', '"Unnamed: 0"', '"no"', '"a\\u2028b"')
    """
    plain = PLAIN_NAME.fullmatch(text) and text == text.strip() and text.lower() not in WORDS
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())


def flow(value: Any) -> str:
    """A value in one line.

    >>> flow({"thousands": ",", "missing": ["?"], "types": {"age": "text"}})
    '{thousands: ",", missing: ["?"], types: {age: text}}'
    """
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name(str(key))}: {flow(each)}' for key, each in value.items())}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(flow, value))}]"
    return name(value) if isinstance(value, str) else json.dumps(value)
