"""Champion: one round for each closed sweep, in the order in which they closed.

The finalist of a sweep meets the champion of the moment on rows that neither was trained on. What
one round misses, the next one finds: a version counts as unjudged until its verdict is on it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING

from sweepstake.champions import approval, finals
from sweepstake.champions.digest import of_round
from sweepstake.champions.finals import Ground, by_cv
from sweepstake.champions.model_faults import apart
from sweepstake.domain.promotion import Outcome, Ruling, Verdict
from sweepstake.mlflow_client.ledger import Act
from sweepstake.mlflow_client.model_version import PENDING
from sweepstake.mlflow_client.registry import Registry
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import reporting
from sweepstake.sweeps.plan import planned_models
from sweepstake.sweeps.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sweepstake.mlflow_client.ledger import LedgerEntry
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.settings import Settings
    from sweepstake.sweeps.plan import Plan

FIND, JUDGE = "find rounds of", "judge"
"""What keeps a model from these steps is told of it."""
FOREIGN = "It was not trained by the sweep that it names. Register models by sweeps alone."
CHANGED = "The data of its sweep changed after it."
UNSCORED = "It has no score in cross-validation."
NOT_THE_FINALIST = "It is not the best of its sweep by cross-validation: {best}"
ROLLED_BACK = "It is the model of v{version}, which was rolled back. {reason}"


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed sweep with unjudged versions: all of its versions, and when it closed."""

    plan: Plan
    ended: int
    versions: tuple[Version, ...]

    @property
    def pending(self) -> tuple[Version, ...]:
        """The versions that wait for their verdict."""
        return tuple(each for each in self.versions if each.decision == PENDING)

    @property
    def key(self) -> str:
        """The round's key, which follows from its versions: a round that is tried again is one."""
        return f"{self.plan.sweep}/{self.versions[-1].version}"


def find(settings: Settings) -> tuple[str, ...]:
    """The models of this workspace that have closed sweeps to judge, or a round to end.

    Versions of sweeps that were planned in another workspace wait for whoever has it, backfilled
    ones for `past_days`. What is wrong with one model stops no other: see `model_faults`.

    Raises:
        TransientError: MLflow or the workspace does not answer.
    """
    rounds = _Rounds(settings)

    def waiting(model: str) -> str:
        rounds.registry.resume(model, rounds.tell)
        return model if rounds.closed(model) else ""

    models = planned_models(rounds.workspace)
    found = apart(FIND, models, waiting, rounds.registry, rounds.workspace)
    return tuple(model for model in found if model)


def judge(model: str, settings: Settings) -> tuple[LedgerEntry, ...]:
    """Hold a round for each closed sweep of a model that has unjudged versions, oldest first.

    A round that was killed on its way to the registry is ended first, so that the incumbent is who
    the ledger says.
    """
    rounds = _Rounds(settings)
    rounds.registry.resume(model, rounds.tell)
    entries = []
    for sweep in rounds.closed(model):
        entry = rounds.hold(model, sweep)
        if entry is None:  # somebody is asked about it: the others wait for the answer
            break
        entries.append(entry)
    return tuple(entries)


def judge_all(settings: Settings) -> tuple[LedgerEntry, ...]:
    """Judge what there is to judge of every model of this workspace."""
    registry, workspace = Registry(settings.tracking_uri), Workspace(settings.workspace)
    rounds = partial(judge, settings=settings)
    return tuple(chain(*apart(JUDGE, find(settings), rounds, registry, workspace)))


