"""As of a day: who would have been champion, played through from the first day to the last.

Each day is contested by the versions that were backfilled on its newest data and by the champion of
the day before, on that day's holdout. A backfill of an earlier day changes what its successors had
to beat, so all days are played again; the outcome does not depend on the order of backfills. Days
on which a scheduled sweep ran in its time keep the champion that they really had.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, groupby
from math import isfinite
from typing import TYPE_CHECKING

from sweepstake import loader
from sweepstake.champion import Entrant, score_version
from sweepstake.errors import DataError, NotFoundError
from sweepstake.ledger import Contest
from sweepstake.modelfaults import apart
from sweepstake.modelversion import EXEMPT, PENDING
from sweepstake.plan import Plan, planned_models
from sweepstake.promotion import Decision, Scored, Verdict, decide
from sweepstake.provenance import Provenance
from sweepstake.registry import Registry
from sweepstake.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sweepstake.ledger import LedgerEntry
    from sweepstake.modelversion import Version
    from sweepstake.settings import Settings


FIND, REPLAY = "find past days of", "replay the days of"
"""What keeps a model from these steps is told of it."""


@dataclass(frozen=True, slots=True)
class Reign:
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
    registry.resume(model)
    game = _Game(model, registry, Workspace(settings.workspace), settings)
    return tuple(game.play())


def replay_all(settings: Settings) -> tuple[LedgerEntry, ...]:
    """The same for every model with unjudged versions of past days."""
    registry, workspace = Registry(settings.tracking_uri), Workspace(settings.workspace)
    played = partial(replay, settings=settings)
    return tuple(chain(*apart(REPLAY, models(settings), played, registry, workspace)))


def reigns(model: str, settings: Settings) -> tuple[Reign, ...]:
    """The champion of each day that has one, in the order of the days.

    Raises:
        NotFoundError: there is no such model.
    """
    registry = Registry(settings.tracking_uri)
    newest = _newest_by_day(registry.history(model))
    return tuple(
        _reign(day, version, newest.get(day)) for day, version in registry.dated(model).items()
    )


def reign_at(model: str, day: str, settings: Settings) -> Reign:
    """The champion at the end of a day: that of the last day with a champion up to then.

    Raises:
        NotFoundError: there was none yet, or there is no such model.
    """
    found = [reign for reign in reigns(model, settings) if reign.day <= day]
    if not found:
        message = f"{model}: must have had a champion by {day}, but no day up to then has one. "
        raise NotFoundError(message + "Backfill it: sweepstake backfill NAME --from ... --to ...")
    return found[-1]


class _Game:
    """One replay of the days of a model."""

    def __init__(
        self, model: str, registry: Registry, workspace: Workspace, settings: Settings
    ) -> None:
        self._model = model
        self._registry = registry
        self._workspace = workspace
        self._settings = settings
        self._entries = registry.history(model)
        self._provenance = Provenance(workspace)

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
                entry = self._contest(day, days[day], champion)
                champion = entry.champion if entry else champion
                if entry and entry.round not in {known.round for known in self._entries}:
                    yield entry

    def _days(self) -> dict[str, list[Version]]:
        """The contestants of each day, oldest first; days are those of the plans."""
        competing = filter(self._provenance.is_own, self._registry.backfilled(self._model))
        judged = [v for v in self._registry.deduplicate(tuple(competing)) if v.decision != EXEMPT]
        judged.sort(key=self._day)  # which keeps the order of a day
        return {day: list(group) for day, group in groupby(judged, key=self._day)}

    def _day(self, version: Version) -> str:
        plan = self._provenance.plan(version)
        return plan.partition if plan else ""

    def _contest(self, day: str, versions: Sequence[Version], incumbent: str) -> LedgerEntry | None:
        """Decide a day; one that came out the same before is left as it is."""
        known = _newest_by_day(self._entries).get(day)
        try:
            decisions = self._decide(versions, incumbent)
        except (DataError, NotFoundError):  # no longer staged
            return known
        mark = _mark(decisions)
        if known and known.as_of and known.round.endswith(mark) and not _waiting(versions):
            return known
        number = sum(entry.partition == day for entry in self._entries)
        key = f"{self._model}/{day}/{number}/{mark}"
        return self._registry.apply(self._model, decisions, key, Contest(day, as_of=True))

    def _decide(self, versions: Sequence[Version], incumbent: str) -> tuple[Decision, ...]:
        """Decide by the newest sweep of a day: its data, its metric, its policy."""
        plan = Plan.load(self._workspace, versions[-1].sweep)
        content = self._workspace.read_snapshot(plan.snapshot)
        spec = loader.parse(content, plan.file, self._settings).spec
        candidates = [
            _scored(version, plan.data_digest, spec.metric)
            for version in versions
            if version.version != incumbent
        ]
        champion = self._score(incumbent, plan.data_digest, spec.metric) if incumbent else None
        return decide(candidates, champion, spec.promotion)

    def _score(self, incumbent: str, digest: str, metric: str) -> Scored:
        """The incumbent's score on a day's holdout, which is the same in every replay."""
        from sweepstake.data import open_staged

        name = f"asof/{self._model}/{incumbent}-{metric}-{digest}"
        try:
            return Scored(**self._workspace.read_record(name))
        except NotFoundError:
            dataset = open_staged(self._workspace.bring_data(digest), digest)
            version = self._registry.version(self._model, incumbent)
            entrant = Entrant.of(version, self._provenance)
            scored = score_version(self._registry, entrant, metric, dataset)
            self._workspace.write_record(name, asdict(scored))
            return scored


def _scored(version: Version, digest: str, metric: str) -> Scored:
    """A candidate's score on its day's holdout, as its trainer wrote it.

    What was trained on data or for a metric that the day no longer has is not compared.
    """
    for name, word, now in (("data_digest", "data", digest), ("metric", "metric", metric)):
        if version.tags.get(f"sweepstake.{name}") != now:
            return Scored(version.version, None, f"The {word} of its day changed after it.")
    score = _figure(version.tags.get("sweepstake.test_score", ""))
    reason = "" if score is not None else "Its metric is not defined on the holdout of its day."
    return Scored(version.version, score, reason)


def _figure(text: str) -> float | None:
    with suppress(ValueError):
        figure = float(text)
        return figure if isfinite(figure) else None
    return None


def _waiting(versions: Iterable[Version]) -> bool:
    return any(version.decision == PENDING for version in versions)


def _mark(decisions: Sequence[Decision]) -> str:
    """The same for the same outcome on the same figures."""
    record = json.dumps([asdict(decision) for decision in decisions])
    return hashlib.sha256(record.encode()).hexdigest()[:16]


def _newest_by_day(entries: Iterable[LedgerEntry]) -> Mapping[str, LedgerEntry]:
    """The last complete entry of each day; entries come newest first."""
    found: dict[str, LedgerEntry] = {}
    for entry in entries:
        if entry.partition and entry.complete:
            found.setdefault(entry.partition, entry)
    return found


def _reign(day: str, version: str, entry: LedgerEntry | None) -> Reign:
    if entry is None or entry.champion != version:
        return Reign(day, version, None, "The alias was set by other hands.")
    lost = entry.verdict is Verdict.KEEP
    contender = f"v{entry.version} was the best of the day. " if lost else ""
    return Reign(day, version, entry.score, contender + entry.reason)
