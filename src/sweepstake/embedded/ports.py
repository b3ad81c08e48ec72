"""Ports: where the components of the embedded stack listen, on 127.0.0.1."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sweepstake.embedded.layout import write_private
from sweepstake.errors import SettingsError, StackError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

HOST = "127.0.0.1"
AUTO = "auto"
DEFAULTS = {"airflow": 8080, "mlflow": 5000, "postgres": 55432}
HIGHEST = 65535


@dataclass(frozen=True, slots=True)
class Ports:
    """The TCP port of each server."""

    airflow: int
    mlflow: int
    postgres: int

    @property
    def airflow_url(self) -> str:
        """Airflow's web UI and REST API."""
        return f"http://{HOST}:{self.airflow}"

    @property
    def mlflow_url(self) -> str:
        """MLflow's web UI and tracking API."""
        return f"http://{HOST}:{self.mlflow}"


def setting(server: str) -> str:
    """The name of the variable that sets the port of ``server``."""
    return f"SWEEPSTAKE_{server.upper()}_PORT"


def read(path: Path) -> Ports:
    """The ports of the last start."""
    return Ports(**json.loads(path.read_text(encoding="utf-8")))


def choose(environ: Mapping[str, str], path: Path) -> Ports:
    """Choose each port as its variable says, check that it is free, and remember it in ``path``.

    A variable holds a number or ``auto``: the port of the last start if it is free, else any.

    Raises:
        SettingsError: a variable is neither, or two servers are to share a port.
        StackError: a port is in use.
    """
    wanted = {server: _wanted(server, environ) for server in DEFAULTS}
    fixed = [port for port in wanted.values() if port is not None]
    if len(set(fixed)) < len(fixed):
        message = f"ports: must differ, but got {fixed}. Set {', '.join(map(setting, DEFAULTS))}."
        raise SettingsError(message)
    _check_free({server: port for server, port in wanted.items() if port is not None})
    last = read(path) if path.exists() else None
    ports = Ports(**_fill(wanted, last, taken=fixed))
    write_private(path, json.dumps(asdict(ports)))
    return ports


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _wanted(server: str, environ: Mapping[str, str]) -> int | None:
    """The port that the environment asks for; None for any."""
    text = environ.get(setting(server)) or str(DEFAULTS[server])
    if text == AUTO:
        return None
    if not text.isdecimal() or not 0 < int(text) <= HIGHEST:
        message = (
            f"{setting(server)}: must be a port from 1 to {HIGHEST} or {AUTO!r}, "
            f"but got {text!r}. Leave it out for {DEFAULTS[server]}."
        )
        raise SettingsError(message)
    return int(text)


def _check_free(wanted: Mapping[str, int]) -> None:
    for server, port in wanted.items():
        if not is_free(port):
            message = (
                f"{server}: needs port {port}, but another program listens there. "
                f"Stop it, or set {setting(server)} to a free port or to {AUTO!r}."
            )
            raise StackError(message)


def _fill(
    wanted: Mapping[str, int | None], last: Ports | None, taken: Iterable[int]
) -> dict[str, int]:
    """Give a free port to each server that takes any, preferring those of the ``last`` start."""
    used = set(taken)
    filled: dict[str, int] = {}
    for server, port in wanted.items():
        remembered = getattr(last, server, None)
        keep = remembered if remembered and remembered not in used else None
        filled[server] = port or (keep if keep and is_free(keep) else _any_free(used))
        used.add(filled[server])
    return filled


def _any_free(used: set[int]) -> int:
    """A free port that is not in ``used``; the probes stay open so that none comes twice."""
    with ExitStack() as probes:
        while True:
            probe = probes.enter_context(socket.socket())
            probe.bind((HOST, 0))
            port = int(probe.getsockname()[1])
            if port not in used:
                return port
