"""The use cases of a judging round: find unjudged versions, score them, decide, promote.

A round judges one registered model. New versions and the incumbent are scored on the same holdout
rows: those of the newest version's sweep. What one round misses, the next one finds, because a
version counts as unjudged until its verdict is written on it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from sweepstake import loader
from sweepstake.errors import PermanentError, StackError
from sweepstake.ledger import Contest
from sweepstake.modelfaults import apart
from sweepstake.plan import Plan, planned_models
from sweepstake.promotion import Decision, Scored, Verdict, decide
from sweepstake.provenance import Provenance
from sweepstake.registry import Registry
from sweepstake.workspace import Workspace

if TYPE_CHECKING:
    from sweepstake.data import Dataset
    from sweepstake.ledger import LedgerEntry
    from sweepstake.modelversion import Version
    from sweepstake.settings import Settings
    from sweepstake.spec import SweepSpec

VERSIONS_PER_TASK = 50
FIND, HOLD = "find rounds of", "judge"
"""What keeps a model from these steps is told of it."""
FOREIGN = "It was not trained by the sweep that it names. Register models by sweeps alone."


@dataclass(frozen=True, slots=True)
class Entrant:
    """A version to be scored, and all that is needed to load it without asking MLflow again."""

    version: str
    run_id: str
    sha256: str

    @classmethod
    def of(cls, version: Version, provenance: Provenance) -> Entrant:
        """The entrant that a version makes.

        Raises:
            ModelFileError: it is no model that was trained in this workspace.
        """
        provenance.vouch(version)
        return cls(version.version, version.run_id, version.sha256)


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
    """Open a round for every model of this workspace that has unjudged versions.

    Versions of sweeps that were planned in another workspace wait for whoever has it, backfilled
    ones for `asof`. Those that say to be of a sweep of this workspace and are not are refused.
    A round that was killed on its way to the registry is ended first, so that the incumbent is who
    the ledger says. What is wrong with one model stops no other: see `modelfaults`.

    Raises:
        TransientError: MLflow or the workspace does not answer.
    """
    registry, workspace = Registry(settings.tracking_uri), Workspace(settings.workspace)
    opened = partial(_open_round, key, registry, Provenance(workspace), workspace)
    rounds = apart(FIND, planned_models(workspace), opened, registry, workspace)
    return tuple(found for found in rounds if found)


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
    registry, workspace = Registry(settings.tracking_uri), Workspace(settings.workspace)
    models = [judged.model for judged in find(key, settings)]
    whole = partial(_hold, key, settings)
    return tuple(entry for entry in apart(HOLD, models, whole, registry, workspace) if entry)


def _hold(key: str, settings: Settings, model: str) -> LedgerEntry | None:
    for heat in divide(key, model, settings):
        score(heat, settings)
    judge(key, model, settings)
    return promote(key, model, settings)


def _open_round(
    key: str, registry: Registry, provenance: Provenance, workspace: Workspace, model: str
) -> Round | None:
    registry.resume(model)
    pending = registry.deduplicate(_candidates(model, registry, provenance))
    if not pending:
        return None
    registry.must_take(model)
    newest, champion = pending[-1], registry.champion(model)
    plan = provenance.plan(newest)
    opened = Round(
        key=key,
        model=model,
        sweep=newest.sweep,
        champion=Entrant.of(champion, provenance) if champion else None,
        candidates=tuple(Entrant.of(version, provenance) for version in pending),
        partition=plan.partition if plan else "",
    )
    opened.save(workspace)
    return opened


def _candidates(model: str, registry: Registry, provenance: Provenance) -> tuple[Version, ...]:
    """The unjudged versions of sweeps of this workspace, without those that only say to be some."""
    pending = [version for version in registry.pending(model) if provenance.plan(version)]
    for version in pending:
        if not provenance.is_own(version):
            registry.refuse(version, FOREIGN)
    own = (version for version in pending if provenance.is_own(version))
    return tuple(version for version in own if not version.as_of)


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
