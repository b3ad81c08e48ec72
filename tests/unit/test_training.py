"""Training of one trial: every classifier, the same figures as scikit-learn, nothing lost."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import effective_n_jobs
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.utils import all_estimators
from threadpoolctl import threadpool_info

from sweepstake.data import dataset, splitting
from sweepstake.data.dataset import Table
from sweepstake.data.folds import folds as plain_folds
from sweepstake.domain.spec import DataSpec, EstimatorSpec, Preprocess, SweepSpec
from sweepstake.domain.trial import Trial
from sweepstake.gridfile import estimators
from sweepstake.training import fit_trial, pipeline

LR = EstimatorSpec("LogisticRegression")
TREE = EstimatorSpec("DecisionTreeClassifier", {"max_depth": 3})
INNER = {"estimator": LR}
TEAM = {"estimators": {"lr": LR, "tree": TREE}}
PARAMS = {
    "CategoricalNB": {"min_categories": 20},
    "ClassifierChain": INNER,
    "FixedThresholdClassifier": INNER,
    "MultiOutputClassifier": INNER,
    "OneVsOneClassifier": INNER,
    "OneVsRestClassifier": INNER,
    "OutputCodeClassifier": INNER,
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.1},  # columns of one category are collinear
    "RadiusNeighborsClassifier": {"outlier_label": "most_frequent"},
    "SelfTrainingClassifier": INNER,
    "StackingClassifier": TEAM,
    "TunedThresholdClassifierCV": {**INNER, "cv": 2},
    "VotingClassifier": TEAM,
}
MULTILABEL = {"ClassifierChain", "MultiOutputClassifier"}
CLASSIFIERS = [name for name, _ in all_estimators(type_filter="classifier")]


@pytest.mark.parametrize(
    ("labels", "written"),
    [
        ([0, 1], {"0": 1, "1": 10}),
        ([0, 1], {0: 1, 1: 10}),
        ([False, True], {"false": 1, "true": 10}),
        (["0", "1"], {0: 1, 1: 10}),
        (["no", "yes"], {"no": 1, "yes": 10}),
    ],
)
def test_keys_of_class_weight_are_the_labels_they_write(labels, written):
    """JSON has only text as keys, and YAML cannot tell a label's type: both mean the label."""
    spec = EstimatorSpec("LogisticRegression", {"class_weight": written})
    inner = EstimatorSpec("CalibratedClassifierCV", {"estimator": spec})
    built = estimators.build(inner, 0, np.unique(labels).tolist()).estimator
    assert dict(zip(np.unique(labels).tolist(), [1, 10], strict=True)) == built.class_weight


def test_class_weights_of_several_targets_are_read_too():
    """A list of weights, one mapping for each target, has the labels 0 and 1 as keys."""
    spec = EstimatorSpec("RandomForestClassifier", {"class_weight": [{"0": 1, "1": 2}]})
    assert [{0: 1, 1: 2}] == estimators.build(spec, 0, (0, 1)).class_weight


def divided(features, y):
    """Columns and labels as a divided data set."""
    table = Table(features, y, ("y",), "digest")
    return dataset.divide(table, splitting.split(table, 0.25, 0))


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    """Two classes, positive numbers only, staged: the arrays are mapped and read-only."""
    x, y = make_classification(100, 5, random_state=0)
    table = Table(pd.DataFrame(x - x.min(), columns=list("abcde")), y, ("y",), "binary")
    folder = tmp_path_factory.mktemp("stage")
    return dataset.open_staged(
        folder, dataset.stage(table, splitting.split(table, 0.25, 0), folder)
    )


@pytest.fixture(scope="module")
def mixed(binary):
    """Two classes; numbers with gaps, and texts with gaps."""
    frame = binary.X_train.copy()
    frame.loc[::7, "a"] = np.nan
    texts = np.where(binary.y_train + frame.index % 3 > 1, "yes", "no").astype(object)
    texts[::9] = None
    frame["t"] = pd.Categorical(texts, categories=["no", "yes"])
    return divided(frame, binary.y_train)


@pytest.fixture(scope="module")
def multilabel():
    """Three labels per row; numbers only."""
    x, y = make_multilabel_classification(90, 5, n_classes=3, random_state=0)
    return divided(pd.DataFrame(x, columns=list("abcde")), y)


@pytest.fixture(scope="module")
def iris():
    """Three classes; numbers only."""
    table = dataset.read(DataSpec("sklearn:iris"), ())
    return dataset.divide(table, splitting.split(table, 0.2, 0))


