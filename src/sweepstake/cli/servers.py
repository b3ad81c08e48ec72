"""The command line about servers: those of the embedded stack, of a deployment, the champion's."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from functools import wraps
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

from sweepstake import reach, stacks
from sweepstake.cli import console, tables
from sweepstake.errors import NotFoundError, SettingsError
from sweepstake.settings import load_settings
from sweepstake.wording.near_misses import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sweepstake.airflow_client.standstill import Standstill
    from sweepstake.embedded import Component
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.mlflow_client.registry import Registry
    from sweepstake.settings import Settings

MOST_CONNECTIONS = 1000
P = ParamSpec("P")
Json = Annotated[bool, typer.Option("--json", help="Print a record for programs on stdout.")]


def reaching(
    *checks: Callable[[Settings], None],
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """A command that says which stack it talks to, and sees that its servers are there."""

    def with_checks(command: Callable[P, None]) -> Callable[P, None]:
        @wraps(command)
        def checked(*args: P.args, **kwargs: P.kwargs) -> None:
            settings = load_settings()
            if said := reach.elsewhere(settings):
                console.say(said)
            for check in checks:
                check(settings)
            command(*args, **kwargs)

        return checked

    return with_checks


tracked, scheduled = reaching(reach.must_track), reaching(reach.must_schedule)


def down() -> None:
    """Stop the embedded stack; its state folder stays."""
    from sweepstake import embedded

    embedded.down(load_settings(), console.say)


def status(*, as_json: Json = False) -> None:
    """Show how each component of the embedded stack does, and which runs stand still, and why."""
    from sweepstake import embedded

    settings = load_settings()
    components = embedded.status(settings)
    still = _standstills() if _is_healthy(components, "api-server") else []
    if as_json:
        console.print_json(console.records(components))
    else:
        console.out.print(tables.status_table(components))
    if not embedded.is_up(settings):
        console.say(f"No stack is up in {settings.home}. Start it by sweepstake up.")
    for standstill in still:
        console.say(str(standstill))
    names = [component.name for component in components]
    if still or not _is_healthy(components, *names):
        raise typer.Exit(1)


def _is_healthy(components: Iterable[Component], *names: str) -> bool:
    return all(each.state == "healthy" for each in components if each.name in names)


def _standstills() -> list[Standstill]:
    from sweepstake.airflow_client.api import AirflowApi
    from sweepstake.airflow_client.standstill import standstills

    with AirflowApi.of(load_settings()) as api:
        return standstills(api)


def doctor(*, as_json: Json = False) -> None:
    """Check this host and the servers that it uses; say what to fix. Exit code 1 if anything."""
    from sweepstake.doctor import examine

    findings = examine()
    if as_json:
        console.print_json(console.records(findings))
    else:
        for finding in findings:
            console.tell_finding(finding)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def serve(
    model: Annotated[str, typer.Argument(help="A registered model.")],
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8100,
    processes: Annotated[int, typer.Option(min=1, help="Processes that predict.")] = 2,
    seconds: Annotated[float, typer.Option(min=0.1, help="What one request may take.")] = 30.0,
) -> None:
    """Serve the champion over HTTP and follow the alias."""
    import uvicorn

    from sweepstake.mlflow_client.registry import Registry
    from sweepstake.serving.app import Capacity, Host, application
    from sweepstake.serving.log import LOGGING
    from sweepstake.serving.patience import PatientProtocol
    from sweepstake.storage.workspace import Workspace

    settings = load_settings()
    registry, workspace = Registry(settings.tracking_uri), Workspace(settings.workspace)
    if stacks.listens(settings.tracking_uri):
        _tell_unknown(model, registry)
    served = Host(registry, workspace, model, Capacity(processes, seconds))
    config = uvicorn.Config(
        application(served),
        access_log=False,
        log_config=LOGGING,
        http=PatientProtocol,
        limit_concurrency=MOST_CONNECTIONS,
    )
    with _listening(host, port) as taken, suppress(KeyboardInterrupt):  # it has ended well by then
        uvicorn.Server(config).run(sockets=[taken])


def _listening(host: str, port: int) -> socket.socket:
    """A socket at an address, before anything else begins: uvicorn would end in the middle of it.

    Raises:
        SettingsError: the address is taken, or is none of this machine.
    """
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
    except (OSError, OverflowError) as error:
        made.close()
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        message = f"--host and --port: must be an address that is free, but {host}:{port}: {said}. "
        raise SettingsError(message + "Choose another --port.") from None
    return made


def champion_of(model: str, registry: Registry) -> Version | None:
    """The champion of a model that somebody named.

    Raises:
        NotFoundError: there is no such model; the message suggests near misses.
    """
    try:
        return registry.champion(model)
    except NotFoundError as error:
        message = f"{error}{did_you_mean(model, registry.names())}"
        raise NotFoundError(message) from None


def _tell_unknown(model: str, registry: Registry) -> None:
    known = registry.names()
    if model not in known:
        hint = did_you_mean(model, known)
        console.say(f"{model}: MLflow has no such model yet, so this waits for one.{hint}")


def predict(
    model: Annotated[str, typer.Argument(help="A registered model.")],
    rows: Annotated[Path, typer.Argument(help="A CSV or Parquet file.")],
    *,
    out: Annotated[Path | None, typer.Option(help="Write here, not to stdout.")] = None,
    version: Annotated[str, typer.Option(help="A version; else the champion.")] = "",
) -> None:
    """Predict the rows of a file, of any size, by the champion."""
    from sweepstake.mlflow_client.registry import Registry
    from sweepstake.serving import prediction
    from sweepstake.storage.workspace import Workspace
    from sweepstake.sweeps.provenance import Provenance

    settings = load_settings()
    registry = Registry(settings.tracking_uri)
    asked = registry.version(model, version) if version else champion_of(model, registry)
    if asked is None:
        message = f"{model}: must have a champion, but has none. Run a sweep, or name a --version."
        raise NotFoundError(message)
    workspace = Workspace(settings.workspace)
    Provenance(workspace).vouch(asked)
    spec = prediction.rules(asked, workspace)
    loaded = registry.files.load(asked)

    def tell(done: int) -> None:
        console.say(f"{done:,} rows by version {asked.version}")

    prediction.write(prediction.predict(loaded, asked, rows, spec, tell), out, sys.stdout)
