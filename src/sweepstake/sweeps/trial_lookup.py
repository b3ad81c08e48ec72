"""Trial lookup: one trial by what people write for it, with all that is recorded of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sweepstake.domain.ranking import leaderboard
from sweepstake.domain.tags import Tag
from sweepstake.errors import NotFoundError
from sweepstake.mlflow_client.comparison import run_url
from sweepstake.mlflow_client.registry import Registry
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.sweeps.planned_sweep import open_planned
from sweepstake.sweeps.settlement import stand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.domain.trial import Standing
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.settings import Settings
    from sweepstake.sweeps.planned_sweep import PlannedSweep

NAMED = "SWEEP/NUMBER such as digits-forest/29, MODEL/VERSION such as digits/v3, or a run's id"
RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class FoundTrial:
    """A trial of a planned sweep as it stands; ``version`` is what it was asked for as, if so."""

    planned: PlannedSweep
    standing: Standing
    version: Version | None = None

    @property
    def label(self) -> str:
        """``digits-forest__0123456789ab/29``."""
        return f"{self.planned.plan.sweep}/{self.standing.number}"


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """What is recorded of a trial: its place, parameters, figures, folds and origin.

    ``given`` are the parameters of the grid file, ``params`` all of them. ``folds`` are the scores
    by which ``metric`` is a mean; ``origin`` are the tags that say what trained it, and on what.
    """

    sweep: str
    number: int
    key: str
    state: str
    rank: int | None
    of: int
    estimator: str
    given: Mapping[str, str]
    params: Mapping[str, str]
    metric: str
    metrics: Mapping[str, float]
    folds: tuple[float, ...]
    origin: Mapping[str, str]
    version: str
    decision: str
    reason: str
    warnings: str
    run_id: str
    url: str


def find_trial(text: str, settings: Settings) -> FoundTrial:
    """The trial that somebody names: as ``SWEEP/NUMBER``, ``MODEL/vVERSION`` or a run's id.

    Raises:
        NotFoundError: there is none, or its sweep was not planned in this workspace.
    """
    name, slash, number = text.rpartition("/")
    if RUN_ID.fullmatch(text):
        return _of_run(text, settings)
    if slash and re.fullmatch(r"v[0-9]{1,9}", number):
        return _of_version(name, number, settings)
    if slash and re.fullmatch(r"#?[0-9]{1,9}", number):
        return _of_sweep(name, int(number.removeprefix("#")), settings)
    message = f"{text}: must name a trial, as {NAMED}."
    raise NotFoundError(message + f" Its trials: sweepstake leaderboard {text}.")


def best_trial(sweep: str, settings: Settings) -> FoundTrial:
    """The head of a sweep's leaderboard.

    Raises:
        NotFoundError: there is no such sweep, or none of its trials is complete.
    """
    found, _ = Tracking(settings.tracking_uri).latest_sweep(sweep)
    planned = open_planned(found, settings)
    ranked = leaderboard(stand(planned), planned.spec.metric)
    if not ranked or planned.plan.metric_name not in ranked[0].metrics:
        message = f"{sweep}: must have a complete trial, but has none. "
        raise NotFoundError(message + f"Look: sweepstake leaderboard {sweep}.")
    return FoundTrial(planned, ranked[0])


def record_of(found: FoundTrial, settings: Settings) -> TrialRecord:
    """All that is recorded of a trial."""
    planned, standing = found.planned, found.standing
    metric = planned.spec.metric
    ranked = leaderboard(stand(planned), metric)
    place = next(n for n, each in enumerate(ranked, 1) if each.number == standing.number)
    tracking = planned.tracking
    run = tracking.client.get_run(standing.run_id) if standing.run_id else None
    tags = dict(run.data.tags) if run else {}
    origin = {name: tags[name] for name in _ORIGIN if name in tags}
    known = standing.version and planned.registry.version(planned.spec.model, standing.version)
    return TrialRecord(
        sweep=planned.plan.sweep,
        number=standing.number,
        key=standing.key,
        state=str(standing.state),
        rank=place if planned.plan.metric_name in standing.metrics else None,
        of=len(ranked),
        estimator=standing.estimator,
        given=standing.params,
        params=dict(run.data.params) if run else {},
        metric=metric,
        metrics=standing.metrics,
        folds=tracking.curve(standing.run_id, f"cv_{metric}").values if run else (),
        origin={**origin, Tag.DATA: planned.spec.data.filled_source},
        version=standing.version,
        decision=known.decision if known else "",
        reason=standing.reason or (known.tags.get(Tag.REASON, "") if known else ""),
        warnings=tags.get(Tag.WARNINGS, ""),
        run_id=standing.run_id,
        url=_page(planned, standing, settings),
    )


_ORIGIN = (Tag.DATA_DIGEST, Tag.SEED, Tag.SCIKIT_LEARN, Tag.LIBRARIES, Tag.SHA256, Tag.BATCH)


def _page(planned: PlannedSweep, standing: Standing, settings: Settings) -> str:
    if not standing.run_id:
        return ""
    return run_url(settings.mlflow_pages, planned.plan.experiment_id, standing.run_id)


def _of_sweep(name: str, number: int, settings: Settings) -> FoundTrial:
    sweep, _ = Tracking(settings.tracking_uri).latest_sweep(name)
    return _numbered(open_planned(sweep, settings), number)


def _of_version(model: str, number: str, settings: Settings) -> FoundTrial:
    version = Registry(settings.tracking_uri).version(model, number)
    if not version.sweep:
        message = f"{model}/{number}: must be a model that a sweep trained, but names no sweep."
        raise NotFoundError(message)
    found = _numbered(open_planned(version.sweep, settings), version.trial_number)
    return replace(found, version=version)


def _of_run(run_id: str, settings: Settings) -> FoundTrial:
    tags = Tracking(settings.tracking_uri).tags_of(run_id)
    number = tags.get(Tag.TRIAL_NUMBER, "")
    if not number.isdecimal() or not number.isascii() or not tags.get(Tag.SWEEP):
        message = f"{run_id}: must be the run of a trial, but is none. "
        raise NotFoundError(message + f"Name it as {NAMED}.")
    return _numbered(open_planned(tags[Tag.SWEEP], settings), int(number))


def _numbered(planned: PlannedSweep, number: int) -> FoundTrial:
    standings = {each.number: each for each in stand(planned)}
    if number not in standings:
        told = f"0 to {max(standings)}" if standings else "none"
        message = f"{planned.plan.sweep}: must have a trial {number}, but has {told}."
        raise NotFoundError(message)
    return FoundTrial(planned, standings[number])
