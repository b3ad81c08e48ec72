"""Searches: how soon each comes near the full grid's best score, beside Optuna and scikit-learn.

The spaces have a thousand points and more, on data sets that are installed or in `grids/data`. A
grid is swept once for each space; every other way has its turn once for each seed, on as many
processes as the stack has slots. Ours run on the warm stack and keep everything; the others keep
nothing. All take the same folds of the same
rows, but for `HalvingRandomSearchCV`, which makes its own on each part of the rows.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import ours
from bench.stack import ROOT, wait
from bench.workloads import Workload, write_job

from sweepstake.gridfile import loader
from sweepstake.storage.store import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from bench.stack import Stack

NEAR = 0.002
"""How far below the grid's best a score may be: 0.2 points."""
SEEDS = 10
TRIALS = {"tpe": 100, "halving": 243, "random": 100}
PEERS = {"optuna": "tpe", "halving_random": "halving"}
"""Each peer, and which of ours it stands beside: it has the same trials."""


@dataclass(frozen=True)
class Searched(Workload):
    """A workload whose points are chosen by a search."""

    method: str = "grid"
    points: int = 0
    seed_of_search: int = 0
    target: str = ""
    drop: tuple[str, ...] = ()

    def grid_file(self, model: str, name: str = "", **limits: int) -> bytes:
        """The grid file of the workload with its search."""
        content = json.loads(super().grid_file(model, name, **limits))
        if self.method != "grid":
            search = {"method": self.method, "trials": self.points, "seed": self.seed_of_search}
            content["search"] = search
        content["limits"] = {"max_trials": 100_000}
        if self.drop:
            content["data"] |= {"target": self.target, "drop": list(self.drop)}
        return json.dumps(content).encode()


_TREES: dict[str, tuple[Any, ...]] = {
    "criterion": ("gini", "entropy"),
    "max_depth": (2, 4, 6, 8, 10, 12, 16, None),
    "min_samples_leaf": (1, 2, 4, 8, 16),
    "min_samples_split": (2, 4, 8, 16),
    "max_features": (0.25, 0.5, None, "sqrt"),
}
_SVC: dict[str, tuple[Any, ...]] = {
    "C": tuple(round(10 ** (power / 4), 6) for power in range(-12, 13)),
    "gamma": tuple(round(10 ** (power / 4), 8) for power in range(-20, 1)),
    "kernel": ("rbf", "sigmoid"),
}
_BOOSTED: dict[str, tuple[Any, ...]] = {
    "learning_rate": (0.02, 0.05, 0.1, 0.2, 0.4),
    "max_iter": (20, 40, 80, 160),
    "max_leaf_nodes": (3, 7, 15, 31),
    "min_samples_leaf": (5, 10, 20, 40),
    "l2_regularization": (0.0, 0.1, 1.0, 10.0),
}
_NEIGHBORS: dict[str, tuple[Any, ...]] = {
    "n_neighbors": tuple(range(1, 86)),
    "p": (1, 1.5, 2),
    "weights": ("uniform", "distance"),
    "leaf_size": (20, 30),
}


def _space_of(name: str, estimator: str, choices: dict[str, Any], cv: int, **more: Any) -> Searched:
    source = more.pop("source", f"sklearn:{name.rpartition('-')[0]}")
    return Searched(name, source, f"sklearn.{estimator}", choices, cv, "accuracy", **more)


SPACES = (
    _space_of("digits-svc", "svm.SVC", _SVC, 3),
    _space_of("breast_cancer-svc", "svm.SVC", _SVC, 5),
    _space_of("wine-tree", "tree.DecisionTreeClassifier", _TREES, 5),
    _space_of("iris-neighbors", "neighbors.KNeighborsClassifier", _NEIGHBORS, 5),
    _space_of(
        "churn-boosted",
        "ensemble.HistGradientBoostingClassifier",
        _BOOSTED,
        5,
        source="data/churn.csv",
        target="churned",
        drop=("customer", "region", "contract", "paperless"),
    ),
)


def measure(
    stack: Stack, say: Callable[[str], None], names: Collection[str], *, quick: bool = False
) -> Iterator[tuple[str, dict[str, Any]]]:
    """A record for each of the spaces named: the full grid, and every other way with each seed.

    Quick, it is one space of few points and one seed: a rehearsal.
    """
    shutil.copytree(ROOT / "grids" / "data", stack.settings.grids / "data", dirs_exist_ok=True)
    chosen = [space for space in SPACES if space.name in names]
    for space in [_small(SPACES[2])] if quick else chosen:
        yield space.name, _space(stack, space, 1 if quick else SEEDS, say)


def _small(space: Searched) -> Searched:
    choices = {name: values[:2] for name, values in space.choices.items()}
    return replace(space, choices={**choices, "max_depth": (2, 4, 6)})


