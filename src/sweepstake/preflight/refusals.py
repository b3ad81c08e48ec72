"""Refusals: the points of a search space that scikit-learn will not fit, or not score."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.domain.search import Method
from sweepstake.domain.spec import EstimatorSpec, OnInvalid, Preprocess
from sweepstake.domain.task import Task
from sweepstake.gridfile.search_space import canonical, products, size
from sweepstake.preflight.sample_points import Probe, choices, numbers, other_numbers
from sweepstake.wording.near_misses import listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sweepstake.domain.spec import SweepSpec
    from sweepstake.errors import Problem
    from sweepstake.gridfile.grid_file import GridFile
    from sweepstake.gridfile.search_space import Product
    from sweepstake.preflight.trial_fits import FitProcess, Refusal

MOST_PROBES = 200
OF_SEVERAL = ("mono-task", "two dimensions for multi-output", "tuple index out of range")
"""How scikit-learn refuses one target where it wants several."""
PROBE_SECONDS = 20.0
"""After this time no further probe begins."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A probe, where it comes from (position of the candidate, product) and what came of it."""

    candidate: int
    product: Product
    probe: Probe
    refusal: Refusal | None


def find(spec: SweepSpec, process: FitProcess) -> tuple[list[Tried], bool]:
    """The refused probes, and whether there was time for all probes.

    Each is tried on a few rows of each class; what is refused there counts only if it is refused on
    all rows of ``process`` too.
    """
    deadline = time.perf_counter() + PROBE_SECONDS
    refused: list[Tried] = []
    for count, tried in enumerate(_tried(spec, process)):
        if tried.refusal:
            refused.append(tried)
        if count + 1 == MOST_PROBES or time.perf_counter() > deadline:
            return refused, False
    return refused, True


def _tried(spec: SweepSpec, process: FitProcess) -> Iterator[Tried]:
    """Every probe with its outcome, each of them tried when it is asked for."""
    for position, candidate in enumerate(spec.candidates):
        for product in products(candidate):
            for probe, refusal in _outcomes(product, process):
                yield Tried(position, product, probe, refusal)


def _outcomes(product: Product, process: FitProcess) -> Iterator[tuple[Probe, Refusal | None]]:
    sound: EstimatorSpec | None = None
    for probe in choices(product):
        refusal = _refusal(probe.estimator, process)
        taken = _taken(product, probe, process) if refusal else probe.estimator
        sound = sound or taken
        yield _narrowed(product, probe, taken, process) if refusal and taken else probe, refusal
    for axis in numbers(product, sound) if sound else ():
        yield from _of_numbers(axis, process)


def _of_numbers(
    axis: Sequence[tuple[Probe, bool]], process: FitProcess
) -> Iterator[tuple[Probe, Refusal | None]]:
    """The outcomes of the ends of an axis, and of what is between if one of them is refused."""
    ends = [_refusal(probe.estimator, process) if end else None for probe, end in axis]
    for (probe, end), refusal in zip(axis, ends, strict=True):
        if end:
            yield probe, refusal
        elif any(ends):
            yield probe, _refusal(probe.estimator, process)


def _taken(product: Product, probe: Probe, process: FitProcess) -> EstimatorSpec | None:
    """The choices of a refused probe with other numbers, if these are fitted."""
    points = other_numbers(product, probe)
    return next((point for point in points if not _refusal(point, process)), None)


def _narrowed(product: Product, probe: Probe, taken: EstimatorSpec, process: FitProcess) -> Probe:
    """A refused probe with the numbers pinned that are to blame: with those of ``taken`` it is fit.

    Where no number alone is to blame, all are.
    """
    params = probe.estimator.params
    other = {
        name: taken.params[name] for name, _ in product.axes if taken.params[name] != params[name]
    }
    points = {name: product.point({**params, name: value}) for name, value in other.items()}
    blamed = [name for name, point in points.items() if not _refusal(point, process)]
    exact = {name: canonical(params[name]) for name in blamed or other}
    return Probe(probe.estimator, {**probe.pinned, **exact})


def _refusal(point: EstimatorSpec, process: FitProcess) -> Refusal | None:
    return process.on_few(point).refusal and process.on_rows(point, process.row_count).refusal


