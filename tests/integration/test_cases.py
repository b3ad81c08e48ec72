"""The cases of ``tests/cases``: small inputs as people bring them, and what must become of each.

A folder is one case: grid files, their data and ``expect.yaml``, which says of each grid file:

- ``refused``: its messages, in order; or
- ``warned``: its warnings, and ``scores``: the rows of the file are read right. Scores are held
  against ``GridSearchCV`` on what pandas makes of the file (``file`` names another one that says
  the same plainly, ``read`` holds options of ``pandas.read_csv``, any other key stands in for one
  of the grid file), and the answers of the best model against those of its twin there, through
  each of ``doors``.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import all_estimators
from threadpoolctl import threadpool_limits

from sweepstake.data import dataset, splitting
from sweepstake.errors import GridFileError
from sweepstake.intake import intake, sightings
from sweepstake.preflight import checks
from sweepstake.sweeps import leaderboard, sweep

CASES = Path(__file__).parents[1] / "cases"
ESTIMATORS = dict(all_estimators(type_filter=["classifier", "regressor"]))
DOORS = ("sklearn", "pyfunc")


def _expected(case):
    return yaml.safe_load((case / "expect.yaml").read_text("utf-8"))


def _grids(outcome):
    """Every grid file that has this outcome in its case, and what is expected of it."""
    return [
        pytest.param(case / file, expected, id=f"{case.name}/{file}")
        for case in sorted(CASES.iterdir())
        for file, expected in _expected(case).items()
        if outcome in expected
    ]


@pytest.fixture
def at(settings):
    """A function that gives settings with a case's folder as the data folder."""
    return lambda path: replace(settings, data_roots=(path.parent,))


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda path: path.name)
def test_a_case_says_what_becomes_of_each_grid_file(case):
    """No grid file of a case is left without an outcome, and none has two."""
    files = {path.name for path in case.iterdir() if path.suffix in sightings.SUFFIXES}
    outcomes = {tuple(expected) for expected in _expected(case).values()}
    assert files - {"expect.yaml"} == set(_expected(case))
    assert outcomes <= {("refused",), ("warned", "scores")}


@pytest.mark.parametrize(("path", "expected"), _grids("refused"))
def test_what_cannot_be_read_right_is_refused(path, expected, at):
    """Each message is there, word by word, and no other."""
    with pytest.raises(GridFileError) as caught:
        checks.load(path, at(path))
    actual = [str(problem).replace(str(path.parent), "<case>") for problem in caught.value.problems]
    assert expected["refused"] == actual


@pytest.mark.parametrize(("path", "expected"), _grids("scores"))
def test_what_is_read_is_read_right(path, expected, at, tmp_path_factory):
    """Warnings, scores and answers are those of pandas and scikit-learn."""
    settings, home = at(path), tmp_path_factory.mktemp("models")
    grid, checked = checks.load(path, settings)
    board, model = _run(path, settings)
    routed = config_context(enable_metadata_routing=True)
    with routed, threadpool_limits(1):  # as a trial has it: other sums end in other last digits
        reference = Reference(path, expected["scores"], _split(grid.spec, settings))
        theirs, answers = reference.scores(), reference.answers()
    ours = [
        [each.metrics[f"{kind}_{board.metric}"] for kind in ("mean_cv", "test")]
        for each in board.standings
    ]
    assert expected["warned"] == list(checked.warnings)
    np.testing.assert_allclose(sorted(ours), sorted(theirs), rtol=0, atol=1e-9)
    for door in reference.sweep.get("doors", DOORS):
        found = _answers(door, f"{model}/{board.standings[0].version}", reference.X, settings, home)
        assert found in answers, door


def _split(spec, settings):
    """The positions of training and holdout rows, which are a choice and no score."""
    table = dataset.read(spec.data, settings.data_roots)
    return splitting.split(table, spec.data.holdout, spec.seed)


def _run(path, settings):
    """Run a grid file as ``sweepstake run`` does, and give its leaderboard."""
    content, file = path.read_bytes(), f"{path.parent.name}.{path.name}"
    spec = checks.parse(content, file, settings).spec
    drop = intake.claim(content, spec.name, file, settings)
    for batch in sweep.plan(drop, settings):
        sweep.train(batch, settings)
    sweep.close(drop.sweep, settings)
    return leaderboard.read(drop.sweep, settings), spec.model


def _answers(door, version, rows, settings, home):
    """What a registered model says of rows, through one of MLflow's doors."""
    mlflow.set_tracking_uri(settings.tracking_uri)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's about integers that may have gaps
        loaded = getattr(mlflow, door).load_model(f"models:/{version}", dst_path=home)
        return list(loaded.predict(rows))


