"""Mixed: twelve grids as people write them, beside `GridSearchCV` on the same rows and folds.

Every score is compared with its, digit by digit. Ours is from the start of the sweep to its last
trial, everything kept; `GridSearchCV`'s is its `fit`, which keeps a table and its best model.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from math import prod
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import ours
from bench.stack import ROOT

from sweepstake.data import dataset, folds, splitting
from sweepstake.gridfile import loader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bench.stack import Stack

CHURN = {"source": "data/churn.csv", "target": "churned", "drop": ["customer"]}
DIGITS, CANCER = {"source": "sklearn:digits"}, {"source": "sklearn:breast_cancer"}
SIZES = [50, 100, 200]


@dataclass(frozen=True)
class Mixed:
    """A grid of one classifier, as a grid file has it and as `GridSearchCV` does."""

    name: str
    estimator: str
    grid: Mapping[str, list[Any]]
    data: Mapping[str, Any] = field(default_factory=lambda: DIGITS)
    scaled: bool = False
    steps: Mapping[str, str] = field(default_factory=dict)
    metric: str = "accuracy"

    @property
    def trials(self) -> int:
        """How many points the grid has."""
        return prod(map(len, self.grid.values()))

    def grid_file(self, model: str, **limits: int) -> bytes:
        """The grid file that sweeps it into the registered model ``model``."""
        content = {
            "name": model,
            "data": self.data,
            "preprocess": "auto" if self.scaled or self.steps else "none",
            "steps": {name: kind.rpartition(".")[2] for name, kind in self.steps.items()},
            "estimator": self.estimator,
            "grid": self.grid,
            "metric": self.metric,
            "cv": 5,
            "limits": limits,
        }
        return json.dumps({name: value for name, value in content.items() if value}).encode()


GRIDS = (
    Mixed(
        "forest",
        "sklearn.ensemble.RandomForestClassifier",
        {"n_estimators": SIZES, "max_depth": [8, None], "min_samples_leaf": [1, 3]},
    ),
    Mixed(
        "extra trees",
        "sklearn.ensemble.ExtraTreesClassifier",
        {"n_estimators": SIZES, "max_features": ["sqrt", 0.3], "min_samples_leaf": [1, 3]},
    ),
    Mixed(
        "gradient boosting",
        "sklearn.ensemble.GradientBoostingClassifier",
        {"n_estimators": SIZES, "learning_rate": [0.05, 0.1], "max_depth": [2, 3]},
        CANCER,
    ),
    Mixed(
        "hist gradient boosting",
        "sklearn.ensemble.HistGradientBoostingClassifier",
        {"max_iter": SIZES, "learning_rate": [0.05, 0.1], "max_leaf_nodes": [7, 31]},
        CANCER,
    ),
    Mixed(
        "neighbors",
        "sklearn.neighbors.KNeighborsClassifier",
        {
            "n_neighbors": [1, 3, 5, 7, 9, 15],
            "weights": ["uniform", "distance"],
            "p": [1, 2],
        },
        scaled=True,
    ),
    Mixed(
        "svc",
        "sklearn.svm.SVC",
        {"C": [0.1, 1, 10, 100], "gamma": ["scale", 0.001, 0.01], "kernel": ["rbf"]},
        scaled=True,
    ),
    Mixed(
        "logistic regression",
        "sklearn.linear_model.LogisticRegression",
        {
            "C": [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
            "class_weight": [None, "balanced"],
            "max_iter": [500],
        },
        CHURN,
        scaled=True,
    ),
    Mixed(
        "mlp",
        "sklearn.neural_network.MLPClassifier",
        {"hidden_layer_sizes": [[20], [50]], "alpha": [0.0001, 0.01], "max_iter": [60]},
        scaled=True,
    ),
    Mixed(
        "decision tree",
        "sklearn.tree.DecisionTreeClassifier",
        {"criterion": ["gini", "entropy"], "max_depth": [4, 8, 16, None], "ccp_alpha": [0, 0.001]},
    ),
    Mixed(
        "naive bayes",
        "sklearn.naive_bayes.GaussianNB",
        {"var_smoothing": [10**-power for power in range(1, 10)]},
        CHURN,
        scaled=True,
    ),
    Mixed(
        "adaboost",
        "sklearn.ensemble.AdaBoostClassifier",
        {"n_estimators": SIZES, "learning_rate": [0.1, 0.5, 1.0]},
        CANCER,
    ),
    Mixed(
        "pca",
        "sklearn.linear_model.LogisticRegression",
        {"reduce__n_components": [10, 20, 30], "C": [0.01, 0.1, 1, 10], "max_iter": [500]},
        steps={
            "scale": "sklearn.preprocessing.StandardScaler",
            "reduce": "sklearn.decomposition.PCA",
        },
    ),
)


def measure(
    stack: Stack, rounds: int, say: Callable[[str], None], *, quick: bool = False
) -> list[dict[str, Any]]:
    """A record for each grid and round: both times, and whether all scores are equal."""
    shutil.copytree(ROOT / "grids" / "data", stack.settings.grids / "data", dirs_exist_ok=True)
    records = []
    for number in range(1, 2 if quick else rounds + 1):
        for at, grid in enumerate(GRIDS[-2:] if quick else GRIDS):
            records.append(_both(stack, grid, number, theirs_first=(at + number) % 2 == 0))
            told = records[-1]
            same = "equal" if told["equal"] else "DIFFERENT"
            times = f"{told['ours']:6.1f} s beside {told['theirs']:6.1f} s"
            say(f"round {number}  {grid.name:24} {times}, scores {same}")
    return records


def ratio(records: Sequence[Mapping[str, Any]]) -> float:
    """The sum of our times over the sum of theirs, the median of the rounds."""
    numbers = {record["round"] for record in records}
    return median(_ratio([r for r in records if r["round"] == number]) for number in numbers)


def _ratio(records: Iterable[Mapping[str, Any]]) -> float:
    records = list(records)
    return sum(each["ours"] for each in records) / sum(each["theirs"] for each in records)


def _both(stack: Stack, grid: Mixed, number: int, *, theirs_first: bool) -> dict[str, Any]:
    theirs = _theirs(stack, grid) if theirs_first else None
    model = f"bench-mixed-{grid.name.replace(' ', '-')}-{number}"
    line = ours.sweep(stack, grid, model, judged=False)
    theirs = theirs or _theirs(stack, grid)
    found = _scores(stack, grid, model)
    expected = {_key(point): score for point, score in theirs["scores"]}
    return {
        "round": number,
        "grid": grid.name,
        "trials": grid.trials,
        "ours": line.seconds_to_last_trial,
        "theirs": theirs["seconds"],
        "equal": found == expected,
        "load": os.getloadavg()[0],
        "timeline": line.record(),
    }


def _scores(stack: Stack, grid: Mixed, model: str) -> dict[str, float]:
    experiment = stack.mlflow.get_experiment_by_name(model).experiment_id
    runs = ours.every(stack.mlflow.search_runs, [experiment], "tags.`sweepstake.role` = 'trial'")
    metric = f"mean_cv_{grid.metric}"
    points = [{name: run.data.params[name] for name in grid.grid} for run in runs]
    return {_key(p): run.data.metrics[metric] for p, run in zip(points, runs, strict=True)}


def _key(point: Mapping[str, str]) -> str:
    return json.dumps(point, sort_keys=True)


def _theirs(stack: Stack, grid: Mixed) -> dict[str, Any]:
    job, answer, rows = (
        stack.folder / name for name in ("mixed.json", "found.json", "rows.parquet")
    )
    spec = loader.parse(grid.grid_file("job"), "job.json", stack.settings).spec
    table = dataset.read(spec.data, stack.settings.data_roots)
    data = dataset.divide(table, splitting.split(table, spec.data.holdout, spec.seed))
    fold = [0] * len(data.y_train)
    for number, (_, test) in enumerate(folds.folds(data.y_train, spec.cv, spec.seed)):
        for row in test.tolist():
            fold[row] = number
    data.X_train.to_parquet(rows)
    record = {
        "estimator": grid.estimator,
        "grid": grid.grid,
        "steps": dict(grid.steps),
        "scaled": grid.scaled,
        "metric": grid.metric,
        "seed": spec.seed,
        "rows": str(rows),
        "y": data.y_train.tolist(),
        "fold": fold,
    }
    job.write_text(json.dumps(record), encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "-m", "bench.mixed_peer", str(job), str(answer)]
    subprocess.run(command, check=True, cwd=ROOT)
    return dict(json.loads(answer.read_text(encoding="utf-8")))
