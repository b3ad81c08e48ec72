"""Boosters: the scores of their libraries, labels of any kind, rows kept back, one seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import smallboosters
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.preprocessing import LabelEncoder

from sweepstake.boosting import kept_back
from sweepstake.boosting.library import first_line
from sweepstake.data import dataset, splitting
from sweepstake.data.beside import Beside
from sweepstake.data.dataset import Table
from sweepstake.data.folds import divided
from sweepstake.domain.folding import Folding, FoldKind
from sweepstake.domain.spec import DataSpec, EstimatorSpec, Preprocess, SweepSpec
from sweepstake.domain.trial import Trial
from sweepstake.training import fit_arguments, fit_trial

NAMES, STOPPING = smallboosters.NAMES, smallboosters.STOPPING
TASKS = Path("/proc/self/task")
"""Where Linux lists the threads of a process."""
LABELS = {"text": ["a", "b", "c"], "gaps": [3, 7, 9], "floats": [0.5, 1.5, 2.5]}


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """The small rows of each kind of booster as training has them: mapped and read-only."""
    found = {}
    for name in ("XGBClassifier", "XGBRegressor"):
        x, y = smallboosters.rows_of(name)
        table = Table(x, np.asarray(y), ("y",), name)
        folder = tmp_path_factory.mktemp(name)
        digest = dataset.stage(table, splitting.split(table, 0.2, 0), folder)
        found[smallboosters.of_classes(name)] = dataset.open_staged(folder, digest)
    return lambda name: found[smallboosters.of_classes(name)]


def run(name, data, params=None, metric="", kind=FoldKind.STRATIFIED):
    """Train one trial of a booster with nothing before it."""
    metric = metric or ("neg_log_loss" if smallboosters.of_classes(name) else "r2")
    spec = SweepSpec(
        "s", "m", DataSpec(""), (), metric, 3, 0, Preprocess.NONE, metrics=(), fold_kind=kind
    )
    point = EstimatorSpec(name, {"n_estimators": 8, **(params or {})})
    return fit_trial.train(Trial(0, "key", point), spec, data)


@pytest.mark.parametrize("name", NAMES)
def test_folds_score_as_the_librarys_own_class_does(name, staged):
    """Each fold's score equals that of GridSearchCV on the library's class, to the last bit."""
    data = staged(name)
    _, result = run(name, data)
    y = LabelEncoder().fit_transform(data.y_train) if data.classes else data.y_train
    search = GridSearchCV(
        smallboosters.of_library(name),
        {},
        cv=divided(data.y_train, Folding(3, 0)),
        scoring="neg_log_loss" if data.classes else "r2",
        error_score="raise",
    ).fit(data.X_train.to_numpy(), y)
    expected = [search.cv_results_[f"split{n}_test_score"][0] for n in range(3)]
    assert expected == list(result.curves[0].values)


@pytest.mark.parametrize("name", [name for name in NAMES if smallboosters.of_classes(name)])
@pytest.mark.parametrize("kind", sorted(LABELS))
def test_labels_are_answered_as_they_were(name, kind):
    """Whatever labels are, a classifier says them, sorted, and their probabilities are in order."""
    x, y = smallboosters.rows_of(name)
    labels = np.array(LABELS[kind])[LabelEncoder().fit_transform(y)]
    booster = smallboosters.build(name).fit(x, labels)
    own = smallboosters.of_library(name).fit(x, LabelEncoder().fit_transform(labels))
    assert LABELS[kind] == booster.classes_.tolist()
    assert labels.dtype == booster.predict(x).dtype
    assert (np.ravel(own.predict(x)) == LabelEncoder().fit_transform(booster.predict(x))).all()
    assert (own.predict_proba(x) == booster.predict_proba(x)).all()


def test_truth_values_are_labels():
    """Two classes that are true and false are answered as such."""
    x, y = smallboosters.rows_of("LGBMClassifier")
    found = smallboosters.build("LGBMClassifier").fit(x, y == "iris a").predict(x)
    assert (bool, True, False) == (found.dtype, found[0], found[-1])


@pytest.mark.parametrize("name", STOPPING)
def test_a_booster_that_stops_early_is_the_librarys_on_the_same_rows(name):
    """It keeps a tenth of the rows back, by its seed, and the model has the best rounds alone."""
    x, y = smallboosters.rows_of(name)
    x, codes = x.to_numpy(), LabelEncoder().fit_transform(y) if y.dtype.kind == "U" else y
    rate = {"learning_rate": 0.2}  # else CatBoost takes one that suits the number of rounds
    stopping = {**rate, "n_estimators": 200, "early_stopping_rounds": 3}
    booster = smallboosters.build(name, **stopping).fit(x, y)
    kept = kept_back.by_chance(codes, 0, classes=smallboosters.of_classes(name))
    known = {**rate, "n_estimators": booster.n_iter_}
    rounds = smallboosters.build(name, **known).fit(x[~kept], y[~kept])
    assert rounds.predict(x).tolist() == booster.predict(x).tolist()
    assert 1 <= booster.n_iter_ == np.argmin(booster.validation_score_) + 1 < 200
    assert len(booster.validation_score_) == len(booster.train_score_)


def test_rows_kept_back_are_not_learnt_from():
    """What they hold as their target changes when it stops, and nothing else."""
    x, y = smallboosters.rows_of("XGBRegressor")
    kept = np.arange(len(y)) % 10 == 0
    params = {"n_estimators": 5, "early_stopping_rounds": 50}
    first = smallboosters.build("XGBRegressor", **params).fit(x, y, held_back=kept)
    moved = np.where(kept, first.predict(x), y)
    second = smallboosters.build("XGBRegressor", **params).fit(x, moved, held_back=kept)
    shorter = min(first.n_iter_, second.n_iter_)
    assert first.train_score_[:shorter] == second.train_score_[:shorter]


@pytest.mark.parametrize("name", STOPPING)
def test_a_trial_tells_its_rounds_and_curves(name, staged):
    """The rounds that are used are a figure; the library's metric by round is a curve of each."""
    _, result = run(name, staged(name), {"n_estimators": 30, "early_stopping_rounds": 2})
    curves = {curve.name: curve for curve in result.curves}
    assert result.metrics["n_iter"] <= len(curves["train_score"].points)
    assert len(curves["train_score"].points) == len(curves["validation_score"].points)
    assert "validation_score" not in {c.name for c in run(name, staged(name))[1].curves}


