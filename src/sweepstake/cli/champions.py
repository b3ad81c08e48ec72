"""The command line about champions: who is in service, who was, and who shall be."""

from __future__ import annotations

import getpass
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from sweepstake.cli import console, days, servers, tables
from sweepstake.errors import NotFoundError, SweepstakeError
from sweepstake.settings import load_settings

if TYPE_CHECKING:
    from sweepstake.mlflow_client.ledger import LedgerEntry

MOMENTS = ["%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
"""The last two as they are printed."""

AsOf = days.AsOf
FigureFile = days.FigureFile
Over = days.Over
Json = servers.Json
Model = Annotated[str, typer.Argument(help="A registered model.")]
To = Annotated[str, typer.Option(help="The version. Default: see the command.")]
Why = Annotated[str, typer.Option(help="The reason, for the ledger.")]
At = Annotated[
    datetime | None, typer.Option(formats=MOMENTS, help="At a moment in UTC, as 2026-01-15T12:00Z.")
]


def champion(  # noqa: PLR0913 - each is an option
    model: Model,
    *,
    history: Annotated[bool, typer.Option(help="Every decision, newest first.")] = False,
    at: At = None,
    as_of: AsOf = None,
    over: Over = "",
    figure: FigureFile = None,
    replace: Annotated[
        bool, typer.Option(help="Put --to, or the last finalist, into service without a test.")
    ] = False,
    to: To = "",
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Show which version is in service, since when and why; or which was, on past days."""
    if replace:
        return _replace(model, to, why, as_json=as_json)
    if at:
        return _tell_at(model, at.replace(tzinfo=UTC), as_json=as_json)
    if as_of:
        return days.print_champion(model, as_of.date(), as_json=as_json)
    if over:
        return days.print_champions(model, over, figure, as_json=as_json)
    return tell(model, history=history, as_json=as_json)


def tell(model: str, *, history: bool = False, as_json: bool = False) -> None:
    """Who is in service; an error where nobody is."""
    from sweepstake.mlflow_client.registry import Registry

    registry = Registry(load_settings().tracking_uri)
    current = servers.champion_of(model, registry)
    entries = registry.history(model)
    if as_json:
        record = {"model": model, "champion": current and asdict(current)}
        console.print_json({**record, "history": console.records(entries)} if history else record)
    elif history:
        console.out.print(tables.history_table(model, entries))
    else:
        console.tell(tables.champion_text(model, current, entries))
        _tell_waiting(model)
    if current is None:
        raise typer.Exit(1)


def rollback(model: Model, *, why: Why, to: To = "", as_json: Json = False) -> None:
    """Put the champion before, or --to, back into service; the one that leaves stays out."""
    from sweepstake.champions.by_hand import roll_back

    _tell_act(roll_back(model, to, why, load_settings()), as_json=as_json)


def approve(model: Model, *, why: Why = "") -> None:
    """Let the version that waits for approval take over."""
    _answer(model, why, approved=True)


def decline(model: Model, *, why: Why) -> None:
    """Keep the version that waits for approval out."""
    _answer(model, why, approved=False)


def _answer(model: str, why: str, *, approved: bool) -> None:
    from sweepstake.airflow_client import answering
    from sweepstake.champions import approval
    from sweepstake.champions.rounds import judge
    from sweepstake.storage.workspace import Workspace

    settings = load_settings()
    given = approval.Answer(approved, getpass.getuser(), why)
    asked = approval.answer(Workspace(settings.workspace), model, given)
    with suppress(SweepstakeError):  # it may ask in vain
        answering.respond(asked, given, settings)
    for entry in judge(model, settings):
        _tell_act(entry, as_json=False)


def _tell_waiting(model: str) -> None:
    """What is asked about the model, if anything is."""
    from sweepstake.champions import approval
    from sweepstake.storage.workspace import Workspace

    asked = approval.waiting(Workspace(load_settings().workspace), model)
    if asked:
        console.tell(
            f"{model}: v{asked.version} waits for approval until {asked.until[:16]} UTC. "
            f"{asked.reason} Say: sweepstake approve {model}, or sweepstake decline {model}."
        )


def _replace(model: str, to: str, why: str, *, as_json: bool) -> None:
    from sweepstake.champions import by_hand

    _tell_act(by_hand.replace(model, to, why, load_settings()), as_json=as_json)


def _tell_act(entry: LedgerEntry, *, as_json: bool) -> None:
    if as_json:
        console.print_json(asdict(entry))
    else:
        console.tell(f"{entry.model}: champion is v{entry.champion}. {entry.reason}")


def _tell_at(model: str, moment: datetime, *, as_json: bool) -> None:
    from sweepstake.mlflow_client.registry import Registry

    entry = Registry(load_settings().tracking_uri).champion_at(model, moment)
    if entry is None:
        message = (
            f"{model}: must have had a champion at {moment:%Y-%m-%dT%H:%M:%SZ}, but had none yet."
        )
        raise NotFoundError(message + f" Look: sweepstake champion {model} --history.")
    if as_json:
        console.print_json({"at": str(moment), "champion": entry.champion, **asdict(entry)})
    else:
        console.tell(
            f"{model}: champion at {moment:%Y-%m-%d %H:%M:%S} UTC was v{entry.champion}, by the "
            f"decision of {entry.decided:%Y-%m-%d %H:%M:%S}: {entry.reason}"
        )
