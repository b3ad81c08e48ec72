"""Notifying: Airflow's notifiers are told the digest of each sweep, once.

The operator names a list of notifiers, ``SWEEPSTAKE_NOTIFIERS=module:attribute``. Their texts are
templates in which ``digest`` stands for the digest; what it holds, texts of users among them, is
put in as it is. What a receiver does wrong ends no sweep and no round: it is told in a DAG of its
own.
"""

from __future__ import annotations

import logging
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import BaseNotifier, get_current_context

from sweepstake import notices
from sweepstake.digest import Digest
from sweepstake.errors import ReceiverError, SettingsError
from sweepstake.settings import load_settings
from sweepstake.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow.sdk import Context

    from sweepstake.notices import Notice
    from sweepstake.settings import Settings

GIVE_UP = timedelta(hours=24)
"""After so long a receiver that takes nothing is told no more of a sweep."""

log = logging.getLogger(__name__)


def tell() -> None:
    """Tell every receiver of every sweep that is over and that it was not told of.

    Raises:
        ReceiverError: some did not take it; they are asked again.
        SettingsError: there are no such notifiers.
    """
    settings = load_settings()
    receivers, context = load(settings.notifiers), get_current_context()
    faults = [
        fault
        for notice in notices.every(Workspace(settings.workspace))
        for fault in _tell(_looked_at(notice, settings), receivers, context, settings)
    ]
    if faults:
        raise ReceiverError("\n".join(faults))


def load(name: str) -> tuple[BaseNotifier, ...]:
    """The notifiers that the operator names.

    Raises:
        SettingsError: there are none of this name.
    """
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        message = (
            f"SWEEPSTAKE_NOTIFIERS: must be module:attribute that can be imported, but {error}. "
        )
        raise SettingsError(
            message + "Put the module on PYTHONPATH of Airflow's workers."
        ) from error
    receivers = tuple(found) if isinstance(found, list | tuple) else (found,)
    if not all(isinstance(each, BaseNotifier) for each in receivers):
        kinds = ", ".join(type(each).__name__ for each in receivers)
        message = f"SWEEPSTAKE_NOTIFIERS: must be a list of Airflow's notifiers, but got {kinds}. "
        raise SettingsError(message + "Write for example notifiers = [SmtpNotifier(to=...)].")
    return receivers


class Asking(BaseNotifier):
    """Tells the receivers that somebody is asked; none of them keeps the question from waiting."""

    def __init__(self, digest: Digest) -> None:
        super().__init__()
        self.digest = digest

    def notify(self, context: Context) -> None:
        """Tell them; what goes wrong is in the log."""
        try:
            receivers = load(load_settings().notifiers)
        except SettingsError as error:
            log.warning("%s", error)
            return
        for receiver in receivers:
            if fault := _send(receiver, self.digest, context):
                log.warning("%s", fault)


def _looked_at(notice: Notice, settings: Settings) -> Notice:
    """A notice with its digest, if its sweep is over and there is something to tell."""
    from sweepstake.telling import digest_of

    instance = get_current_context()["ti"]
    workspace = Workspace(settings.workspace)

    def count(*states: str) -> int:
        return int(instance.get_dr_count(notice.dag, run_ids=[notice.run], states=list(states)))

    if notice.digest or count("queued", "running"):
        return notice
    digest = digest_of(notice, settings, failed=bool(count("failed")))
    seen = replace(
        notice,
        digest=digest.to_json() if digest else "",
        due=notices.now() if digest else notice.due or notices.now(),
    )
    if seen != notice:
        notices.keep(workspace, seen)
    return seen


def _tell(
    notice: Notice, receivers: Sequence[BaseNotifier], context: Context, settings: Settings
) -> Iterator[str]:
    """Tell the receivers that have not taken a notice yet; what went wrong, a sentence for each."""
    if not notice.digest:
        return
    workspace, digest = Workspace(settings.workspace), Digest.from_json(notice.digest)
    for number, receiver in enumerate(receivers):
        if number in notice.told:
            continue
        fault = _send(receiver, digest, context)
        if not fault:
            notice = replace(notice, told=(*notice.told, number))
            notices.keep(workspace, notice)
        elif notice.age < GIVE_UP:
            yield fault
        else:
            log.error("%s It is not told of this sweep any more.", fault)
    if len(notice.told) == len(receivers) or notice.age >= GIVE_UP:
        notices.drop(workspace, notice)


def _send(receiver: BaseNotifier, digest: Digest, context: Context) -> str:
    """Let a receiver notify; what went wrong, if anything did.

    It is a copy that does: rendering its templates replaces them.
    """
    given: Any = {**context, "digest": digest}
    try:
        deepcopy(receiver)(cast("Context", given))
    except Exception as error:  # noqa: BLE001 - code of the operator's, which may raise anything
        name = type(receiver).__name__
        return f"{digest.sweep}: {name} must take the digest, but {type(error).__name__}: {error}."
    return ""