@pytest.mark.parametrize("name", NAMES)
def test_a_trial_can_be_repeated_to_the_last_bit(name, staged):
    """The seed of the sweep seeds the booster, rows that it draws included."""
    params = {"subsample": 0.5, "early_stopping_rounds": 3} if name in STOPPING else {}
    if name.startswith("LGBM"):
        params |= {"subsample_freq": 1}
    if name.startswith("Cat"):
        params |= {"bootstrap_type": "Bernoulli"}
    data = staged(name)
    models = [run(name, data, params)[0] for _ in range(2)]
    first, second = (each.predict(data.X_holdout).tolist() for each in models)
    assert first == second


@pytest.mark.parametrize("kind", [FoldKind.GROUP, FoldKind.TIME])
def test_rows_kept_back_go_by_what_folds_go_by(kind, staged):
    """Whole groups, or the last rows: those that a fold keeps together stay together."""
    data = staged("XGBRegressor")
    count = len(data.y_train)
    by = np.arange(count) % 20
    beside = Beside(groups=by.astype(float)) if kind is FoldKind.GROUP else Beside(times=by)
    data = replace(data, beside=beside)
    booster = smallboosters.build("XGBRegressor", early_stopping_rounds=3)
    rows = np.arange(count - 7)
    (mask,) = fit_arguments.of(booster, data, Folding(3, 0, kind), rows).values()
    if kind is FoldKind.TIME:
        assert mask.tolist() == [False] * (len(rows) - sum(mask)) + [True] * sum(mask)
    else:
        assert set(by[rows][mask]).isdisjoint(by[rows][~mask])
    assert 0.05 < mask.mean() < 0.2
    assert {} == fit_arguments.of(smallboosters.build("XGBRegressor"), data, Folding(3, 0, kind))
    _, result = run("XGBRegressor", data, {"early_stopping_rounds": 3}, kind=kind)
    assert result.metrics["n_iter"] <= 8


