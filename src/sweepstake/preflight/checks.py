"""Preflight: everything that can go wrong with a sweep, looked for before anything trains.

The loader has checked the file itself. Here the data is read, a few points are fitted and scored on
a few rows, and some of these fits are timed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sweepstake.data import dataset, folds, partitions, splitting
from sweepstake.domain.search import Method
from sweepstake.domain.task import are_classes
from sweepstake.domain.waves import Sizes, Wave, waves_of
from sweepstake.errors import DataError, GridFileError, Problem
from sweepstake.gridfile import loader
from sweepstake.gridfile.document import line_of
from sweepstake.gridfile.draws import points, trials_of
from sweepstake.gridfile.search_space import all_products, ends, size
from sweepstake.preflight import (
    cell_warnings,
    column_checks,
    data_warnings,
    fold_warnings,
    refusals,
)
from sweepstake.preflight.time_estimate import trial_seconds
from sweepstake.preflight.trial_fits import FitProcess, Rows
from sweepstake.training import shared_trees

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    import numpy as np

    from sweepstake.data.dataset import Table
    from sweepstake.domain.spec import SweepSpec
    from sweepstake.gridfile.fit_seconds import FitSeconds
    from sweepstake.gridfile.grid_file import GridFile
    from sweepstake.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Preflight:
    """What a sweep will be: its trials, the seconds of computing they take together, its rows.

    ``trial_seconds`` are those of the trials of each product of the search space. ``sides`` are
    the positions in ``table`` of the rows to train on and of the holdout. ``waves`` are the steps
    in which the trials are chosen.
    """

    trial_count: int
    estimate_seconds: float
    trial_seconds: tuple[FitSeconds, ...]
    table: Table
    sides: tuple[np.ndarray, np.ndarray]
    warnings: tuple[str, ...] = ()
    waves: tuple[Wave, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows the data have."""
        return len(self.table.X)

    def figures(self) -> dict[str, Any]:
        """What is told of it: all but the rows themselves; of each product the mean seconds."""
        told = ("trial_count", "estimate_seconds", "rows", "warnings")
        waves = {"waves": [asdict(each) for each in self.waves]} if len(self.waves) > 1 else {}
        seconds = {"trial_seconds": [each.mean for each in self.trial_seconds]}
        return {name: getattr(self, name) for name in told} | seconds | waves


def load(
    path: Path, settings: Settings, partition: date | None = None
) -> tuple[GridFile, Preflight]:
    """Read a grid file and check it: the mistakes of the file and of its data come together.

    Data that are kept by day are those of ``partition``, or of the newest day.

    Raises:
        GridFileError: carries every problem with path and line.
    """
    return inspect(loader.read(path), str(path), settings, partition)


def inspect(
    content: bytes, file: str, settings: Settings, partition: date | None = None
) -> tuple[GridFile, Preflight]:
    """Read and check the bytes of a grid file; ``file`` is its name for display.

    Raises:
        GridFileError: carries every problem with path and line.
    """
    grid = parse(content, file, settings, partition)
    return grid, check(grid, settings)


def parse(content: bytes, file: str, settings: Settings, partition: date | None = None) -> GridFile:
    """A grid file on the data of its partition, where it has any; nothing is fitted.

    Raises:
        GridFileError: carries the mistakes of the file together with those of its data.
    """
    draft = loader.draft(content, file, settings)
    if draft.grid is not None:
        return _at(draft.grid, settings, partition)
    problems = list(draft.problems)
    if draft.data is not None:
        try:
            day = partitions.choose(draft.data, settings.data_roots, partition)
            dataset.read(replace(draft.data, partition=day), settings.data_roots)
        except DataError as error:
            problems += _located(error, draft.lines)
    raise GridFileError(draft.file, problems)


