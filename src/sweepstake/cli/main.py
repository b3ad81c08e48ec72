"""The command line: each command is a thin call on a use case."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from sweepstake import reach, stacks
from sweepstake.cli import (
    bars,
    champions,
    checking,
    console,
    days,
    importing,
    servers,
    sweeps,
    trials,
)
from sweepstake.cli.days import Partition, day_of
from sweepstake.cli.servers import reaching, scheduled, tracked
from sweepstake.errors import GridFileError, SweepstakeError
from sweepstake.settings import Settings, load_settings

if TYPE_CHECKING:
    from sweepstake.embedded import Stack

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A sweep where the winner takes production. Exit codes: 0 done, 1 the input or the sweep "
    "failed, 2 wrong usage.",
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer passes the option's value
    if wanted:
        from sweepstake import __version__

        typer.echo(__version__)
        raise typer.Exit


STAY_SECONDS = 1.0


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print and exit."),
    ] = False,
) -> None:
    """Take the options that come before a command."""


def main() -> None:
    """Run the command line; an error of ours is a sentence, never a traceback."""
    try:
        app()
    except GridFileError as error:
        console.say_problems(error)
        sys.exit(1)
    except SweepstakeError as error:
        console.say(str(error), style="red")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command(epilog="Example: `sweepstake up --follow`")
def up(
    *,
    follow: Annotated[
        bool,
        typer.Option(help="Follow the sweeps of the watched folder; stay up until Ctrl-C."),
    ] = False,
) -> None:
    """Start the embedded stack: PostgreSQL, MLflow and Airflow on this machine."""
    from sweepstake import embedded

    settings = load_settings(own=True)
    for end in (signal.SIGTERM, signal.SIGHUP):  # what was started ends with its start as well
        if signal.getsignal(end) is not signal.SIG_IGN:  # as under nohup
            signal.signal(end, signal.default_int_handler)
    try:
        stack = embedded.up(settings, console.say)
        settings = load_settings()
        _welcome(stack, settings)
        if follow:
            _follow_folder(settings)
            _stay(settings)
    finally:
        if follow:
            embedded.down(settings, console.say)


app.command(epilog="Example: `sweepstake down`")(reaching()(servers.down))
app.command(epilog="Example: `sweepstake status --json`")(reaching()(servers.status))
app.command(epilog="Example: `sweepstake doctor --json`")(
    reaching(reach.must_be_own)(servers.doctor)
)


app.command(epilog="Example: `sweepstake validate grids/digits-forest.yaml`")(checking.validate)
app.command(epilog="Example: `sweepstake plan grids/digits-forest.yaml --json`")(checking.plan)


@app.command(epilog="Example: `sweepstake submit grids/digits-forest.yaml --wait`")
@reaching()
def submit(
    grid: checking.GridPath,
    *,
    wait: Annotated[bool, typer.Option(help="Follow the sweep until its leaderboard.")] = False,
) -> None:
    """Check a grid file and put it, complete, into the watched folder."""
    from sweepstake.gridfile import loader
    from sweepstake.intake import intake
    from sweepstake.preflight import checks
    from sweepstake.storage.workspace import Workspace
    from sweepstake.sweeps import cancellation, progress

    settings = load_settings()
    reach.must_be_watched(settings, named=bool(os.environ.get("SWEEPSTAKE_GRIDS")))
    if wait:
        reach.must_schedule(settings)
    content = loader.read(grid)
    read, checked = checks.inspect(content, grid.name, settings)
    checking.warn(checked)
    intake.own(read, grid.name, settings)
    replaces = intake.replaces(content, grid.name, settings)
    dropped = intake.drop(content, read.spec.name, grid.name, settings)
    if read.spec.data.by_day:
        return days.tell_dag(read.spec, settings)
    console.tell(f"{dropped.sweep} is in {settings.grids}")
    if replaces:
        console.say(f"{grid.name} takes the place of another file of this name there.")
    if cancelled := cancellation.reason_of(Workspace(settings.workspace), dropped.sweep):
        console.say(f"{cancelled} Go on by sweepstake retry {read.spec.name}", style="yellow")
    elif progress.is_planned(dropped.sweep, settings):
        again = "The same content was swept before, and is not swept again"
        console.say(f"{again}: see sweepstake leaderboard {dropped.sweep}")
    elif not wait and (reach.stranger(settings) or not stacks.listens(settings.airflow_url)):
        console.say("Airflow is down: the sweep begins after sweepstake up.", style="yellow")
    if wait:
        sweeps.follow_on(dropped.sweep, settings)
    return None


app.command(epilog="Example: `sweepstake retry digits-forest --wait`")(scheduled(sweeps.retry))
app.command(epilog="Example: `sweepstake cancel digits-forest --why 'wrong data'`")(
    scheduled(sweeps.cancel)
)


@app.command(epilog="Example: `sweepstake run grids/digits-forest.yaml --jobs 2`")
def run(
    grid: checking.GridPath,
    *,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that train side by side.")] = 1,
    partition: Partition = None,
) -> None:
    """Run a sweep here, without Airflow, with the same tracking, registry and champion."""
    from sweepstake.champions import model_faults, past_days, rounds
    from sweepstake.storage.workspace import Workspace
    from sweepstake.sweeps import local_run, planned_sweep

    settings = checking.rooted_at(grid)
    with bars.SweepBars() as shown:
        sweep_id = local_run.run(grid, settings, jobs, shown.show, day_of(partition))
    sweeps.print_leaderboard(sweep_id, settings)
    model = planned_sweep.open_planned(sweep_id, settings).spec.model
    for entry in (*rounds.judge(model, settings), *past_days.replay(model, settings)):
        console.tell(f"{entry.model} v{entry.version}: {entry.verdict}. {entry.reason}")
    for fault in model_faults.known(Workspace(settings.workspace)):
        console.say(str(fault), style="yellow")


app.command(epilog="Example: `sweepstake watch digits-forest`")(tracked(trials.watch))
app.command(epilog="Example: `sweepstake leaderboard digits-forest --top 5 --by fit_seconds`")(
    tracked(trials.leaderboard)
)
app.command(epilog="Example: `sweepstake show digits-forest/29`")(tracked(trials.show))
app.command(epilog="Example: `sweepstake compare digits-forest wine-candidates --json`")(
    tracked(trials.compare)
)
app.command(epilog="Example: `sweepstake export digits-forest trials.parquet`")(
    tracked(trials.export)
)
app.command(epilog="Example: `sweepstake rerun digits-forest/29`")(tracked(trials.rerun))
app.command(epilog="Example: `sweepstake refine digits-forest --out finer.yaml`")(
    tracked(sweeps.refine)
)
app.command(epilog="Example: `sweepstake champion digits --history`")(tracked(champions.champion))
app.command(epilog="Example: `sweepstake rollback digits --why 'slow on large orders'`")(
    tracked(champions.rollback)
)
app.command(epilog="Example: `sweepstake approve digits --why 'looked at its errors'`")(
    tracked(champions.approve)
)
app.command(epilog="Example: `sweepstake decline digits --why 'not before the holidays'`")(
    tracked(champions.decline)
)
app.command(epilog="Example: `sweepstake backfill churn-daily --from 2026-01-01 --to 2026-01-07`")(
    scheduled(days.backfill)
)


app.command(epilog="Example: `sweepstake prune --top 10 --days 30`")(tracked(sweeps.prune))


app.command(epilog="Example: `sweepstake predict churn rows.csv --out predicted.csv`")(
    tracked(servers.predict)
)
app.command(epilog="Example: `sweepstake serve digits --port 8100`")(
    reaching(reach.must_be_own)(servers.serve)
)


app.command("import", epilog="Example: `sweepstake import sweep.yaml --estimator SVC`")(
    importing.import_file
)


@app.command(epilog="Example: `sweepstake schema > sweep.schema.json`")
def schema(
    *,
    path: Annotated[
        bool, typer.Option("--path", help="Print where the package has it, for the editor's line.")
    ] = False,
) -> None:
    """Print the JSON Schema of grid files, for editors."""
    from sweepstake.gridfile.schema import PLACE, text

    typer.echo(PLACE if path else text())


def _welcome(stack: Stack, settings: Settings) -> None:
    text = f"MLflow   {stack.mlflow_url}\nAirflow  {stack.airflow_url}  (user {stack.airflow_user})"
    if stack.first:
        text += f"\nPassword {stack.airflow_password}  (shown this once; kept in {settings.home})"
    console.tell(text)


def _follow_folder(settings: Settings) -> None:
    """Follow every sweep that the watched folder asks for, up to leaderboards and champions."""
    from sweepstake.intake import intake

    sweeps.follow([drop.sweep for drop in intake.scan(settings)], settings)


def _stay(settings: Settings) -> None:
    """Stay until Ctrl-C or until the stack is down; an unattended run has seen all there is."""
    from sweepstake import embedded

    if os.environ.get("CI") == "true":
        return
    console.say("The stack stays up until Ctrl-C here or sweepstake down elsewhere.")
    with suppress(KeyboardInterrupt):
        while embedded.is_up(settings):
            time.sleep(STAY_SECONDS)
