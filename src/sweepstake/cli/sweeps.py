"""Commands about sweeps that Airflow runs: follow them, look at them, try them again, end them."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweepstake.cli import bars, champions, console, servers, tables
from sweepstake.errors import CancelledError, SettingsError, StackError, SweepFailedError
from sweepstake.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweepstake.domain.trial import Standing
    from sweepstake.settings import Settings
    from sweepstake.sweeps.leaderboard import Leaderboard

Json = servers.Json
Sweep = Annotated[str, typer.Argument(help="A sweep's name (its latest run) or full id.")]


def retry(
    sweep: Sweep,
    *,
    wait: Annotated[bool, typer.Option(help="Follow the sweep until its leaderboard.")] = False,
) -> None:
    """Train again what failed in a sweep; what is done stays as it is."""
    from sweepstake.airflow_client.retrying import DAG, retry

    settings = load_settings()
    found = retry(sweep, settings)
    if not found.goes_on:
        console.tell(f"{found.run}: every trial is complete, so nothing is trained again.")
        return
    page = f"{settings.airflow_url}/dags/{found.dag}/runs/{found.run}"
    console.tell(f"{found.run} is tried again: {page}")
    if wait and found.dag == DAG:  # the days of a sweep by day are watched in Airflow
        follow_on(found.run, settings)


def cancel(
    sweep: Sweep,
    *,
    why: Annotated[str, typer.Option(help="The reason; it is kept with the sweep.")] = "",
) -> None:
    """End a sweep before its time; trials that are done stay, no model of it is promoted."""
    from sweepstake.airflow_client.cancelling import cancel

    found = cancel(sweep, getpass.getuser(), why, load_settings())
    if found.was_live:
        console.tell(f"{found.sweep} ends within seconds. Go on by sweepstake retry {sweep}")
    else:
        console.tell(f"{found.sweep}: it has ended, so there is nothing to cancel.")


def refine(
    sweep: Sweep,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Write here. Default: the new sweep's name, in this folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write the next grid file, finer around the best trial of a sweep."""
    from sweepstake.sweeps.refining import refine

    grid = refine(sweep, load_settings())
    file = out or Path(grid.file)
    write(grid.text, file, force=force)
    console.tell(f"{file}: {grid.trials} trials. Go on by sweepstake submit {file}")


def write(text: str, file: Path, *, force: bool) -> None:
    """Write a grid file that is not there yet, or is to be replaced.

    Raises:
        SettingsError: it is there, or cannot be written.
    """
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        message = f"{file}: must not be there yet, but is. Name another by --out, or add --force."
        raise SettingsError(message) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"{file}: must be a file that can be written, but: {reason}. Name one by --out."
        raise SettingsError(message) from None


def prune(
    *,
    delete: Annotated[bool, typer.Option("--delete", help="Delete what is shown.")] = False,
    top: Annotated[
        int | None, typer.Option(min=0, help="Of sweeps without `keep`: how many best to keep.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=0, help="Of sweeps without `keep`: for how long to keep all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show which files nobody needs any more, and delete them if asked to."""
    from sweepstake.champions import pruning
    from sweepstake.domain.spec import Keep

    settings = load_settings()
    given = {"top": top, "days": days}
    policy = {name: value for name, value in given.items() if value is not None}
    found = pruning.find(settings, Keep(**policy) if policy else None)
    if delete:
        pruning.prune(found, settings)
    if as_json:
        console.print_json({"deleted": delete, "found": console.records(found)})
    else:
        console.out.print(tables.prunable_table(found))
    if found and not delete:
        console.say("Nothing is deleted yet. Add --delete to delete what is shown.")


def follow_on(sweep_id: str, settings: Settings) -> None:
    """Follow a sweep that needs nobody who waits; say so to who stops waiting."""
    try:
        follow([sweep_id], settings)
    except KeyboardInterrupt:
        named = sweep_id.rpartition("__")[0]
        console.say(f"The sweep goes on. Come back by sweepstake watch {named}")
        raise


def follow(sweep_ids: list[str], settings: Settings) -> None:
    """Wait for sweeps; show leaderboards and champions; an unsuccessful one is an error."""
    from sweepstake.airflow_client import following

    with bars.SweepBars() as shown:
        states = following.follow(sweep_ids, settings, shown.show, console.say)
    ended = [sweep_id for sweep_id in sweep_ids if states[sweep_id] == "success"]
    late: StackError | None = None
    models: list[str] = []
    try:
        models += following.wait_until_judged(ended, settings, console.say)
    except StackError as error:  # what was trained is shown all the same
        late = error
    for sweep_id in ended:
        print_leaderboard(sweep_id, settings)
    for model in models:
        champions.tell(model)
    if late:
        raise late
    _raise_for(sorted(set(sweep_ids) - set(ended)), settings)


def _raise_for(unsuccessful: list[str], settings: Settings) -> None:
    """Say what became of sweeps that did not succeed, if there are any."""
    from sweepstake.storage.workspace import Workspace
    from sweepstake.sweeps.cancellation import reason_of

    workspace = Workspace(settings.workspace)
    cancelled = {each: reason_of(workspace, each) for each in unsuccessful}
    failed = ", ".join(each for each, reason in cancelled.items() if not reason)
    if failed:
        page = f"{settings.airflow_url}/dags/sweep"
        message = f"{failed}: must succeed, but failed. Read why at {page} or beside the grid file."
        raise SweepFailedError(message)
    if cancelled:
        raise CancelledError(" ".join(cancelled.values()))


def print_leaderboard(name: str, settings: Settings) -> None:
    """Print the best trials of a sweep, and what was decided about it."""
    from sweepstake.sweeps.leaderboard import read

    board = read(name, settings)
    tell_board(board, board.standings)


def tell_board(
    board: Leaderboard, standings: Sequence[Standing], by: str = "", top: int | None = None
) -> None:
    """Print trials of a leaderboard in this order, and what was decided about the sweep."""
    from sweepstake.mlflow_client.comparison import has_pages, opening

    console.out.print(tables.leaderboard_table(board, standings, by, top))
    if board.decision:
        console.tell(board.decision)
    if board.search:
        console.tell(board.search)
    for warning in board.warnings:
        console.say(f"warning: {warning}", style="yellow")
    if not has_pages(pages := load_settings().mlflow_pages):
        console.say(f"To see it: {opening(pages)}")
    console.tell(board.url)
