"""Component: one program of the embedded stack, as its user sees it."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sweepstake.embedded import supervisor
from sweepstake.embedded.health import healthy
from sweepstake.embedded.programs import NAMES
from sweepstake.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sweepstake.embedded.layout import Layout
    from sweepstake.embedded.ports import Ports

PATIENCE_SECONDS = 600.0
"""A busy machine may take minutes for what takes seconds; one that dies is told much sooner."""
MOST_RESTARTS = 3
POLL_SECONDS = 0.5
TAIL_LINES = 20


class ComponentState(StrEnum):
    """How a component does."""

    STOPPED = "stopped"
    """Not started, or stopped on purpose."""
    STARTING = "starting"
    """Its process has just started and does not do its work yet."""
    HEALTHY = "healthy"
    """It does its work, by its own word."""
    UNHEALTHY = "unhealthy"
    """Its process runs and does not do its work."""
    RESTARTING = "restarting"
    """Its process died and is about to be started again."""


STATES = {
    "STARTING": ComponentState.STARTING,
    "RUNNING": ComponentState.UNHEALTHY,
    "BACKOFF": ComponentState.RESTARTING,
    "EXITED": ComponentState.RESTARTING,
}
"""What supervisord's word means for a component that is not healthy; any other: stopped."""


@dataclass(frozen=True, slots=True)
class Component:
    """One component; ``pid`` and ``url`` where it has one, ``uptime`` in seconds."""

    name: str
    state: ComponentState
    pid: int | None = None
    uptime: float = 0.0
    restarts: int = 0
    url: str | None = None


def observe(layout: Layout, ports: Ports) -> tuple[Component, ...]:
    """Every component of a running stack, in the order in which they need each other."""
    known = supervisor.describe(layout)
    restarts = supervisor.restarts(layout)
    well = healthy(layout, ports, {name: info["start"] for name, info in _alive(known).items()})
    urls = {"mlflow": ports.mlflow_url, "api-server": ports.airflow_url}
    return tuple(
        Component(
            name=name,
            state=ComponentState.HEALTHY if name in well else _state(known[name]),
            pid=known[name]["pid"] or None,
            uptime=_uptime(known[name]),
            restarts=restarts.get(name, 0),
            url=urls.get(name),
        )
        for name in NAMES
    )


def stopped() -> tuple[Component, ...]:
    """Every component of a stack that does not run."""
    return tuple(Component(name, ComponentState.STOPPED) for name in NAMES)


def wait(layout: Layout, ports: Ports, names: Iterable[str], say: Callable[[str], None]) -> None:
    """Wait until the named components are healthy.

    Raises:
        StackError: one of them died again and again, or too much time passed.
    """
    missing, begin = set(names), time.monotonic()
    before = supervisor.restarts(layout)
    while True:
        components = {each.name: each for each in observe(layout, ports) if each.name in missing}
        for component in components.values():
            if component.state is ComponentState.HEALTHY:
                missing.discard(component.name)
                seconds = min(component.uptime, time.monotonic() - begin)  # it may run for long
                say(f"{component.name}: healthy after {seconds:.0f} s")
            elif component.restarts - before.get(component.name, 0) >= MOST_RESTARTS:
                raise _failure(layout, component.name, f"died {MOST_RESTARTS} times")
        if not missing:
            return
        if time.monotonic() - begin > PATIENCE_SECONDS:
            reason = f"was not after {PATIENCE_SECONDS:.0f} s"
            raise _failure(layout, min(missing, key=NAMES.index), reason)
        time.sleep(POLL_SECONDS)


def _alive(known: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {name: info for name, info in known.items() if info["pid"]}


def _state(info: Mapping[str, Any]) -> ComponentState:
    return STATES.get(info["statename"], ComponentState.STOPPED)


def _uptime(info: Mapping[str, Any]) -> float:
    return float(info["now"] - info["start"]) if info["pid"] else 0.0


def _failure(layout: Layout, name: str, reason: str) -> StackError:
    log = layout.logs / f"{name}.log"
    with log.open(encoding="utf-8", errors="replace") as file:
        tail = "".join(deque(file, maxlen=TAIL_LINES)).rstrip()
    return StackError(f"{name}: must become healthy, but {reason}. Its log {log} ends:\n{tail}")