def _space(stack: Stack, space: Searched, seeds: int, say: Callable[[str], None]) -> dict[str, Any]:
    grid = _own(stack, _searched(space, "grid", 0), f"{space.name}-grid")
    best = max(score for _, score in grid)
    found: dict[str, Any] = {"points": space.trials, "best": best, "grid": near(grid, best)}
    say(f"{space.name}: best {best:.4f} of {space.trials} points in {grid[-1][0]:.1f} s")
    for way in (*TRIALS, *PEERS):
        records = [_way(stack, space, way, seed) for seed in range(seeds)]
        found[way] = [near(record, best) for record in records]
        say(f"{space.name} {way:14} {_told(found[way], found['grid'])}")
    return found


def _searched(space: Searched, method: str, seed: int) -> Searched:
    points = min(TRIALS.get(method, 0), space.trials)
    return replace(space, method=method, points=points, seed_of_search=seed)


def _way(stack: Stack, space: Searched, way: str, seed: int) -> list[tuple[float, float]]:
    label = f"{space.name}-{way}-{seed}"
    if way in TRIALS:
        return _own(stack, _searched(space, way, seed), label)
    return _peer(stack, _searched(space, PEERS[way], seed), way, label)


def _own(stack: Stack, workload: Searched, model: str) -> list[tuple[float, float]]:
    """Seconds since the drop, and score, of each trial on all of the data, by its end."""
    content, file = workload.grid_file(model), f"{model}.json"
    sweep_id = loader.parse(content, file, stack.settings).sweep_id
    dropped = time.time()
    write_atomically(stack.settings.grids / file, content)
    wait("the search to end", lambda: ours.ended(stack, sweep_id))
    experiment = stack.mlflow.get_experiment_by_name(model).experiment_id
    whole = "attributes.status = 'FINISHED' and tags.`sweepstake.role` = 'trial'"
    name = f"mean_cv_{workload.metric}"
    runs = [
        run
        for run in ours.every(stack.mlflow.search_runs, [experiment], whole)
        if "sweepstake.rung" not in run.data.tags
    ]
    ends = ((run.info.end_time / 1000 - dropped, run.data.metrics[name]) for run in runs)
    return sorted(ends)


def _peer(stack: Stack, workload: Searched, way: str, label: str) -> list[tuple[float, float]]:
    job, answer = stack.folder / "search.json", stack.folder / "found.json"
    record = write_job(workload, stack.settings, stack.folder) | {"label": label}
    job.write_text(json.dumps(record), encoding="utf-8")
    command = [sys.executable, "-m", "bench.search_peers", way, str(job), str(answer)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        message = f"{way}: must do its trials, but failed:\n{done.stderr[-3000:]}"
        raise RuntimeError(message)
    return [(seconds, score) for seconds, score in json.loads(answer.read_text(encoding="utf-8"))]


def near(trials: Sequence[tuple[float, float]], best: float) -> dict[str, float | None]:
    """Until when a way took, its best score, and when it was near the grid's best, if ever."""
    first = next((seconds for seconds, score in trials if score >= best - NEAR), None)
    return {
        "seconds": trials[-1][0],
        "score": max(score for _, score in trials),
        "near_after": first,
    }


def verdicts(spaces: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float | None]]:
    """For each space: our shares of the grid's time, and our scores and times beside the peers'.

    A seed that never comes near counts as never: the median is then of those and the others.
    """
    return {name: dict(_verdict(found)) for name, found in spaces.items()}


TOLD = (
    "tpe: near, share of the grid's time",
    "halving: near, share of the grid's time",
    "tpe's score above Optuna's",
    "tpe's time, times Optuna's",
    "halving's score above scikit-learn's",
    "halving's time, times scikit-learn's",
)
"""What the verdict of a space tells, in its order."""


def _verdict(found: Mapping[str, Any]) -> Iterable[tuple[str, float | None]]:
    whole = found["grid"]["seconds"]
    for way in ("tpe", "halving"):
        after = median(_after(each) for each in found[way])
        yield f"{way}_of_grid", None if after == float("inf") else after / whole
    for peer, way in PEERS.items():
        mine, theirs = found[way], found[peer]
        yield f"{way}_score_above_{peer}", _median(mine, "score") - _median(theirs, "score")
        yield f"{way}_time_of_{peer}", _median(mine, "seconds") / _median(theirs, "seconds")


def _after(record: Mapping[str, Any]) -> float:
    return float("inf") if record["near_after"] is None else float(record["near_after"])


def _median(records: Iterable[Mapping[str, Any]], name: str) -> float:
    return median(float(each[name]) for each in records)


def _told(records: Sequence[Mapping[str, Any]], grid: Mapping[str, Any]) -> str:
    after = median(map(_after, records))
    part = "never near" if after == float("inf") else f"near after {after:.1f} s"
    return f"{part} (grid: {grid['seconds']:.1f} s), best {_median(records, 'score'):.4f}"
