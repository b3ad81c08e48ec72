"""Findings: what a check came to, never a traceback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.errors import SweepstakeError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is in order, and what was found or has to be fixed."""

    name: str
    ok: bool
    message: str


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at.

    look: says what it found, or raises what has to be fixed.
    then: what is looked at only if this is in order, since it would tell the same again.
    """

    name: str
    look: Callable[[], str]
    then: tuple[Check, ...] = ()


def carry_out(check: Check) -> Iterator[Finding]:
    """What a check finds, and those that follow from it."""
    finding = _find(check)
    yield finding
    for following in check.then if finding.ok else ():
        yield from carry_out(following)


def _find(check: Check) -> Finding:
    try:
        return Finding(check.name, ok=True, message=check.look())
    except SweepstakeError as error:
        return Finding(check.name, ok=False, message=str(error))
    except Exception as error:  # noqa: BLE001 - whatever a library raises is a finding too
        message = f"{check.name}: must be in order, but got {type(error).__name__}: {error}."
        return Finding(check.name, ok=False, message=printable(message))