@pytest.mark.parametrize(
    ("y", "classes", "expected"),
    [
        (np.repeat([0, 1], [90, 10]), True, [9, 1]),
        (np.repeat([0, 1, 2], 2), True, [1, 1, 1]),
        (np.arange(30.0), False, None),
    ],
)
def test_each_class_keeps_back_its_share(y, classes, expected):
    """A tenth of the rows, and as many as there are classes at least."""
    kept = kept_back.by_chance(y, 0, classes=classes)
    assert (expected or [3]) == (np.bincount(y[kept]).tolist() if classes else [kept.sum()])


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: kept_back.by_chance(np.array([0, 0, 0, 1]), 0, classes=True), "a single row"),
        (lambda: kept_back.by_group(np.zeros(9), 0), "the rows are of one group"),
    ],
)
def test_rows_that_cannot_be_kept_back_are_told(call, expected):
    """A class of one row, and rows of one group."""
    with pytest.raises(ValueError, match=expected):
        call()


def test_a_class_that_is_kept_back_whole_is_told():
    """A group may hold all rows of a class: then nothing is left to learn it from."""
    x, y = smallboosters.rows_of("XGBClassifier")
    booster = smallboosters.build("XGBClassifier", early_stopping_rounds=3)
    with pytest.raises(ValueError, match="no row of class 'iris c' is left to fit on"):
        booster.fit(x, y, held_back=y == "iris c")


@pytest.mark.parametrize("name", NAMES)
def test_gaps_and_sparse_rows_are_taken(name):
    """A gap is a gap to a booster, and words of texts come as a sparse matrix."""
    x, y = smallboosters.rows_of(name)
    holes = x.mask(np.random.default_rng(0).random(x.shape) < 0.1)
    thin = sparse.csr_matrix(x.to_numpy())
    booster = smallboosters.build(name)
    assert len(y) == len(clone(booster).fit(holes, y).predict(holes))
    assert len(y) == len(clone(booster).fit(thin, y).predict(thin))


@pytest.mark.parametrize(
    ("name", "params", "x", "expected"),
    [
        ("XGBRegressor", {"eval_metric": "nothing"}, None, "nothing"),
        ("CatBoostClassifier", {"eval_metric": "Nothing"}, None, "Nothing"),
        ("LGBMRegressor", {"objective": "nothing"}, None, "nothing"),
        ("CatBoostRegressor", {}, np.zeros((442, 2)), "constant"),
        (
            "LGBMClassifier",
            {"early_stopping_rounds": 2, "boosting_type": "dart"},
            None,
            "dart|both",
        ),
        ("XGBClassifier", {}, np.full((150, 1), "red"), "convert string"),
    ],
)
def test_what_a_library_refuses_is_told_in_a_sentence(name, params, x, expected):
    """No place in its source, no trace of calls, no class of its own."""
    rows, y = smallboosters.rows_of(name)
    with pytest.raises(ValueError, match=expected) as caught:
        smallboosters.build(name, **params).fit(rows if x is None else x, y)
    assert ".cc:" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_library_that_measures_nothing_has_no_curve():
    """LightGBM may be told to have no metric of its own."""
    x, y = smallboosters.rows_of("LGBMRegressor")
    assert [] == list(smallboosters.build("LGBMRegressor", metric="None").fit(x, y).train_score_)


def test_one_line_is_left_of_what_xgboost_says():
    """The time, the place in its source and the calls that led there are left out."""
    said = "[04:07:12] /src/objective.cc:29: Unknown objective: `a`\nStack trace:\n  [bt] (0)"
    assert "Unknown objective: `a`" == first_line(RuntimeError(said))


