"""Bars: live lines about what is going on, on stderr."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from sweepstake.cli import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweepstake.airflow_client.backfilling import Day
    from sweepstake.sweeps.progress import Progress as SweepProgress


BLOCKS = "▁▂▃▄▅▆▇█"
LINE = 24
"""Blocks of the line of best scores."""


def sparkline(scores: Sequence[float | None]) -> str:
    """One block for each score, from the lowest to the highest; a blank where there is none."""
    known = [score for score in scores if score is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    step = (high - low) / (len(BLOCKS) - 1) or 1.0
    return "".join(
        " " if score is None else BLOCKS[round((score - low) / step)] for score in scores
    )


def thinned(scores: Sequence[float]) -> list[float]:
    """At most ``LINE`` scores of a course, evenly over it, the last among them."""
    count = min(LINE, len(scores))
    return [scores[(place + 1) * len(scores) // count - 1] for place in range(count)]


class DayBars:
    """A live line for the days of a backfill, and one for each day that is in work."""

    def __init__(self, dag_id: str) -> None:
        self._dag_id = dag_id
        self._bars = SweepBars()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.__exit__()

    def show(self, days: Sequence[Day]) -> None:
        """Bring the lines up to date."""
        over = sum(day.is_over for day in days)
        failed = sum(day.state == "failed" for day in days)
        running = sum(day.state == "running" for day in days)
        detail = f"days, {running} running, {failed} failed"
        self._bars.update(self._dag_id, len(days), over, detail)
        for day in days:
            if day.is_over:
                self._bars.remove(day.day)
            elif day.state == "running":
                self._bars.show(day.day, day.progress)


class SweepBars:
    """One live line for each sweep: done, running, failed, best so far, time left."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=console.err,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._tasks:
            self._progress.stop()

    def show(self, sweep_id: str, progress: SweepProgress | None, doing: str = "") -> None:
        """Bring the line of a sweep up to date; without progress it is not planned yet.

        ``doing`` is what it does while no trial is trained.
        """
        task = self._tasks.get(sweep_id)
        if task is None:
            self._progress.start()
            task = self._progress.add_task(sweep_id, total=None, detail="waiting for its plan")
            self._tasks[sweep_id] = task
        if progress is not None:
            detail = ", ".join(filter(None, [doing, _detail(progress)]))
            self._progress.update(
                task, total=progress.total, completed=progress.ended, detail=detail
            )

    def update(self, name: str, total: int, completed: int, detail: str) -> None:
        """Bring any other line up to date."""
        self.show(name, None)
        task = self._tasks[name]
        self._progress.update(task, total=total, completed=completed, detail=detail)

    def remove(self, name: str) -> None:
        """Take a line away, if there is one."""
        if name in self._tasks:
            self._progress.remove_task(self._tasks.pop(name))


def _detail(progress: SweepProgress) -> str:
    parts = [progress.search] if progress.search else []
    parts += [f"{progress.running} running", f"{progress.failed} failed"]
    if progress.skipped:
        parts.append(f"{progress.skipped} skipped")
    if progress.best is not None:
        line = sparkline(thinned(progress.course))
        parts.append(f"best {progress.best:.4f} {line}".rstrip())
    if progress.seconds_left:
        parts.append(f"{timedelta(seconds=round(progress.seconds_left))} left")
    return ", ".join(parts)
