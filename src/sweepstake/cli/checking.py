"""Commands that look at grid files before anything runs: what is wrong, and what would run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweepstake import stacks
from sweepstake.cli import console, servers, tables
from sweepstake.cli.days import Partition, day_of
from sweepstake.errors import GridFileError
from sweepstake.settings import Settings, load_settings

if TYPE_CHECKING:
    from sweepstake.gridfile.grid_file import GridFile
    from sweepstake.preflight.checks import Preflight

GridPath = Annotated[Path, typer.Argument(help="The grid file, YAML or JSON.", dir_okay=False)]
Json = servers.Json


def validate(
    grid: Annotated[list[Path], typer.Argument(help="Grid files, YAML or JSON.", dir_okay=False)],
    *,
    partition: Partition = None,
    as_json: Json = False,
) -> None:
    """Find every mistake of a grid file; tell its trials and the time they will take."""
    sound = [_validated(each, partition, as_json=as_json) for each in grid]
    if not all(sound):
        raise typer.Exit(1)


def plan(grid: GridPath, *, partition: Partition = None, as_json: Json = False) -> None:
    """Show what would run, without running it."""
    from sweepstake.sweeps.preview import preview

    shown = preview(*_check(grid, partition), load_settings().slots)
    if as_json:
        console.print_json(asdict(shown))
    else:
        console.out.print(tables.preview_table(shown))


def warn(checked: Preflight) -> None:
    """Say what deserves a look."""
    for warning in checked.warnings:
        console.say(f"warning: {warning}", style="yellow")


def rooted_at(grid: Path) -> Settings:
    """Settings that also allow data beside the grid file itself."""
    from sweepstake import api

    return api.rooted_at(grid, load_settings())


def _validated(grid: Path, partition: Partition, *, as_json: bool) -> bool:
    """Tell of one grid file; whether it is sound."""
    try:
        read, checked = _check(grid, partition)
    except GridFileError as error:
        problems = [asdict(problem) for problem in error.problems]
        if as_json:
            console.print_json({"valid": False, "file": error.file, "problems": problems})
        else:
            console.say_problems(error)
        return False
    if as_json:
        console.print_json({"valid": True, "sweep": read.sweep_id, **checked.figures()})
        return True
    warn(checked)
    _warn_of_place(read.spec.data.filled_source)
    waves = f" in {tables.waves_text(checked.waves)}" if len(checked.waves) > 1 else ""
    console.tell(
        f"{grid}: {checked.trial_count} trials{waves} on {checked.rows} rows, "
        f"about {console.duration(checked.estimate_seconds)} of one core"
    )
    return True


def _check(grid: Path, partition: Partition) -> tuple[GridFile, Preflight]:
    from sweepstake.preflight import checks

    return checks.load(grid, rooted_at(grid), day_of(partition))


def _warn_of_place(source: str) -> None:
    """Say that the stack, if there is one, would not find data that lie beside the file alone."""
    from sweepstake.data import sources

    settings = load_settings()
    if not (settings.home / stacks.CLIENT).exists():
        return
    if not sources.is_file(source) or sources.is_found(source, settings.data_roots):
        return
    where = ", ".join(map(str, settings.data_roots))
    message = f"data.source: {source!r} lies beside the grid file, and not where sweepstake submit "
    console.say(f"warning: {message}looks: {where}. Copy it there first.", style="yellow")
