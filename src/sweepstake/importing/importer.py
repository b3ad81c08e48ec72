"""The importer: from a file of another tool to a grid file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from sweepstake.errors import GridFileError, Problem
from sweepstake.gridfile import loader, schema
from sweepstake.gridfile.allowlist import resolve
from sweepstake.importing import optuna, others, searches, wandb, writing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.importing.taken import Taken

PYTHON = ".py"
KNOWN = (
    "It reads sweeps of W&B, grids of scikit-learn in .py, .json or .yaml, and distributions of "
    "Optuna as JSON."
)


@dataclass(frozen=True, slots=True)
class Imported:
    """A grid file that was written of another: its text, and how many things were not taken."""

    text: str
    left_out: int


def imported(
    content: bytes,
    file: str,
    estimator: str = "",
    data: Mapping[str, Any] | None = None,
    variable: str = "",
) -> Imported:
    """The grid file of another tool's; ``file`` is its name for display and tells its format.

    Raises:
        GridFileError: it cannot be read, holds no search, or says no classifier.
        NotFoundError: the classifier is not on the allow-list.
    """
    taken = _taken(content, file, variable)
    name = estimator or taken.estimator
    if not name and not taken.candidates:
        message = "must be of a classifier, but says none. Name one by --estimator."
        raise GridFileError(file, [Problem(0, "", message)])
    for part in taken.candidates or [{"estimator": name}]:
        resolve(str(part["estimator"]))
    text = writing.written(taken, name, data)
    return Imported(text, sum(line.startswith("# Not taken: ") for line in text.splitlines()))


def _taken(content: bytes, file: str, variable: str) -> Taken:
    if PurePath(file).suffix == PYTHON:
        return searches.read(loader.text_of(content, file), file, variable)
    document = loader.document_of(content, file)
    raw: Any = document.value
    known = schema.schema()["properties"]
    if wandb.is_sweep(raw):
        return wandb.read(raw)
    if optuna.is_space(raw):
        return optuna.read(raw)
    found = others.read(raw, known)
    if found is None:
        message = f"must be a search of another tool, but is none that is known. {KNOWN}"
        raise GridFileError(file, [Problem(document.lines.get("", 0), "", message)])
    return found
