"""Rerun: a trial trained once more from its record alone, and whether it is equal to that record.

Nothing of it is kept: no run, no version, no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.data.dataset import open_staged
from sweepstake.domain.revision import origin, training_tag
from sweepstake.domain.tags import Tag
from sweepstake.domain.trial import TrialState
from sweepstake.errors import DataError, NotFoundError, PermanentError
from sweepstake.processes.isolation import Worker, repeat_once
from sweepstake.sweeps.trial_lookup import find_trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweepstake.data.dataset import Dataset
    from sweepstake.domain.spec import SweepSpec
    from sweepstake.domain.trial import Trial, TrialResult
    from sweepstake.mlflow_client.runs import Child
    from sweepstake.settings import Settings
    from sweepstake.sweeps.planned_sweep import PlannedSweep

TIMES = "_seconds"
"""How the names of figures end that differ each time."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as it was recorded and as it came out again; ``None`` where one of both has none."""

    name: str
    recorded: float | None
    again: float | None

    @property
    def is_equal(self) -> bool:
        """Whether both are the same to the last digit, or both undefined."""
        both_undefined = self.recorded != self.recorded and self.again != self.again
        return self.recorded == self.again or both_undefined


@dataclass(frozen=True, slots=True)
class Rerun:
    """A trial that was trained again: its figures, times left out, and those of its folds."""

    sweep: str
    number: int
    run_id: str
    training: str
    figures: tuple[Figure, ...]

    @property
    def is_equal(self) -> bool:
        """Whether all figures are the same to the last digit."""
        return all(each.is_equal for each in self.figures)


def rerun(text: str, settings: Settings) -> Rerun:
    """Train a complete trial again, on the rows that it was trained on, and compare all figures.

    Raises:
        NotFoundError: there is no such trial, or it has no figures.
        PermanentError: its data, its libraries or the training code are not what they were.
    """
    found = find_trial(text, settings)
    planned, number = found.planned, found.standing.number
    child = _child(planned, number)
    trial = planned.trials[number]
    _must_be_same(planned, trial, child)
    result = _train(planned.spec, trial, _dataset(planned, settings))
    return Rerun(
        sweep=planned.plan.sweep,
        number=number,
        run_id=child.run_id,
        training=training_tag()[Tag.TRAINING],
        figures=tuple(_figures(planned, child, result)),
    )


def _child(planned: PlannedSweep, number: int) -> Child:
    """The complete run of a trial, of whatever release; of a reused one that of its first sweep."""
    reused = planned.plan.reused.get(number)
    if reused:
        found = planned.tracking.runs(planned.plan.experiment_id, [reused])
    else:
        children = planned.tracking.children(planned.sweep)
        found = tuple(each for each in children if each.number == number)
    complete = [each for each in found if each.state is TrialState.COMPLETE]
    if not complete:
        message = f"{planned.plan.sweep}/{number}: must be complete to be compared, but is not. "
        raise NotFoundError(message + "What failed is trained again by sweepstake retry.")
    return complete[0]


def _must_be_same(planned: PlannedSweep, trial: Trial, child: Child) -> None:
    """See that what a score depends on is what it was.

    Raises:
        PermanentError: it is not; names each part that differs.
    """
    if trial.key == child.key:
        return
    differences = list(_differences(planned, child))
    what = "; ".join(differences) or "the grid file's spec, or a package of its classifiers"
    message = f"{planned.plan.sweep}/{trial.number}: must be trained by what trained it, but other "
    message += f"now: {what}. Install what it was trained by, or submit the grid file again."
    raise PermanentError(message)


def _differences(planned: PlannedSweep, child: Child) -> Iterator[str]:
    """Each part of the training that was another, as ``numpy was 2.4.6, is 2.5.0``."""
    sweep = child.run_id if child.sweep != planned.plan.sweep else planned.plan.parent_run_id
    then = _parsed(planned.tracking.tags_of(sweep).get(Tag.TRAINING, ""))
    then |= _parsed(planned.tracking.tags_of(child.run_id).get(Tag.LIBRARIES, ""))
    for name, now in origin().items():
        if name in then and then[name] != now:
            yield f"{name} was {then[name]}, is {now}"


def _parsed(text: str) -> dict[str, str]:
    """``revision 3, numpy 2.4.6`` as a mapping."""
    pairs = (part.strip().rpartition(" ") for part in text.split(","))
    return {name: value for name, _, value in pairs if name}


def _dataset(planned: PlannedSweep, settings: Settings) -> Dataset:
    """The rows of a sweep: its staged copy, or read again from the source where they are the same.

    Raises:
        PermanentError: the source holds others now.
    """
    digest = planned.plan.data_digest
    try:
        return open_staged(planned.workspace.bring_data(digest), digest)
    except (DataError, NotFoundError):
        return _read_again(planned.spec, digest, settings)


def _read_again(spec: SweepSpec, digest: str, settings: Settings) -> Dataset:
    from sweepstake.data import dataset, splitting

    table = dataset.read(spec.data, settings.data_roots)
    found = dataset.divide(table, splitting.split(table, spec.data.holdout, spec.seed))
    if found.digest != digest:
        message = f"data.source: must hold the rows of the trial (digest {digest[:12]}), but holds "
        message += f"others ({found.digest[:12]}), and no copy of those is staged. "
        raise PermanentError(message + "Bring them back, or submit the grid file again.")
    return found


def _train(spec: SweepSpec, trial: Trial, dataset: Dataset) -> TrialResult:
    """Fit a trial in a process of its own, within the limits of its grid file."""
    with Worker(_Again(spec, dataset)) as worker:
        result: TrialResult = repeat_once(lambda: worker.call("fit", trial, limits=spec.limits))
    return result


class _Again:
    """Fits in the process that is forked for it."""

    def __init__(self, spec: SweepSpec, dataset: Dataset) -> None:
        from sweepstake.training import fit_trial, portions

        self._fit, self._rate, self._spec, self._dataset = (
            fit_trial.train,
            portions.rate,
            spec,
            dataset,
        )

    def fit(self, trial: Trial) -> TrialResult:
        """What a trial reports; its estimator stays in the process."""
        if trial.portion:
            return self._rate(trial, trial.portion, self._spec, self._dataset)
        return self._fit(trial, self._spec, self._dataset)[1]


def _figures(planned: PlannedSweep, child: Child, result: TrialResult) -> Iterator[Figure]:
    """All figures but times, then the score of each fold."""
    for name in sorted({*child.metrics, *result.metrics}):
        is_curve = name in {curve.name for curve in result.curves}
        if not name.endswith(TIMES) and not is_curve:
            yield Figure(name, child.metrics.get(name), result.metrics.get(name))
    metric = f"cv_{planned.spec.metric}"
    again = dict(next((curve.points for curve in result.curves if curve.name == metric), ()))
    recorded = dict(planned.tracking.curve(child.run_id, metric).points)
    for fold in sorted({*again, *recorded}):
        yield Figure(f"{metric}[{fold}]", recorded.get(fold), again.get(fold))
