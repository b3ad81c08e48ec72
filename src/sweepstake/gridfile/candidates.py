"""The candidates of a grid file as written, with their places; either shape -> ``Candidate``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import Candidate
from sweepstake.errors import Problem
from sweepstake.gridfile import ranges, step_choices, step_findings, steps
from sweepstake.gridfile.document import join, line_of, member
from sweepstake.gridfile.estimators import as_spec, as_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sweepstake.domain.search import Range
    from sweepstake.domain.spec import EstimatorSpec
    from sweepstake.gridfile.estimators import Finding
    from sweepstake.gridfile.steps import Slot


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter as written: its place and its values, of which a fixed one has a single one.

    Of a range, ``values`` are its bounds.
    """

    path: str
    values: tuple[Any, ...]
    fixed: bool
    range: Range | None = None

    def place(self, found: Finding) -> str:
        """The path of a mistake on this axis."""
        path = self.path
        if found.position is not None and self.range:
            return member(path, ("min", "max")[found.position])
        if found.position is not None and not self.fixed:
            path = join(path, found.position)
        return member(path, found.inside) if found.inside else path


@dataclass(frozen=True, slots=True)
class Written:
    """A candidate as written: the place of its name, its fixed parameters, products and steps."""

    path: str
    name: str
    fixed: Mapping[str, Axis]
    grids: tuple[Mapping[str, Axis], ...] = ()
    slots: tuple[Slot, ...] = ()


def read_candidates(raw: Mapping[str, Any]) -> list[Written]:
    """The candidates of a file, those of sound shape; the schema reports the others."""
    if "classificator" in raw or "configs" in raw:
        written = _course(raw)
    elif "candidates" in raw:
        written = (_native(part, path, raw) for part, path in _mappings(raw, "candidates"))
    else:
        written = iter([_native(raw, "", raw)])
    return [candidate for candidate in written if candidate is not None]


