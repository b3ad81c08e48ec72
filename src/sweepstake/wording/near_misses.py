"""Near misses: what a misspelt word may have meant, and how values are shown in messages."""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING, Any
from unicodedata import category, normalize

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_SHOWN = 60
LIKENESS = 0.7
"""Least ``difflib`` ratio of a suggestion: below it, suggestions are noise."""

CLEARLY_LESS = 0.16
"""A suggestion that is less like the word than the best one by this much is noise too."""


def near_misses(word: str, known: Iterable[str], at_most: int = 2) -> list[str]:
    """The words of ``known`` that ``word`` may have meant, best first; case does not count."""
    by_lower = {name.lower(): name for name in known}
    meant = word[:200].lower()
    matches = get_close_matches(meant, by_lower, n=at_most, cutoff=LIKENESS)
    likeness = [SequenceMatcher(None, match, meant).ratio() for match in matches]
    pairs = zip(matches, likeness, strict=True)
    return [by_lower[match] for match, ratio in pairs if ratio > likeness[0] - CLEARLY_LESS]


def alike(text: str) -> str:
    r"""What is the same for texts that look the same: case, blanks and invisible signs left aside.

    >>> alike(" Red\u200b  one"), alike("cafe\u0301") == alike("caf\u00e9")
    ('red one', True)
    """
    seen = (sign for sign in normalize("NFKC", text) if category(sign) != "Cf")
    return " ".join("".join(seen).split()).casefold()


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence with a leading blank, or nothing where no known word is near.

    >>> did_you_mean("learning_rage", ["learning_rate", "learning_rate_init", "alpha"])
    " Did you mean 'learning_rate' or 'learning_rate_init'?"
    """
    matches = near_misses(word, known)
    return f" Did you mean {listed(matches)}?" if matches else ""


def listed(words: Iterable[str], conjunction: str = "or") -> str:
    """``'a', 'b' or 'c'``."""
    quoted = [f"'{word}'" for word in words]
    if len(quoted) < 2:  # noqa: PLR2004
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {conjunction} {quoted[-1]}"


def shown(value: Any) -> str:
    """A value as the grid file would write it, short enough for a message.

    >>> shown(None), shown(True), shown("adam"), shown([1, 2])
    ('null', 'true', "'adam'", '[1, 2]')
    """
    if value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, dict):
        text = "a mapping" if value else "an empty mapping"
    elif isinstance(value, list | tuple):
        text = _shown_list(value)
    else:
        text = _cut(repr(value))
    return text


def _shown_list(values: list[Any] | tuple[Any, ...]) -> str:
    if not values:
        return "an empty list"
    text = f"[{', '.join(shown(value) for value in values[:LONGEST_SHOWN])}]"
    return text if len(text) <= LONGEST_SHOWN else f"a list of {len(values):,}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
