"""The candidates of a grid file as written, with their places; either shape -> ``Candidate``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import Candidate
from sweepstake.errors import Problem
from sweepstake.gridfile import ranges
from sweepstake.gridfile.document import join, line_of, member
from sweepstake.gridfile.estimators import as_spec, as_value, findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sweepstake.domain.search import Range
    from sweepstake.gridfile.estimators import Finding


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
    """A candidate as written: the place of its name, its fixed parameters and its products."""

    path: str
    name: str
    fixed: Mapping[str, Axis]
    grids: tuple[Mapping[str, Axis], ...] = ()


def read_candidates(raw: Mapping[str, Any]) -> list[Written]:
    """The candidates of a file, those of sound shape; the schema reports the others."""
    if "classificator" in raw or "configs" in raw:
        written = _course(raw)
    elif "candidates" in raw:
        written = (_native(part, path) for part, path in _mappings(raw, "candidates"))
    else:
        written = iter([_native(raw, "")])
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
        yield Written(member(path, "classificator"), name, fixed) if name else None


def _kwargs(raw: Any, path: str) -> dict[str, Axis]:
    """Parameters as a mapping or as a list of one-key mappings."""
    if isinstance(raw, dict):
        return _fixed(raw, path)
    fixed: dict[str, Axis] = {}
    for position, part in enumerate(raw if isinstance(raw, list) else []):
        for name, axis in _fixed(part, join(path, position)).items():
            fixed.setdefault(name, axis)
    return fixed


def _native(raw: Mapping[str, Any], path: str) -> Written | None:
    name = _name(raw.get("estimator"))
    fixed = _fixed(raw.get("params"), member(path, "params"))
    grids = tuple(_grids(raw.get("grid"), member(path, "grid")))
    return Written(member(path, "estimator"), name, fixed, grids) if name else None


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
    return Candidate(as_spec(written.name, fixed), grids)


def problems_of(written: Written, lines: Mapping[str, int]) -> Iterator[Problem]:
    """Unknown classifiers and parameters, values out of bounds, parameters given twice."""
    spec = as_spec(written.name, {})
    for grid in written.grids or ({},):
        for name in sorted(written.fixed.keys() & grid.keys()):
            path = grid[name].path
            message = f"'{name}' is in params too. Keep it in one of them."
            yield Problem(line_of(lines, path), path, message)
        axes = {**written.fixed, **grid}
        values = {name: axis.values for name, axis in axes.items()}
        for found in findings(spec.name, values):
            path = axes[found.param].place(found) if found.param else written.path
            yield Problem(line_of(lines, path), path, found.message)


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