class Reference:
    """The same sweep by pandas and scikit-learn alone."""

    def __init__(self, path, changes, split):
        self.sweep = {**yaml.safe_load(path.read_text("utf-8")), **(changes or {})}
        section, options = self.sweep["data"], self.sweep.get("read", {})
        file = path.parent / self.sweep.get("file", section["source"])
        read = pd.read_parquet if file.suffix == ".parquet" else pd.read_csv
        rows = read(file, **options)
        cv, weight = self.sweep.get("cv", 5), section.get("weight")
        self._cv = cv if isinstance(cv, dict) else {"folds": cv}
        apart = {section["target"], *section.get("drop", []), weight, self._cv.get("by")}
        self.X = rows.drop(columns=[name for name in rows if name in apart])
        self.y = rows[section["target"]]
        self._weights = rows[weight] if weight else None
        self._groups = rows[self._cv["by"]] if "by" in self._cv else None
        self._train, self._holdout = split
        self._searches = [self._searched(**each) for each in self._candidates()]

    def scores(self):
        """Pairs of cross-validated score and score on the holdout, of every point."""
        held = self.X.iloc[self._holdout], self.y.iloc[self._holdout]
        score = get_scorer(self._metric)
        weigh = self._weighed(self._holdout)
        return [[cv, score(model, *held, **weigh)] for cv, model in self._points()]

    def answers(self):
        """What each of the best points, refitted, says of all rows."""
        points = list(self._points())
        best = max(cv for cv, _ in points)
        return [list(model.predict(self.X)) for cv, model in points if best - cv <= 1e-9]

    @property
    def _metric(self):
        return self.sweep.get("metric", "f1_macro")

    def _candidates(self):
        return self.sweep.get("candidates") or [
            {key: self.sweep[key] for key in ("estimator", "params", "grid") if key in self.sweep}
        ]

    def _searched(self, estimator, params=None, grid=None):
        """``GridSearchCV`` of one classifier on the training rows."""
        seed = self.sweep.get("seed", 0)
        last = ESTIMATORS[estimator](**(params or {}))
        if "random_state" in last.get_params():
            last.set_params(random_state=seed)
        score = get_scorer(self._metric)
        if self._weights is not None:
            last.set_fit_request(sample_weight=True)
            score.set_score_request(sample_weight=True)
        model = Pipeline([("columns", _columns()), ("classifier", last)])
        axes = {f"classifier__{name}": values for name, values in (grid or {}).items()}
        folds = self._folds(seed, is_stratified=is_classifier(last))
        search = GridSearchCV(model, axes, scoring=score, cv=folds, refit=False)
        return search.fit(*self._training(), **self._weighed(self._train))

    def _folds(self, seed, *, is_stratified):
        """The folds of scikit-learn's own splitter."""
        count, kind = self._cv.get("folds", 5), self._cv.get("kind", "stratified")
        by_chance = {"shuffle": True, "random_state": seed}
        splitter = {
            "stratified": lambda: (StratifiedKFold if is_stratified else KFold)(count, **by_chance),
            "group": lambda: StratifiedGroupKFold(count, **by_chance),
            "time": lambda: TimeSeriesSplit(count),
            "repeated": lambda: RepeatedStratifiedKFold(
                n_splits=count, n_repeats=self._cv["repeats"], random_state=seed
            ),
        }[kind]()
        by = {"groups": self._groups.iloc[self._train]} if kind == "group" else {}
        return list(splitter.split(*self._training(), **by))

    def _weighed(self, rows):
        return {} if self._weights is None else {"sample_weight": self._weights.iloc[rows]}

    def _points(self):
        """Each point's cross-validated score, and its model fitted on all training rows."""
        for search in self._searches:
            found = search.cv_results_
            for point, cv in zip(found["params"], found["mean_test_score"], strict=True):
                model = clone(search.estimator).set_params(**point)
                yield cv, model.fit(*self._training(), **self._weighed(self._train))

    def _training(self):
        return self.X.iloc[self._train], self.y.iloc[self._train]


def _columns():
    """Numbers and categories prepared as docs/how-to/text-and-missing-data.md says."""
    numbers = make_column_selector(dtype_include="number")
    rest = make_column_selector(dtype_exclude="number")
    encode = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=100)
    scale = StandardScaler().set_fit_request(sample_weight=False)  # the last step alone is weighed
    return make_column_transformer(
        (make_pipeline(SimpleImputer(), scale), numbers),
        (encode, rest),
        sparse_threshold=0,
    )