def run(dataset, name, params=None, metric="accuracy", preprocess=Preprocess.AUTO, cv=3):
    """Train one trial."""
    spec = SweepSpec("s", "m", DataSpec(""), (), metric, cv, 0, preprocess)
    return fit_trial.train(Trial(0, "key", EstimatorSpec(name, params or {})), spec, dataset)


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("kind", ["numbers", "as they are", "mixed"])
@pytest.mark.slow
def test_every_classifier_trains(name, kind, binary, mixed, multilabel):
    """All classifiers of scikit-learn train on numbers, on mapped numbers as they are, on mixed."""
    dataset = {"numbers": binary, "as they are": binary, "mixed": mixed}[kind]
    if name in MULTILABEL:
        dataset = multilabel
    preprocess = Preprocess.NONE if kind == "as they are" else Preprocess.AUTO
    fitted, result = run(dataset, name, PARAMS.get(name), preprocess=preprocess, cv=2)
    assert 0 <= result.metrics["mean_cv_accuracy"] <= 1
    assert fitted.predict(dataset.X_holdout).shape == dataset.y_holdout.shape
    assert sorted(pipeline.classifier_of(fitted).get_params()) == list(result.params)


@pytest.mark.parametrize("metric", ["f1_macro", "accuracy", "neg_log_loss", "roc_auc_ovr"])
@pytest.mark.parametrize(
    ("name", "preprocess"),
    [
        ("DecisionTreeClassifier", Preprocess.NONE),
        ("ExtraTreesClassifier", Preprocess.NONE),
        ("LogisticRegression", Preprocess.AUTO),
        ("MultinomialNB", Preprocess.AUTO),
    ],
)
def test_folds_score_as_in_grid_search(iris, metric, name, preprocess):
    """Each fold's score, their mean and deviation equal those of GridSearchCV, to the last bit."""
    params = {"n_estimators": 5} if name == "ExtraTreesClassifier" else {}
    _, result = run(iris, name, params, metric=metric, preprocess=preprocess, cv=4)
    classifier = estimators.build(EstimatorSpec(name, params), 0)
    estimator = pipeline.build(classifier, preprocess, iris.X_train)
    folds = plain_folds(iris.y_train, 4, 0)
    search = GridSearchCV(estimator, {}, cv=folds, scoring=metric)
    search.fit(iris.X_train.to_numpy(), iris.y_train)
    expected = [(n, search.cv_results_[f"split{n}_test_score"][0]) for n in range(4)]
    assert expected == list(result.curves[0].points)
    assert f"cv_{metric}" == result.curves[0].name
    assert search.cv_results_["mean_test_score"][0] == result.metrics[f"mean_cv_{metric}"]
    assert search.cv_results_["std_test_score"][0] == result.metrics[f"std_cv_{metric}"]


def test_folds_score_as_in_grid_search_on_mixed_columns(mixed):
    """With categories too, the folds' scores are those of GridSearchCV on the same frame."""
    _, result = run(mixed, "SVC", metric="f1_macro")
    estimator = pipeline.build(
        estimators.build(EstimatorSpec("SVC"), 0), Preprocess.AUTO, mixed.X_train
    )
    folds = plain_folds(mixed.y_train, 3, 0)
    search = GridSearchCV(estimator, {}, cv=folds, scoring="f1_macro")
    search.fit(mixed.X_train, mixed.y_train)
    expected = [search.cv_results_[f"split{n}_test_score"][0] for n in range(3)]
    assert expected == [score for _, score in result.curves[0].points]


@pytest.mark.parametrize("metric", ["f1_macro", "neg_log_loss", "matthews_corrcoef"])
def test_the_sweeps_metric_is_tested_too(iris, metric):
    """test_<metric> is the scorer's value on the holdout, which is also what score returns."""
    fitted, result = run(iris, "DecisionTreeClassifier", metric=metric)
    expected = get_scorer(metric)(fitted, iris.X_holdout, iris.y_holdout)
    assert expected == result.metrics[f"test_{metric}"]
    assert expected == fit_trial.score(fitted, iris, metric)


@pytest.mark.parametrize("preprocess", list(Preprocess))
def test_the_model_takes_frames_without_warnings(iris, preprocess):
    """The fitted model knows the names of the columns and predicts frames silently."""
    fitted, _ = run(iris, "DecisionTreeClassifier", preprocess=preprocess)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.predict(iris.X_holdout)
    assert tuple(iris.X_train.columns) == tuple(fitted.feature_names_in_)


def test_models_keep_no_mapped_arrays(binary):
    """A model that remembers its rows keeps plain arrays, not views of the staged file's class."""
    fitted, _ = run(binary, "KNeighborsClassifier", preprocess=Preprocess.NONE)
    assert type(pipeline.classifier_of(fitted)._fit_X) is np.ndarray  # noqa: SLF001
    assert type(fitted.classes_) is np.ndarray


def test_the_same_trial_gives_the_same_result(iris):
    """Scores and figures are repeatable: the seed reaches the classifier."""
    first, again = (run(iris, "RandomForestClassifier", {"n_estimators": 5})[1] for _ in range(2))
    timeless = {key for key in first.metrics if not key.endswith("seconds")}
    assert {k: first.metrics[k] for k in timeless} == {k: again.metrics[k] for k in timeless}
    assert first.curves[0] == again.curves[0]


