"""The steps of a grid file as written: ``steps`` and ``columns``, and their points of the search.

A step is a name in ``steps``, or ``columns__ENTRY`` for an entry of ``columns`` (``columns__ENTRY__
NAME`` for a named step in it). Under that name it stands among the parameters: a choice among
several transformers is an axis like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import EstimatorSpec, Step
from sweepstake.gridfile import transformers
from sweepstake.gridfile.document import join, member
from sweepstake.gridfile.estimators import as_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

STEPS = "steps"
COLUMNS = "columns"
PASSED = "passthrough"
DROPPED = "drop"


@dataclass(frozen=True, slots=True)
class Slot:
    """A step as written: where it stands, its place in the file, and what may stand there.

    ``listed`` says whether the file writes its choices as a list.
    """

    step: Step
    path: str
    choices: tuple[Any, ...]
    listed: bool


def read(raw: Mapping[str, Any], shared: Mapping[str, Any], path: str) -> tuple[Slot, ...]:
    """The slots of a candidate; ``shared`` is the file, whose ``steps`` its own ones replace."""
    own = STEPS in raw
    found = raw[STEPS] if own else shared.get(STEPS)
    place = member(path, STEPS) if own else STEPS
    return (*_columns(shared.get(COLUMNS)), *_named(found, place, "", ""))


def _columns(raw: Any) -> Iterator[Slot]:
    for key, value in raw.items() if isinstance(raw, dict) else ():
        path, entry = join(COLUMNS, key), str(key)
        if isinstance(value, dict) and "estimator" not in value:
            yield from _named(value, path, f"{COLUMNS}__{entry}__", entry)
        else:
            yield from _slot(value, path, Step(f"{COLUMNS}__{entry}", entry))


def _named(raw: Any, path: str, prefix: str, columns: str) -> Iterator[Slot]:
    for name, value in raw.items() if isinstance(raw, dict) else ():
        yield from _slot(value, join(path, name), Step(f"{prefix}{name}", columns))


def _slot(raw: Any, path: str, step: Step) -> Iterator[Slot]:
    listed = isinstance(raw, list)
    choices = tuple(map(as_choice, raw if listed else [raw]))
    if choices:
        yield Slot(step, path, choices, listed)


def as_choice(raw: Any) -> Any:
    """What may stand in a step, as a grid file writes it: a name, or a name with parameters.

    A name that is not on the allow-list stays as written, to be reported.
    """
    if isinstance(raw, str):
        return raw if raw in {PASSED, DROPPED} else EstimatorSpec(transformers.dotted(raw) or raw)
    if isinstance(raw, EstimatorSpec):  # read as an inner classifier already
        return EstimatorSpec(transformers.dotted(raw.name) or raw.name, raw.params)
    if isinstance(raw, dict):
        value = as_value("", raw)
        return as_choice(value) if isinstance(value, EstimatorSpec) else raw
    return raw


def of(name: str, slots: Iterable[Slot]) -> Slot | None:
    """The slot that a parameter is, or is of."""
    held = (slot for slot in slots if slot.step.holds(name))
    return max(held, key=lambda slot: len(slot.step.param), default=None)


def tail(name: str, slot: Slot) -> str:
    """The parameter of the transformer that a parameter of a slot is; empty for the slot itself."""
    return name.removeprefix(slot.step.param).removeprefix("__")
