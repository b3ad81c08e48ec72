"""Stack: the embedded stack as a whole."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from sweepstake import stacks
from sweepstake.airflow_client.api import AirflowApi
from sweepstake.embedded import (
    airflow,
    checks,
    component,
    credentials,
    environment,
    ports,
    postgres,
    processes,
    supervisor,
)
from sweepstake.embedded.layout import Layout, write_private
from sweepstake.embedded.programs import NAMES, programs
from sweepstake.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sweepstake.embedded.component import Component
    from sweepstake.settings import Settings

STOP_SECONDS = 40.0
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that is up: where it is and who may log in.

    first: no earlier start has told the password.
    """

    airflow_url: str
    mlflow_url: str
    airflow_user: str
    airflow_password: str = field(repr=False)
    first: bool


def up(
    settings: Settings, say: Callable[[str], None], environ: Mapping[str, str] | None = None
) -> Stack:
    """Start the embedded stack and wait until it is healthy; join it where it runs already.

    ``say`` gets one sentence per step. ``environ`` (default: the process environment) may hold
    ``SWEEPSTAKE_{AIRFLOW,MLFLOW,POSTGRES}_PORT``. What this call started it ends again when it
    fails.

    Raises:
        SettingsError: a setting cannot be used.
        StackError: the machine lacks something, or a component did not become healthy.
    """
    env = os.environ if environ is None else environ
    layout = Layout(settings.home)
    checks.check_python(sys.version_info[:2])
    checks.check_disk(layout.home)
    checks.check_user(postgres.SYSTEM_USER)
    layout.create()
    with _locked(layout):
        if supervisor.daemon(layout) is not None:
            say(f"a stack runs in {layout.home} already")
            return _bring_up(settings, layout, env, say)
        try:
            _launch(settings, layout, env, say)
            started = _bring_up(settings, layout, env, say)
        except BaseException:
            _end(layout)
            raise
        stacks.remember(layout.home, env)
        return started


def down(
    settings: Settings, say: Callable[[str], None], environ: Mapping[str, str] | None = None
) -> None:
    """End every process of the stack, tasks included; what is left is its state folder."""
    layout = Layout(settings.home)
    stacks.forget(layout.home, os.environ if environ is None else environ)
    if not layout.run.is_dir():
        say(f"no stack is up in {layout.home}")
        return
    with _locked(layout):
        is_live = supervisor.daemon(layout) is not None
        say(
            f"stopping the stack in {layout.home}"
            if is_live
            else f"no stack is up in {layout.home}"
        )
        _end(layout)  # also what a killed one has left


def is_up(settings: Settings) -> bool:
    """Whether the stack was started and not stopped since."""
    return supervisor.daemon(Layout(settings.home)) is not None


def status(settings: Settings) -> tuple[Component, ...]:
    """How each component does; a stack that does not run has stopped components only."""
    layout = Layout(settings.home)
    if supervisor.daemon(layout) is None:
        return component.stopped()
    return component.observe(layout, ports.read(layout.ports))


def _launch(
    settings: Settings, layout: Layout, environ: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Clear what a killed stack left, write every file, and start the supervisor."""
    orphans = processes.of_stack(layout.home)
    if orphans:
        say(f"ending {len(orphans)} processes of a stack whose supervisor was killed")
        processes.end(orphans)
    chosen = ports.choose(environ, layout.ports)
    secret = credentials.ensure(layout.credentials)
    postgres.prepare(layout, secret.postgres_password, chosen)
    airflow.configure(layout, chosen, secret)
    children = environment.of_children(settings, layout, chosen, environ)
    supervisor.launch(layout, programs(layout, chosen), children)


def _bring_up(
    settings: Settings, layout: Layout, environ: Mapping[str, str], say: Callable[[str], None]
) -> Stack:
    """Start each program once what it needs is healthy; MLflow starts while Airflow migrates."""
    chosen = ports.read(layout.ports)
    supervisor.start(layout, ["postgres"])
    component.wait(layout, chosen, ["postgres"], say)
    postgres.ensure_databases(layout, chosen)
    supervisor.start(layout, ["mlflow"])
    airflow.migrate(layout, environment.of_children(settings, layout, chosen, environ))
    supervisor.start(layout, NAMES)
    component.wait(layout, chosen, NAMES[1:], say)
    _open_pool(layout, chosen)
    return _announce(settings, layout, chosen)


def _open_pool(layout: Layout, chosen: ports.Ports) -> None:
    """Let one trial train on each core, however many tasks Airflow may run."""
    password = credentials.ensure(layout.credentials).airflow_password
    with AirflowApi(chosen.airflow_url, credentials.ADMIN, password) as api:
        slots = os.cpu_count() or 1
        api.ensure_pool(environment.POOL, slots, "Training tasks of sweeps: one for each core")


def _announce(settings: Settings, layout: Layout, chosen: ports.Ports) -> Stack:
    """Write what clients read."""
    secret = credentials.ensure(layout.credentials)
    first = not layout.client.exists()
    variables = {
        "MLFLOW_TRACKING_URI": chosen.mlflow_url,
        "SWEEPSTAKE_AIRFLOW_URL": chosen.airflow_url,
        "SWEEPSTAKE_AIRFLOW_USER": credentials.ADMIN,
        "SWEEPSTAKE_AIRFLOW_PASSWORD": secret.airflow_password,
        "SWEEPSTAKE_GRIDS": str(settings.grids),
        "SWEEPSTAKE_WORKSPACE": str(settings.workspace),
        "SWEEPSTAKE_DATA_ROOTS": os.pathsep.join(map(str, settings.data_roots)),
    }
    write_private(layout.client, "".join(f"{key}={text}\n" for key, text in variables.items()))
    return Stack(
        airflow_url=chosen.airflow_url,
        mlflow_url=chosen.mlflow_url,
        airflow_user=credentials.ADMIN,
        airflow_password=secret.airflow_password,
        first=first,
    )


def _end(layout: Layout) -> None:
    """Stop the programs, the database last, then the supervisor, then whatever is left."""
    daemon = supervisor.daemon(layout)
    if daemon is not None:
        with suppress(StackError, psutil.TimeoutExpired):
            _stop(layout, [name for name in NAMES if name != "postgres"])
            _stop(layout, ["postgres"])
            supervisor.shutdown(layout)
            daemon.wait(STOP_SECONDS)
    processes.end(processes.of_stack(layout.home))
    supervisor.remove_socket(layout)


def _stop(layout: Layout, names: Sequence[str]) -> None:
    supervisor.stop(layout, names)
    limit = time.monotonic() + STOP_SECONDS
    while time.monotonic() < limit:
        known = supervisor.describe(layout)
        if not any(known[name]["pid"] for name in names):
            return
        time.sleep(POLL_SECONDS)


@contextmanager
def _locked(layout: Layout) -> Iterator[None]:
    """Let one process at a time start or stop the stack."""
    with layout.lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
