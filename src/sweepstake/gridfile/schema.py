"""The schema of grid files, and its verdicts in the file's own words.

``sweep.schema.json`` is the one definition: validation, editor completion and ``docs/
grid-reference.md`` come from it. Of JSON Schema's vocabulary it keeps to keywords whose errors name
one mistake (conditions instead of ``oneOf``); the annotation ``errorMessage``, which editors show
too, words what the keywords cannot.
"""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweepstake.errors import Problem
from sweepstake.gridfile import idioms
from sweepstake.gridfile.document import join, line_of, place
from sweepstake.wording.near_misses import did_you_mean, listed, near_misses, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jsonschema import Draft202012Validator

    from sweepstake.gridfile.document import Document

Error = Any
"""A ``ValidationError``, whose own annotations admit fields unset that ``iter_errors`` sets."""

PLACE = Path(__file__).with_name("sweep.schema.json")
"""Where the package has the schema."""
MOST_ERRORS = 600
"""More than anybody reads, and no more than take a fraction of a second to word."""

WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


@cache
def text() -> str:
    """The schema as it is published."""
    return PLACE.read_text(encoding="utf-8")


@cache
def schema() -> dict[str, Any]:
    """The schema as a mapping; callers must not change it."""
    parsed: dict[str, Any] = json.loads(text())
    return parsed


@cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator, validators

    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole)
    extend: Any = validators.extend  # it has no annotations
    keywords = {"pattern": _unlike}
    strict: Draft202012Validator = extend(Draft202012Validator, keywords, type_checker=checker)(
        schema()
    )
    return strict


