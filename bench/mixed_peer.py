"""`GridSearchCV` on a grid of the mixed part, as scikit-learn's documentation shows it.

`python -m bench.mixed_peer JOB ANSWER`. Imports are not timed. The answer has the seconds, and the
mean score of each point by its parameters.
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
    from collections.abc import Mapping

JOBS = os.cpu_count() or 1


def made(name: str, seed: int) -> Any:
    """An estimator by its dotted name, seeded where it can be."""
    module, _, short = name.rpartition(".")
    found = getattr(import_module(module), short)()
    return found.set_params(random_state=seed) if "random_state" in found.get_params() else found


def pipeline(job: Mapping[str, Any], frame: Any) -> Any:
    """What a user would write for it: the steps of the file, or scaling and one-hot columns."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    last = ("classifier", made(job["estimator"], job["seed"]))
    if job["steps"]:
        steps = [(name, made(kind, job["seed"])) for name, kind in job["steps"].items()]
        return Pipeline([*steps, last])
    if not job["scaled"]:
        return Pipeline([last])
    scaled = [("impute", SimpleImputer(keep_empty_features=True)), ("scale", StandardScaler())]
    numbers = [*frame.select_dtypes("number").columns]
    texts = [name for name in frame.columns if name not in numbers]
    if not texts:
        return Pipeline([*scaled, last])
    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=100, sparse_output=False
    )
    parts = [("numbers", Pipeline(scaled), numbers), ("categories", encoder, texts)]
    return Pipeline([("columns", ColumnTransformer(parts)), last])


def search(job: Mapping[str, Any]) -> dict[str, Any]:
    """The seconds of the search, refit included, and the mean score of each point."""
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import GridSearchCV, PredefinedSplit

    frame = pd.read_parquet(job["rows"])
    y, fold = (np.array(job[name]) for name in ("y", "fold"))
    grid = job["grid"]
    own = {name if "__" in name else f"classifier__{name}": grid[name] for name in grid}
    tuned = GridSearchCV(
        pipeline(job, frame), own, scoring=job["metric"], cv=PredefinedSplit(fold), n_jobs=JOBS
    )
    began = time.time()
    tuned.fit(frame, y)
    seconds = time.time() - began
    points = [
        {name.removeprefix("classifier__"): str(value) for name, value in point.items()}
        for point in tuned.cv_results_["params"]
    ]
    scores = tuned.cv_results_["mean_test_score"].tolist()
    return {"seconds": seconds, "scores": list(zip(points, scores, strict=True))}


def main() -> None:
    """Do the job and write what was found."""
    job, answer = map(Path, sys.argv[1:])
    found = search(json.loads(job.read_text(encoding="utf-8")))
    answer.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
