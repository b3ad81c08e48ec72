"""Preview: what a sweep would do, without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.gridfile import draws
from sweepstake.mlflow_client.run_names import full_name
from sweepstake.sweeps.workload import order, ranges

if TYPE_CHECKING:
    from sweepstake.domain.waves import Wave
    from sweepstake.gridfile.grid_file import GridFile
    from sweepstake.preflight.checks import Preflight


@dataclass(frozen=True, slots=True)
class Preview:
    """The trials and tasks of a sweep; ``estimate_seconds`` are of one core.

    Of a search in ``waves``, tasks and ``trials`` are those of the first one; the others follow
    from scores. ``max_seconds`` is for how long trials begin, where that is limited.
    """

    sweep: str
    model: str
    metric: str
    trial_count: int
    task_count: int
    fit_count: int
    estimate_seconds: float
    trials: tuple[str, ...]
    waves: tuple[Wave, ...] = ()
    max_seconds: float | None = None


def preview(grid: GridFile, checked: Preflight, slots: int) -> Preview:
    """What ``plan`` would do with a checked grid file if nothing of it was trained yet."""
    spec = grid.spec
    portion = checked.waves[0].portion if checked.waves else None
    trials = draws.trials_of(spec, data_digest="", portion=portion)
    seconds = checked.trial_seconds
    numbers = order(trials, seconds, done=())
    return Preview(
        sweep=grid.sweep_id,
        model=spec.model,
        metric=spec.metric,
        trial_count=checked.trial_count,
        task_count=len(ranges(trials, seconds, numbers, spec.limits, slots)),
        fit_count=sum(wave.trials * _fits(wave, spec.folding.fits) for wave in checked.waves),
        estimate_seconds=checked.estimate_seconds,
        trials=tuple(full_name(trial) for trial in trials),
        waves=checked.waves if len(checked.waves) > 1 else (),
        max_seconds=spec.search.max_time,
    )


def _fits(wave: Wave, folds: int) -> int:
    """How many fits a trial of a wave takes: its folds, and one of all rows unless it is a rung."""
    if wave.portion is None:
        return folds + 1
    return wave.portion.folds or folds
