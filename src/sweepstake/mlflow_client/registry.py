"""The model registry: versions, the champion, and how decisions about them are carried out.

The alias ``champion`` is the truth about who is in service; the stage is its mirror for pages and
tools that show stages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweepstake.domain.promotion import Ruling, Verdict
from sweepstake.domain.spec import BackfillPolicy
from sweepstake.domain.tags import Tag
from sweepstake.errors import NotFoundError, StackError
from sweepstake.mlflow_client import aliases, version_tags
from sweepstake.mlflow_client.aliases import CHAMPION, DATED
from sweepstake.mlflow_client.connection import Connection, quoted, refused_as
from sweepstake.mlflow_client.ledger import Ledger
from sweepstake.mlflow_client.model_store import ModelStore
from sweepstake.mlflow_client.model_version import (
    PENDING,
    Version,
    first_tags,
    model_uri,
    version_of,
)
from sweepstake.wording.near_misses import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sweepstake.mlflow_client.ledger import Act, LedgerEntry, Tell

MANAGED = (Tag.MANAGED, "true")
"""The tag of the registered models that sweeps train."""
RUNS_PER_CALL = 200
"""Runs whose versions are asked for at once."""


class Registry:
    """The registered models on the MLflow server at ``uri``; raises what ``Connection`` raises."""

    def __init__(self, uri: str) -> None:
        self.client = Connection(uri)
        self._ledger = Ledger(self.client)
        self.files = ModelStore(self.client)

    def ensure_model(self, name: str) -> None:
        """Create the registered model ``name``, or take over the one that exists."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(name, tags=dict([MANAGED]))
        except MlflowException as error:
            if not refused_as(error, "RESOURCE_ALREADY_EXISTS"):
                raise
            self.must_take(name)

    def names(self) -> list[str]:
        """The names of all registered models."""
        return [model.name for model in self.client.every("search_registered_models")]

    def must_answer(self) -> None:
        """Ask the server for something that it always has.

        Raises:
            TrackingUnavailableError: it does not answer; if it does, a fault is not of all models.
        """
        self.client.search_experiments(max_results=1)

    def must_take(self, model: str) -> None:
        """Write what a registered model has already: what a round changes takes the same right.

        Raises:
            SettingsError: the user of the stack may not change this model.
        """
        self.client.set_registered_model_tag(model, *MANAGED)

    def register(
        self, model: str, run_id: str, tags: Mapping[str, str], *, fresh: bool = False
    ) -> Version:
        """Create or find the version of a trial: one per ``sweepstake.sweep`` and ``.trial_key``.

        ``tags`` hold these two and what else is known; ``sweepstake.decision=pending`` is added,
        ``exempt`` where a backfill is never judged.
        ``fresh`` says that the run was opened by this very attempt, so that no version of it can
        exist: it saves the search. MLflow is told the model's place within its run, which it need
        not check.
        """
        query = " and ".join(
            f"tags.`{name}` = {quoted(tags[name])}" for name in (Tag.SWEEP, Tag.TRIAL_KEY)
        )
        found = () if fresh else self._search(model, query)
        if found:
            return found[0]
        created = self.client.create_model_version(
            model,
            model_uri(run_id),
            run_id,
            tags=first_tags(tags),
            await_creation_for=0,
        )
        return version_of(created)

    def versions(self, model: str, sweep_id: str) -> tuple[Version, ...]:
        """The versions that ``sweep_id`` registered, oldest first."""
        return self._search(model, f"tags.`{Tag.SWEEP}` = {quoted(sweep_id)}")

    def of_runs(self, model: str, run_ids: Iterable[str]) -> tuple[Version, ...]:
        """The versions of a model that are of these runs, whichever sweep registered them."""
        wanted = sorted(run_ids)
        parts = (
            wanted[first : first + RUNS_PER_CALL] for first in range(0, len(wanted), RUNS_PER_CALL)
        )
        lists = (", ".join(map(quoted, part)) for part in parts)
        found = (self._search(model, f"run_id IN ({each})") for each in lists)
        return tuple(version for part in found for version in part)

    def pending(self, model: str) -> tuple[Version, ...]:
        """The versions not yet judged, oldest first; judged ones cost nothing, however many."""
        return self._search(model, f"tags.`{Tag.DECISION}` = '{PENDING}'")

    def deduplicate(
        self, versions: Sequence[Version], live: Collection[str] | None = None
    ) -> tuple[Version, ...]:
        """Keep one version per sweep and trial, delete the other pending ones, return those kept.

        A lost reply can create a version twice, and a worker that was thought dead can leave one
        whose run is no longer among the ``live`` run ids. A judged version is never deleted.
        """

        def rank(version: Version) -> tuple[bool, bool, int]:
            judged = version.decision != PENDING
            return (not judged, _is_stale(version, live), int(version.version))

        kept: dict[tuple[str, str], Version] = {}
        for version in sorted(versions, key=rank):
            trial = (version.sweep, version.trial_key)
            if version.decision == PENDING and (_is_stale(version, live) or trial in kept):
                self.client.delete_model_version(version.model, version.version)
            else:
                kept.setdefault(trial, version)
        return tuple(sorted(kept.values(), key=lambda version: int(version.version)))

    def backfilled(self, model: str) -> tuple[Version, ...]:
        """The versions that compete for the champion as of their day, oldest first."""
        return self._search(model, f"tags.`{Tag.BACKFILL}` = '{BackfillPolicy.AS_OF}'")

    def refuse(self, version: Version, reason: str) -> None:
        """Take a version out of those that wait for a verdict."""
        tags = {Tag.REASON: reason, Tag.DECISION: str(Verdict.REFUSE)}
        version_tags.tag(self.client, version.model, version.version, tags)

    def enter(self, version: Version) -> None:
        """Let a backfilled version compete for the champion in service after all."""
        tags = {Tag.BACKFILL: str(BackfillPolicy.LIVE), Tag.DECISION: PENDING}
        version_tags.tag(self.client, version.model, version.version, tags)

    def dated(self, model: str) -> dict[str, str]:
        """The champion's version by day, for the days that have one."""
        aliases = self.client.get_registered_model(model).aliases
        days = {
            name.removeprefix(DATED): v for name, v in aliases.items() if name.startswith(DATED)
        }
        return dict(sorted((day, str(version)) for day, version in days.items()))

    def version(self, model: str, number: str) -> Version:
        """The version ``number`` of ``model``, as ``7`` or ``v7``.

        Raises:
            NotFoundError: there is none.
        """
        look = f"Look: sweepstake champion {model} --history."
        digits = number.removeprefix("v")
        if not digits.isdecimal() or not digits.isascii():
            message = (
                f"{model}: must be asked for a version by its number, but got {shown(number)}. "
            )
            raise NotFoundError(message + look)
        try:
            return version_of(self.client.get_model_version(model, digits))
        except NotFoundError:
            message = f"{model}: must have version {digits}, but MLflow knows none such. {look}"
            raise NotFoundError(message) from None

    def champion(self, model: str) -> Version | None:
        """The version in service, ``None`` before the first promotion.

        Raises:
            NotFoundError: there is no registered model of this name.
        """
        return self._by_alias(model, CHAMPION)

    def in_use(self, model: str) -> frozenset[str]:
        """The versions that an alias names, or that ever were champion: each may serve again."""
        aliased = map(str, self.client.get_registered_model(model).aliases.values())
        served = [entry.champion for entry in self.history(model)]
        return frozenset({*aliased, *served} - {""})

    def note_pruned(self, version: Version) -> None:
        """Write on a version that its model files are deleted."""
        version_tags.tag(self.client, version.model, version.version, {Tag.PRUNED: "true"})

    def apply(
        self,
        model: str,
        act: Act,
        key: str,
        rulings: Mapping[str, Ruling],
        tell: Tell = lambda _: None,
    ) -> LedgerEntry:
        """Carry out an act and the verdicts on versions; ``key`` is the same when tried again.

        First the right to change the model is tried. The order then, each step harmless when
        repeated:

        1. The ledger's run of the round is opened with the winner and the champion before it. From
           here on ``resume`` can end the round, whoever was killed.
        2. Alias ``challenger`` goes to the previous champion, then alias ``champion`` to the
           winner: at no moment is there no champion, nor a lost previous one.
        3. The stage ``Production`` follows, which archives every other version in the same step.
           On data by day, ``champion-<day>`` then goes to whoever is champion now; a round about
           that day alone moves this alias and nothing else.
        4. The versions are tagged, ``sweepstake.decision`` last of each. Until then they count as
           pending, so a version that a killed round has not reached is judged again.
        5. ``tell`` is called, then the ledger's run is ended. A round that was ended before is not
           carried out again, as later rounds may have moved on.

        Raises:
            StackError: another version is in service than when the act was decided: decide again.
        """
        self.must_take(model)
        entry = self._ledger.find(model, key)
        if entry is None:
            self._must_stand(model, act)
            entry = self._ledger.open(model, act, key)
        if entry.complete:
            return entry
        try:
            aliases.move(self.client, entry)
        except NotFoundError:  # the winner was deleted meanwhile: the others are judged again
            return self._ledger.close_round(entry, done=False)
        tags = {number: _verdict_tags(each) for number, each in rulings.items()}
        version_tags.tag_all(self.client, model, tags)
        tell(entry)
        return self._ledger.close_round(entry)

    def _must_stand(self, model: str, act: Act) -> None:
        """See that the champion is still who it was when the act was decided."""
        champion = None if act.as_of else self.champion(model)
        now = act.previous if act.as_of else champion.version if champion else ""
        if now != act.previous:
            message = (
                f"{model}: champion must still be v{act.previous}, but is v{now}. Judge again."
            )
            raise StackError(message)

    def resume(self, model: str, tell: Tell = lambda _: None) -> tuple[LedgerEntry, ...]:
        """End the rounds of ``model`` that were killed on their way, oldest first.

        To be called before the next round is decided: its incumbent must be who the ledger says.
        """
        left = [entry for entry in self._ledger.entries(model) if not entry.complete]
        return tuple(self._end(entry, tell) for entry in reversed(left))

    def _end(self, entry: LedgerEntry, tell: Tell) -> LedgerEntry:
        try:
            aliases.move(self.client, entry)
        except NotFoundError:  # the winner was deleted by hand: nothing can be promoted
            return self._ledger.close_round(entry, done=False)
        version_tags.tag_all(self.client, entry.model, self._left(entry))
        tell(entry)
        return self._ledger.close_round(entry)

    def _left(self, entry: LedgerEntry) -> dict[str, dict[str, str]]:
        """The tags that a killed round has not written: those of the others first."""
        mine = Ruling(entry.verdict, entry.reason, entry.candidate_score, entry.digest)
        others = Ruling(Verdict.KEEP, f"v{entry.version} is the finalist of its sweep.")
        sweep = self.versions(entry.model, entry.sweep) if entry.sweep else ()
        left = [
            each.version
            for each in sweep
            if each.decision == PENDING and int(each.version) <= entry.newest
        ]
        rulings = {**dict.fromkeys(left, others), entry.version: mine}
        return {number: _verdict_tags(each) for number, each in rulings.items()}

    def champion_at(self, model: str, moment: datetime) -> LedgerEntry | None:
        """The entry that says who was champion at a moment; ``None`` before the first."""
        entries = (each for each in self.history(model) if each.complete and not each.as_of)
        return next((each for each in entries if each.champion and each.decided <= moment), None)

    def history(self, model: str) -> tuple[LedgerEntry, ...]:
        """The ledger of ``model``, newest first."""
        return self._ledger.entries(model)

    def _by_alias(self, model: str, alias: str) -> Version | None:
        from mlflow.exceptions import MlflowException

        try:
            return version_of(self.client.get_model_version_by_alias(model, alias))
        except NotFoundError:
            message = f"{model}: must be a registered model, but MLflow knows none such. "
            raise NotFoundError(message + f"Look at {self.client.uri}.") from None
        except MlflowException as error:
            if refused_as(error, "INVALID_PARAMETER_VALUE") and "alias" in error.message:
                return None
            raise

    def _search(self, model: str, query: str) -> tuple[Version, ...]:
        found = self.client.every(
            "search_model_versions", filter_string=f"name = {quoted(model)} and {query}"
        )
        return tuple(sorted(map(version_of, found), key=lambda version: int(version.version)))


def _is_stale(version: Version, live: Collection[str] | None) -> bool:
    return live is not None and version.run_id not in live


def _verdict_tags(ruling: Ruling) -> dict[str, str]:
    """Tags of a judged version, the one that ends its waiting last."""
    score = {} if ruling.score is None else {Tag.SCORE: repr(ruling.score)}
    digest = {Tag.DIGEST: ruling.digest} if ruling.digest else {}
    return {
        **score,
        **digest,
        Tag.REASON: ruling.reason,
        Tag.DECISION: str(ruling.verdict),
    }
