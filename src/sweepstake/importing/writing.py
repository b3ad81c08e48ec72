"""What was taken, written as a grid file, with a comment for each thing that was not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.gridfile import refinement, step_findings, steps
from sweepstake.gridfile.estimators import as_spec, as_value
from sweepstake.importing.taken import is_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sweepstake.gridfile.steps import Slot
    from sweepstake.importing.taken import Taken

EDITOR = "yaml-language-server: $schema=../schemas/sweep.schema.json"
DATA = {"source": "FILE", "target": "COLUMN"}
UNNAMED = "FILE and COLUMN stand for your data and its label: name them."
DEFAULT_TRIALS = 60
LONGEST = 300
"""Characters of a comment."""
MOST_NOTES = 100


@dataclass(frozen=True, slots=True)
class Checked:
    """The part of a file that is about one classifier, and what the classifier does not take."""

    values: dict[str, Any]
    notes: tuple[str, ...]


def written(taken: Taken, estimator: str, data: Mapping[str, Any] | None) -> str:
    """The grid file of a search for a classifier, which is on the allow-list."""
    parts = taken.candidates or [
        {
            "estimator": estimator,
            "params": dict(taken.params),
            "grid": list(taken.grids),
            "steps": dict(taken.steps),
        }
    ]
    checked = [_checked(part) for part in parts]
    notes = [*taken.notes, *(note for each in checked for note in each.notes)]
    alone = checked[0].values if len(checked) == 1 else {"candidates": [c.values for c in checked]}
    others = dict(taken.others)
    source = data or others.pop("data", None)
    search, of_search = _search(taken, [each.values for each in checked])
    values = {"data": dict(source or DATA), **alone, **search, **others}
    head = [EDITOR, f"Taken from {taken.whose}.", *([] if source else [UNNAMED]), *of_search]
    return refinement.text(values, [*head, *_comments(notes)])


def _comments(notes: Sequence[str]) -> Iterator[str]:
    """A line for each note, whatever signs are in it."""
    for note in list(dict.fromkeys(notes))[:MOST_NOTES]:
        plain = " ".join("".join(s if s.isprintable() else " " for s in note).split())
        yield f"Not taken: {plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + '…'}"
    if len(notes) > MOST_NOTES:
        yield f"Not taken: {len(notes) - MOST_NOTES:,} more."


def _checked(part: Mapping[str, Any]) -> Checked:
    """What a classifier and its steps take of parameters and grids."""
    name = as_spec(str(part["estimator"]), {}).name
    grids = part.get("grid") or []
    grids = [grids] if isinstance(grids, dict) else grids
    slots, notes = _slots(part.get("steps") or {})
    params, of_params = _taken_by(name, part.get("params") or {}, slots, fixed=True)
    notes += of_params
    kept = []
    for grid in grids:
        axes, of_grid = _taken_by(name, {**params, **grid}, slots, fixed=False)
        notes += of_grid
        kept.append({key: axis for key, axis in axes.items() if key in grid})
    kept = [grid for grid in kept if grid]
    searched = {key for grid in kept for key in grid}
    parts = {
        "steps": {slot.step.param: part["steps"][slot.step.param] for slot in slots},
        "params": {key: value for key, value in params.items() if key not in searched},
        "grid": kept[0] if len(kept) == 1 else kept,
    }
    values = {"estimator": name, **{key: value for key, value in parts.items() if value}}
    return Checked(values, tuple(notes))


def _slots(raw: Mapping[str, Any]) -> tuple[list[Slot], list[str]]:
    """The steps that may stand there."""
    slots, notes = [], []
    for slot in steps.read({steps.STEPS: raw}, {}, ""):
        found = list(step_findings.findings("", {}, [slot]))
        wrong = [each.message for each in found if each.param == slot.step.param]
        notes += [f"the step {slot.step.param}: {message}" for message in wrong]
        slots += [] if wrong else [slot]
    return slots, notes


def _taken_by(
    name: str, axes: Mapping[str, Any], slots: Sequence[Slot], *, fixed: bool
) -> tuple[dict[str, Any], list[str]]:
    """The axes that a classifier takes, without the values that it does not."""
    places = {slot.step.param for slot in slots}
    values = {key: _values(key, axis, places, fixed=fixed) for key, axis in axes.items()}
    kept, notes = dict(axes), list[str]()
    wrong: dict[str, set[int]] = {}
    for found in step_findings.findings(name, values, slots):
        if found.param in kept:
            notes.append(f"{found.param}: {found.message}")
            whole = found.position is None or is_range(axes[found.param])
            count = len(values[found.param])
            wrong.setdefault(found.param, set()).update(
                range(count) if whole else [int(found.position or 0)]
            )
    for key, positions in wrong.items():
        left = [v for at, v in enumerate(values[key]) if at not in positions]
        if left and isinstance(axes[key], list) and not fixed:
            kept[key] = [v for at, v in enumerate(axes[key]) if at not in positions]
        else:
            del kept[key]
    return kept, notes


def _values(key: str, axis: Any, places: set[str], *, fixed: bool) -> tuple[Any, ...]:
    """The values of an axis that are checked: of a range its bounds."""
    if is_range(axis) and not fixed:
        return (axis["min"], axis["max"])
    listed = axis if isinstance(axis, list) and not fixed else [axis]
    if key in places:
        return tuple(map(steps.as_choice, listed))
    return tuple(as_value(key, value) for value in listed)


def _search(taken: Taken, parts: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """How points are chosen: ranges, and lists of which a part was asked for, are drawn."""
    grids = [part.get("grid", {}) for part in parts]
    each = [one for grid in grids for one in (grid if isinstance(grid, list) else [grid])]
    ranged = any(is_range(axis) for grid in each for axis in grid.values())
    drawn = taken.trials is not None and taken.method != "grid"
    if not ranged and not drawn:
        return {}, []
    method = "random" if taken.method == "grid" else taken.method
    trials = taken.trials or DEFAULT_TRIALS
    notes = [] if taken.trials else [f"It says no number of trials: {trials} was chosen."]
    return {"search": {"method": method, "trials": trials}}, notes
