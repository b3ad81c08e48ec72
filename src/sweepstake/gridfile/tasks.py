"""Tasks: whether a grid file predicts classes or numbers, and the metrics that suit them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import EACH_CLASS
from sweepstake.domain.task import Task
from sweepstake.errors import Problem
from sweepstake.gridfile import metrics
from sweepstake.gridfile.allowlist import task_of
from sweepstake.gridfile.candidates import read_candidates
from sweepstake.gridfile.document import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_METRICS = {Task.CLASSIFICATION: "f1_macro", Task.REGRESSION: "r2"}
NOUNS = {Task.CLASSIFICATION: "classifier", Task.REGRESSION: "regressor"}


def read(raw: Mapping[str, Any]) -> Task:
    """The task of a file: what it says, else that of its first known estimator."""
    given = raw.get("task")
    if given in tuple(Task):
        return Task(given)
    known = (task_of(written.name) for written in read_candidates(raw))
    return next((task for task in known if task), Task.CLASSIFICATION)


def metric(raw: Mapping[str, Any]) -> str:
    """The metric that trials of a sound file are ranked by."""
    named: str = raw.get("metric", DEFAULT_METRICS[read(raw)])
    return named


def tracked(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics of a sound file beside the one that ranks, where they are others."""
    return tuple(name for name in raw.get("metrics", ()) if name != metric(raw))


def metric_problems(raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Problem]:
    """Metrics that are none, or not of the task."""
    names = raw.get("metrics")
    listed = enumerate(names if isinstance(names, list) else ())
    for path, name in [("metric", raw.get("metric")), *((f"metrics[{n}]", m) for n, m in listed)]:
        message = metrics.problem_of(name, read(raw))
        if message:
            yield Problem(line_of(lines, path), path, message)


def problems_of(raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Problem]:
    """Estimators of the other task, and guards of classes where there are none."""
    task = read(raw)
    why = f"task is {task}" if raw.get("task") in tuple(Task) else ""
    for written in read_candidates(raw):
        found = task_of(written.name)
        if found and found is not task:
            short = written.name.rpartition(".")[2]
            reason = why or f"the first one is a {NOUNS[task]}"
            message = f"all estimators must be of one task, but {short} is a {NOUNS[found]} and "
            message += f"{reason}. Sweep them in two files, or correct one of them."
            yield Problem(line_of(lines, written.path), written.path, message)
    section = raw.get("promotion")
    guards = section.get("guards") if isinstance(section, dict) else None
    for number, guard in enumerate(guards if isinstance(guards, list) else ()):
        if guard == EACH_CLASS and task is Task.REGRESSION:
            path = f"promotion.guards[{number}]"
            message = f"numbers have no classes, but got {guard!r}. Name a metric."
            yield Problem(line_of(lines, path), path, message)
