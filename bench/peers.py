"""The other ways to do the same trials, each as its own documentation shows it.

Run by the Python of `.venv-bench`: `peers.py WAY JOB ANSWER`. Imports, and what stays up between
sweeps (Ray's cluster), are not timed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    RAY_USAGE_STATS_ENABLED="0",
)
PACKAGES = ("mlflow", "numpy", "optuna", "optuna-integration", "ray", "scikit-learn")
REQUIREMENTS = [f"{name}=={version(name)}" for name in ("mlflow", "numpy", "scikit-learn")]


class Job:
    """A grid, its rows and its folds."""

    def __init__(self, record: dict[str, Any]) -> None:
        import numpy as np
        from sklearn.model_selection import PredefinedSplit

        rows = np.load(record["rows"])
        module, _, name = record["estimator"].rpartition(".")
        self._class = getattr(import_module(module), name)
        self._seed = record["seed"]
        self.X, self.y = rows["X"], rows["y"]
        self.folds = PredefinedSplit(rows["fold"])
        self.choices: dict[str, list[Any]] = record["choices"]
        self.metric: str = record["metric"]
        self.experiment: str = record["experiment"]
        self.tracking_uri: str = record["tracking_uri"]

    def classifier(self, **params: Any) -> Any:
        """The unfitted classifier at one point."""
        return self._class(random_state=self._seed, **params)

    def points(self) -> Iterator[dict[str, Any]]:
        """Every point of the grid."""
        from sklearn.model_selection import ParameterGrid

        return iter(ParameterGrid(self.choices))

    def score(self, classifier: Any) -> Any:
        """The score on each fold."""
        from sklearn.model_selection import cross_val_score

        return cross_val_score(classifier, self.X, self.y, scoring=self.metric, cv=self.folds)

    def track(self) -> None:
        """Send what MLflow's fluent functions log to this job's experiment."""
        import mlflow

        mlflow.set_tracking_uri(self.tracking_uri)
        mlflow.set_experiment(self.experiment)


def grid_search(job: Job) -> Callable[[], None]:
    """`GridSearchCV` on two processes: keeps nothing but its table."""
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(job.classifier(), job.choices, scoring=job.metric, cv=job.folds, n_jobs=2)
    return lambda: search.fit(job.X, job.y)


def autolog(job: Job) -> Callable[[], None]:
    """The same with `mlflow.sklearn.autolog`: a run for each trial, the best model."""
    import mlflow.sklearn

    job.track()
    mlflow.sklearn.autolog(max_tuning_runs=None, silent=True)
    return grid_search(job)


def optuna_callback(job: Job) -> Callable[[], None]:
    """Optuna's grid sampler with its `MLflowCallback`: a run for each trial, not nested."""
    import optuna
    from optuna_integration import MLflowCallback

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    callback = MLflowCallback(
        job.tracking_uri, job.metric, mlflow_kwargs={"experiment_name": job.experiment}
    )

    def objective(trial: Any) -> float:
        point = {name: trial.suggest_categorical(name, job.choices[name]) for name in job.choices}
        return float(job.score(job.classifier(**point)).mean())

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.GridSampler(job.choices),
        study_name=job.experiment,
    )
    return lambda: study.optimize(objective, callbacks=[callback])


def lean_loop(job: Job) -> Callable[[], None]:
    """A loop by hand: nested run, model and version, requirements given."""
    return _loop(job, pip_requirements=REQUIREMENTS)


def default_loop(job: Job) -> Callable[[], None]:
    """The same, requirements inferred for each model, as is the default."""
    return _loop(job)


def ray_tune(job: Job) -> Callable[[], None]:
    """Ray Tune with its `MLflowLoggerCallback`: a run for each trial, not nested."""
    import ray
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")

    def trainable(point: dict[str, Any]) -> dict[str, float]:
        return {job.metric: float(job.score(job.classifier(**point)).mean())}

    callback = MLflowLoggerCallback(
        tracking_uri=job.tracking_uri, experiment_name=job.experiment, save_artifact=False
    )
    folder = str(Path(sys.argv[3]).parent / "ray")
    tuner = tune.Tuner(
        trainable,
        param_space={name: tune.grid_search(values) for name, values in job.choices.items()},
        run_config=tune.RunConfig(callbacks=[callback], storage_path=folder, verbose=0),
    )
    return lambda: _fit(tuner)


def _fit(tuner: Any) -> None:
    errors = tuner.fit().errors
    if errors:
        raise errors[0]


def _loop(job: Job, **how: Any) -> Callable[[], None]:
    import mlflow.sklearn

    job.track()

    def run() -> None:
        with mlflow.start_run(run_name=job.experiment):
            for point in job.points():
                with mlflow.start_run(nested=True):
                    _trial(job, point, how)

    return run


def _trial(job: Job, point: dict[str, Any], how: dict[str, Any]) -> None:
    import mlflow.sklearn

    classifier = job.classifier(**point)
    scores = job.score(classifier)
    mlflow.log_params(classifier.get_params())
    folds = {f"fold_{number}": float(score) for number, score in enumerate(scores)}
    mlflow.log_metrics({job.metric: float(scores.mean()), **folds})
    classifier.fit(job.X, job.y)
    mlflow.sklearn.log_model(
        classifier,
        name="model",
        registered_model_name=job.experiment,
        serialization_format="cloudpickle",  # skops, the default, refuses trees and forests
        **how,
    )


WAYS = {
    "grid_search": grid_search,
    "optuna": optuna_callback,
    "autolog": autolog,
    "lean": lean_loop,
    "default": default_loop,
    "ray": ray_tune,
}


def main(way: str, job_file: str, answer_file: str) -> None:
    """Do all trials of a job in one way; write the seconds they took."""
    run = WAYS[way](Job(json.loads(Path(job_file).read_text(encoding="utf-8"))))
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    answer = {"seconds": seconds, "versions": {name: version(name) for name in PACKAGES}}
    Path(answer_file).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
