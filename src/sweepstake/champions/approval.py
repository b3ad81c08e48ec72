"""Approval: a promotion that somebody is asked about before it is carried out.

What is asked lies in the workspace; the first answer counts, from Airflow or the command line.
The round is held again when it is answered: who was decided about must still be in service.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sweepstake.champions.digest import Digest, Status
from sweepstake.domain.promotion import Verdict
from sweepstake.domain.spec import Unanswered
from sweepstake.errors import NotFoundError, SettingsError, printable
from sweepstake.mlflow_client.run_names import clip

if TYPE_CHECKING:
    from sweepstake.domain.spec import PromotionPolicy
    from sweepstake.mlflow_client.ledger import Act
    from sweepstake.storage.workspace import Workspace

FOLDER = "approvals"
DAG_ID = "approval"
PROMOTE, KEEP = "Promote", "Keep the champion"
"""What may be answered in Airflow."""
LONGEST_WHY = 1000
NOBODY = "nobody in time"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A promotion that waits for an answer until a moment, and what happens ``then``."""

    key: str
    model: str
    sweep: str
    version: str
    previous: str
    reason: str
    until: str
    then: str
    record: dict[str, Any]

    @property
    def run_id(self) -> str:
        """The id of the DAG run that asks."""
        return f"{self.model}__v{self.version}__{_name(self.key)[:12]}"

    @property
    def left(self) -> timedelta:
        """The time until nobody is asked any more."""
        return datetime.fromisoformat(self.until) - datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the version may take over, who says so and why."""

    approved: bool
    by: str
    why: str = ""


def ask(workspace: Workspace, act: Act, model: str, policy: PromotionPolicy) -> Answer | None:
    """The answer about a promotion, ``None`` while one is waited for; asks where nobody has."""
    key = f"{act.sweep}/{act.newest}/{act.version}/{act.previous}"
    until = datetime.now(UTC) + timedelta(seconds=policy.wait)
    wanted = Proposal(
        key=key,
        model=model,
        sweep=act.sweep,
        version=act.version,
        previous=act.previous,
        reason=act.reason,
        until=until.isoformat(),
        then=str(policy.then),
        record=dict(act.record or {}),
    )
    known = waiting(workspace, model)
    if known is None or known.key != key:
        workspace.write_record(_place(model), asdict(wanted))
        known = wanted
    return _answer(workspace, known)


def waiting(workspace: Workspace, model: str) -> Proposal | None:
    """What is asked about a model."""
    try:
        return Proposal(**workspace.read_record(_place(model)))
    except NotFoundError:
        return None


def every(workspace: Workspace) -> tuple[Proposal, ...]:
    """Whatever is asked."""
    return tuple(Proposal(**record) for record in workspace.records(FOLDER))


def settled(workspace: Workspace, model: str) -> None:
    """Ask no more about a model."""
    workspace.remove_record(_place(model))


def answer(workspace: Workspace, model: str, given: Answer, key: str = "") -> Proposal:
    """Answer what is asked about a model; the first answer stays. ``key`` says which question.

    Raises:
        NotFoundError: nothing is asked, or something else is.
        SettingsError: the reason is too long.
    """
    asked = must_wait(workspace, model, given, key)
    text = replace(given, why=clip(printable(" ".join(given.why.split())), LONGEST_WHY))
    workspace.create_record(f"answers/{_name(asked.key)}", asdict(text))
    return asked


def must_wait(workspace: Workspace, model: str, given: Answer, key: str = "") -> Proposal:
    """What is asked about a model, for an answer that may be given.

    Raises:
        NotFoundError: nothing is asked, or something else is.
        SettingsError: the reason is too long.
    """
    if len(given.why) > LONGEST_WHY:
        message = f"--why: must have at most {LONGEST_WHY} characters, but has {len(given.why)}."
        raise SettingsError(message)
    asked = waiting(workspace, model)
    if asked is None or (key and asked.key != key):
        message = f"{model}: must have a promotion that waits for approval, but has none. "
        raise NotFoundError(message + f"Look: sweepstake champion {model} --history.")
    return asked


def applied(act: Act, given: Answer) -> Act:
    """The act as it was answered."""
    word = "Approved" if given.approved else "Declined"
    why = f": {given.why}" if given.why else ""
    return replace(
        act,
        verdict=Verdict.PROMOTE if given.approved else Verdict.KEEP,
        reason=f"{act.reason} {word} by {given.by}{why}.",
        by=given.by,
    )


def digest(asked: Proposal) -> Digest:
    """What receivers are told of a promotion that waits for an answer."""
    reason = f"{asked.reason} Answer by {asked.until[:16]}Z, or it is: {asked.then}."
    return Digest(
        sweep=asked.sweep,
        status=Status.ASKED,
        reason=reason,
        model=asked.model,
        version=asked.version,
    )


def _answer(workspace: Workspace, asked: Proposal) -> Answer | None:
    try:
        return Answer(**workspace.read_record(f"answers/{_name(asked.key)}"))
    except NotFoundError:
        if asked.left > timedelta():
            return None
        return Answer(asked.then == Unanswered.PROMOTE, NOBODY)


def _place(model: str) -> str:
    return f"{FOLDER}/{_name(model)}"


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