def _unlike(_: object, pattern: str, value: object, __: object) -> Iterator[Error]:
    """JSON Schema's ``$`` is the end of a text; Python's is a line break before it as well."""
    from jsonschema import ValidationError

    if isinstance(value, str) and not re.search(pattern.replace("$", r"\Z"), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _is_whole(_: object, value: object) -> bool:
    """JSON Schema takes 5.0 for an integer; scikit-learn does not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_data(value: object) -> bool:
    """Whether ``value`` can be a data section; a flood of mistakes elsewhere does not hide it."""
    part = {"$ref": "#/$defs/data", "$defs": schema()["$defs"]}
    return bool(_validator().evolve(schema=part).is_valid(value))


def problems_of(document: Document) -> list[Problem]:
    """Every mistake against the schema, one sentence each; of a flood, its beginning."""
    errors = list(islice(_validator().iter_errors(document.value), MOST_ERRORS))
    excused = {key for error in errors for key in _meant(error)}
    listed_values = {place(error.absolute_path) for error in errors if error.validator == "enum"}
    found: dict[Problem, None] = {}
    for error in errors:
        if error.validator == "type" and place(error.absolute_path) in listed_values:
            continue
        if not excused.intersection(_missing(error)):
            for path, message in _translate(error):
                found[Problem(line_of(document.lines, path), path, message)] = None
    return list(found)


def _translate(error: Error) -> Iterator[tuple[str, str]]:
    """Pairs of path and message for one error of the validator."""
    path = place(error.absolute_path)
    worded = error.schema.get("errorMessage")
    if worded and error.validator != "type":
        yield path, _worded(worded, error)
    elif error.validator == "additionalProperties":
        for key in _unknown(error):
            yield join(path, key) if isinstance(key, str) else path, _unknown_key(path, key, error)
    else:
        yield path, RULES[str(error.validator)](error)


def _unknown_key(path: str, key: Any, error: Error) -> str:
    known = error.schema["properties"]
    way_out = did_you_mean(str(key), known) or f" Known are {listed(known, 'and')}."
    return idioms.of_key(path, str(key)) or f"unknown key.{way_out}"


def _worded(message: str, error: Error) -> str:
    """A message of the schema; a rule for one value (no full stop) is followed by that value."""
    return message if message.endswith(".") else f"{message}, but got {shown(error.instance)}."


def _unknown(error: Error) -> list[Any]:
    known = error.schema["properties"]
    return list(islice((key for key in error.instance if key not in known), MOST_ERRORS))


def _meant(error: Error) -> Iterator[tuple[str, str]]:
    """The places of known keys that unknown ones may have meant: they are not missing as well."""
    if error.validator == "additionalProperties":
        for key in _unknown(error):
            for known in near_misses(str(key), error.schema["properties"]):
                yield place(error.absolute_path), known


def _missing(error: Error) -> set[tuple[str, str]]:
    """The places of the keys whose absence ``error`` reports."""
    path = place(error.absolute_path)
    if error.validator == "required":
        return {(path, key) for key in error.validator_value if key not in error.instance}
    if error.validator == "anyOf":
        return {
            (path, key) for branch in error.validator_value for key in branch.get("required", ())
        }
    return set()


def _type(error: Error) -> str:
    kinds = error.validator_value
    wanted = " or ".join(WORDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
    if error.schema.get("title") == "Values to try":
        return _axis(error.instance)
    value = error.instance
    rule = error.schema.get("typeMessage", f"must be {wanted}")
    rule, _, advice = rule.partition(". ")
    path = place(error.absolute_path)
    way_out = {"cv": idioms.of_folds, "metric": idioms.of_metrics}.get(path, _nothing)(value)
    way_out = way_out or (f" {advice}" if advice else _quoted(error, kinds))
    return f"{rule}, but got {shown(value)}.{way_out}"


def _nothing(_: object) -> str:
    return ""


def _quoted(error: Error, kinds: str | list[str]) -> str:
    """How a name or a text of the data that YAML took for something else is written."""
    value = error.instance
    if isinstance(value, dict) and len(value) == 1:  # a name with a colon
        ((key, inner),) = value.items()
        value = None if isinstance(inner, dict | list) else f"{key}: {inner}"
    of_data = "string" in kinds and place(error.absolute_path).startswith("data.")
    if not of_data or value is None or isinstance(value, dict | list):
        return ""
    text = shown(value) if isinstance(value, bool) else str(value)
    return f" Quote it: {json.dumps(text, ensure_ascii=False)}."


def _axis(value: object) -> str:
    """What is wrong with an axis that is no list."""
    single = "[...]" if isinstance(value, dict) else f"[{shown(value)}]"
    way_out = idioms.of_axis(value) or f"Wrap a single value: {single}."
    return f"must be a list of values to try, but got {shown(value)}. {way_out}"


def _required(error: Error) -> str:
    missing = [key for key in error.validator_value if key not in error.instance]
    return f"the key {listed(missing, 'and')} is missing. Add it."


def _dependent(error: Error) -> str:
    ((key, needed),) = error.validator_value.items()
    return f"{listed([key])} needs the key {listed(needed, 'and')} beside it. Add it."


def _enum(error: Error) -> str:
    wanted = listed(error.validator_value)
    suggestion = did_you_mean(str(error.instance), error.validator_value)
    return f"must be {wanted}, but got {shown(error.instance)}.{suggestion}"


def _bound(words: str) -> Callable[[Error], str]:
    def message(error: Error) -> str:
        return f"must be {words} {error.validator_value:,}, but got {shown(error.instance)}."

    return message


def _size(error: Error) -> str:
    return f"must not be empty, but got {shown(error.instance)}. Fill it or leave it out."


def _many(error: Error) -> str:
    most, count = error.validator_value, len(error.instance)
    return f"must have at most {most} entries, but has {count}. Remove some."


def _one_key(error: Error) -> str:
    return f"must have one key, but has {len(error.instance)}. Begin each parameter with '- '."


def _unique(error: Error) -> str:
    return f"must not hold the same entry twice, but got {shown(error.instance)}. Remove one."


RULES: dict[str, Callable[[Error], str]] = {
    "type": _type,
    "required": _required,
    "dependentRequired": _dependent,
    "enum": _enum,
    "minimum": _bound("at least"),
    "maximum": _bound("at most"),
    "exclusiveMinimum": _bound("greater than"),
    "exclusiveMaximum": _bound("less than"),
    "minItems": _size,
    "minLength": _size,
    "minProperties": _size,
    "maxProperties": _one_key,
    "uniqueItems": _unique,
    "maxItems": _many,
}
