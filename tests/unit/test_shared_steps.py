"""Steps that are fitted once for all trials: to the last bit as if each trial fitted them."""

from __future__ import annotations

import warnings
import weakref
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepstake.data.dataset import Dataset
from sweepstake.domain.search import Portion
from sweepstake.domain.spec import DataSpec, EstimatorSpec, Preprocess, Step, SweepSpec
from sweepstake.domain.trial import Trial
from sweepstake.modelfile.model_file import dump, loads
from sweepstake.training import fit_trial, portions, shared_steps
from sweepstake.training.shared_fits import SharedFits

RNG = np.random.default_rng(3)
ROWS = 90
FRAME = pd.DataFrame(
    {
        "a": np.round(RNG.normal(size=ROWS), 2),
        "b": np.where(RNG.random(ROWS) < 0.1, np.nan, RNG.random(ROWS)),
        "c": RNG.integers(0, 9, ROWS).astype(float),
        "kind": pd.Categorical(RNG.choice(["x", "yy", "z"], ROWS)),
    }
)
Y = np.repeat(["no", "yes", "who"], ROWS // 3)
CLASSIFIERS = (
    ("sklearn.linear_model.LogisticRegression", {"C": [0.1, 1.0], "max_iter": [5, 200]}),
    ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": [3, 5], "max_depth": [2, None]}),
    ("sklearn.ensemble.GradientBoostingClassifier", {"n_estimators": [2, 4]}),
    ("sklearn.neighbors.KNeighborsClassifier", {"n_neighbors": [1, 7], "algorithm": ["brute"]}),
    ("sklearn.svm.SVC", {"C": [0.5, 2.0], "probability": [False]}),
    ("sklearn.naive_bayes.GaussianNB", {"var_smoothing": [1e-9, 1e-2]}),
    ("sklearn.discriminant_analysis.LinearDiscriminantAnalysis", {"solver": ["svd", "lsqr"]}),
)
SCALERS = ("sklearn.preprocessing.StandardScaler", "sklearn.preprocessing.RobustScaler")
REDUCE = EstimatorSpec("sklearn.decomposition.PCA", {"n_components": 2})


def dataset(features):
    """The rows, the last third of each class kept back."""
    held = np.arange(ROWS) % 3 == 2
    return Dataset(
        X_train=features[~held].reset_index(drop=True),
        X_holdout=features[held].reset_index(drop=True),
        y_train=Y[~held],
        y_holdout=Y[held],
        classes=("no", "who", "yes"),
        digest="d",
    )


MIXED, NUMBERS = dataset(FRAME), dataset(FRAME[["a", "c"]])


def spec(**changes):
    """A sweep in three folds by accuracy, with log loss beside it."""
    told = {"preprocess": Preprocess.AUTO, **changes}
    return SweepSpec("s", "m", DataSpec(""), (), "accuracy", 3, 0, **told)


def comparable(trained):
    """All that a trial reports but for times, and what its stored model says of the holdout."""
    estimator, result = trained
    metrics = {name: value for name, value in result.metrics.items() if "seconds" not in name}
    curves = [curve for curve in result.curves if "seconds" not in curve.name]
    read = loads(dump(estimator))
    told = [type(step).__name__ for _, step in read.steps]
    answers = read.predict(
        MIXED.X_holdout if "kind" in estimator.feature_names_in_ else NUMBERS.X_holdout
    )
    return metrics, curves, result.params, result.confusion, result.warnings, told, list(answers)


@st.composite
def sweeps(draw):
    """Some trials of one grid: steps before one of two classifiers, with some of their values."""
    chosen = draw(st.lists(st.sampled_from(CLASSIFIERS), min_size=1, max_size=2))
    stepped = draw(st.booleans())
    trials = []
    for number in range(draw(st.integers(2, 4))):
        name, lists = draw(st.sampled_from(chosen))
        params = {key: draw(st.sampled_from(values)) for key, values in lists.items()}
        steps = ()
        if stepped:
            steps = (Step("scale"), Step("reduce"))
            scaler = draw(st.sampled_from(SCALERS))
            params |= {"scale": EstimatorSpec(scaler, {}), "reduce": REDUCE}
        trials.append(Trial(number, f"k{number}", EstimatorSpec(name, params, steps)))
    return trials


@given(trials=sweeps(), mixed=st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_trial_on_shared_steps_is_that_of_a_fresh_fit_to_the_last_bit(trials, mixed):
    """Figures, curves, warnings, parameters and the stored model, over random grids."""
    data = MIXED if mixed and not trials[0].estimator.steps else NUMBERS
    shared = SharedFits()
    for trial in trials:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mine = fit_trial.train(trial, spec(), data, shared)
            alone = fit_trial.train(trial, spec(), data, SharedFits(share=False))
        assert comparable(alone) == comparable(mine)
        assert () == alone[1].shared_steps


def logistic(number, **params):
    """A trial of a logistic regression."""
    name = "sklearn.linear_model.LogisticRegression"
    return Trial(number, f"k{number}", EstimatorSpec(name, {"max_iter": 300, **params}))


def test_the_second_trial_says_which_steps_it_found():
    """The first one fitted them; other data sets, other steps and no sharing find none."""
    shared = SharedFits()
    results = [
        fit_trial.train(logistic(n, C=c), spec(), NUMBERS, shared)[1]
        for n, c in ((0, 1.0), (1, 2.0))
    ]
    assert [(), ("impute", "scale")] == [each.shared_steps for each in results]
    apart = SharedFits(share=False)
    for number in (0, 1):
        assert () == fit_trial.train(logistic(number), spec(), NUMBERS, apart)[1].shared_steps


def test_steps_are_fitted_once_for_each_fold(monkeypatch):
    """And once for all rows: three folds are four fits, however many trials there are."""
    from sklearn.preprocessing import StandardScaler

    fits = []
    fit = StandardScaler.fit
    monkeypatch.setattr(
        StandardScaler,
        "fit",
        lambda self, *args, **params: (fits.append(1), fit(self, *args, **params))[1],
    )
    shared = SharedFits()
    for number, strength in enumerate((0.1, 1.0, 10.0)):
        fit_trial.train(logistic(number, C=strength), spec(), NUMBERS, shared)
    assert 4 == len(fits)


def test_no_more_rows_are_kept_than_there_is_room_for(monkeypatch):
    """Then steps are fitted again; the answers stay."""
    monkeypatch.setattr(shared_steps, "MOST_BYTES", 100)
    shared = SharedFits()
    mine = [fit_trial.train(logistic(n), spec(), NUMBERS, shared) for n in range(2)][1]
    assert () == mine[1].shared_steps
    assert comparable(fit_trial.train(logistic(1), spec(), NUMBERS)) == comparable(mine)


def test_what_would_write_into_shared_rows_gets_its_own():
    """Told to use its rows as its own, a classifier changes them: nobody else may have them."""
    name = "sklearn.linear_model.Ridge"
    numbers = Dataset(
        **{
            **{f: getattr(NUMBERS, f) for f in NUMBERS.__dataclass_fields__},
            "y_train": NUMBERS.X_train["a"].to_numpy() * 2,
            "y_holdout": NUMBERS.X_holdout["a"].to_numpy() * 2,
            "classes": (),
        }
    )
    changed = SweepSpec("s", "m", DataSpec(""), (), "r2", 3, 0)
    shared = SharedFits()
    results = []
    for number, copying in enumerate((False, True, False, True)):
        trial = Trial(number, f"k{number}", EstimatorSpec(name, {"copy_X": copying}))
        results.append(fit_trial.train(trial, changed, numbers, shared)[1])
    assert [(), (), (), ("impute", "scale")] == [each.shared_steps for each in results]
    scores = [each.metrics["mean_cv_r2"] for each in results]
    assert scores[0] == scores[1] == scores[2] == scores[3]


def test_steps_with_a_random_seed_are_not_shared():
    """Two fits of them are not equal."""
    params = {
        "reduce": EstimatorSpec(
            "sklearn.decomposition.PCA", {"svd_solver": "randomized", "random_state": None}
        )
    }
    shared = SharedFits()
    for number in range(2):
        point = EstimatorSpec("sklearn.naive_bayes.GaussianNB", params, (Step("reduce"),))
        _, result = fit_trial.train(Trial(number, "k", point), spec(), NUMBERS, shared)
    assert () == result.shared_steps


def test_a_warning_of_a_shared_step_is_said_by_each_trial():
    """As if each had fitted it: bins that are too narrow."""
    params = {
        "bins": EstimatorSpec(
            "sklearn.preprocessing.KBinsDiscretizer", {"n_bins": 50, "encode": "ordinal"}
        )
    }
    point = EstimatorSpec("sklearn.naive_bayes.GaussianNB", params, (Step("bins"),))
    shared = SharedFits()
    heard = [
        fit_trial.train(Trial(n, "k", point), spec(), NUMBERS, shared)[1].warnings for n in range(2)
    ]
    assert heard[0] == heard[1]
    assert any("bins" in each.lower() for each in heard[0])


def test_a_step_that_fails_fails_each_trial():
    """Nothing of it is kept."""
    params = {"reduce": EstimatorSpec("sklearn.decomposition.PCA", {"n_components": 50})}
    point = EstimatorSpec("sklearn.naive_bayes.GaussianNB", params, (Step("reduce"),))
    shared = SharedFits()
    for number in range(2):
        with pytest.raises(ValueError, match="n_components=50 must be between"):
            fit_trial.train(Trial(number, "k", point), spec(), NUMBERS, shared)


FOREST = "sklearn.ensemble.RandomForestClassifier"
SCALE = EstimatorSpec("sklearn.preprocessing.StandardScaler", {})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((Step("scale"), Step("reduce")), (Step("reduce"), Step("scale"))),
        ((Step("scale", "a"), Step("reduce", "c")), (Step("scale", "c"), Step("reduce", "a"))),
    ],
    ids=["another order", "other columns"],
)
def test_forests_behind_other_steps_do_not_grow_on_each_other(first, second):
    """Steps of the same parameters in another order, or for other columns, make other rows."""
    reduce = EstimatorSpec("sklearn.decomposition.PCA", {"n_components": 1})
    params = {"scale": SCALE, "reduce": reduce}
    shared = SharedFits()
    for number, (steps, size) in enumerate(((first, 3), (second, 6))):
        point = EstimatorSpec(FOREST, {**params, "n_estimators": size}, steps)
        trial = Trial(number, f"k{number}", point)
        mine = fit_trial.train(trial, spec(), NUMBERS, shared)
        alone = fit_trial.train(trial, spec(), NUMBERS, SharedFits(share=False))
        assert comparable(alone) == comparable(mine)
        assert 0 == mine[1].grown


