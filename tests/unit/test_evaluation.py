"""The figures of a fitted classifier equal those of scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import metrics
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sweepstake.training.evaluation import LABEL_METRICS, evaluate, scorers

CLASSIFIERS = [
    DecisionTreeClassifier(max_depth=4),
    DummyClassifier(strategy="most_frequent"),
    LogisticRegression(),
    LinearSVC(),
]


def halves(classes, rows=200):
    """Rows to fit on and rows to evaluate on."""
    x, y = make_classification(
        rows, 8, n_informative=6, n_classes=classes, flip_y=0.2, random_state=0
    )
    return x[: rows // 2], y[: rows // 2], x[rows // 2 :], y[rows // 2 :]


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=lambda c: type(c).__name__)
def test_label_figures_are_the_scorers_to_the_last_bit(classifier, classes):
    """Accuracy, balanced accuracy and the macro averages are exactly scikit-learn's."""
    x, y, unseen, truth = halves(classes)
    classifier.fit(x, y)
    figures = evaluate(classifier, unseen, truth, range(classes)).figures
    expected = {
        "accuracy": metrics.accuracy_score(truth, classifier.predict(unseen)),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, classifier.predict(unseen)),
    }
    for name in ("precision", "recall", "f1"):
        function = getattr(metrics, f"{name}_score")
        expected[f"{name}_macro"] = function(
            truth, classifier.predict(unseen), average="macro", zero_division=0
        )
    assert expected == {name: figures[name] for name in LABEL_METRICS}


@pytest.mark.parametrize("names", [[0, 1, 2, 3], [7, -1, 3, 5], ["d", "a", "c", "b"]], ids=str)
@pytest.mark.parametrize("metric", sorted(LABEL_METRICS))
@pytest.mark.parametrize("depth", [1, 3])
def test_a_score_is_the_scorers_to_the_last_bit(metric, names, depth):
    """Of every kind of label, also where a class is missing in the rows or in what is predicted."""
    x, y, unseen, truth = halves(4)
    labels = np.array(names)
    model = DecisionTreeClassifier(max_depth=depth).fit(x, labels[y])
    score, expected = scorers((metric,), labels[truth]), metrics.get_scorer(metric)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that are never predicted
        for rows in (truth < 4, truth != 3):
            given = (model, unseen[rows], labels[truth][rows])
            assert {metric: expected(*given)} == score(*given, {})


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("classifier", CLASSIFIERS[:3], ids=lambda c: type(c).__name__)
def test_probability_figures_are_those_of_scikit_learn(classifier, classes):
    """Log loss and ROC AUC (one against the rest) equal scikit-learn's."""
    x, y, unseen, truth = halves(classes)
    probability = classifier.fit(x, y).predict_proba(unseen)
    scores = probability if classes > 2 else probability[:, 1]
    expected = [
        metrics.log_loss(truth, probability),
        metrics.roc_auc_score(truth, scores, multi_class="ovr"),
    ]
    figures = evaluate(classifier, unseen, truth, range(classes)).figures
    assert pytest.approx(expected, rel=1e-12) == [figures["log_loss"], figures["roc_auc"]]


def test_a_decision_function_gives_the_area_of_two_classes():
    """Without probabilities there is no log loss; ROC AUC is there for two classes only."""
    x, y, unseen, truth = halves(2)
    classifier = LinearSVC().fit(x, y)
    figures = evaluate(classifier, unseen, truth, (0, 1)).figures
    expected = metrics.roc_auc_score(truth, classifier.decision_function(unseen))
    assert pytest.approx(expected, rel=1e-12) == figures["roc_auc"]
    assert "log_loss" not in figures
    x, y, unseen, truth = halves(3)
    assert evaluate(LinearSVC().fit(x, y), unseen, truth, range(3)).figures.keys() == LABEL_METRICS


def test_the_area_is_left_out_where_a_class_is_missing():
    """ROC AUC is not defined where the rows lack a class."""
    x, y, unseen, truth = halves(3)
    classifier = LogisticRegression().fit(x, y)
    known = truth < 2
    evaluation = evaluate(classifier, unseen[known], truth[known], range(3))
    assert "roc_auc" not in evaluation.figures
    assert ("0", "1", "2") == evaluation.labels


def test_the_confusion_matrix_is_scikit_learns():
    """Rows are true classes, columns predicted ones, labels as text."""
    x, y, unseen, truth = halves(3)
    names = np.array(["c", "a", "b"])
    classifier = DecisionTreeClassifier(max_depth=3).fit(x, names[y])
    evaluation = evaluate(classifier, unseen, names[truth], ("a", "b", "c"))
    expected = metrics.confusion_matrix(names[truth], classifier.predict(unseen))
    assert expected.tolist() == [list(row) for row in evaluation.confusion]
    assert ("a", "b", "c") == evaluation.labels


def test_labels_that_are_no_class_have_their_own_column():
    """A classifier may predict a label of its own for outliers."""
    x, y = np.array([[0.0], [0.1], [1.0], [1.1]]), np.array([0, 0, 1, 1])
    classifier = RadiusNeighborsClassifier(radius=0.5, outlier_label=-9).fit(x, y)
    unseen = np.array([[0.0], [1.0], [99.0]])
    with pytest.warns(UserWarning, match="outlier"):
        evaluation = evaluate(classifier, unseen, np.array([0, 1, 1]), (0, 1))
    assert ("-9", "0", "1") == evaluation.labels
    assert ((0, 0, 0), (0, 1, 0), (1, 0, 1)) == evaluation.confusion


@pytest.mark.parametrize(
    "classifier",
    [KNeighborsClassifier(), ClassifierChain(LogisticRegression()), RidgeClassifier()],
    ids=lambda c: type(c).__name__,
)
def test_multilabel_figures_are_those_of_scikit_learn(classifier):
    """Subset accuracy, macro averages and ROC AUC over labels; no confusion matrix."""
    x, y = make_multilabel_classification(200, n_classes=3, random_state=0)
    classifier.fit(x[:100], y[:100])
    evaluation = evaluate(classifier, x[100:], y[100:], ("p", "q", "r"))
    predicted = classifier.predict(x[100:])
    if isinstance(classifier, RidgeClassifier):
        scores = classifier.decision_function(x[100:])
    else:
        scores = classifier.predict_proba(x[100:])
    if isinstance(scores, list):
        scores = np.column_stack([label[:, 1] for label in scores])
    expected = {
        "accuracy": metrics.accuracy_score(y[100:], predicted),
        "f1_macro": metrics.f1_score(y[100:], predicted, average="macro"),
        "precision_macro": metrics.precision_score(y[100:], predicted, average="macro"),
        "recall_macro": metrics.recall_score(y[100:], predicted, average="macro"),
        "roc_auc": metrics.roc_auc_score(y[100:], scores),
    }
    assert pytest.approx(expected, rel=1e-12) == evaluation.figures
    assert ((), ()) == (evaluation.confusion, evaluation.labels)
