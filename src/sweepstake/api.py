"""The library's face for programs: what ``import sweepstake`` gives beside records and errors.

Each function takes the settings of the environment unless it is given others.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweepstake.settings import load_settings

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from sweepstake.champions.comparing import Comparison
    from sweepstake.gridfile.grid_file import GridFile
    from sweepstake.mlflow_client.ledger import LedgerEntry
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.settings import Settings
    from sweepstake.sweeps.leaderboard import Leaderboard
    from sweepstake.sweeps.preview import Preview
    from sweepstake.sweeps.rerun import Rerun
    from sweepstake.sweeps.trial_lookup import TrialRecord


def load_grid(path: str | Path, settings: Settings | None = None) -> GridFile:
    """Read a grid file; its data are not looked at.

    Raises:
        GridFileError: carries every mistake of the file, with its place and line.
    """
    from sweepstake.gridfile import loader

    return loader.load(Path(path), _for(path, settings))


def plan(
    path: str | Path, partition: date | None = None, settings: Settings | None = None
) -> Preview:
    """Check a grid file against its data, and tell what would run; nothing is trained or written.

    Data by day are those of ``partition``, or of the newest day.

    Raises:
        GridFileError: carries the mistakes of the file together with those of its data.
    """
    from sweepstake.preflight import checks
    from sweepstake.sweeps.preview import preview

    used = _for(path, settings)
    return preview(*checks.load(Path(path), used, partition), used.slots)


def run(
    path: str | Path,
    *,
    jobs: int = 1,
    partition: date | None = None,
    settings: Settings | None = None,
) -> Leaderboard:
    """Run a whole sweep here, in ``jobs`` processes and without Airflow, and judge its finalist.

    The processes import the main module, so a script has to call this below
    ``if __name__ == "__main__":``. Interrupted and called again, it goes on where it was.

    Raises:
        GridFileError: the file has mistakes.
        StackError: nothing listens where MLflow is to be.
        SweepFailedError: more trials failed than the grid file tolerates.
        TransientError: a process that trained was killed.
    """
    from sweepstake.champions import past_days, rounds
    from sweepstake.sweeps import leaderboard, local_run
    from sweepstake.sweeps.planned_sweep import open_planned

    used = _for(path, settings)
    sweep_id = local_run.run(Path(path), used, jobs, lambda *_: None, partition)
    model = open_planned(sweep_id, used).plan.model
    rounds.judge(model, used)
    past_days.replay(model, used)
    return leaderboard.read(sweep_id, used)


def submit(path: str | Path, settings: Settings | None = None) -> str:
    """Check a grid file and put it into the watched folder; returns the id of its sweep.

    Raises:
        GridFileError: carries the mistakes of the file together with those of its data.
    """
    from sweepstake.gridfile import loader
    from sweepstake.intake import intake
    from sweepstake.preflight import checks

    used = settings or load_settings()
    content, name = loader.read(Path(path)), Path(path).name
    grid, _ = checks.inspect(content, name, used)
    intake.own(grid, name, used)
    return intake.drop(content, grid.spec.name, name, used).sweep


def leaderboard(name: str, settings: Settings | None = None) -> Leaderboard:
    """The trials of a sweep, best first: the sweep with this id, or the latest of this name.

    Raises:
        NotFoundError: MLflow knows no such sweep (yet).
    """
    from sweepstake.sweeps.leaderboard import read

    return read(name, settings or load_settings())


def frame(name: str, settings: Settings | None = None) -> pd.DataFrame:
    """The trials of a sweep as a data frame, best first: one row for each.

    Columns are its rank, identity, ``param.<name>`` as text, figures and provenance.

    Raises:
        NotFoundError: MLflow knows no such sweep (yet).
    """
    from sweepstake.sweeps.export import frame as framed

    return framed(leaderboard(name, settings).standings)


def show(trial: str, settings: Settings | None = None) -> TrialRecord:
    """All that is recorded of a trial, named ``sweep/29``, ``model/v3`` or by the id of its run.

    Raises:
        NotFoundError: there is none.
    """
    from sweepstake.sweeps.trial_lookup import find_trial, record_of

    used = settings or load_settings()
    return record_of(find_trial(trial, used), used)


def compare(first: str, second: str, settings: Settings | None = None) -> Comparison:
    """What differs between two sweeps, trials or versions, and the paired gain of the first.

    Raises:
        NotFoundError: one of them is not there.
        PermanentError: they cannot be compared.
    """
    from sweepstake.champions import comparing

    return comparing.compare(first, second, settings or load_settings())


def rerun(trial: str, settings: Settings | None = None) -> Rerun:
    """Train a trial again from its record alone; nothing of it is kept.

    Raises:
        NotFoundError: there is no such trial, or it is not complete.
        PermanentError: its data, libraries or training code are not what they were.
    """
    from sweepstake.sweeps.rerun import rerun as again

    return again(trial, settings or load_settings())


def champion(model: str, settings: Settings | None = None) -> Version | None:
    """The version of a registered model that is in service; ``None`` before the first promotion.

    Raises:
        NotFoundError: there is no registered model of this name.
    """
    from sweepstake.mlflow_client.registry import Registry

    return Registry((settings or load_settings()).tracking_uri).champion(model)


def history(model: str, settings: Settings | None = None) -> tuple[LedgerEntry, ...]:
    """Every decision about a registered model, newest first."""
    from sweepstake.mlflow_client.registry import Registry

    return Registry((settings or load_settings()).tracking_uri).history(model)


def load_model(model: str, version: str = "", settings: Settings | None = None) -> Any:
    """The fitted pipeline of the champion of a registered model, or of another version of it.

    It takes rows as a frame with the columns that it was trained on. It was trained here, has the
    hash that its trainer noted, and holds nothing but types of the reviewed list.

    Raises:
        ModelFileError: it must not be loaded.
        NotFoundError: there is no such model or version, or no champion.
    """
    from sweepstake.errors import NotFoundError
    from sweepstake.mlflow_client.registry import Registry
    from sweepstake.storage.workspace import Workspace
    from sweepstake.sweeps.provenance import Provenance

    used = settings or load_settings()
    registry = Registry(used.tracking_uri)
    found = registry.version(model, version) if version else registry.champion(model)
    if found is None:
        message = f"{model}: must have a champion, but has none. Run a sweep, or name a version."
        raise NotFoundError(message)
    Provenance(Workspace(used.workspace)).vouch(found)
    return registry.files.load(found)


def schema() -> dict[str, Any]:
    """The JSON Schema of grid files."""
    from sweepstake.gridfile.schema import schema as read

    return dict(read())


def rooted_at(path: str | Path, settings: Settings) -> Settings:
    """Settings that allow data beside a grid file, too."""
    roots = dict.fromkeys((Path(path).absolute().parent, *settings.data_roots))
    return replace(settings, data_roots=tuple(roots))


def _for(path: str | Path, settings: Settings | None) -> Settings:
    return rooted_at(path, load_settings()) if settings is None else settings
