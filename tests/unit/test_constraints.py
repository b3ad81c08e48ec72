"""Scikit-learn's constraints in words."""

from __future__ import annotations

import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.utils import all_estimators
from sklearn.utils._param_validation import make_constraint

from sweepstake.gridfile.constraints import complaint, describe


@pytest.mark.parametrize(
    "classifier",
    [one for _, one in all_estimators(type_filter=["classifier", "regressor"])],
    ids=lambda c: c.__name__,
)
def test_every_constraint_of_scikit_learn_has_words(classifier):
    """A new kind of constraint in a new release is noticed here, not by a user."""
    known = classifier._parameter_constraints.values()  # noqa: SLF001 - each of them has its words
    constraints = [
        make_constraint(one) for many in known if many != "no_validation" for one in many
    ]
    assert all(isinstance(describe(one), str) for one in constraints)


GINI = "must be 'entropy', 'gini' or 'log_loss', but got 'ginni'. Did you mean 'gini'?"
WEIGHT = "must be a number of at least 0 and at most 0.5, but got 0.7."


@pytest.mark.parametrize(
    ("param", "value", "expected"),
    [
        ("n_estimators", 0, "must be a whole number of at least 1, but got 0."),
        ("n_estimators", True, None),
        ("max_depth", None, None),
        ("max_depth", "deep", "must be a whole number of at least 1, or null, but got 'deep'."),
        ("bootstrap", 1, "must be true or false, but got 1."),
        ("criterion", "ginni", GINI),
        ("min_weight_fraction_leaf", 0.7, WEIGHT),
        ("random_state", -1, "must be a whole number from 0 to 4294967295, or null, but got -1."),
        ("no_such_parameter", 1, None),
    ],
)  # fmt: skip
def test_a_complaint_says_what_is_allowed(param, value, expected):
    """The words are those of a grid file: whole numbers, null, true or false, bounds."""
    assert expected == complaint(RandomForestClassifier, param, value)


def test_words_do_not_depend_on_the_hash_seed():
    """Options come in alphabetical order, whatever the order of the set that holds them."""
    solvers = "'lbfgs', 'liblinear', 'newton-cg', 'newton-cholesky', 'sag' or 'saga'"
    expected = f"must be {solvers}, but got 'adam'."
    assert expected == complaint(LogisticRegression, "solver", "adam")
