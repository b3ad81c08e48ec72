"""File names: which the watched folder takes, and the plain name that each gives its sweep."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import PurePath
from unicodedata import category, normalize

LONGEST_NAME = 100
"""Characters of a sweep's name: the ids of its DAG and its runs have more in them."""
LONGEST_FILE = 240
"""Bytes of a file's name: its report, which file systems give 255, is called after it."""
SIGNS = " ._-()"
RULE = (
    "must have a name of letters, digits, spaces, '.', '_', '-', '(' and ')' that begins with a "
    f"letter, a digit, '_' or '(' and has at most {LONGEST_FILE} bytes, but got {{}}. Rename it."
)
_LETTERS_MARKS_DIGITS = "LMN"
_MANY_DOTS = re.compile(r"\.{2,}")
"""Airflow takes no id with two dots in a row."""


def fault(file: str) -> str:
    """What is wrong with the name of a file in the watched folder, as a sentence, or nothing.

    Letters are those of any script.

    >>> fault("Отток (2).yaml"), fault("{{ x }}.yaml")[-29:]
    ('', "but got '{'. Rename it.")
    """
    odd = next((sign for sign in file if not _is_plain(sign)), "")
    if odd:
        return RULE.format(ascii(odd) if not odd.isprintable() else repr(odd))
    if file[:1] in (" ", "-"):
        return RULE.format(f"{file[:1]!r} at its beginning")
    size = len(file.encode())
    return RULE.format(f"{size} bytes") if size > LONGEST_FILE else ""


def default_name(file: str) -> str:
    """The name of a sweep whose file gives none: the stem, other characters turned to ``-``.

    Letters outside ASCII are written in Latin ones. As that can be the same for two stems, a digest
    of the stem follows then, and also where the stem is too long or has nothing to keep.

    >>> default_name("grids/My digits (2).yaml"), default_name("Отток.yaml")
    ('My-digits-2', 'Ottok-9d099ae1')
    """
    stem = normalize("NFC", PurePath(file).stem)
    plain = _plain(stem if stem.isascii() else _latin(stem))
    if stem.isascii() and 0 < len(plain) <= LONGEST_NAME:
        return plain
    digest = sha256(stem.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{plain[: LONGEST_NAME - 9].rstrip('._-') or 'sweep'}-{digest}"


def _is_plain(sign: str) -> bool:
    return sign in SIGNS or category(sign)[0] in _LETTERS_MARKS_DIGITS


def _plain(text: str) -> str:
    words = "-".join(re.findall(r"[A-Za-z0-9._]+", text))
    return _MANY_DOTS.sub(".", words).strip("._-")


def _latin(text: str) -> str:
    from slugify import slugify

    latin: str = slugify(text, lowercase=False, regex_pattern=r"[^A-Za-z0-9._]+")
    return latin
