"""The command that writes a grid file of another tool's file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweepstake.cli import console, sweeps

Given = Annotated[
    Path,
    typer.Argument(help="A sweep of W&B, a grid in .py, .json or .yaml, a space of Optuna."),
]


def import_file(  # noqa: PLR0913 - each is an option of the command
    file: Given,
    *,
    estimator: Annotated[
        str, typer.Option(help="The estimator, by its class name; the file may say none.")
    ] = "",
    data: Annotated[str, typer.Option(help="The data, as data.source of a grid file.")] = "",
    target: Annotated[str, typer.Option(help="The column of the labels.")] = "",
    variable: Annotated[
        str, typer.Option(help="Of a Python file: the name that the grid is assigned to.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write here. Default: the file's name with .grid.yaml.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a grid file of another tool's, with a comment for each thing it could not take."""
    from sweepstake.gridfile import loader
    from sweepstake.importing.importer import imported

    section = {"source": data, **({"target": target} if target else {})} if data else None
    found = imported(loader.read(file), file.name, estimator, section, variable)
    written = out or file.with_suffix(".grid.yaml")
    sweeps.write(found.text, written, force=force)
    left = f", {found.left_out} things not taken" if found.left_out else ""
    console.tell(f"{written}: written{left}. Look it over, then sweepstake validate {written}")