class _Rounds:
    """What rounds need at hand."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.registry = Registry(settings.tracking_uri)
        self.workspace = Workspace(settings.workspace)
        self.provenance = Provenance(self.workspace)
        self._tracking = Tracking(settings.tracking_uri)
        self.tell = partial(reporting.tell_decision, settings=settings)

    def closed(self, model: str) -> tuple[Closed, ...]:
        """The closed sweeps of a model with unjudged versions, in the order of their closing."""
        sweeps = {each.sweep: each for each in self._candidates(model)}
        found = (self._closed(model, version) for version in sweeps.values())
        return tuple(sorted((each for each in found if each), key=lambda each: each.ended))

    def _candidates(self, model: str) -> Iterator[Version]:
        """The unjudged versions of sweeps planned here; those that only say so are refused."""
        for version in self.registry.pending(model):
            if self.provenance.plan(version) is None or version.as_of:
                continue
            if self.provenance.is_own(version):
                yield version
            else:
                self.registry.refuse(version, FOREIGN)

    def _closed(self, model: str, version: Version) -> Closed | None:
        plan = self.provenance.plan(version)
        ended = self._tracking.ended(plan.parent_run_id) if plan else None
        if plan is None or ended is None:
            return None
        versions = self.registry.versions(model, plan.sweep)
        own = self.registry.deduplicate([each for each in versions if self.provenance.is_own(each)])
        return Closed(plan, ended, own) if own else None

    def hold(self, model: str, sweep: Closed) -> LedgerEntry | None:
        """One round: the finalist of a sweep meets the champion of the moment.

        ``None`` while somebody is asked whether it may take over.
        """
        spec = sweep.plan.spec
        history = self.registry.history(model)
        ground = Ground(
            spec=spec,
            digest=sweep.plan.data_digest,
            registry=self.registry,
            workspace=self.workspace,
            provenance=self.provenance,
            test=lambda *_: 1 + tests_on(sweep.plan.data_digest, history),
            barred=barred(history),
        )
        champion = self.registry.champion(model)
        outcome = self._outcome(sweep, ground, champion)
        act = replace(act_of(outcome, sweep.pending, champion), partition=sweep.plan.partition)
        if act.verdict is Verdict.PROMOTE and spec.promotion.approval:
            answer = approval.ask(self.workspace, act, model, spec.promotion)
            if answer is None:
                return None
            act = approval.applied(act, answer)
        parent = self._tracking.parent(sweep.plan.parent_run_id)
        digest = of_round(sweep.plan, parent, act, self.settings)
        act = replace(act, digest=digest.to_json())
        rulings = verdicts(outcome, sweep.pending, ground.digest)
        if outcome.decision:
            rulings[act.version] = Ruling(act.verdict, act.reason, act.candidate_score, act.digest)
        self._tracking.tell_decision(sweep.plan.parent_run_id, str(act.verdict), act.reason)
        entry = self.registry.apply(model, act, sweep.key, rulings, self.tell)
        approval.settled(self.workspace, model)
        return entry

    def _outcome(self, sweep: Closed, ground: Ground, champion: Version | None) -> Outcome:
        current = [each for each in sweep.versions if each.data_digest == ground.digest]
        ranked = by_cv([each for each in current if each.decision != Verdict.REFUSE])
        waiting = {version.version for version in sweep.pending}
        if ranked and ranked[0].version not in waiting:  # a retry added others, none of them better
            return Outcome(None, {}, f"v{ranked[0].version} is, and was judged before.")
        return finals.hold(ranked, champion, ground)


def act_of(outcome: Outcome, versions: Sequence[Version], champion: Version | None) -> Act:
    """What the ledger is told of a round about ``versions``."""
    decision, newest = outcome.decision, versions[-1]
    act = Act(
        verdict=Verdict.REFUSE if outcome.refused else Verdict.KEEP,
        version=newest.version,
        previous=champion.version if champion else "",
        reason=NOT_THE_FINALIST.format(best=outcome.best),
        sweep=newest.sweep,
        previous_key=champion.trial_key if champion else "",
        newest=int(newest.version),
        candidates=len(versions),
    )
    if decision is None:
        version, reason = next(iter(outcome.refused.items()), (act.version, act.reason))
        return _about(replace(act, version=version, reason=reason), versions)
    told = replace(
        act,
        verdict=decision.verdict,
        version=decision.finalist.version,
        reason=decision.reason,
        candidate_score=decision.score,
        champion_score=decision.champion_score,
        holdout=decision.terrain.digest if decision.gain else "",
        record=asdict(decision),
    )
    return _about(told, versions)


def _about(act: Act, versions: Sequence[Version]) -> Act:
    keys = {each.version: each.trial_key for each in versions}
    return replace(act, trial_key=keys.get(act.version, ""))


def verdicts(outcome: Outcome, versions: Sequence[Version], digest: str) -> dict[str, Ruling]:
    """The verdict on each version and its reason."""
    return {each.version: _verdict(outcome, each, digest) for each in versions}


def _verdict(outcome: Outcome, version: Version, digest: str) -> Ruling:
    decision = outcome.decision
    if decision and version.version == decision.finalist.version:
        return Ruling(decision.verdict, decision.reason, decision.score)
    if version.version in outcome.refused:
        return Ruling(Verdict.REFUSE, outcome.refused[version.version])
    if version.data_digest != digest:
        return Ruling(Verdict.REFUSE, CHANGED)
    if not isfinite(version.cv_score):
        return Ruling(Verdict.REFUSE, UNSCORED)
    return Ruling(Verdict.KEEP, NOT_THE_FINALIST.format(best=outcome.best))


def tests_on(digest: str, history: Sequence[LedgerEntry]) -> int:
    """How many comparisons with a champion a holdout has seen."""
    return sum(entry.holdout == digest for entry in history)


def barred(history: Sequence[LedgerEntry]) -> dict[str, str]:
    """The trial keys that were rolled back and not put back since, with the reason.

    The same trial registered again is the same evidence.
    """
    found: dict[str, str] = {}
    for entry in reversed(history):
        if entry.verdict in {Verdict.ROLLBACK, Verdict.REPLACE}:
            found.pop(entry.trial_key, None)
        if entry.verdict is Verdict.ROLLBACK and entry.previous_key:
            found[entry.previous_key] = ROLLED_BACK.format(
                version=entry.previous, reason=entry.reason
            )
    return found
