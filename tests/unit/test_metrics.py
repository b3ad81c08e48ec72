"""Names of metrics."""

from __future__ import annotations

import pytest

from sweepstake.gridfile.metrics import metric_names, problem_of


def test_every_scorer_of_scikit_learn_is_a_metric():
    """No scorer is refused by its name."""
    assert [] == [name for name in metric_names() if problem_of(name)]


@pytest.mark.parametrize(
    ("metric", "way_out"),
    [
        ("acuracy", "Did you mean 'accuracy'?"),
        ("brier_score", "Write 'neg_brier_score': greater must be better."),
        ("", "Common ones are 'accuracy', 'f1_macro' and 'roc_auc'."),
    ],
)
def test_an_unknown_metric_is_refused_with_a_way_out(metric, way_out):
    """Misspelt, of the wrong sign, or unheard of: each has its own way out."""
    assert f"must be a scikit-learn scorer, but got '{metric}'. {way_out}" == problem_of(metric)
