"""The command line about trials: one of them, two beside each other, all of them in a file."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from sweepstake.cli import bars, console, servers, sweeps, trial_tables
from sweepstake.errors import SweepFailedError
from sweepstake.settings import load_settings

if TYPE_CHECKING:
    from sweepstake.settings import Settings

Json = servers.Json
Sweep = sweeps.Sweep
Trial = Annotated[
    str, typer.Argument(help="digits-forest/29, or digits/v3 for a version, or a run's id.")
]
Side = Annotated[str, typer.Argument(help="A sweep (its best trial), a trial or a version.")]


def watch(sweep: Sweep) -> None:
    """Follow a sweep from anywhere until it ends; leave by Ctrl-C, and the sweep goes on."""
    from sweepstake.sweeps.watching import watch

    settings = load_settings()
    try:
        with bars.SweepBars() as shown:
            sweep_id, status = watch(sweep, settings, shown.show, console.say)
    except KeyboardInterrupt:
        console.say(f"The sweep goes on. Come back by sweepstake watch {sweep}")
        raise
    sweeps.print_leaderboard(sweep_id, settings)
    _raise_for(sweep_id, status, settings)


def _raise_for(sweep_id: str, status: str, settings: Settings) -> None:
    if status != "FINISHED":
        message = f"{sweep_id}: must succeed, but is {status}. Read why on its page in MLflow: "
        raise SweepFailedError(message + settings.mlflow_pages)


def show(trial: Trial, *, as_json: Json = False) -> None:
    """Show all that is recorded of a trial: parameters, figures, folds, origin, verdict."""
    from sweepstake.sweeps.trial_lookup import find_trial, record_of

    settings = load_settings()
    record = record_of(find_trial(trial, settings), settings)
    if as_json:
        console.print_json(asdict(record))
    else:
        console.out.print(trial_tables.record_table(record))
        console.tell(record.url)


def compare(first: Side, second: Side, *, as_json: Json = False) -> None:
    """Show what differs between two sweeps, trials or versions, and how sure the gain is."""
    from sweepstake.champions.comparing import compare

    found = compare(first, second, load_settings())
    if as_json:
        console.print_json({**asdict(found), "verdict": found.verdict})
    else:
        console.out.print(trial_tables.differences_table(found))
        console.tell(trial_tables.comparison_text(found))


def export(
    sweep: Sweep,
    file: Annotated[Path, typer.Argument(help="Where to write: a .csv or .parquet file.")],
) -> None:
    """Write all trials of a sweep into a file; in Python: sweepstake.frame(NAME)."""
    from sweepstake.sweeps.export import write_file
    from sweepstake.sweeps.leaderboard import read

    board = read(sweep, load_settings())
    write_file(board.standings, file)
    console.tell(f"{board.sweep}: {len(board.standings):,} trials in {file}")


def rerun(trial: Trial, *, as_json: Json = False) -> None:
    """Train a trial again from its record; exit code 1 unless all its figures are the same."""
    from sweepstake.sweeps.rerun import rerun

    found = rerun(trial, load_settings())
    if as_json:
        console.print_json({**asdict(found), "equal": found.is_equal})
    else:
        console.out.print(trial_tables.rerun_table(found))
        word = "equal to the last digit" if found.is_equal else "not equal to its record"
        console.tell(f"{found.sweep}/{found.number} ({found.training}): {word}")
    if not found.is_equal:
        raise typer.Exit(1)


def leaderboard(
    sweep: Sweep,
    *,
    top: Annotated[int | None, typer.Option(min=1, help="How many trials. Default: 20.")] = None,
    by: Annotated[str, typer.Option(help="Another figure to order by, as fit_seconds.")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV on stdout.")] = False,
    as_json: Json = False,
) -> None:
    """Show the trials of a sweep, best first."""
    from sweepstake.sweeps.export import ordered, write_csv
    from sweepstake.sweeps.leaderboard import read

    if as_csv and as_json:
        message = "must not be with --json. Choose one of both."
        raise typer.BadParameter(message, param_hint="--csv")
    board = read(sweep, load_settings())
    standings = ordered(board, by, top)
    if as_csv:
        write_csv(standings, sys.stdout)
    elif as_json:
        console.print_json({**asdict(board), "standings": console.records(standings)})
    else:
        sweeps.tell_board(board, standings, by, top)
