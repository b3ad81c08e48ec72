"""Local run: the whole of a sweep without Airflow, by the same use cases."""

from __future__ import annotations

from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from typing import TYPE_CHECKING

from sweepstake import reach
from sweepstake.errors import CancelledError, SweepFailedError, TransientError
from sweepstake.gridfile import loader
from sweepstake.intake import intake
from sweepstake.mlflow_client import model_folders
from sweepstake.mlflow_client.connection import prepare_environment
from sweepstake.preflight import checks
from sweepstake.sweeps import asking, progress, reporting, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from sweepstake.settings import Settings
    from sweepstake.sweeps.plan import Batch
    from sweepstake.sweeps.progress import Progress

POLL_SECONDS = 1.0


def run(
    grid: Path,
    settings: Settings,
    jobs: int,
    show: Callable[[str, Progress | None], None],
    partition: date | None = None,
) -> str:
    """Plan, train in ``jobs`` processes and close; returns the sweep's id.

    Data by day are those of ``partition``, which is then a backfill, or of the newest day.

    Interrupted and called again, it goes on where it was. ``show`` is called every second.

    Raises:
        GridFileError: the file has mistakes.
        StackError: nothing listens where MLflow is to be.
        SweepFailedError: more trials failed than the grid file tolerates.
        TransientError: a process that trained was killed.
    """
    content = loader.read(grid)
    read = checks.parse(content, grid.name, settings, partition)
    reach.must_track(settings)
    intake.own(read, grid.name, settings)
    spec = read.spec
    drop = intake.claim(content, spec.name, grid.name, settings)
    if spec.data.partition:
        drop = drop.on(spec.data.partition, backfill=partition is not None)
    try:
        with _pool(jobs) as pool, ThreadPoolExecutor(1) as beside:
            beside.submit(_start, pool, jobs)
            batches = sweep.plan(drop, settings, again=True)
            for library in ("matplotlib.backends.backend_agg", *model_folders.LIBRARIES):
                beside.submit(model_folders.load_library, library)  # ranking and judging need them
            _train(batches, settings, pool, jobs, show)
            for later in asking.later_waves(drop.sweep, settings):
                _train(later, settings, pool, jobs, show)
    except BrokenProcessPool as error:
        message = f"{drop.sweep}: its processes must stay alive, but one was killed. "
        raise TransientError(message + "Run it again: it goes on where it was.") from error
    try:
        sweep.close(drop.sweep, settings)
    except (CancelledError, SweepFailedError):  # its trials are to be seen all the same
        reporting.write(drop.sweep, settings)
        raise
    reporting.write(drop.sweep, settings)
    return drop.sweep


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes to train in, clean of this one's threads; their server loads libraries for all."""
    prepare_environment()
    context = get_context("forkserver")
    context.set_forkserver_preload([*model_folders.LIBRARIES])
    pool = ProcessPoolExecutor(jobs, mp_context=context)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _start(pool: ProcessPoolExecutor, jobs: int) -> None:
    """Start the processes of a pool: whoever does so waits until their server has its libraries."""
    for _ in range(jobs):
        pool.submit(model_folders.load_libraries)


def _train(
    batches: Sequence[Batch],
    settings: Settings,
    pool: ProcessPoolExecutor,
    jobs: int,
    show: Callable[[str, Progress | None], None],
) -> None:
    """Give each process one batch at a time, so that an interruption leaves none in a queue."""
    waiting = iter(batches)
    left: set[Future[sweep.Trained]] = set()
    while True:
        free = islice(waiting, jobs - len(left))
        left |= {pool.submit(sweep.train, batch, settings) for batch in free}
        if not left:
            break
        done, left = wait(left, POLL_SECONDS, FIRST_COMPLETED)
        show(batches[0].sweep, progress.look(batches[0].sweep, settings))
        for future in done:
            future.result()
