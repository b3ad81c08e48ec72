"""Resamples: scored all at once as scikit-learn scores them one by one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.svm import SVC

from sweepstake.domain import resampling
from sweepstake.domain.answers import Pair, ask

METRICS = [*resampling.WEIGHTS, "neg_log_loss"]


def fitted(model, classes):
    """A classifier, rows it has not seen, and their labels."""
    features, y = make_classification(
        400, n_informative=6, n_classes=classes, flip_y=0.3, random_state=1
    )
    return model.fit(features[:200], y[:200]), features[200:], y[200:]


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("metric", [*METRICS, "roc_auc", "roc_auc_ovr", "matthews_corrcoef"])
def test_every_resample_has_scikit_learns_score(metric, classes):
    """Whatever way is quicker, the figure is that of the scorer on the same rows."""
    if metric == "roc_auc" and classes > 2:
        pytest.skip("it is for two classes")
    model, features, y = fitted(RandomForestClassifier(10, max_depth=3, random_state=0), classes)
    lines = next(resampling.draws(y, 20, np.random.default_rng(0)))
    expected = [get_scorer(metric)(model, features[line], y[line]) for line in lines]
    found = resampling.scorer_of(ask(model, features), y, metric)(lines)
    assert expected == pytest.approx(found.tolist(), abs=1e-12)


def test_a_margin_is_ranked_as_a_probability_is():
    """A classifier without probabilities has an area under the curve all the same."""
    model, features, y = fitted(SVC(), 2)
    lines = next(resampling.draws(y, 20, np.random.default_rng(0)))
    expected = [get_scorer("roc_auc")(model, features[line], y[line]) for line in lines]
    found = resampling.scorer_of(ask(model, features), y, "roc_auc")(lines)
    assert expected == pytest.approx(found.tolist(), abs=1e-12)


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "roc_auc", "recall_weighted"])
@pytest.mark.parametrize("classes", [2, 3])
def test_recalled_answers_score_as_the_model(metric, classes):
    """Any scorer takes the answers for the model that gave them."""
    metric = "roc_auc_ovo" if metric == "roc_auc" and classes > 2 else metric
    model, features, y = fitted(LogisticRegression(), classes)
    expected = get_scorer(metric)(model, features, y)
    assert expected == ask(model, features).score(metric, y)


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "roc_auc"])
def test_rows_of_several_labels_are_scored_as_well(metric):
    """A multilabel forest gives one array of probabilities for each label."""
    features, y = make_multilabel_classification(300, random_state=0)
    model = RandomForestClassifier(10, max_depth=3, random_state=0).fit(features[:150], y[:150])
    answers = ask(model, features[150:])
    assert get_scorer(metric)(model, features[150:], y[150:]) == answers.score(metric, y[150:])


def test_every_class_keeps_its_number_of_rows():
    """Rows are drawn within their classes, with replacement, from all of them."""
    truth = np.repeat([0, 1, 2], [50, 5, 1])
    lines = np.concatenate(list(resampling.draws(truth, 300, np.random.default_rng(0))))
    assert {(50, 5, 1)} == {tuple(np.bincount(truth[line])) for line in lines}
    assert set(range(56)) == set(lines.ravel().tolist())


def test_memory_is_bounded_however_many_rows(monkeypatch):
    """Many rows are drawn some resamples at a time, and none is lost."""
    monkeypatch.setattr(resampling, "CELLS", 100)
    sizes = [len(lines) for lines in resampling.draws(np.zeros(30), 10, np.random.default_rng(0))]
    assert [3, 3, 3, 1] == sizes


def test_an_undefined_resample_is_no_number():
    """A metric that raises on some rows leaves a gap there, not an end."""
    model, features, y = fitted(LogisticRegression(), 2)
    pair = Pair(np.zeros_like(y), ask(model, features), ask(model, features))
    with pytest.warns(UndefinedMetricWarning):
        gains = resampling.paired_gains(pair, "roc_auc_ovr_weighted", 5, 0)
    assert np.isnan(gains).all()
