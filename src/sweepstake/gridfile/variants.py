"""Variants of the course's shape that can mean only one thing, read as that shape.

Files for the same exercise name the classifier and its parameters by other words: ``module`` and a
bare ``classificator``, ``args`` or ``params`` for ``kwargs``, a list or a mapping of names in place
of ``configs``. What could mean something else stays as it is written, for the schema to report.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sweepstake.gridfile.document import join, line_of, member, written_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sweepstake.gridfile.document import Document

CLASSIFIER_KEYS = (
    "classificator",
    "classifier",
    "classifier_name",
    "classificator_name",
    "model_classificator",
)
KWARGS_KEYS = ("kwargs", "args", "params", "parameters", "param_sets")
LIST_KEYS = ("configs", "models", "classifiers", "classificators")
ENTRY_KEYS = frozenset({*CLASSIFIER_KEYS, *KWARGS_KEYS, "module"})
NATIVE_KEYS = frozenset({"estimator", "candidates", "grid"})
"""A file with one of them is written in the native shape."""
SETS = "param_sets"
"""Several sets of parameters, each of them one trial."""

Entry = tuple[str, "Mapping[str, Any]"]
"""Where a classifier is written, and with what."""


def as_course(document: Document, known: Collection[str]) -> Document:
    """The document in the course's own words; itself where it is no variant of that shape.

    ``known`` are the keys that a grid file may have at its top level.
    """
    entries = _entries(document.value, known)
    if not entries or _is_own(document.value, entries):
        return document
    raw = document.value if isinstance(document.value, dict) else {}
    kept = {key: raw[key] for key in raw if key in known and key not in ENTRY_KEYS | {"configs"}}
    pairs = [pair for entry in entries for pair in _configs(*entry)]
    origins = {"configs": min((path for path, _ in entries), key=len)}
    for position, (_, places) in enumerate(pairs):
        path = join("configs", position)
        origins |= {member(path, key) if key else path: place for key, place in places.items()}
    value = {**kept, "configs": [config for config, _ in pairs]}
    lines = dict(_lines(value, "", document.lines, origins))
    return replace(document, value=value, lines=lines, origins=origins)


def is_entry(value: Any) -> bool:
    """Whether a value names one classifier, and its parameters at most once."""
    return (
        isinstance(value, dict)
        and sum(key in value for key in CLASSIFIER_KEYS) == 1
        and sum(key in value for key in KWARGS_KEYS) <= 1
    )


def _entries(raw: Any, known: Collection[str]) -> list[Entry]:
    """The parts that each name a classifier; none where the file may have another reading."""
    if isinstance(raw, list):
        return _all_entries((join("", position), part) for position, part in enumerate(raw))
    if not isinstance(raw, dict) or not NATIVE_KEYS.isdisjoint(raw):
        return []
    others = [key for key in raw if key not in known]
    lists = [key for key in LIST_KEYS if isinstance(raw.get(key), list)]
    if is_entry(raw) and ENTRY_KEYS.issuperset(others) and not lists:
        return [("", {key: raw[key] for key in raw if key in ENTRY_KEYS})]
    if len(lists) == 1 and set(lists).issuperset(others):
        parts = enumerate(raw[lists[0]])
        return _all_entries((join(lists[0], position), part) for position, part in parts)
    return [] if lists else _all_entries((str(key), raw[key]) for key in others)


def _all_entries(parts: Iterable[tuple[str, Any]]) -> list[Entry]:
    found = list(parts)
    return found if all(is_entry(part) for _, part in found) else []


def _is_own(raw: Any, entries: list[Entry]) -> bool:
    """Whether the file is in the course's own words already."""
    own = {"classificator", "kwargs"}
    plain = all(own.issuperset(ENTRY_KEYS.intersection(part)) for _, part in entries)
    return plain and isinstance(raw, dict) and ("configs" in raw or is_entry(raw))


def _configs(path: str, raw: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """The course's entries for a part, and where the file writes each of their keys.

    Keys without a meaning stay, to be reported.
    """
    word = next(key for key in CLASSIFIER_KEYS if key in raw)
    rest = {key: raw[key] for key in raw if key not in ENTRY_KEYS}
    places = {"": path, "classificator": member(path, word)}
    places |= {str(key): member(path, key) for key in rest}
    for kwargs, place in _kwargs(path, raw):
        named = {"classificator": _dotted(raw, word), **rest}
        if kwargs is None:
            yield named, places
        else:
            yield {**named, "kwargs": kwargs}, {**places, "kwargs": place}


def _dotted(raw: Mapping[str, Any], word: str) -> Any:
    """The classifier with its module, where the two are written apart."""
    name, module = raw[word], raw.get("module")
    apart = isinstance(module, str) and isinstance(name, str) and "." not in name
    return f"{module}.{name}" if apart else name


def _kwargs(path: str, raw: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    """The parameters of each trial and their place."""
    word = next((key for key in KWARGS_KEYS if key in raw), "kwargs")
    place, value = member(path, word), raw.get(word)
    if word == SETS and isinstance(value, list):
        yield from ((part, join(place, position)) for position, part in enumerate(value))
    else:
        yield value, place


def _lines(
    value: Any, path: str, lines: Mapping[str, int], origins: Mapping[str, str]
) -> Iterator[tuple[str, int]]:
    """The line of each place of the new value: that of where the file writes it."""
    yield path, line_of(lines, written_at(path, origins)) or lines.get("", 1)
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for step, part in parts:
            yield from _lines(part, join(path, step), lines, origins)