def problems(grid: GridFile, refused: Sequence[Tried]) -> Iterator[Problem]:
    """One problem for each reason and candidate, and for each reason against a metric."""
    groups: dict[tuple[str, str], list[Tried]] = defaultdict(list)
    for tried in refused:
        if tried.refusal:
            path = tried.refusal.place or grid.classifier_path(tried.candidate)
            groups[path, tried.refusal.reason].append(tried)
    for (path, reason), group in groups.items():
        names = dict.fromkeys(one.probe.estimator.short_name for one in group)
        refusal = group[0].refusal
        if refusal and refusal.place:
            yield grid.problem(path, _metric_message(refusal, names))
        else:
            yield grid.problem(path, _fit_message(grid.spec, reason, group))


def are_fatal(spec: SweepSpec, refused: Sequence[Tried]) -> bool:
    """Whether refused probes forbid the sweep, and not only the points that they speak for."""
    rules = [one.refusal for one in refused if one.refusal]
    beyond = any(rule.place or rule.of_process for rule in rules)
    skip = spec.on_invalid is OnInvalid.SKIP and not beyond and _count(refused) < size(spec)
    return bool(rules) and not skip


def skipped(spec: SweepSpec, refused: Sequence[Tried]) -> Iterator[str]:
    """A warning for each reason for which points will be skipped."""
    groups: dict[tuple[str, str], list[Tried]] = defaultdict(list)
    for tried in refused:
        if tried.refusal:
            groups[tried.probe.estimator.short_name, tried.refusal.reason].append(tried)
    for (name, reason), group in groups.items():
        yield f"{name} {_fit_message(spec, reason, group)} Such trials are skipped."


def _fit_message(spec: SweepSpec, reason: str, group: Sequence[Tried]) -> str:
    way_out = _way_out(spec, reason) or _way_on(spec, group)
    return f"cannot be fitted{_where(spec, group)}: {reason}{way_out}"


def _where(spec: SweepSpec, group: Sequence[Tried]) -> str:
    """`` in 12 of 36 trials, first with C=1``: a refused probe counts for those it speaks for."""
    total, count = size(spec), _count(group)
    params = ", ".join(f"{key}={_value(v)}" for key, v in group[0].probe.estimator.params.items())
    with_params = f" with {params}" if params else ""
    if total == 1:
        return with_params
    if spec.search.method is not Method.GRID:  # how many of the draws nobody has counted
        return f" in some trials, first{with_params or ' without parameters'}"
    return f" in {count:,} of {total:,} trials, first{with_params or ' without parameters'}"


def _count(group: Sequence[Tried]) -> int:
    """How many points the probes of a group speak for."""
    return sum(
        any(one.probe.speaks_for(product[index]) for one in group if one.product is product)
        for product in {id(one.product): one.product for one in group}.values()
        for index in range(len(product))
    )


def _value(value: Any) -> str:
    return value.short_name if isinstance(value, EstimatorSpec) else shown(value)


def _way_out(spec: SweepSpec, reason: str) -> str:
    """What to do about the reasons that have one remedy."""
    if spec.preprocess is Preprocess.NONE and ("NaN" in reason or "convert string" in reason):
        return " Write 'preprocess: auto'."
    if any(each.estimator.steps for each in spec.candidates):
        if "NaN" in reason:
            return " Add a step that fills gaps, as in steps: {fill: SimpleImputer}."
        if "dense data is required" in reason:
            return (
                " Add a step that makes few columns of many, as in steps: {reduce: TruncatedSVD}."
            )
    several = "MultiOutputRegressor" if spec.task is Task.REGRESSION else "MultiOutputClassifier"
    if len(spec.data.target) > 1 and "1d array" in reason:
        return f" For several targets, put it into {several} as its estimator."
    if spec.task is Task.REGRESSION and any(words in reason for words in OF_SEVERAL):
        return " It predicts several numbers: list more columns under data.target."
    return ""


def _way_on(spec: SweepSpec, group: Sequence[Tried]) -> str:
    """How the other points are trained, if there are any."""
    rules = all(one.refusal and not one.refusal.of_process for one in group)
    some = rules and _count(group) < size(spec) and spec.on_invalid is OnInvalid.REFUSE
    return " Remove such points, or write 'on_invalid: skip'." if some else ""


def _metric_message(refusal: Refusal, classifiers: Iterable[str]) -> str:
    way_out = f" Did you mean {listed(refusal.alternatives)}?" if refusal.alternatives else ""
    subject = f"'{refusal.metric}' cannot be taken of {listed(classifiers, 'and')}"
    return f"{subject}: {refusal.reason}{way_out}"
