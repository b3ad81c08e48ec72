"""Choices of steps: a parameter belongs to those of a step's transformers that have it.

So a grid over several transformers becomes one product for each group of them that takes the same
parameters, and no parameter multiplies the trials of a transformer that has none of its name.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.gridfile import steps, transformers
from sweepstake.gridfile.allowlist import parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sweepstake.gridfile.steps import Slot

MOST_PRODUCTS = 1_000
"""Combinations of groups in one grid."""


def takes(choice: Any, param: str) -> bool:
    """Whether what stands in a step has a parameter, told by its name up to ``__``."""
    known = isinstance(choice, EstimatorSpec) and transformers.dotted(choice.name)
    return bool(known) and param.partition("__")[0] in parameters(choice.name)


def chosen(axes: Mapping[str, Any], slots: Sequence[Slot]) -> dict[str, Sequence[Any]]:
    """The choices of each slot: those of the grid where it has some."""
    return {slot.step.param: axes.get(slot.step.param, slot.choices) for slot in slots}


def count(axes: Mapping[str, Any], slots: Sequence[Slot]) -> int:
    """How many products the axes of one grid become."""
    choices = chosen(axes, slots)
    return prod(len(_groups(choices[slot.step.param], slot, axes, slots)) for slot in slots)


def products(axes: Mapping[str, Any], slots: Sequence[Slot]) -> Iterator[dict[str, Any]]:
    """The products that the axes of one grid become, the slots among their axes."""
    own = {name: values for name, values in axes.items() if steps.of(name, slots) is None}
    choices = chosen(axes, slots)
    groups = [
        [
            {slot.step.param: group, **{name: axes[name] for name in names}}
            for group, names in _groups(choices[slot.step.param], slot, axes, slots)
        ]
        for slot in slots
    ]
    for parts in product(*groups):
        yield {**own, **{name: values for part in parts for name, values in part.items()}}


def _groups(
    choices: Sequence[Any], slot: Slot, axes: Mapping[str, Any], slots: Sequence[Slot]
) -> list[tuple[tuple[Any, ...], tuple[str, ...]]]:
    """The choices by the parameters that they take, in the order of the first of each."""
    names = [name for name in axes if steps.of(name, slots) is slot and steps.tail(name, slot)]
    found: dict[tuple[str, ...], list[Any]] = {}
    for choice in choices:
        taken = tuple(name for name in names if takes(choice, steps.tail(name, slot)))
        found.setdefault(taken, []).append(choice)
    return [(tuple(group), taken) for taken, group in found.items()]
