"""What is measured: classifiers, their grids and the rows, the same for every way."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from sweepstake.data import dataset, folds, splitting
from sweepstake.gridfile import loader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sweepstake.settings import Settings


@dataclass(frozen=True)
class Workload:
    """A grid of one classifier on one of scikit-learn's own data sets."""

    name: str
    source: str
    estimator: str
    choices: Mapping[str, tuple[Any, ...]]
    cv: int
    metric: str = "f1_macro"
    seed: int = 0

    @property
    def trials(self) -> int:
        """How many points the grid has."""
        return len(list(product(*self.choices.values())))

    def grid_file(self, model: str, name: str = "", **limits: int) -> bytes:
        """The grid file that sweeps this workload into the registered model ``model``."""
        content = {
            "name": name or model,
            "model": model,
            "data": {"source": self.source},
            "preprocess": "none",
            "estimator": self.estimator,
            "grid": {name: list(values) for name, values in self.choices.items()},
            "metric": self.metric,
            "cv": self.cv,
            "seed": self.seed,
            "limits": limits,
        }
        return json.dumps(content).encode()


SMALL = Workload(
    name="small",
    source="sklearn:digits",
    estimator="sklearn.tree.DecisionTreeClassifier",
    choices={
        "criterion": ("gini", "entropy"),
        "max_depth": (4, 6, 8, 10, 12, 14, 16, 20),
        "min_samples_leaf": (1, 2, 4),
        "min_samples_split": (2, 4, 8, 16),
    },
    cv=3,
)
RAY = replace(SMALL, name="ray", choices={**SMALL.choices, "min_samples_split": (2,)})
DEFAULT = replace(
    SMALL,
    name="default",
    choices={**SMALL.choices, "min_samples_leaf": (1,), "max_depth": (8,)},
)
MEDIUM = Workload(
    name="medium",
    source="sklearn:digits",
    estimator="sklearn.ensemble.RandomForestClassifier",
    choices={
        "n_estimators": (100, 200, 300),
        "max_depth": (6, 10, 14, None),
        "min_samples_leaf": (1, 2, 4),
    },
    cv=5,
)


def tiny(depths: int, leaves: int) -> Workload:
    """Trees on 150 rows, ``depths`` times ``leaves`` of them: their training is next to nothing."""
    return Workload(
        name="tiny",
        source="sklearn:iris",
        estimator="sklearn.tree.DecisionTreeClassifier",
        choices={
            "max_depth": tuple(range(1, depths + 1)),
            "min_samples_leaf": tuple(range(1, leaves + 1)),
        },
        cv=3,
    )


def write_job(workload: Workload, settings: Settings, folder: Path) -> dict[str, Any]:
    """The workload for a program that knows nothing of Sweepstake; rows go into ``folder``.

    The file holds ``X`` and ``y``, the training rows as the trials see them, and ``fold``, the
    number of the fold in which a row is tested.
    """
    import numpy as np

    spec = loader.parse(workload.grid_file("job"), "job.json", settings).spec
    table = dataset.read(spec.data, settings.data_roots)
    rows = dataset.divide(table, splitting.split(table, spec.data.holdout, spec.seed))
    fold = np.empty(len(rows.y_train), dtype=int)
    for number, (_, test) in enumerate(folds.folds(rows.y_train, spec.cv, spec.seed)):
        fold[test] = number
    path = folder / f"{workload.name}.npz"
    np.savez(path, X=rows.X_train.to_numpy(), y=rows.y_train, fold=fold)
    return {**asdict(workload), "rows": str(path), "tracking_uri": settings.tracking_uri}
