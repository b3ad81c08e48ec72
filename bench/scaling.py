"""How cost grows: with trials, mapped tasks, cores, files and versions."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import psutil
from bench import ours
from bench.stack import wait
from bench.workloads import tiny

from sweepstake.embedded import processes
from sweepstake.storage.store import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.stack import Stack
    from bench.workloads import Workload

MEBIBYTE = 1 << 20


def by_trials(
    stack: Stack, say: Callable[[str], None], *, quick: bool, full: bool
) -> list[dict[str, Any]]:
    """Sweeps of 10 to 1,000 trials, ``full`` to 10,000, with the peak memory of their workers."""
    sides = [(5, 2), (10, 10)] + [(40, 25)] * (not quick) + [(100, 100)] * full
    return [_curve_point(stack, tiny(*side), say, judged=False) for side in sides]


def by_slots(stack: Stack, say: Callable[[str], None], *, quick: bool) -> list[dict[str, Any]]:
    """The same sweep with one to as many training tasks at once as there are cores."""
    cores = os.cpu_count() or 1
    points = []
    for slots in range(1, cores + 1):
        stack.set_slots(slots)
        workload = tiny(5, 2) if quick else tiny(20, 10)
        points.append({"slots": slots} | _curve_point(stack, workload, say, judged=False))
    return points


def by_tasks(stack: Stack, say: Callable[[str], None], *, quick: bool) -> list[dict[str, Any]]:
    """48 trials in 2, 12 and 48 mapped tasks."""
    sizes = (24,) if quick else (24, 4, 1)
    return [
        {"trials_per_task": size}
        | _curve_point(stack, tiny(12, 4), say, judged=False, trials_per_task=size)
        for size in sizes
    ]


def burst(stack: Stack, files: int, say: Callable[[str], None]) -> dict[str, Any]:
    """So many grid files of one trial at once, all to their end."""
    dropped = time.time()
    for number in range(files):
        name = f"burst-{number:04d}"
        content = replace(tiny(1, 1), seed=number).grid_file("bench-burst", name)
        write_atomically(stack.settings.grids / f"{name}.json", content)
    states = ("success", "failed")
    wait("the burst", lambda: sum(_ended(stack, "burst-%", s) for s in states) == files)
    seconds = time.time() - dropped
    say(f"{files} files: {seconds:.0f} s")
    return {"files": files, "seconds": seconds, "failed": _ended(stack, "burst-%", "failed")}


def old_versions(stack: Stack, versions: int, say: Callable[[str], None]) -> dict[str, Any]:
    """The champion DAG on 20 new versions, before and after ``versions`` judged ones joined them.

    The second sweep of the model has an incumbent to compare with, as the third has.
    """
    workloads = [tiny(5, 4), tiny(10, 4), tiny(15, 4)]  # what was trained already is left out
    model = "bench-versions"
    ours.sweep(stack, workloads[0], model)
    before = ours.sweep(stack, workloads[1], model)
    _add_judged(stack, model, versions)
    after = ours.sweep(stack, workloads[2], model)
    seconds = [(each.promoted or 0) - (each.champion_started or 0) for each in (before, after)]
    say(f"champion: {seconds[0]:.1f} s, beside {versions} judged versions {seconds[1]:.1f} s")
    return {"versions": versions, "before_seconds": seconds[0], "after_seconds": seconds[1]}


@contextmanager
def watched_memory(stack: Stack) -> Iterator[Callable[[], int]]:
    """The peak resident memory of a task's process during the block, in bytes, so far."""
    peak, over = [0], Event()

    def look() -> None:
        while not over.wait(1.0):
            peak[0] = max(peak[0], 0, *_task_memory(stack))

    watcher = Thread(target=look)
    watcher.start()
    try:
        yield lambda: peak[0]
    finally:
        over.set()
        watcher.join()


def _task_memory(stack: Stack) -> list[int]:
    """Resident bytes of each process that runs a task, and of each that it has forked."""
    found = processes.of_stack(stack.settings.home)
    return [_resident(process) for process in found if _is_task(process)]


def _is_task(process: psutil.Process) -> bool:
    """Airflow titles a process by its task; the one that waits for it by its executor."""
    try:
        title = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return title.startswith("airflow worker -- ") and "ForkExecutor" not in title


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _curve_point(
    stack: Stack, workload: Workload, say: Callable[[str], None], *, judged: bool, **limits: int
) -> dict[str, Any]:
    model = f"bench-{time.time_ns()}"  # trials of an earlier sweep would be left out
    with watched_memory(stack) as peak:
        line = ours.sweep(stack, workload, model, judged=judged, **limits)
        memory = peak() / MEBIBYTE
    milliseconds = 1000 * line.seconds_per_trial
    say(f"{line.trials} trials, {line.tasks} tasks: {milliseconds:.0f} ms per trial")
    return {"trials": line.trials, "peak_mebibytes": memory, "timeline": line.record()}


def _ended(stack: Stack, pattern: str, state: str) -> int:
    query = {"run_id_pattern": pattern, "state": state, "limit": 1}
    return int(stack.ask("/dags/sweep/dagRuns", **query)["total_entries"])


def _add_judged(stack: Stack, model: str, count: int) -> None:
    """Register the model of the first version again and again, as judged long ago."""
    first = stack.mlflow.get_model_version(model, "1")
    tags = {**first.tags, "sweepstake.decision": "keep", "sweepstake.sweep": "long-ago"}
    for number in range(count):
        tags["sweepstake.trial_key"] = f"old-{number}"
        stack.mlflow.create_model_version(
            model, first.source, first.run_id, tags=tags, await_creation_for=0
        )
