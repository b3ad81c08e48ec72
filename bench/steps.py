"""Where a trial's time goes: the package's functions, timed from outside in two processes.

Each public function of the listed modules is wrapped; a call's time is what passes in it outside
of other wrapped calls. The batches are those of a real plan, against the running server, by as many
processes as the stack trains in, so that they wait for each other as they do there. Each process
leaves its sums in a file; what a forked one spent is taken off the call that waited for it. What a
thread does beside the fits is counted under names of its own.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import wraps
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from threading import Lock, current_thread, local, main_thread
from typing import TYPE_CHECKING, Any

from sweepstake.gridfile import loader
from sweepstake.intake import intake
from sweepstake.storage.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bench.stack import Stack
    from bench.workloads import Workload

STEPS = {
    "sweepstake.training.fit_trial": "fit",
    "sweepstake.mlflow_client.tracking": "run and version",
    "sweepstake.mlflow_client.run_files": "run and version",
    "sweepstake.mlflow_client.model_folders": "model",
    "sweepstake.modelfile.model_file": "model",
    "sweepstake.sweeps.trainer": "model",
    "sweepstake.mlflow_client.registry": "run and version",
    "sweepstake.sweeps.recorder": "run and version",
    "sweepstake.reports.report": "other",
    "sweepstake.processes.isolation": "other",
    "sweepstake.sweeps.planned_sweep": "other",
    "sweepstake.data.dataset": "other",
    "sweepstake.preflight.checks": "other",
    "sweepstake.sweeps.sweep": "other",
}
MOVED = {"RunFiles.upload": "model"}
"""What belongs to another step than its module."""
BESIDE = "beside: "
"""How the names of calls begin that were made in another thread than the main one."""
WAITS = "sweepstake.processes.isolation:Worker.call"
"""The call in which a task waits for the process that fits."""
LIBRARIES = ("matplotlib.figure", "mlflow.sklearn", "pandas", "skops.io")
"""Imported beforehand, as the stack's workers find them."""

_open, _lock = local(), Lock()
_spent: dict[str, float] = defaultdict(float)


def measure(stack: Stack, workload: Workload, workers: int) -> dict[str, Any]:
    """Milliseconds of worker time per trial, by step and by function.

    ``inline`` are those that training waits for; the others pass beside it. ``planning`` and
    ``closing`` are the seconds of these two, by function.
    """
    label = f"bench-steps-{workload.name}"
    settings = replace(stack.settings, workspace=stack.folder / label)
    content = workload.grid_file(label)
    snapshot = Workspace(settings.workspace).keep_snapshot(content)
    name = loader.parse(content, f"{label}.json", settings).sweep_id
    drop = intake.Drop(f"{label}.json", snapshot, name)
    batches, planning = _run("plan", [drop], settings, 1)
    _, training = _run("train", batches[0], settings, workers)
    _, closing = _run("close", [name], settings, 1)
    functions = {call: 1000 * value / workload.trials for call, value in training.items()}
    steps = total({step_of(call): value} for call, value in functions.items())
    inline = sum(value for call, value in functions.items() if not call.startswith(BESIDE))
    return {
        "steps": steps,
        "inline": inline,
        "functions": functions,
        "planning": planning,
        "closing": closing,
    }


def _run(
    use_case: str, subjects: Iterable[Any], settings: Any, workers: int
) -> tuple[list[Any], dict[str, float]]:
    """Answers of the use case for each subject, and the seconds spent in all, by function."""
    folder = Path(settings.workspace) / "spent" / use_case
    folder.mkdir(parents=True)
    with ProcessPoolExecutor(workers, get_context("spawn"), _install, (folder,)) as pool:
        calls = [pool.submit(_call, use_case, subject, settings) for subject in subjects]
        answers = [call.result() for call in calls]
    return answers, collect(folder)


def _call(use_case: str, subject: Any, settings: Any) -> Any:
    return getattr(import_module("sweepstake.sweeps.sweep"), use_case)(subject, settings)


def collect(folder: Path) -> dict[str, float]:
    """Seconds by function from the files of all processes."""
    spent = total(json.loads(file.read_text()) for file in folder.glob("*.json"))
    forked = total(json.loads(file.read_text()) for file in folder.glob("*.fork.json"))
    if forked:
        spent[WAITS] -= sum(forked.values())
    return dict(sorted(spent.items(), key=lambda item: -item[1]))


def step_of(call: str) -> str:
    """The step that ``module:qualified.name`` belongs to."""
    module, _, name = call.removeprefix(BESIDE).partition(":")
    return MOVED.get(name, STEPS[module])


def wrap(function: Callable[..., Any], name: str, file: Callable[[], Path]) -> Callable[..., Any]:
    """``function``, its own time added to ``name``; the outermost call writes the sums."""

    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        outer, _open.inner = getattr(_open, "inner", None), 0.0
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            whole = time.perf_counter() - start
            beside = "" if current_thread() is main_thread() else BESIDE
            with _lock:
                _spent[beside + name] += whole - _open.inner
                if outer is None:
                    file().write_text(json.dumps(_spent), encoding="utf-8")
            _open.inner = None if outer is None else outer + whole

    return timed


def _install(folder: Path) -> None:
    """Wrap every public function of the listed modules, wherever it has been imported to."""
    for library in LIBRARIES:
        import_module(library)
    modules = [import_module(name) for name in STEPS]
    known = [module for name, module in sys.modules.items() if name.startswith("sweepstake")]
    kind = [".json"]
    os.register_at_fork(after_in_child=lambda: _forget(kind))
    for module in modules:
        for name, function in functions_of(module):
            file = lambda: folder / f"{os.getpid()}{kind[0]}"  # noqa: E731 - read at each call
            _replace(module, name, wrap(function, f"{module.__name__}:{name}", file), known)


def _forget(kind: list[str]) -> None:
    """Begin again in a forked process, whose parent counts for itself."""
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = Lock()
    kind[0] = ".fork.json"
    _spent.clear()
    _open.inner = None


def _replace(module: Any, name: str, timed: Any, known: Iterable[Any]) -> None:
    owner, _, method = name.rpartition(".")
    if owner:
        setattr(getattr(module, owner), method, timed)
        return
    for place in known:
        for key in [key for key, value in vars(place).items() if value is timed.__wrapped__]:
            setattr(place, key, timed)


def functions_of(module: Any) -> list[tuple[str, Any]]:
    """Public functions and methods written in ``module``; no generators, which end too early."""
    owners = [(module, ""), *((c, f"{c.__name__}.") for c in _classes(module))]
    return [
        (prefix + name, function)
        for owner, prefix in owners
        for name, function in list(vars(owner).items())
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not inspect.isgeneratorfunction(inspect.unwrap(function))
        and not name.startswith("_")
    ]


def _classes(module: Any) -> list[type]:
    found = vars(module).values()
    return [c for c in found if inspect.isclass(c) and c.__module__ == module.__name__]


def total(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The sum by name, greatest first."""
    found: dict[str, float] = defaultdict(float)
    for part in parts:
        for name, value in part.items():
            found[name] += value
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def stacked(measured: Mapping[str, Any]) -> dict[str, float]:
    """The steps of a trial and, as Airflow's, what is left of the slots' time in a real sweep.

    ``measured`` has that sweep's timeline. From the start of its DAG run to its last trial each of
    the slots either does an inline step or starts, waits and ends tasks.
    """
    line = measured["timeline"]
    wall = (line["last_trial"] - line["sweep_started"]) / line["trials"]
    rest = 1000 * measured["slots"] * wall - measured["inline"]
    return {**measured["steps"], "airflow": max(0.0, rest)}