def test_a_step_that_writes_to_its_rows_leaves_the_data_as_they_are():
    """Told to use its rows as its own, it shares nothing, and has its own."""
    scale = EstimatorSpec("sklearn.preprocessing.StandardScaler", {"copy": False})
    point = EstimatorSpec("sklearn.naive_bayes.GaussianNB", {"scale": scale}, (Step("scale"),))
    before = NUMBERS.X_train.copy(), NUMBERS.X_holdout.copy()
    shared = SharedFits()
    scores = []
    for number in range(2):
        _, result = fit_trial.train(Trial(number, "k", point), spec(), NUMBERS, shared)
        assert () == result.shared_steps
        scores.append(result.metrics["mean_cv_accuracy"])
    assert scores[0] == scores[1]
    pd.testing.assert_frame_equal(before[0], NUMBERS.X_train)
    pd.testing.assert_frame_equal(before[1], NUMBERS.X_holdout)


def test_a_classifier_that_writes_to_its_rows_leaves_the_data_as_they_are():
    """Without a step before it, the rows are those of the data set."""
    point = EstimatorSpec("sklearn.linear_model.Ridge", {"copy_X": False})
    y = NUMBERS.X_train["a"].to_numpy() * 2
    data = replace(NUMBERS, y_train=y, y_holdout=NUMBERS.X_holdout["a"].to_numpy(), classes=())
    raw = replace(spec(), metric="r2", preprocess=Preprocess.NONE)
    before = data.X_train.copy()
    fit_trial.train(Trial(0, "k", point), raw, data, SharedFits())
    pd.testing.assert_frame_equal(before, data.X_train)