def test_each_fold_reports_its_seconds(iris):
    """Fit and score seconds are curves over the folds."""
    _, result = run(iris, "GaussianNB")
    names = ["cv_accuracy", "fit_seconds", "score_seconds"]
    assert names == [curve.name for curve in result.curves]
    assert [[0, 1, 2]] * 3 == [[step for step, _ in curve.points] for curve in result.curves]
    assert all(value > 0 for curve in result.curves[1:] for _, value in curve.points)
    assert result.metrics["refit_seconds"] > 0


@pytest.mark.parametrize(
    ("name", "params", "expected"),
    [
        ("MLPClassifier", {"max_iter": 7}, {"loss_curve": 7}),
        (
            "MLPClassifier",
            {"max_iter": 7, "early_stopping": True},
            {"loss_curve": 7, "validation_scores": 7},
        ),
        (
            "GradientBoostingClassifier",
            {"n_estimators": 9},
            {"train_score": 9, "staged_accuracy": 9},
        ),
        ("AdaBoostClassifier", {"n_estimators": 6}, {"staged_accuracy": 6}),
        (
            "HistGradientBoostingClassifier",
            {"max_iter": 8, "early_stopping": True},
            {"train_score": 9, "validation_score": 9, "staged_accuracy": 8},
        ),
    ],
)
def test_curves_of_training_are_kept(iris, name, params, expected):
    """Loss curves, validation scores and staged scores are curves of the result."""
    _, result = run(iris, name, params)
    assert expected == {curve.name: len(curve.points) for curve in result.curves[3:]}


def test_staged_accuracy_ends_at_the_last_folds_accuracy(iris):
    """The last stage is the whole model of the last fold, on that fold's test rows."""
    _, result = run(iris, "GradientBoostingClassifier", {"n_estimators": 5})
    assert result.curves[0].points[-1][1] == result.curves[-1].points[-1][1]


def test_warnings_are_collected_once_and_not_shown(iris, recwarn):
    """A fit that does not converge says so in the result, once, and nowhere else."""
    _, result = run(iris, "LogisticRegression", {"max_iter": 2, "C": 100.0})
    assert ["ConvergenceWarning"] == [text.partition(":")[0] for text in result.warnings]
    assert not recwarn.list
    assert 2.0 == result.metrics["n_iter"]


def test_parameters_are_text_with_inner_classifiers_by_name(mixed):
    """Every parameter is there, without the pipeline's prefix, inner classifiers by their class."""
    _, result = run(mixed, "VotingClassifier", TEAM)
    assert "lr: LogisticRegression, tree: DecisionTreeClassifier" == result.params["estimators"]
    assert ("DecisionTreeClassifier", "3") == (
        result.params["tree"],
        result.params["tree__max_depth"],
    )
    assert "0" == result.params["tree__random_state"]
    assert "None" == result.params["weights"]


def test_long_parameters_are_cut():
    """A parameter's text has 500 characters at most."""
    classifier = estimators.build(EstimatorSpec("GaussianNB", {"priors": [1.0] * 200}))
    text = fit_trial.params_of(classifier)["priors"]
    assert (500, "[1.0, 1.0") == (len(text), text[:9])


def test_a_trial_has_one_core_whatever_it_asks_for(iris, monkeypatch):
    """BLAS and OpenMP have one thread while a trial trains, and joblib no worker beside it."""
    seen = []
    fit = RandomForestClassifier.fit

    def watched(self, *args):
        libraries = {library["num_threads"] for library in threadpool_info()}
        seen.append((libraries, effective_n_jobs(self.n_jobs)))
        return fit(self, *args)

    monkeypatch.setattr(RandomForestClassifier, "fit", watched)
    spec = SweepSpec("s", "m", DataSpec(""), (), "accuracy", 3)
    forest = EstimatorSpec("RandomForestClassifier", {"n_jobs": -1, "n_estimators": 5})
    fit_trial.train(Trial(0, "key", forest), spec, iris)
    assert {(1, 1)} == {(max(libraries), jobs) for libraries, jobs in seen}


def test_a_fit_that_fails_is_heard(iris):
    """Whatever the classifier raises reaches the caller."""
    with pytest.raises(ValueError, match=r"nu is infeasible|specified nu"):
        run(iris, "NuSVC", {"nu": 1.0, "class_weight": {0: 9.0, 1: 0.1, 2: 0.1}})


def test_text_and_truth_labels_train():
    """Labels may be text or truth values; the confusion matrix names them."""
    x, y = make_classification(80, 4, random_state=0)
    frame = pd.DataFrame(x, columns=list("abcd"))
    for labels, names in (
        (np.where(y, "ham", "spam"), ("ham", "spam")),
        (y == 1, ("False", "True")),
    ):
        dataset = divided(frame, labels)
        _, result = run(dataset, "RandomForestClassifier", {"n_estimators": 5}, "f1_macro")
        assert names == result.labels
        assert len(dataset.y_holdout) == sum(map(sum, result.confusion))
