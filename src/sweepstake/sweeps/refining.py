"""Refining: the next grid file of a sweep, finer around its best trials."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sweepstake.domain.ranking import leaderboard
from sweepstake.domain.search import Range
from sweepstake.domain.tags import mean_cv, std_cv
from sweepstake.domain.trial import TrialState
from sweepstake.errors import NotFoundError
from sweepstake.gridfile import loader, refinement, search_space
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.sweeps.planned_sweep import open_planned
from sweepstake.sweeps.settlement import stand

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sweepstake.domain.trial import Standing
    from sweepstake.gridfile.refinement import Finer
    from sweepstake.gridfile.search_space import Product
    from sweepstake.settings import Settings
    from sweepstake.sweeps.planned_sweep import PlannedSweep

MOST_PRODUCTS = 3
"""Classifiers, or grids of one, that are gone on with."""
LEAST_POINTS = 30
"""A finer grid may have as many points as the sweep, or this many."""
REPLACED = (
    *("name", "model", "estimator", "steps", "params", "grid", "candidates"),
    *("classificator", "kwargs", "configs", "search"),
)
EDITOR = "yaml-language-server: $schema=../schemas/sweep.schema.json"
COUNTED = re.compile(r"(.+)-([1-9][0-9]{0,3})")
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class NextGrid:
    """A grid file to try next: its content, the name of its file, and how many trials it has."""

    text: str
    file: str
    trials: int


def refine(name: str, settings: Settings) -> NextGrid:
    """The next grid file of a sweep, by its id or its name: then of its latest run.

    Raises:
        NotFoundError: MLflow knows no such sweep, or there is nothing to refine.
    """
    sweep_id, _ = Tracking(settings.tracking_uri).latest_sweep(name)
    planned = open_planned(sweep_id, settings)
    standings = leaderboard(stand(planned), planned.spec.metric)
    return refined(planned, standings, settings)


def refined(planned: PlannedSweep, standings: Sequence[Standing], settings: Settings) -> NextGrid:
    """The next grid file of a sweep whose trials are ranked.

    Raises:
        NotFoundError: there is nothing to refine.
    """
    plan, metric = planned.plan, planned.spec.metric
    scored = [s for s in standings if s.state is TrialState.COMPLETE and _is_scored(s, metric)]
    scored = [s for s in scored if s.rung is None]  # those of rungs are scored on other data
    if not scored:
        message = f"{plan.sweep}: must have a trial with a score, but has none. Read the reasons."
        raise NotFoundError(message)
    best = scored[0]
    bar = best.metrics[mean_cv(metric)] - _error(best, planned)
    finer = _finer(planned, scored, bar)
    trials = sum(each.size for each in finer)
    if not _is_new(finer, planned):
        message = f"{plan.sweep}: must have an axis that can be finer, but has none around its "
        message += "best trial. Add values to its grid by hand."
        raise NotFoundError(message)
    name = next_name(planned.spec.name)
    values = _values(planned, finer, name, settings)
    score = best.metrics[mean_cv(metric)]
    comments = (
        EDITOR,
        f"Finer around trial {best.number} of {plan.sweep}, mean CV {metric} {score:.4f}.",
        f"{trials} trials; those that were trained before are reused.",
        *(
            ["It has the schedule of that sweep: remove one of both."]
            if planned.spec.schedule
            else []
        ),
    )
    text = refinement.text(values, comments)
    file = f"{name}.yaml"
    loader.parse(text.encode(), file, settings)  # what is handed out is valid
    return NextGrid(text, file, trials)


def next_name(name: str) -> str:
    """The name of the sweep after one: ``digits-2`` follows ``digits``, then ``digits-3``."""
    counted = COUNTED.fullmatch(name)
    base, number = (counted[1], int(counted[2]) + 1) if counted else (name, 2)
    end = f"-{number}"
    return base[: LONGEST_NAME - len(end)] + end


def _finer(planned: PlannedSweep, scored: Sequence[Standing], bar: float) -> tuple[Finer, ...]:
    """The products that hold a trial as good as the best, each around its own best."""
    products = search_space.all_products(planned.spec)
    groups: dict[int, list[Standing]] = {}
    for standing in scored:
        groups.setdefault(planned.trials.product_of(standing.number), []).append(standing)
    metric = mean_cv(planned.spec.metric)
    good = [at for at, group in groups.items() if group[0].metrics[metric] >= bar][:MOST_PRODUCTS]
    chosen = [_listed(planned, products[at], groups[at]) for at in good]
    tried = [_tried(planned, each, groups[at]) for at, each in zip(good, chosen, strict=True)]
    finer = [
        refinement.refine(each, _params(planned, groups[at][0]), known, bar)
        for at, each, known in zip(good, chosen, tried, strict=True)
    ]
    most = min(planned.spec.limits.max_trials, max(len(planned.trials), LEAST_POINTS))
    return refinement.within(finer, tried, most)


def _listed(planned: PlannedSweep, product: Product, group: Sequence[Standing]) -> Product:
    """The product with the numbers that were tried of a range, those next to the best one."""
    axes = tuple(
        (name, _near(planned, name, group) if isinstance(values, Range) else values)
        for name, values in product.axes
    )
    return replace(product, axes=axes)


def _near(planned: PlannedSweep, name: str, group: Sequence[Standing]) -> tuple[Any, ...]:
    best = _params(planned, group[0])[name]
    numbers = sorted({_params(planned, each)[name] for each in group})
    at = numbers.index(best)
    return tuple(numbers[max(0, at - 1) : at + 2])


def _tried(
    planned: PlannedSweep, product: Product, group: Sequence[Standing]
) -> dict[str, dict[str, float]]:
    """The best score of each value on each axis of a product."""
    found: dict[str, dict[str, float]] = {name: {} for name, _ in product.axes}
    metric = mean_cv(planned.spec.metric)
    for standing in reversed(group):  # the best comes last, and counts
        params = _params(planned, standing)
        for name, scores in found.items():  # of a range, of all its numbers
            scores[search_space.canonical(params[name])] = standing.metrics[metric]
    return found


def _params(planned: PlannedSweep, standing: Standing) -> Mapping[str, Any]:
    return planned.trials[standing.number].estimator.params


def _values(
    planned: PlannedSweep, finer: Sequence[Finer], name: str, settings: Settings
) -> dict[str, Any]:
    """What the next grid file says: as the last one, but for its name and its grid."""
    plan = planned.plan
    raw = loader.values(planned.workspace.read_snapshot(plan.snapshot), plan.file)
    written = [each.written() for each in finer]
    grid = written[0] if len(written) == 1 else {"candidates": written}
    kept = {key: value for key, value in raw.items() if key not in REPLACED}
    data = kept.pop("data", {"source": settings.default_source})
    return {"name": name, "model": plan.model, "data": data, **grid, **kept}


def _is_new(finer: Sequence[Finer], planned: PlannedSweep) -> bool:
    """Whether an axis has a value that the sweep had on none."""
    known = {
        (name, search_space.canonical(value))
        for number in range(len(planned.trials))
        for name, value in planned.trials[number].estimator.params.items()
    }
    made = (pair for each in finer for pair in each.axes.items())
    return any((n, search_space.canonical(v)) not in known for n, values in made for v in values)


def _error(best: Standing, planned: PlannedSweep) -> float:
    """The standard error of the best mean score, 0 where it is not known."""
    spread = best.metrics.get(std_cv(planned.spec.metric), 0.0)
    return spread / math.sqrt(planned.spec.folding.fits) if math.isfinite(spread) else 0.0


def _is_scored(standing: Standing, metric: str) -> bool:
    return math.isfinite(standing.metrics.get(mean_cv(metric), math.nan))