def test_parts_of_the_data_are_told_apart():
    """Trials of rungs with more rows share nothing with those of fewer."""
    shared = SharedFits()
    for number, rows in enumerate((24, 40, 24)):
        trial, portion = logistic(number), Portion(number, rows=rows)
        mine = portions.rate(trial, portion, spec(), NUMBERS, shared)
        alone = portions.rate(trial, portion, spec(), NUMBERS, SharedFits(share=False))
        assert alone.metrics["mean_cv_accuracy"] == mine.metrics["mean_cv_accuracy"]
        assert () == mine.shared_steps


def test_a_trial_holds_no_rows_that_there_is_no_room_for(monkeypatch):
    """Else the rows of all folds would stay until the next trial."""
    monkeypatch.setattr(shared_steps, "MOST_BYTES", 1)
    cache = shared_steps.StepCache()
    cache.enter(fit_trial.estimator_of(logistic(0), spec(), NUMBERS))
    values, y = NUMBERS.X_train.to_numpy(), NUMBERS.y_train
    made = weakref.ref(cache.rows(0, lambda: values, y))
    assert made() is None
    assert cache.unseen(0, lambda: values).shape == values.shape


def test_steps_whose_model_counts_its_questions_are_not_shared():
    """The model would tell of those of other trials."""
    params = {"reduce": EstimatorSpec("sklearn.manifold.Isomap", {"n_components": 1})}
    point = EstimatorSpec("sklearn.naive_bayes.GaussianNB", params, (Step("reduce"),))
    shared = SharedFits()
    results = [fit_trial.train(Trial(n, "k", point), spec(), NUMBERS, shared)[1] for n in range(2)]
    assert () == results[1].shared_steps


def test_rows_that_are_too_many_push_out_no_others(monkeypatch):
    """They are not kept; what fits stays."""
    cache = shared_steps.StepCache()
    small, y = NUMBERS.X_train.to_numpy(), NUMBERS.y_train
    cache.enter(fit_trial.estimator_of(logistic(0), spec(), NUMBERS))
    cache.rows(0, lambda: small, y)
    monkeypatch.setattr(shared_steps, "MOST_BYTES", 2 * small.nbytes)
    cache.rows(1, lambda: np.tile(small, (3, 1)), np.tile(y, 3))
    cache.enter(fit_trial.estimator_of(logistic(1, C=2.0), spec(), NUMBERS))
    cache.rows(1, lambda: np.tile(small, (3, 1)), np.tile(y, 3))
    assert () == cache.found
    cache.rows(0, lambda: small, y)
    assert ("impute", "scale") == cache.found
