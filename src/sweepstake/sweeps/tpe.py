"""TPE: points near the good ones so far, by Optuna's sampler.

The study lives in memory for one wave only: it is made of the sweep's trials, so that MLflow keeps
all that is known. Of several products, which one is a choice too, and each has its own parameters.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sweepstake.domain.search import Range
from sweepstake.gridfile.draws import draws
from sweepstake.gridfile.search_space import Chosen, all_products, canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution

    from sweepstake.domain.spec import SweepSpec
    from sweepstake.domain.trial import Standing
    from sweepstake.gridfile.search_space import Product
    from sweepstake.sweeps.planned_sweep import PlannedSweep

TRIES = 30
"""Suggestions that may be known already, before a point is drawn by chance instead."""
PRODUCT = "product"


def ask(
    planned: PlannedSweep, standings: Sequence[Standing], wave: int, number: int
) -> tuple[Chosen, ...]:
    """So many new points, or fewer where no more are left; the same for the same scores."""
    known = _told(planned, standings)
    return suggested(planned.spec, known, planned.trials.chosen, (wave, number))


@dataclass(frozen=True, slots=True)
class Told:
    """A point with its score, ``None`` where it has none as it failed."""

    chosen: Chosen
    score: float | None


def suggested(
    spec: SweepSpec, known: Sequence[Told], taken: Sequence[Chosen], size: tuple[int, int]
) -> tuple[Chosen, ...]:
    """The points of a wave, given by its number and its ``size``; none that is ``taken``."""
    wave, number = size
    seen = {canonical(each.estimator) for each in taken}
    spaces = [Space(at, product) for at, product in enumerate(all_products(spec))]
    found: list[Chosen] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # group is called experimental
        study = _study(spec, spaces, known, wave)
        others = draws(spec)
        while len(found) < number:
            point = _new(study, spaces, seen) or _drawn(others, seen)
            if point is None:
                break
            seen.add(canonical(point.estimator))
            found.append(point)
    return tuple(found)


def _told(planned: PlannedSweep, standings: Sequence[Standing]) -> list[Told]:
    metric, chosen = planned.plan.metric_name, planned.trials.chosen
    scores = ((each.number, each.metrics.get(metric, math.nan)) for each in standings)
    return [Told(chosen[n], score if math.isfinite(score) else None) for n, score in scores]


def _study(spec: SweepSpec, spaces: Sequence[Space], known: Sequence[Told], wave: int) -> Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = spec.seed if spec.search.seed is None else spec.search.seed
    digest = sha256(f"{seed} {wave}".encode()).digest()
    sampler = optuna.samplers.TPESampler(
        n_startup_trials=1,  # the first wave was drawn
        group=len(spaces) > 1,
        multivariate=True,
        seed=int.from_bytes(digest[:4]),
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.add_trials(list(_rebuilt(spaces, known)))
    return study


def _rebuilt(spaces: Sequence[Space], known: Sequence[Told]) -> Iterator[Any]:
    """The trials so far; one that failed counts as the worst, so that its like is not tried."""
    from optuna.trial import create_trial

    scores = [each.score for each in known if each.score is not None]
    for each in known if scores else ():
        space = spaces[each.chosen.product]
        distributions, params = space.distributions(len(spaces)), space.encoded(each.chosen)
        value = min(scores) if each.score is None else each.score
        own = {name: params[name] for name in distributions}
        yield create_trial(params=own, distributions=distributions, value=value)


def _new(study: Study, spaces: Sequence[Space], seen: set[str]) -> Chosen | None:
    """A suggestion that is new. One that is known stays open in the study, which then avoids it."""
    for _ in range(TRIES):
        trial = study.ask()
        at = 0
        if len(spaces) > 1:
            at = trial.suggest_categorical(PRODUCT, list(range(len(spaces))))
        chosen = spaces[at].suggested(trial)
        if canonical(chosen.estimator) not in seen:
            return chosen
    return None


def _drawn(others: Iterator[Chosen], seen: set[str]) -> Chosen | None:
    return next((each for each in others if canonical(each.estimator) not in seen), None)


class Space:
    """A product of the search space in Optuna's terms: its axes with several values.

    Numbers of a list are taken by their order, other lists as choices.
    """

    def __init__(self, at: int, product: Product) -> None:
        self._at, self._product = at, product
        self._lists = {
            name: _in_order(values)
            for name, values in product.axes
            if not isinstance(values, Range)
        }

    def distributions(self, products: int) -> dict[str, BaseDistribution]:
        """What each parameter may be; which of several products is one of them."""
        from optuna.distributions import CategoricalDistribution

        own = {self._name(name): self._distribution(name, v) for name, v in self._axes()}
        if products > 1:
            own[PRODUCT] = CategoricalDistribution(list(range(products)))
        return own

    def encoded(self, chosen: Chosen) -> dict[str, Any]:
        """A point of the product as its parameters have it."""
        given = chosen.estimator.params
        found: dict[str, Any] = {PRODUCT: self._at}
        for name, values in self._axes():
            is_range = isinstance(values, Range)
            found[self._name(name)] = given[name] if is_range else self._place(name, given[name])
        return found

    def suggested(self, trial: Trial) -> Chosen:
        """The point that a trial of Optuna's suggests."""
        point = {name: values[0] for name, values in self._lists.items()}
        for name, values in self._axes():
            key, kind = self._name(name), self._distribution(name, values)
            value = _suggest(trial, key, kind)
            point[name] = self._value(name, values, value)
        return Chosen(self._at, self._product.point(point))

    def _axes(self) -> Iterator[tuple[str, tuple[Any, ...] | Range]]:
        """The axes that have more than one value."""
        for name, values in self._product.axes:
            if isinstance(values, Range) or len(values) > 1:
                yield name, values

    def _name(self, name: str) -> str:
        return f"{self._at} {name}"

    def _place(self, name: str, value: Any) -> int:
        texts = [canonical(each) for each in self._lists[name]]
        return texts.index(canonical(value))

    def _value(self, name: str, values: tuple[Any, ...] | Range, value: Any) -> Any:
        if not isinstance(values, Range):
            return self._lists[name][value]
        if values.count is None:
            return values.rounded(value)
        return values.nearest(value)

    def _distribution(self, name: str, values: tuple[Any, ...] | Range) -> BaseDistribution:
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if not isinstance(values, Range):
            last = len(self._lists[name]) - 1
            ordered = all(map(_is_number, values))
            return IntDistribution(0, last) if ordered else CategoricalDistribution(range(last + 1))
        if values.whole:
            low, high, step = int(values.low), int(values.high), int(values.step or 1)
            return IntDistribution(low, high, log=values.log, step=step)
        return FloatDistribution(values.low, values.high, log=values.log, step=values.step)


def _suggest(trial: Trial, key: str, kind: BaseDistribution) -> Any:
    from optuna.distributions import FloatDistribution, IntDistribution

    if isinstance(kind, IntDistribution):
        return trial.suggest_int(key, kind.low, kind.high, log=kind.log, step=kind.step)
    if isinstance(kind, FloatDistribution):
        return trial.suggest_float(key, kind.low, kind.high, log=kind.log, step=kind.step)
    return trial.suggest_categorical(key, kind.choices)  # type: ignore[attr-defined]


def _in_order(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted(values)) if all(map(_is_number, values)) else values


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
