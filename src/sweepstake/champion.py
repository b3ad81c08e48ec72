"""The use cases of a judging round: find unjudged versions, score them, decide, promote.

A round judges one registered model. New versions and the incumbent are scored on the same holdout
rows: those of the newest version's sweep. What one round misses, the next one finds, because a
version counts as unjudged until its verdict is written on it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sweepstake import loader
from sweepstake.errors import NotFoundError, PermanentError, StackError
from sweepstake.ledger import Contest
from sweepstake.plan import Plan
from sweepstake.promotion import Decision, Scored, Verdict, decide
from sweepstake.registry import Registry
from sweepstake.workspace import Workspace

if TYPE_CHECKING:
    from sweepstake.data import Dataset
    from sweepstake.ledger import LedgerEntry
    from sweepstake.modelversion import Version
    from sweepstake.settings import Settings
    from sweepstake.spec import SweepSpec

VERSIONS_PER_TASK = 50


@dataclass(frozen=True, slots=True)
class Entrant:
    """A version to be scored, and all that is needed to load it without asking MLflow again."""

    version: str
    source: str
    sha256: str

    @classmethod
    def of(cls, version: Version) -> Entrant:
        """The entrant that a version makes."""
        return cls(version.version, version.source, version.sha256)


@dataclass(frozen=True, slots=True)
class Round:
    """One judging round: ``key`` is the same when it is tried again.

    ``sweep`` is the newest candidate's: its metric, policy and holdout rows are the round's.
    ``champion`` is the incumbent, if there is one; ``partition`` the newest candidate's day.
    """

    key: str
    model: str
    sweep: str
    champion: Entrant | None
    candidates: tuple[Entrant, ...]
    partition: str = ""

    @property
    def entrants(self) -> tuple[Entrant, ...]:
        """Every version to be scored."""
        return (*((self.champion,) if self.champion else ()), *self.candidates)

    @classmethod
    def load(cls, workspace: Workspace, key: str, model: str) -> Round:
        """Read a round that ``find`` opened."""
        record = workspace.read_record(f"{_folder(key, model)}/round")
        record["champion"] = record["champion"] and Entrant(**record["champion"])
        record["candidates"] = tuple(Entrant(**each) for each in record["candidates"])
        return cls(**record)

    def save(self, workspace: Workspace) -> None:
        """Store the round for the tasks that follow."""
        workspace.write_record(f"{_folder(self.key, self.model)}/round", asdict(self))


@dataclass(frozen=True, slots=True)
class Heat:
    """The entrants ``first`` to ``last`` of a round, scored by one task; ``label`` names it."""

    key: str
    model: str
    first: int
    last: int
    label: str


def find(key: str, settings: Settings) -> tuple[Round, ...]:
    """Open a round for every model that has unjudged versions of sweeps in this workspace.

    Versions of sweeps that were planned in another workspace wait for whoever has it, backfilled
    ones for `asof`.
    A round that was killed on its way to the registry is ended first, so that the incumbent is who
    the ledger says.
    """
    registry, workspace = Registry(settings.tracking_uri), Workspace(settings.workspace)
    rounds = (_open_round(key, model, registry, workspace) for model in registry.models())
    found = tuple(opened for opened in rounds if opened)
    for opened in found:
        opened.save(workspace)
    return found


def divide(key: str, model: str, settings: Settings) -> tuple[Heat, ...]:
    """Cut the entrants of a round into tasks."""
    judged = Round.load(Workspace(settings.workspace), key, model)
    firsts = range(0, len(judged.entrants), VERSIONS_PER_TASK)
    return tuple(_heat(judged, first) for first in firsts)


def score(heat: Heat, settings: Settings) -> tuple[Scored, ...]:
    """Score the entrants of a heat on the round's holdout rows.

    A version that cannot be scored is reported with its reason; it does not stop the others.
    """
    from sweepstake.data import open_staged

    workspace = Workspace(settings.workspace)
    judged = Round.load(workspace, heat.key, heat.model)
    plan, spec = _sweep(judged.sweep, workspace, settings)
    dataset = open_staged(workspace.bring_data(plan.data_digest), plan.data_digest)
    registry = Registry(settings.tracking_uri)
    scored = tuple(
        score_version(registry, entrant, spec.metric, dataset)
        for entrant in judged.entrants[heat.first : heat.last + 1]
    )
    name = f"{_folder(heat.key, heat.model)}/scores/{heat.first:06d}"
    workspace.write_record(name, [asdict(entrant) for entrant in scored])
    return scored


def judge(key: str, model: str, settings: Settings) -> tuple[Decision, ...]:
    """Decide a round on the scores of its heats; a candidate whose heat failed waits for the next.

    Raises:
        StackError: the incumbent was not scored, so there is nothing to compare with.
    """
    workspace = Workspace(settings.workspace)
    judged = Round.load(workspace, key, model)
    _, spec = _sweep(judged.sweep, workspace, settings)
    heats = workspace.records(f"{_folder(key, model)}/scores")
    scored = {entrant["version"]: Scored(**entrant) for heat in heats for entrant in heat}
    champion = scored.get(judged.champion.version) if judged.champion else None
    if judged.champion and not champion:
        version = judged.champion.version
        message = f"{model}: champion v{version} must be scored, but its task failed. Retry."
        raise StackError(message)
    entrants = [scored[each.version] for each in judged.candidates if each.version in scored]
    decisions = decide(entrants, champion, spec.promotion)
    record = [asdict(decision) for decision in decisions]
    workspace.write_record(f"{_folder(key, model)}/decisions", record)
    return decisions


def promote(key: str, model: str, settings: Settings) -> LedgerEntry | None:
    """Carry a decided round out: alias, stage, tags and ledger together."""
    workspace = Workspace(settings.workspace)
    record = workspace.read_record(f"{_folder(key, model)}/decisions")
    decisions = [Decision(**{**entry, "verdict": Verdict(entry["verdict"])}) for entry in record]
    contest = Contest(Round.load(workspace, key, model).partition)
    return Registry(settings.tracking_uri).apply(model, decisions, f"{key}/{model}", contest)


def hold_round(key: str, settings: Settings) -> tuple[LedgerEntry, ...]:
    """The whole of a round in this process, for every model with unjudged versions."""
    rounds = find(key, settings)
    for judged in rounds:
        for heat in divide(key, judged.model, settings):
            score(heat, settings)
        judge(key, judged.model, settings)
    entries = (promote(key, judged.model, settings) for judged in rounds)
    return tuple(entry for entry in entries if entry)


def _open_round(key: str, model: str, registry: Registry, workspace: Workspace) -> Round | None:
    registry.resume(model)
    unjudged = [each for each in registry.deduplicate(registry.pending(model)) if not each.as_of]
    planned = {sweep for sweep in {each.sweep for each in unjudged} if _knows(workspace, sweep)}
    pending = [version for version in unjudged if version.sweep in planned]
    if not pending:
        return None
    champion = registry.champion(model)
    return Round(
        key=key,
        model=model,
        sweep=pending[-1].sweep,
        champion=Entrant.of(champion) if champion else None,
        candidates=tuple(Entrant.of(version) for version in pending),
        partition=pending[-1].partition,
    )


def _knows(workspace: Workspace, sweep_id: str) -> bool:
    try:
        Plan.load(workspace, sweep_id)
    except NotFoundError:
        return False
    return True


def _heat(judged: Round, first: int) -> Heat:
    versions = judged.entrants[first : first + VERSIONS_PER_TASK]
    label = f"{judged.model} v{versions[0].version} to v{versions[-1].version}"
    return Heat(judged.key, judged.model, first, first + len(versions) - 1, label)


def _sweep(sweep_id: str, workspace: Workspace, settings: Settings) -> tuple[Plan, SweepSpec]:
    plan = Plan.load(workspace, sweep_id)
    return plan, loader.parse(workspace.read_snapshot(plan.snapshot), plan.file, settings).spec


def score_version(registry: Registry, entrant: Entrant, metric: str, dataset: Dataset) -> Scored:
    """The score of a version on the holdout of ``dataset``, or why it has none."""
    from sweepstake.training import score

    try:
        estimator = registry.load(entrant)
        return Scored(entrant.version, score(estimator, dataset, metric), "")
    except PermanentError as error:
        return Scored(entrant.version, None, str(error))
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        # what scikit-learn raises for a model that was trained on other columns
        return Scored(entrant.version, None, f"{type(error).__name__}: {error}")


def _folder(key: str, model: str) -> str:
    return f"rounds/{key}/{model}"
