"""Notifying: Airflow's notifiers are told the digest of each sweep, once.

The operator names a list of notifiers, ``SWEEPSTAKE_NOTIFIERS=module:attribute``. Their texts are
templates in which ``digest`` stands for the digest; what it holds, texts of users among them, is
put in as it is. What a receiver does wrong ends no sweep and no round, and keeps no other receiver
waiting: each has a task of its own in a DAG of its own.
"""

from __future__ import annotations

import logging
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import BaseNotifier, get_current_context

from sweepstake.airflow.internals import count_runs
from sweepstake.champions import notices
from sweepstake.champions.digest import Digest, Status
from sweepstake.errors import ReceiverError, SettingsError, TransientError, printable
from sweepstake.settings import load_settings
from sweepstake.storage.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow.sdk import Context

    from sweepstake.champions.notices import Notice
    from sweepstake.settings import Settings

GIVE_UP = timedelta(hours=24)
"""After so long a receiver that takes nothing is told no more of a sweep."""
log = logging.getLogger(__name__)


def look() -> list[str]:
    """Look what there is to tell, and drop what was told.

    Returns:
        The names of the receivers, each of which is told by a task of its own.

    Raises:
        SettingsError: there are no such notifiers.
    """
    settings = load_settings()
    workspace, receivers = Workspace(settings.workspace), list(load(settings.notifiers))
    for notice in notices.every(workspace):
        told = (notices.is_told(workspace, notice, receiver) for receiver in receivers)
        if not notice.digest:
            _look_at(notice, settings)
        elif notice.age > GIVE_UP or all(told):
            notices.drop(workspace, notice)
    return receivers


def tell(receiver: str) -> None:
    """Tell a receiver what there is to tell that it was not told.

    Raises:
        ReceiverError: it did not take all of it; it is asked again.
    """
    settings, context = load_settings(), get_current_context()
    workspace, notifier = Workspace(settings.workspace), load(settings.notifiers)[receiver]
    faults = []
    for notice in notices.every(workspace):
        if notice.digest and not notices.is_told(workspace, notice, receiver):
            fault = _send(notifier, Digest.from_json(notice.digest), context)
            if fault:
                faults.append(fault)
            else:
                notices.note_told(workspace, notice, receiver)
    if faults:
        raise ReceiverError("\n".join(faults))


def load(name: str) -> dict[str, BaseNotifier]:
    """The notifiers that the operator names, each with a name of its own.

    Raises:
        SettingsError: there are none of this name.
    """
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        message = (
            f"SWEEPSTAKE_NOTIFIERS: must be module:attribute that can be imported, but {said}. "
        )
        raise SettingsError(message + "Put it on PYTHONPATH of Airflow's components.") from error
    receivers = tuple(found) if isinstance(found, list | tuple) else (found,)
    if not all(isinstance(each, BaseNotifier) for each in receivers):
        kinds = ", ".join(type(each).__name__ for each in receivers)
        message = f"SWEEPSTAKE_NOTIFIERS: must be a list of Airflow's notifiers, but got {kinds}. "
        raise SettingsError(message + "Write for example notifiers = [SmtpNotifier(to=...)].")
    return dict(_named(receivers))


def _named(receivers: Iterable[BaseNotifier]) -> Iterator[tuple[str, BaseNotifier]]:
    """By their classes, those of the same one by their order."""
    seen: Counter[str] = Counter()
    for receiver in receivers:
        kind = type(receiver).__qualname__
        seen[kind] += 1
        yield (kind if seen[kind] == 1 else f"{kind} {seen[kind]}"), receiver


def _look_at(notice: Notice, settings: Settings) -> None:
    """Write down what there is to tell of a sweep, if its run is over and its round as well."""
    instance = get_current_context()["ti"]
    workspace = Workspace(settings.workspace)

    def count(*states: str) -> int:
        return count_runs(instance, notice.dag, [notice.run], states)

    if count("queued", "running"):
        return
    try:
        seen = _seen(notice, settings, failed=bool(count("failed")))
    except TransientError as error:
        log.warning("%s", error)  # the next look finds it again
        return
    except Exception as error:  # noqa: BLE001 - what is wrong with one sweep keeps no other back
        reason = printable(f"What became of it cannot be read. {type(error).__name__}: {error}")
        digest = Digest(sweep=notice.sweep, status=Status.UNDECIDED, reason=reason)
        seen = replace(notice, digest=digest.to_json(), due=notices.now())
    if seen != notice and notices.is_current(workspace, notice):
        notices.keep(workspace, seen)


def _seen(notice: Notice, settings: Settings, *, failed: bool) -> Notice:
    """The notice with its digest; while a round is waited for, with the time since when it is."""
    from sweepstake.champions import telling

    digest = telling.digest_of(notice, settings, failed=failed)
    if digest:
        return replace(notice, digest=digest.to_json(), due=notices.now())
    if not notice.due or telling.is_asked(notice, settings):
        return replace(notice, due=notices.now())
    if notice.late or notice.age < telling.LATE:
        return notice
    late = telling.late_of(notice, settings).to_json()
    told = notices.of_digest(f"{notice.key} late", notice.sweep, late)
    notices.add(Workspace(settings.workspace), told)
    return replace(notice, late=True)


def _send(receiver: BaseNotifier, digest: Digest, context: Context) -> str:
    """Let a receiver notify; what went wrong, if anything did.

    It is a copy that does: rendering its templates replaces them.
    """
    given: Any = {**context, "digest": digest}
    try:
        deepcopy(receiver)(cast("Context", given))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the operator's code may raise anything
        name = type(receiver).__name__
        return f"{digest.sweep}: {name} must take the digest, but {type(error).__name__}: {error}."
    return ""
