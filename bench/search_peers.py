"""The other searches, each as its own documentation shows it.

`python -m bench.search_peers WAY JOB ANSWER`. Imports are not timed. The answer lists the
seconds and the score of each trial on all of the data.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Found = list[tuple[float, float]]
JOBS = os.cpu_count() or 1


class Job:
    """The rows, their folds, and what is searched."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        import numpy as np
        from sklearn.model_selection import PredefinedSplit

        rows = np.load(record["rows"])
        module, _, name = record["estimator"].rpartition(".")
        self._class = getattr(import_module(module), name)
        self._seed = record["seed"]
        self.X, self.y, self.folds = rows["X"], rows["y"], PredefinedSplit(rows["fold"])
        self.choices: dict[str, list[Any]] = record["choices"]
        self.metric, self.points, self.cv = record["metric"], record["points"], record["cv"]
        self.seed: int = record["seed_of_search"]

    def classifier(self, **params: Any) -> Any:
        """The unfitted classifier at one point, seeded where it can be."""
        made = self._class(**params)
        return (
            made.set_params(random_state=self._seed)
            if "random_state" in made.get_params()
            else made
        )


def optuna(job: Job) -> Callable[[], Found]:
    """Optuna's TPE on as many threads as cores."""
    import optuna as library
    from sklearn.model_selection import cross_val_score

    library.logging.set_verbosity(library.logging.ERROR)

    def objective(trial: Any) -> float:
        places = {n: trial.suggest_categorical(n, range(len(v))) for n, v in job.choices.items()}
        point = {name: job.choices[name][place] for name, place in places.items()}
        scores = cross_val_score(
            job.classifier(**point), job.X, job.y, scoring=job.metric, cv=job.folds
        )
        return float(scores.mean())

    def run() -> Found:
        began = time.time()
        sampler = library.samplers.TPESampler(seed=job.seed)
        study = library.create_study(direction="maximize", sampler=sampler)
        study.optimize(objective, n_trials=job.points, n_jobs=JOBS)
        return sorted((t.datetime_complete.timestamp() - began, t.value) for t in study.trials)

    return run


def halving_random(job: Job) -> Callable[[], Found]:
    """`HalvingRandomSearchCV` on rows, three times as many from one step to the next."""
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - it makes the next one
    from sklearn.model_selection import HalvingRandomSearchCV

    search = HalvingRandomSearchCV(
        job.classifier(),
        job.choices,
        n_candidates=job.points,
        factor=3,
        min_resources="exhaust",
        scoring=job.metric,
        cv=job.cv,
        random_state=job.seed,
        refit=False,
        n_jobs=JOBS,
    )

    def run() -> Found:
        began = time.time()
        search.fit(job.X, job.y)
        rows = search.cv_results_
        last = max(rows["iter"])
        scores = [
            s for s, step in zip(rows["mean_test_score"], rows["iter"], strict=True) if step == last
        ]
        return [(time.time() - began, float(max(scores)))]

    return run


WAYS = {"optuna": optuna, "halving_random": halving_random}


def main() -> None:
    """Do the job by a way and write what was found."""
    way, job, answer = sys.argv[1:]
    run = WAYS[way](Job(json.loads(Path(job).read_text(encoding="utf-8"))))
    Path(answer).write_text(json.dumps(run()), encoding="utf-8")


if __name__ == "__main__":
    main()
