"""Stoppings: boosters that stop early, where folds go by group or time.

The rows that a booster keeps back then have to be whole groups, or the last ones. Their rule is
told to the last step of a pipeline alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sweepstake.domain.folding import FoldKind
from sweepstake.domain.spec import EstimatorSpec
from sweepstake.errors import Problem
from sweepstake.gridfile import boosters, transformers
from sweepstake.gridfile.candidates import read_candidates
from sweepstake.gridfile.document import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweepstake.gridfile.candidates import Written

KEPT = (FoldKind.GROUP.value, FoldKind.TIME.value)
INSIDE = "stops a booster inside another estimator, which cannot keep back rows by"
SAMPLED = "keeps back rows by"


def problems_of(raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Problem]:
    """Boosters that would stop by rows which the folds hold together or in their order."""
    cv = raw.get("cv")
    kind = cv.get("kind") if isinstance(cv, dict) else None
    if kind in KEPT:
        for written in read_candidates(raw):
            for path, message in _problems(written, str(kind)):
                yield Problem(line_of(lines, path), path, message)


def _problems(written: Written, kind: str) -> Iterator[tuple[str, str]]:
    sampled = any(
        isinstance(choice, EstimatorSpec) and transformers.is_sampler(choice.name)
        for slot in written.slots
        for choice in slot.choices
    )
    for axes in (written.fixed, *written.grids):
        for name, axis in axes.items():
            inside = name.endswith(f"__{boosters.STOP}") or any(map(_holds_stop, axis.values))
            if inside:
                yield axis.path, f"{INSIDE} {kind} as 'cv' does. Leave out early_stopping_rounds."
            elif sampled and boosters.stops(written.name, (name,)):
                message = f"{SAMPLED} {kind} as 'cv' does, but a sampler of 'steps' changes rows. "
                yield axis.path, f"{message}Leave out one of both."


def _holds_stop(value: Any) -> bool:
    """Whether a value is an estimator that stops early, or has one inside."""
    if isinstance(value, EstimatorSpec):
        inner = value.params.values()
        return boosters.stops(value.name, value.params) or any(map(_holds_stop, inner))
    return isinstance(value, Mapping) and any(map(_holds_stop, value.values()))
