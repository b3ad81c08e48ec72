"""By hand: what somebody decides about a champion, with the reason, as an entry of the ledger."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from sweepstake.domain.promotion import Ruling, Verdict
from sweepstake.errors import NotFoundError, SettingsError, printable
from sweepstake.mlflow_client.ledger import Act
from sweepstake.mlflow_client.registry import Registry
from sweepstake.mlflow_client.run_names import clip
from sweepstake.modelfile.model_file import opened
from sweepstake.processes.isolation import Worker, repeat_once
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import reporting
from sweepstake.sweeps.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sweepstake.mlflow_client.ledger import LedgerEntry
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.modelfile.model_file import StoredModel
    from sweepstake.settings import Settings

LONGEST_WHY = 1000
LONGEST_NAME = 100
"""Characters of who decides."""


def roll_back(model: str, to: str, why: str, settings: Settings, *, by: str = "") -> LedgerEntry:
    """Put a former champion back into service, by default the one before.

    ``by`` is who decides, by default the user of this process. The version that leaves is not
    promoted again on the same evidence: see `rounds.barred`.

    Raises:
        NotFoundError: there is nobody to go back to.
    """
    return _put(Verdict.ROLLBACK, model, to, _Reasoned(_checked(why), _person(by)), settings)


def replace(model: str, to: str, why: str, settings: Settings) -> LedgerEntry:
    """Put a version into service without a test, by default the last finalist that was kept out.

    Raises:
        NotFoundError: there is no such version.
    """
    return _put(Verdict.REPLACE, model, to, _Reasoned(_checked(why), _person("")), settings)


@dataclass(frozen=True, slots=True)
class _Reasoned:
    """Why somebody decides, and who."""

    why: str
    by: str


def _person(by: str) -> str:
    return clip(printable(by), LONGEST_NAME) or getpass.getuser()


def _put(
    verdict: Verdict, model: str, to: str, reasoned: _Reasoned, settings: Settings
) -> LedgerEntry:
    registry, provenance = (
        Registry(settings.tracking_uri),
        Provenance(Workspace(settings.workspace)),
    )
    registry.resume(model, partial(reporting.tell_decision, settings=settings))
    champion = registry.champion(model)
    find = _former if verdict is Verdict.ROLLBACK else _kept_out
    history = registry.history(model)
    version = registry.version(model, to or find(model, champion, history))
    number = version.version
    if champion and version.version == champion.version:
        message = f"{model}: v{number} is champion already. Name another version with --to."
        raise NotFoundError(message)
    served = {entry.version for entry in history if entry.changes and not entry.as_of}
    if verdict is Verdict.ROLLBACK and number not in served:
        message = (
            f"{model}: v{number} must have been champion to be rolled back to, but never was. "
        )
        raise NotFoundError(message + f"Use sweepstake champion {model} --replace --to v{number}.")
    provenance.vouch(version)
    with Worker(_Reader()) as worker:  # a broken model must not take over
        stored = registry.files.read(version)
        repeat_once(lambda: worker.call("read", stored))
    act = _act(verdict, version, champion, reasoned)
    return registry.apply(model, act, f"{verdict}/{uuid4().hex}", _rulings(act))


def _act(verdict: Verdict, version: Version, champion: Version | None, reasoned: _Reasoned) -> Act:
    by = reasoned.by
    word = "Rolled back to" if verdict is Verdict.ROLLBACK else "Put into service without a test:"
    return Act(
        verdict=verdict,
        version=version.version,
        previous=champion.version if champion else "",
        reason=f"{word} v{version.version} by {by}: {reasoned.why}",
        by=by,
        trial_key=version.trial_key,
        previous_key=champion.trial_key if champion else "",
    )


def _rulings(act: Act) -> dict[str, Ruling]:
    rulings = {act.version: Ruling(act.verdict, act.reason)}
    if act.previous:
        rulings[act.previous] = Ruling(Verdict.KEEP, act.reason)
    return rulings


def _checked(why: str) -> str:
    text = " ".join(why.split())
    if not text or len(text) > LONGEST_WHY:
        message = f"--why: must be a reason of 1 to {LONGEST_WHY} characters, but has {len(text)}."
        raise SettingsError(message + " Whoever reads the ledger needs it.")
    return text


def _former(model: str, champion: Version | None, history: Iterable[LedgerEntry]) -> str:
    """The champion before the present one."""
    for entry in history:
        mine = champion and entry.version == champion.version and not entry.as_of
        if mine and entry.changes and entry.previous:
            return entry.previous
    message = f"{model}: must have had a champion before, but the ledger has none. "
    raise NotFoundError(message + "Name a version with --to.")


def _kept_out(model: str, champion: Version | None, history: Iterable[LedgerEntry]) -> str:
    """The last finalist that did not take over."""
    for entry in history:
        if entry.verdict is Verdict.KEEP and not entry.as_of:
            return entry.version
    incumbent = f"v{champion.version}" if champion else "nobody"
    message = f"{model}: must have a finalist that {incumbent} kept out, but the ledger has none. "
    raise NotFoundError(message + "Name a version with --to.")


class _Reader:
    def read(self, stored: StoredModel) -> None:
        """Build the model, and say nothing."""
        opened(stored)
