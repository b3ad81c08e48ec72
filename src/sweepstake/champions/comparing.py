"""Comparing: two sweeps by their best trials, or two versions or trials, and how sure a gain is.

Models are asked about the holdout where both can be and neither was trained on its rows, as a round
does. Trials without models to ask are compared on the folds that both were scored on. Nothing is
decided by it, and the ledger is not told: look often enough, and one of equals seems better.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.champions.finals import Ground, pair_up
from sweepstake.domain.paired import UNDEFINED, FoldGain, Gain, by_folds, measure
from sweepstake.domain.spec import PromotionPolicy
from sweepstake.domain.spec_record import record_of
from sweepstake.errors import NotFoundError, PermanentError
from sweepstake.sweeps.provenance import Provenance
from sweepstake.sweeps.trial_lookup import best_trial, find_trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.settings import Settings
    from sweepstake.sweeps.trial_lookup import FoundTrial

CONFIDENCE = PromotionPolicy().confidence
HOLDOUT, FOLDS = "holdout", "folds"


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not the same of both."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two trials: what differs between them, and the paired gain of the first over the second.

    ``by`` says on what they were compared: the rows of the ``holdout``, of which ``excluded`` were
    left out as the second was trained on them, or the ``folds``. ``note`` says why not on the
    holdout, if so. ``low`` and ``high`` are one-sided bounds of ``confidence``.
    """

    first: str
    second: str
    metric: str
    differences: tuple[Difference, ...]
    by: str
    count: int
    excluded: int
    gain: float
    low: float
    high: float
    confidence: float
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the gain is sure, in words."""
        if self.low > 0:
            return f"{self.first} is better"
        if self.high < 0:
            return f"{self.second} is better"
        return "neither is surely better"


def compare(first: str, second: str, settings: Settings) -> Comparison:
    """Compare two sweeps, or two trials or versions.

    Raises:
        NotFoundError: there is no such thing.
        PermanentError: they cannot be compared; says why, and the way out.
    """
    one, other = (_found(text, settings) for text in (first, second))
    _must_be_comparable(one, other)
    measured, note = _on_holdout(one, other)
    if measured is None:
        return _compared(one, other, _by_folds(one, other, note), note=note)
    return _compared(one, other, measured[0], excluded=measured[1])


def _found(text: str, settings: Settings) -> FoundTrial:
    try:
        return find_trial(text, settings)
    except NotFoundError:
        if "/" in text:
            raise
    return best_trial(text, settings)


def _must_be_comparable(one: FoundTrial, other: FoundTrial) -> None:
    metrics = [each.planned.spec.metric for each in (one, other)]
    if metrics[0] != metrics[1]:
        message = f"{one.label} and {other.label}: must be scored by one metric, but are scored by "
        message += f"{metrics[0]} and {metrics[1]}. Sweep one of them again with metric: "
        raise PermanentError(message + f"{metrics[0]}.")
    for each in (one, other):
        if each.planned.plan.metric_name not in each.standing.metrics:
            message = f"{each.label}: must be complete to be compared, but is "
            raise PermanentError(message + f"{each.standing.state}. Choose another trial.")
    if one.standing.run_id == other.standing.run_id:
        message = f"{one.label} and {other.label}: must be two trials, but are the same run. "
        raise PermanentError(message + "Choose another.")


def _on_holdout(one: FoundTrial, other: FoundTrial) -> tuple[tuple[Gain, int] | None, str]:
    """The gain on the holdout of the first, with the rows left out; or why there is none."""
    versions = [_version(each) for each in (one, other)]
    if versions[0] is None or versions[1] is None:
        return None, "not each of both is a model version"
    spec, workspace = one.planned.spec, one.planned.workspace
    ground = Ground(
        spec=spec,
        digest=one.planned.plan.data_digest,
        registry=one.planned.registry,
        workspace=workspace,
        provenance=Provenance(workspace),
        test=lambda *_: 0,
    )
    try:
        pair, excluded = pair_up(versions[0], versions[1], ground)
    except PermanentError as error:
        return None, _reason(error)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of scorers, about rows that they cannot score
            return (measure(pair, spec.metric, CONFIDENCE, spec.seed), excluded), ""
    except UNDEFINED as error:
        return None, _reason(error)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _version(found: FoundTrial) -> Version | None:
    if found.version or not found.standing.version:
        return found.version
    return found.planned.registry.version(found.planned.spec.model, found.standing.version)


def _by_folds(one: FoundTrial, other: FoundTrial, why: str) -> FoldGain:
    """The gain on the folds, where these are the same.

    Raises:
        PermanentError: they are not.
    """
    keys = [
        (plan.data_digest, plan.spec.folding) for plan in (one.planned.plan, other.planned.plan)
    ]
    if keys[0] != keys[1]:
        message = f"{one.label} and {other.label}: must be scored on the same rows, but their data "
        message += f"or folds are others, and they cannot be asked about a holdout: {why}. "
        raise PermanentError(message + "Sweep both on one data source, with one cv and seed.")
    name = f"cv_{one.planned.spec.metric}"
    curves = [each.planned.tracking.curve(each.standing.run_id, name) for each in (one, other)]
    try:
        return by_folds(curves[0].values, curves[1].values, CONFIDENCE, keys[0][1].tested_share)
    except ValueError as error:
        message = f"{one.label} and {other.label}: {error}. Train them again."
        raise PermanentError(message) from None


def _compared(
    one: FoundTrial, other: FoundTrial, gain: Gain | FoldGain, *, excluded: int = 0, note: str = ""
) -> Comparison:
    return Comparison(
        first=_label(one),
        second=_label(other),
        metric=one.planned.spec.metric,
        differences=tuple(_differences(one, other)),
        by=HOLDOUT if isinstance(gain, Gain) else FOLDS,
        count=gain.rows if isinstance(gain, Gain) else gain.folds,
        excluded=excluded,
        gain=gain.gain,
        low=gain.low,
        high=gain.high,
        confidence=CONFIDENCE,
        note=note,
    )


def _label(found: FoundTrial) -> str:
    return f"{found.version.model}/v{found.version.version}" if found.version else found.label


def _differences(one: FoundTrial, other: FoundTrial) -> Iterator[Difference]:
    """What the trials were given, then what their sweeps say, then their figures by the metric."""
    sides = [{**_given(each), **_of_sweep(each), **_figures(each)} for each in (one, other)]
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        first, second = (side.get(name, "") for side in sides)
        if first != second:
            yield Difference(name, first, second)


def _given(found: FoundTrial) -> dict[str, str]:
    params = {f"param {name}": value for name, value in sorted(found.standing.params.items())}
    return {"classifier": found.standing.estimator.rpartition(".")[2], **params}


def _of_sweep(found: FoundTrial) -> dict[str, str]:
    spec = record_of(found.planned.spec)
    told = {name: str(spec[name]) for name in ("model", "preprocess", "seed")}
    data = found.planned.spec.data
    return {
        **told,
        "cv": found.planned.spec.folding.told,
        "data": data.filled_source,
        "data digest": found.planned.plan.data_digest[:12],
        "holdout": f"{data.holdout:g}",
        "trials": str(found.planned.plan.trial_count),
    }


def _figures(found: FoundTrial) -> dict[str, str]:
    name = found.planned.plan.metric_name
    names = (name, name.replace("mean_", "std_", 1), "fit_seconds")
    metrics = found.standing.metrics
    return {each: f"{metrics[each]:.4f}" for each in names if each in metrics}