def test_class_weights_have_the_labels_as_keys():
    """The library gets them by its own numbers of the classes."""
    x, y = smallboosters.rows_of("LGBMClassifier")
    weights = {"iris a": 1, "iris b": 1, "iris c": 50}
    for name, param in (
        ("LGBMClassifier", "class_weight"),
        ("CatBoostClassifier", "class_weights"),
    ):
        plain, weighed = smallboosters.build(name), smallboosters.build(name, **{param: weights})
        counts = [(each.fit(x, y).predict_proba(x)[:, 2]).sum() for each in (plain, weighed)]
        assert counts[0] < counts[1]


def test_a_weight_of_what_is_no_label_is_told():
    """The labels that there are stand in the message."""
    x, y = smallboosters.rows_of("LGBMClassifier")
    booster = smallboosters.build("LGBMClassifier", class_weight={"rose": 2})
    with pytest.raises(
        ValueError, match=r"names 'rose', which is no label\. Labels are 'iris a', "
    ):
        booster.fit(x, y)


@pytest.mark.parametrize("name", NAMES)
def test_weights_of_rows_are_the_librarys(name):
    """What rows weigh counts in the fit as it does in the library's own class."""
    x, y = smallboosters.rows_of(name)
    weights = np.random.default_rng(0).uniform(0.1, 3, len(y))
    codes = LabelEncoder().fit_transform(y) if smallboosters.of_classes(name) else y
    own = smallboosters.of_library(name).fit(x.to_numpy(), codes, sample_weight=weights)
    booster = smallboosters.build(name).fit(x.to_numpy(), y, sample_weight=weights)
    method = "predict_proba" if smallboosters.of_classes(name) else "predict"
    expected, found = (getattr(each, method)(x.to_numpy()) for each in (own, booster))
    assert (expected == found).all()


def test_boosters_stand_inside_other_estimators():
    """Their seeds and parameters are reached by name, also under a library's other name for one."""
    x, y = smallboosters.rows_of("LGBMClassifier")
    inner = smallboosters.build("LGBMClassifier")
    team = BaggingClassifier(inner, 2, random_state=0).set_params(estimator__feature_fraction=0.5)
    team.fit(x, y)
    seeds = {each.get_params()["random_state"] for each in team.estimators_}
    assert (0.5, 2) == (team.estimators_[0].get_params()["colsample_bytree"], len(seeds))


def test_several_targets_are_refused_with_the_way_out():
    """A booster has one target; a regressor for each of several is what MultiOutput is for."""
    x, y = smallboosters.rows_of("XGBRegressor")
    several = np.column_stack([y, -y])
    with pytest.raises(ValueError, match="should be a 1d array"):
        smallboosters.build("XGBRegressor").fit(x, several)
    found = MultiOutputRegressor(smallboosters.build("XGBRegressor")).fit(x, several).predict(x)
    assert several.shape == found.shape


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_takes_one_core_and_writes_nothing(name, tmp_path, monkeypatch, capfd):
    """Whatever n_jobs says: no pool of threads (CatBoost has one to wait), no file, no line."""
    monkeypatch.chdir(tmp_path)
    cores = "thread_count" if name.startswith("Cat") else "n_jobs"
    x, y = smallboosters.rows_of(name)
    smallboosters.build(name).fit(x, y)
    before = len(list(TASKS.iterdir()))
    smallboosters.build(name, **{cores: 5}).fit(x, y).predict(x)
    assert (True, []) == (len(list(TASKS.iterdir())) <= before + 1, list(tmp_path.iterdir()))
    assert ("", "") == capfd.readouterr()


THREADS = """if True:
    import json
    from threadpoolctl import threadpool_info
    from sweepstake.processes.single_core import one_core

    def counts():
        return {each["filepath"]: each["num_threads"] for each in threadpool_info()}

    with one_core():
        before = counts()
    import lightgbm
    free = counts()
    with one_core():
        held = counts()
    added = free.keys() - before.keys()
    print(json.dumps([bool(added), max(free[each] for each in added), sorted(set(held.values()))]))
"""


def test_the_threads_of_a_library_that_is_loaded_later_are_held():
    """A trial of another estimator has one thread too, after one of a booster in its process."""
    environ = {**os.environ, "OMP_NUM_THREADS": "3"}
    command = [sys.executable, "-W", "ignore", "-c", THREADS]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert [True, 3, [1]] == json.loads(done.stdout)
