"""As of a day: who would have been champion, played through from the first day to the last.

Each day is contested by the versions that were backfilled on its newest data and by the champion of
the day before, on that day's holdout. A backfill of an earlier day changes what its successors had
to beat, so all days are played again; the outcome does not depend on the order of backfills. Days
on which a scheduled sweep ran in its time keep the champion that they really had.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby
from typing import TYPE_CHECKING

from sweepstake.champions import finals
from sweepstake.champions.finals import Ground, by_cv
from sweepstake.champions.model_faults import apart
from sweepstake.champions.rounds import act_of, barred, verdicts
from sweepstake.domain.promotion import Verdict
from sweepstake.domain.tags import Tag
from sweepstake.errors import DataError, NotFoundError
from sweepstake.mlflow_client.model_version import EXEMPT, PENDING
from sweepstake.mlflow_client.registry import Registry
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import reporting
from sweepstake.sweeps.plan import Plan, planned_models
from sweepstake.sweeps.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sweepstake.domain.promotion import Outcome
    from sweepstake.domain.spec import PromotionPolicy
    from sweepstake.mlflow_client.ledger import LedgerEntry, Tell
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.settings import Settings


FIND, REPLAY = "find past days of", "replay the days of"
"""What keeps a model from these steps is told of it."""
METRIC_CHANGED = "The metric of its day changed after it."


@dataclass(frozen=True, slots=True)
class DayChampion:
    """Who was or would have been champion at the end of a day, with the score on its holdout."""

    day: str
    version: str
    score: float | None
    reason: str


def models(settings: Settings) -> tuple[str, ...]:
    """The models of this workspace that have unjudged versions of past days."""
    registry, workspace = Registry(settings.tracking_uri), Workspace(settings.workspace)

    def waiting(model: str) -> str:
        return model if any(version.as_of for version in registry.pending(model)) else ""

    found = apart(FIND, planned_models(workspace), waiting, registry, workspace)
    return tuple(model for model in found if model)


def replay(model: str, settings: Settings) -> tuple[LedgerEntry, ...]:
    """Play all days of a model through and carry out what has changed.

    Returns:
        The entries of the ledger that were added.
    """
    registry = Registry(settings.tracking_uri)
    tell = partial(reporting.tell_decision, settings=settings)
    registry.resume(model, tell)
    replayed = _Replay(
        model, registry, Workspace(settings.workspace), Tracking(settings.tracking_uri), tell
    )
    return tuple(replayed.play())


def replay_all(settings: Settings) -> tuple[LedgerEntry, ...]:
    """Play the days of every model that has unjudged versions of past days."""
    registry, workspace = Registry(settings.tracking_uri), Workspace(settings.workspace)
    played = partial(replay, settings=settings)
    return tuple(chain(*apart(REPLAY, models(settings), played, registry, workspace)))


def day_champions(model: str, settings: Settings) -> tuple[DayChampion, ...]:
    """The champion of each day that has one, in the order of the days.

    Raises:
        NotFoundError: there is no such model.
    """
    registry = Registry(settings.tracking_uri)
    newest = _newest_by_day(registry.history(model))
    return tuple(
        day_champion(day, version, newest.get(day))
        for day, version in registry.dated(model).items()
    )


def champion_at(model: str, day: str, settings: Settings) -> DayChampion:
    """The champion at the end of a day: that of the last day with a champion up to then.

    Raises:
        NotFoundError: there was none yet, or there is no such model.
    """
    found = [held for held in day_champions(model, settings) if held.day <= day]
    if not found:
        message = f"{model}: must have had a champion by {day}, but no day up to then has one. "
        raise NotFoundError(message + "Backfill it: sweepstake backfill NAME --from ... --to ...")
    return found[-1]


class _Replay:
    """One replay of the days of a model."""

    def __init__(
        self,
        model: str,
        registry: Registry,
        workspace: Workspace,
        tracking: Tracking,
        tell: Tell,
    ) -> None:
        self._model = model
        self._registry = registry
        self._workspace = workspace
        self._entries = registry.history(model)
        self._provenance = Provenance(workspace)
        self._tracking = tracking
        self._tell = tell
        self._closed: dict[str, bool] = {}

    def play(self) -> Iterator[LedgerEntry]:
        """Yield the entry of each day whose outcome has changed."""
        days = self._days()
        served = {
            entry.partition: entry.champion
            for entry in reversed(self._entries)
            if entry.partition and not entry.as_of and entry.champion
        }
        champion = ""
        for day in sorted(days.keys() | served.keys()):
            champion = served.get(day, champion)
            if day in days:
                entry = self._decide_day(day, days[day], champion)
                champion = entry.champion if entry else champion
                if entry and entry.round not in {known.round for known in self._entries}:
                    yield entry

    def _days(self) -> dict[str, list[Version]]:
        """The versions that compete for each day, oldest first; days are those of the plans."""
        competing = filter(self._provenance.is_own, self._registry.backfilled(self._model))
        judged = [v for v in self._registry.deduplicate(tuple(competing)) if self._is_judged(v)]
        judged.sort(key=self._day)  # which keeps the order of a day
        return {day: list(group) for day, group in groupby(judged, key=self._day)}

    def _is_judged(self, version: Version) -> bool:
        """Whether it competes: its sweep is closed, and its backfill is judged at all."""
        plan = self._provenance.plan(version)
        if plan is None or version.decision == EXEMPT:
            return False
        if plan.sweep not in self._closed:
            self._closed[plan.sweep] = self._tracking.ended(plan.parent_run_id) is not None
        return self._closed[plan.sweep]

    def _day(self, version: Version) -> str:
        plan = self._provenance.plan(version)
        return plan.partition if plan else ""

    def _decide_day(
        self, day: str, versions: Sequence[Version], incumbent: str
    ) -> LedgerEntry | None:
        """Decide a day; one whose versions are the same as before is left as it is."""
        known = _newest_by_day(self._entries).get(day)
        competing = [version for version in versions if version.version != incumbent]
        plan = Plan.load(self._workspace, versions[-1].sweep)
        mark = _mark(competing, incumbent, plan.data_digest, plan.spec.promotion)
        settled = known and known.as_of and known.round.endswith(mark)
        if not competing or (settled and not _waiting(versions)):
            return known
        champion = self._registry.version(self._model, incumbent) if incumbent else None
        try:
            outcome = self._decide(competing, champion, plan)
        except DataError:  # no longer staged
            return known
        number = sum(entry.partition == day for entry in self._entries)
        key = f"{self._model}/{day}/{number}/{mark}"
        act = replace(act_of(outcome, competing, champion), partition=day, as_of=True)
        rulings = verdicts(outcome, competing, plan.data_digest)
        return self._registry.apply(self._model, act, key, rulings, self._tell)

    def _decide(self, versions: Sequence[Version], champion: Version | None, plan: Plan) -> Outcome:
        ground = Ground(
            spec=plan.spec,
            digest=plan.data_digest,
            registry=self._registry,
            workspace=self._workspace,
            provenance=self._provenance,
            test=lambda finalist, bar: self._test(plan.data_digest, finalist, bar),
            barred=barred(self._entries),
        )
        changed = {
            version.version: METRIC_CHANGED
            for version in versions
            if version.tags.get(Tag.METRIC) != plan.spec.metric
        }
        current = [
            version
            for version in versions
            if version.data_digest == plan.data_digest and version.version not in changed
        ]
        outcome = finals.hold(by_cv(current), champion, ground)
        return replace(outcome, refused={**outcome.refused, **changed})

    def _test(self, digest: str, finalist: str, champion: str) -> int:
        """The number of a test of a holdout: playing a day again is not another."""
        pairs = {
            (entry.version, entry.previous) for entry in self._entries if entry.holdout == digest
        }
        return len(pairs | {(finalist, champion)})


def _waiting(versions: Iterable[Version]) -> bool:
    return any(version.decision == PENDING for version in versions)


def _mark(versions: Sequence[Version], incumbent: str, digest: str, policy: PromotionPolicy) -> str:
    """A digest of all that a decision depends on, so that it is made once."""
    decided = [sorted(each.version for each in versions), incumbent, digest, repr(policy)]
    return hashlib.sha256(json.dumps(decided).encode()).hexdigest()[:16]


def _newest_by_day(entries: Iterable[LedgerEntry]) -> Mapping[str, LedgerEntry]:
    """The last complete entry of each day; entries come newest first."""
    found: dict[str, LedgerEntry] = {}
    for entry in entries:
        if entry.partition and entry.complete:
            found.setdefault(entry.partition, entry)
    return found


def day_champion(day: str, version: str, entry: LedgerEntry | None) -> DayChampion:
    """The champion as of a day, with the entry that made it champion, if the ledger has one."""
    if entry is None or entry.champion != version:
        return DayChampion(day, version, None, "The alias was set by other hands.")
    lost = entry.verdict is Verdict.KEEP
    contender = f"v{entry.version} was the best of the day. " if lost else ""
    return DayChampion(day, version, entry.score, contender + entry.reason)
