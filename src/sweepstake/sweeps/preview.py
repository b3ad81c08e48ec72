"""Preview: what a sweep would do, without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.gridfile import search_space
from sweepstake.mlflow_client.run_names import full_name
from sweepstake.sweeps.workload import order, ranges

if TYPE_CHECKING:
    from sweepstake.gridfile.grid_file import GridFile
    from sweepstake.preflight.checks import Preflight


@dataclass(frozen=True, slots=True)
class Preview:
    """The trials and tasks of a sweep; ``estimate_seconds`` are of one core."""

    sweep: str
    model: str
    metric: str
    trial_count: int
    task_count: int
    fit_count: int
    estimate_seconds: float
    trials: tuple[str, ...]


def preview(grid: GridFile, checked: Preflight, slots: int) -> Preview:
    """What ``plan`` would do with a checked grid file if nothing of it was trained yet."""
    spec = grid.spec
    trials = search_space.trials(spec, data_digest="")
    numbers = order(trials, checked, done=())
    return Preview(
        sweep=grid.sweep_id,
        model=spec.model,
        metric=spec.metric,
        trial_count=len(trials),
        task_count=len(ranges(trials, checked, numbers, spec.limits, slots)),
        fit_count=len(trials) * (spec.folding.fits + 1),
        estimate_seconds=checked.estimate_seconds,
        trials=tuple(full_name(trial) for trial in trials),
    )