def _mappings(raw: Mapping[str, Any], key: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    parts = raw[key] if isinstance(raw[key], list) else []
    for position, part in enumerate(parts):
        if isinstance(part, dict):
            yield part, f"{key}[{position}]"


def _course(raw: Mapping[str, Any]) -> Iterator[Written | None]:
    """The course's shape: each ``classificator`` with its ``kwargs`` is one point."""
    parts = _mappings(raw, "configs") if "configs" in raw else iter([(raw, "")])
    for part, path in parts:
        name = _name(part.get("classificator"))
        fixed = _kwargs(part.get("kwargs"), member(path, "kwargs"))
        slots = steps.read({}, raw, "")
        yield Written(member(path, "classificator"), name, fixed, (), slots) if name else None


def _kwargs(raw: Any, path: str) -> dict[str, Axis]:
    """Parameters as a mapping or as a list of one-key mappings."""
    if isinstance(raw, dict):
        return _fixed(raw, path)
    fixed: dict[str, Axis] = {}
    for position, part in enumerate(raw if isinstance(raw, list) else []):
        for name, axis in _fixed(part, join(path, position)).items():
            fixed.setdefault(name, axis)
    return fixed


def _native(raw: Mapping[str, Any], path: str, shared: Mapping[str, Any]) -> Written | None:
    name = _name(raw.get("estimator"))
    fixed = _fixed(raw.get("params"), member(path, "params"))
    slots = steps.read(raw, shared, path)
    grids = tuple(_of_steps(grid, slots) for grid in _grids(raw.get("grid"), member(path, "grid")))
    return Written(member(path, "estimator"), name, fixed, grids, slots) if name else None


def _of_steps(grid: Mapping[str, Axis], slots: Sequence[Slot]) -> dict[str, Axis]:
    """The axes of a grid, of which those that are steps have transformers as values."""
    names = {slot.step.param for slot in slots}
    return {
        name: replace(axis, values=tuple(map(steps.as_choice, axis.values)))
        if name in names
        else axis
        for name, axis in grid.items()
    }


def _name(raw: Any) -> str:
    return raw if isinstance(raw, str) else ""


def _fixed(raw: Any, path: str) -> dict[str, Axis]:
    pairs = raw.items() if isinstance(raw, dict) else ()
    return {
        str(name): Axis(join(path, name), (as_value(str(name), value),), fixed=True)
        for name, value in pairs
    }


def _grids(raw: Any, path: str) -> Iterator[dict[str, Axis]]:
    """The products of a grid: one mapping, or a list of them."""
    if isinstance(raw, dict):
        yield _product(raw, path)
    for position, part in enumerate(raw if isinstance(raw, list) else []):
        if isinstance(part, dict):
            yield _product(part, join(path, position))


def _product(raw: Mapping[Any, Any], path: str) -> dict[str, Axis]:
    axes = ((str(name), _axis(str(name), values, join(path, name))) for name, values in raw.items())
    return {name: axis for name, axis in axes if axis is not None}


def _axis(name: str, values: Any, path: str) -> Axis | None:
    """An axis of sound shape."""
    if isinstance(values, list) and values:
        return Axis(path, tuple(as_value(name, value) for value in values), fixed=False)
    found = ranges.read(values)
    return Axis(path, (found.low, found.high), fixed=False, range=found) if found else None


def candidate(written: Written) -> Candidate:
    """The candidate that was written."""
    fixed = {name: axis.values[0] for name, axis in written.fixed.items()}
    grids = tuple(
        {name: axis.range or axis.values for name, axis in grid.items()} for grid in written.grids
    )
    plain = as_spec(written.name, fixed)
    return _with_steps(plain, grids, written.slots) if written.slots else Candidate(plain, grids)


def _with_steps(
    plain: EstimatorSpec, grids: Sequence[Mapping[str, Any]], slots: Sequence[Slot]
) -> Candidate:
    """The candidate with its steps: what all its products have alike is fixed, the rest axes."""
    own = {name: v for name, v in plain.params.items() if steps.of(name, slots) is None}
    tuned = {name: (v,) for name, v in plain.params.items() if name not in own}
    made = [
        dict(each)
        for grid in grids or ({},)
        for each in step_choices.products({**tuned, **grid}, slots)
    ]
    names = [name for name in made[0] if steps.of(name, slots) and _is_fixed(name, made, grids)]
    fixed = {name: made[0][name][0] for name in names}
    axes = tuple({n: v for n, v in each.items() if n not in fixed} for each in made)
    spec = replace(plain, params={**own, **fixed}, steps=tuple(slot.step for slot in slots))
    return Candidate(spec, axes if any(axes) or len(axes) > 1 else ())


def _is_fixed(name: str, made: Sequence[Mapping[str, Any]], grids: Sequence[Any]) -> bool:
    """Whether all products have one and the same value there, and no grid writes an axis of it."""
    if any(name in grid for grid in grids):
        return False
    values = [each.get(name, ()) for each in made]
    return len(values[0]) == 1 and all(value == values[0] for value in values)


def problems_of(written: Written, lines: Mapping[str, int]) -> Iterator[Problem]:
    """Unknown classifiers and parameters, values out of bounds, parameters given twice."""
    spec = as_spec(written.name, {})
    slots = {slot.step.param: _axis_of(slot) for slot in written.slots}
    for grid in written.grids or ({},):
        for name in sorted(written.fixed.keys() & grid.keys()):
            path = grid[name].path
            message = f"'{name}' is in params too. Keep it in one of them."
            yield Problem(line_of(lines, path), path, message)
        for name in sorted(written.fixed.keys() & slots.keys()):
            path = written.fixed[name].path
            yield Problem(line_of(lines, path), path, "is a step. Write it under 'steps' alone.")
        axes = {**{n: axis for n, axis in written.fixed.items() if n not in slots}, **grid}
        values = {name: axis.values for name, axis in axes.items()}
        for found in step_findings.findings(spec.name, values, written.slots):
            place = {**slots, **axes}
            path = place[found.param].place(found) if found.param else written.path
            yield Problem(line_of(lines, path), path, found.message)
        yield from _too_many(values, written, lines)


def _axis_of(slot: Slot) -> Axis:
    return Axis(slot.path, slot.choices, fixed=not slot.listed)


def _too_many(
    axes: Mapping[str, Any], written: Written, lines: Mapping[str, int]
) -> Iterator[Problem]:
    """Choices with parameters of their own multiply what is to be held, before any trial does."""
    found = step_choices.count(axes, written.slots)
    if found > step_choices.MOST_PRODUCTS:
        path = written.slots[0].path
        message = f"must have at most {step_choices.MOST_PRODUCTS:,} combinations of choices with "
        message += f"parameters of their own, but has {found:,}. List fewer choices."
        yield Problem(line_of(lines, path), path, message)


def doubled(raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Problem]:
    """Parameters that the course's list of one-key mappings gives twice."""
    parts = _mappings(raw, "configs") if "configs" in raw else iter([(raw, "")])
    for part, path in parts:
        seen: dict[Any, str] = {}
        for entry, place in _mappings({"kwargs": part.get("kwargs")}, "kwargs"):
            for name in entry:
                here = join(member(path, place), name)
                if name in seen:
                    message = (
                        f"is given twice, first on line {lines[seen[name]]}. Keep one of them."
                    )
                    yield Problem(lines[here], here, message)
                seen.setdefault(name, here)
