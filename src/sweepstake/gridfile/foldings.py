"""Foldings: what ``cv`` says of folds, as a number or as a mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.domain.folding import FoldKind
from sweepstake.errors import Problem
from sweepstake.gridfile.document import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_FOLDS = 5
DEFAULT_REPEATS = 10
MOST_FITS = 1_000
"""Fits of one trial."""
NEEDS = {FoldKind.GROUP: "group", FoldKind.TIME: "time"}
"""What the column that ``by`` names holds of each row."""


def read(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What a sound file says of its folds, as fields of ``SweepSpec``."""
    cv = raw.get("cv", DEFAULT_FOLDS)
    if isinstance(cv, int):
        return {"cv": cv}
    kind = FoldKind(cv.get("kind", FoldKind.STRATIFIED))
    found = {"cv": cv.get("folds", DEFAULT_FOLDS), "fold_kind": kind}
    if kind is FoldKind.REPEATED:
        found["repeats"] = cv.get("repeats", DEFAULT_REPEATS)
    return found


def columns(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The column that folds go by, as fields of ``DataSpec``; rows may have their time already."""
    cv, data = _section(raw, "cv"), _section(raw, "data")
    kind, by = cv.get("kind"), cv.get("by")
    if kind == FoldKind.TIME:
        by = by or data.get("time_column")
    fields = {"group": "groups", "time": "times"}
    field = fields.get(kind) if isinstance(kind, str) else None
    if field is None or not isinstance(by, str):
        return {}
    return {field: by, **({"by_is_feature": True} if cv.get("feature") is True else {})}


def problems_of(raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Problem]:
    """What the schema cannot see: which keys of ``cv`` belong together, and what they cost."""
    for path, message in _problems(_section(raw, "cv"), _section(raw, "data")):
        yield Problem(line_of(lines, path), path, message)


def _problems(cv: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kind = cv.get("kind", FoldKind.STRATIFIED)
    if kind not in tuple(FoldKind):
        return
    wanted = NEEDS.get(FoldKind(kind))
    if wanted is None:
        for key in ("by", "feature"):
            if key in cv:
                message = f"goes with kind: group and kind: time, but kind is {kind}. "
                yield f"cv.{key}", f"{message}Take it out, or name one of these kinds."
    elif "by" not in cv and not (kind == FoldKind.TIME and "time_column" in data):
        yield "cv", f"the key 'by' is missing. Name the column that holds the {wanted} of each row."
    if "repeats" in cv and kind != FoldKind.REPEATED:
        message = f"goes with kind: repeated, but kind is {kind}. "
        yield "cv.repeats", f"{message}Take it out, or write kind: repeated."
    yield from _costly(cv, kind)


def _costly(cv: Mapping[str, Any], kind: str) -> Iterator[tuple[str, str]]:
    folds, repeats = cv.get("folds", DEFAULT_FOLDS), cv.get("repeats", DEFAULT_REPEATS)
    whole = all(isinstance(each, int) and not isinstance(each, bool) for each in (folds, repeats))
    if kind == FoldKind.REPEATED and whole and folds * repeats > MOST_FITS:
        message = f"must come to at most {MOST_FITS:,} fits of a trial, but {folds} folds "
        yield "cv.repeats", f"{message}{repeats} times are {folds * repeats:,}. Lower one of them."


def _section(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = raw.get(key)
    return section if isinstance(section, dict) else {}