def check(grid: GridFile, settings: Settings) -> Preflight:
    """Check a sound grid file against its data and against scikit-learn.

    Each combination of choices in the search space is fitted once on a few rows of each class, and,
    where that fails, on the training rows of the first fold, since some parameters
    (``n_neighbors``) are fine only with all of them.

    Raises:
        GridFileError: the data cannot be used, or a point cannot be fitted or scored; carries every
            problem with path and line.
    """
    try:
        table = dataset.read(grid.spec.data, settings.data_roots)
        data_warnings.check(table)
        column_checks.check(grid.spec, table.X)
        sides = splitting.split(table, grid.spec.data.holdout, grid.spec.seed)
        rows = first_fold(grid.spec, table, sides[0])
    except DataError as error:
        raise GridFileError(grid.file, _located(error, grid.lines)) from error
    edges = ends(grid.spec)
    with FitProcess(edges, rows) as process:
        found, complete = refusals.find(edges, process)
        if refusals.are_fatal(edges, found):
            problems = list(refusals.problems(replace(grid, spec=edges), found))
            raise GridFileError(grid.file, problems)
        seconds = trial_seconds(edges, process)
    waves = waves_of(grid.spec.search, _sizes(grid.spec, table.y[sides[0]], settings))
    space = trials_of(grid.spec, table.digest, portion=waves[0].portion)
    alone = grid.spec.search.method is not Method.GRID or not grid.spec.share
    parts = [1.0 if alone else shared_trees.share_of(each) for each in all_products(grid.spec)]
    work = [each.mean * part for each, part in zip(seconds, parts, strict=True)]
    first = sum(work[space.product_of(number)] for number in range(len(space)))
    if len(waves) == 1:
        waves = (Wave(len(space), waves[0].portion),)
    count = sum(wave.trials for wave in waves)
    total = sum(wave.trials * _share(wave) for wave in waves) * first / len(space)
    warnings = [
        *data_warnings.warnings_of(table, sides),
        *cell_warnings.warnings_of(table),
        *refusals.skipped(edges, found),
        *fold_warnings.cut_times(grid.spec, table, sides[0]),
        *fold_warnings.cost_of_metrics(grid.spec, process.tracked_share, total),
        *_of_space(grid.spec, len(space), complete=complete),
    ]
    return Preflight(count, total, seconds, table, sides, tuple(warnings), waves)


def _share(wave: Wave) -> float:
    return wave.portion.share if wave.portion else 1.0


def _sizes(spec: SweepSpec, y: np.ndarray, settings: Settings) -> Sizes:
    import numpy as np

    fewest = np.unique(y, return_counts=True)[1].min() if are_classes(y) else len(y)
    return Sizes(
        points=points(spec),
        slots=settings.slots,
        rows=len(y),
        least=-(-spec.cv * len(y) // int(fewest)),
        folds=spec.folding.fits,
    )


def _at(grid: GridFile, settings: Settings, partition: date | None) -> GridFile:
    """The grid file on the data of one day."""
    try:
        day = partitions.choose(grid.spec.data, settings.data_roots, partition)
    except DataError as error:
        raise GridFileError(grid.file, _located(error, grid.lines)) from error
    return replace(grid, spec=grid.spec.at(day))


def first_fold(spec: SweepSpec, table: Table, train: np.ndarray) -> Rows:
    """The training rows as the first fold has them."""
    fit, score = folds.divided(table.y[train], spec.folding, table.beside.take(train))[0]
    fit, score = train[fit], train[score]
    weights = table.beside.weights
    weigh = (None, None) if weights is None else (weights[fit], weights[score])
    return Rows(table.X.iloc[fit], table.y[fit], table.X.iloc[score], table.y[score], *weigh)


def _located(error: DataError, lines: Mapping[str, int]) -> list[Problem]:
    """The problems of the data at their places in the file."""
    return [Problem(line_of(lines, place), place, message) for place, message in error.faults]


def _of_space(spec: SweepSpec, trial_count: int, *, complete: bool) -> Iterator[str]:
    grid, asked = spec.search.method is Method.GRID, spec.search.trials or 0
    doubled = size(spec) - trial_count if grid else 0
    if asked > points(spec):
        yield f"search.trials: the space has {points(spec):,} points only: each is trained once."
    if doubled:
        yield f"points that the grid writes more than once: {doubled:,}; each is trained once."
    if not complete:
        yield "Not every combination of choices was tried: there are too many, or they take long."
