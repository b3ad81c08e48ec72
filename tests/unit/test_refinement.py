"""A finer grid around the best point: narrowed on each axis's own scale, and valid."""

from __future__ import annotations

import pytest

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.gridfile import loader, refinement, search_space
from sweepstake.gridfile.search_space import Product, canonical
from sweepstake.settings import load_settings
from sweepstake.sweeps.refining import next_name

FOREST = EstimatorSpec("sklearn.ensemble.RandomForestClassifier", {"n_jobs": 1})
NET = EstimatorSpec("sklearn.neural_network.MLPClassifier", {})


def finer(estimator, name, values, best, good=()):
    """The axis around its best value, where those of ``good`` are as good as the best."""
    product = Product(estimator, ((name, tuple(values)),))
    scores = {canonical(value): 0.9 if value in (best, *good) else 0.1 for value in values}
    found = refinement.refine(product, {name: best}, {name: scores}, 0.8)
    return list(refinement.within([found], [{name: scores}], 99)[0].axes[name])


@pytest.mark.parametrize(
    ("estimator", "name", "values", "best", "expected"),
    [
        (FOREST, "n_estimators", [20, 60, 100], 60, [40, 60, 80]),
        (FOREST, "n_estimators", [20, 60, 100], 100, [80, 100, 120, 140]),
        (FOREST, "n_estimators", [20, 60, 100], 20, [20, 40]),
        (FOREST, "min_samples_leaf", [1, 2, 4], 1, [1]),
        (FOREST, "n_estimators", [50], 50, [50]),
        (NET, "alpha", [0.001, 0.01, 0.1], 0.01, [0.00316, 0.01, 0.0316]),
        (NET, "alpha", [0.001, 0.1], 0.1, [0.01, 0.1, 1.0, 10.0]),
        (FOREST, "max_features", [0.25, 0.5, 1.0], 1.0, [0.707, 1.0]),
    ],
)
def test_numbers_are_narrowed_on_their_own_scale(estimator, name, values, best, expected):
    """Half steps, by logarithms where the values are so; what scikit-learn refuses is left out."""
    assert expected == finer(estimator, name, values, best)


def test_null_stays_where_it_is_as_good_as_the_best_number():
    """And goes where it is not."""
    values = [4, 8, 12, None]
    assert [6, 8, 10, None] == finer(FOREST, "max_depth", values, 8, good=[None])
    assert [6, 8, 10] == finer(FOREST, "max_depth", values, 8)


def test_the_best_number_stays_beside_a_null_that_won():
    """It cannot be told what lies between them."""
    assert [12, None] == finer(FOREST, "max_depth", [4, 8, 12, None], None, good=[12])


def test_of_texts_those_stay_that_are_as_good_as_the_best():
    """At most three, the best first."""
    values = ["gini", "entropy", "log_loss"]
    assert ["entropy", "gini"] == finer(FOREST, "criterion", values, "entropy", good=["gini"])


def test_lists_and_truth_values_are_choices():
    """Nothing lies between two of them."""
    sizes = [[20], [40, 20]]
    assert [[40, 20]] == finer(NET, "hidden_layer_sizes", sizes, [40, 20])
    assert [True] == finer(FOREST, "bootstrap", values=[True, False], best=True)


def test_a_finer_grid_is_no_larger_than_allowed():
    """The axis on which the score differs least is left at its best value."""
    axes = {"n_estimators": (60, 40, 80), "max_depth": (8, 6, 10)}
    tried = {"n_estimators": {"20": 0.5, "60": 0.51}, "max_depth": {"4": 0.1, "8": 0.51}}
    (found,) = refinement.within([refinement.Finer(FOREST, axes)], [tried], 4)
    assert {"n_estimators": (60,), "max_depth": (6, 8, 10)} == dict(found.axes)


@pytest.mark.parametrize(
    ("name", "following"),
    [
        ("digits", "digits-2"),
        ("digits-2", "digits-3"),
        ("a-09", "a-09-2"),
        ("x" * 100, "x" * 98 + "-2"),
    ],
)
def test_the_next_sweep_counts_on(name, following):
    """A number at its end goes up; the name stays within its length."""
    assert following == next_name(name)


def test_the_file_reads_as_what_it_was_made_of(monkeypatch):
    """Texts that look like numbers, inner classifiers and small numbers among its values."""
    inner = EstimatorSpec("sklearn.tree.DecisionTreeClassifier", {"max_depth": 2})
    bag = EstimatorSpec("sklearn.ensemble.BaggingClassifier", {"estimator": inner})
    many = [
        refinement.Finer(bag, {"n_estimators": (5, 10)}),
        refinement.Finer(NET, {"alpha": (1e-05, 0.1), "hidden_layer_sizes": ([20], [40, 20])}),
    ]
    data = {"source": "a: #b.csv", "target": "1e-3", "drop": ["on", "a\u2028b", "{{x}}"]}
    values = {"name": "a-2", "data": data, "candidates": [each.written() for each in many]}
    text = refinement.text(values, ["told"])
    spec = loader.parse(text.encode(), "a-2.yaml", load_settings()).spec
    assert ("a: #b.csv", ("1e-3",)) == (spec.data.source, spec.data.target)
    assert ("on", "a\u2028b", "{{x}}") == spec.data.drop
    read = [(each.estimator, dict(*each.grids)) for each in spec.candidates]
    assert [(each.estimator, dict(each.axes)) for each in many] == read


def test_a_finer_grid_of_steps_is_a_grid_file_again():
    """The steps stand in it with their choices, and their parameters are narrowed like others."""
    text = (
        b"data: {source: 'sklearn:iris'}\nestimator: SVC\n"
        b"steps: {scale: [StandardScaler, passthrough], reduce: PCA}\n"
        b"grid: {reduce__n_components: [1, 3], C: [1, 10]}\n"
    )
    (product,) = search_space.all_products(loader.parse(text, "g.yaml", load_settings({})).spec)
    tried = {
        name: {canonical(value): 0.9 - at / 10 for at, value in enumerate(values)}
        for name, values in product.axes
    }
    finer = refinement.refine(product, product[0].params, tried, 0.75)
    written = {"data": {"source": "sklearn:iris"}, **finer.written()}
    again = loader.parse(refinement.text(written, ()).encode(), "g.yaml", load_settings({})).spec
    assert finer.estimator.steps == again.candidates[0].estimator.steps
    assert finer.size == search_space.size(again)
