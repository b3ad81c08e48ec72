"""Keys of a grid file beside each other: searches, steps, folds, weights and numbers to predict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sweepstake import api
from sweepstake.data import dataset
from sweepstake.errors import GridFileError
from sweepstake.gridfile import draws
from sweepstake.preflight import checks
from sweepstake.settings import load_settings
from sweepstake.training import fit_trial, portions

ROWS = 2000
GRID = """\
data: {{source: rows.csv, target: {target}, holdout: 0.25{data}}}
estimator: {estimator}
steps: {{scale: StandardScaler{steps}}}
grid: {{{grid}}}
{more}
"""


@pytest.fixture
def inspect(tmp_path):
    """A function that checks a grid file over 2,000 rows of 60 groups, with weights."""
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 3))
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    frame["group"] = [f"g{n}" for n in random.integers(60, size=ROWS)]
    frame["w"] = random.uniform(0.5, 2, ROWS)
    frame["y"] = x[:, 0] + random.normal(size=ROWS)
    frame["k"] = (frame["y"] > 0).map({True: "yes", False: "no"})
    frame.round(6).to_csv(tmp_path / "rows.csv", index=False)
    settings = load_settings({"SWEEPSTAKE_HOME": str(tmp_path)})
    settings = api.rooted_at(tmp_path / "grid.yaml", settings)

    def look(**parts):
        text = GRID.format(**{"target": "y", "data": "", "steps": "", "more": "", **parts})
        return checks.inspect(text.encode(), "grid.yaml", settings)

    return look


def scored_by(result, name):
    """The values of a curve of a trial."""
    curve = {each.name: each for each in result.curves}[name]
    return tuple(curve.values)


def test_halving_thins_numbers_groups_and_weights_alike(inspect):
    """A rung of a regressor behind steps has its share of rows, with their groups and weights."""
    grid, checked = inspect(
        data=", drop: [k], weight: w",
        estimator="Ridge",
        grid="alpha: [0.1, 1.0, 10.0]",
        more="search: {method: halving}\ncv: {kind: group, folds: 3, by: group}",
    )
    first, last = checked.waves
    data = dataset.divide(checked.table, checked.sides)
    trial = draws.trials_of(grid.spec, data.digest, portion=first.portion)[0]
    result = portions.rate(trial, first.portion, grid.spec, data)
    assert (3, 1, None) == (first.trials, last.trials, last.portion)
    assert first.portion.rows < len(data.y_train)
    assert 3 == len(scored_by(result, "cv_r2"))


def test_groups_divide_numbers_behind_steps_as_scikit_learn_does(inspect):
    """The scores of the folds are those of ``cross_val_score`` over the same pipeline."""
    grid, checked = inspect(
        data=", drop: [k, w]",
        estimator="Ridge",
        grid="alpha: [0.5]",
        more="cv: {kind: group, folds: 4, by: group}",
    )
    data = dataset.divide(checked.table, checked.sides)
    (trial,) = draws.trials_of(grid.spec, data.digest)
    _, result = fit_trial.train(trial, grid.spec, data)
    pipe = Pipeline([("scale", StandardScaler()), ("ridge", Ridge(alpha=0.5, random_state=0))])
    folds = GroupKFold(4, shuffle=True, random_state=0).split(
        data.X_train, data.y_train, data.beside.by
    )
    expected = cross_val_score(pipe, data.X_train, data.y_train, cv=list(folds), scoring="r2")
    assert tuple(expected) == scored_by(result, "cv_r2")


def test_a_sampler_takes_no_weights(inspect):
    """Rows that a sampler makes have no weights, which is said before anything trains."""
    with pytest.raises(GridFileError, match="a sampler changes rows, and their weights"):
        inspect(
            target="k",
            data=", drop: [y, group], weight: w",
            estimator="LogisticRegression",
            steps=", more: RandomOverSampler",
            grid="C: [1.0]",
        )
