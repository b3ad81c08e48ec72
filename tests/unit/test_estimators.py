"""Classifiers by name, the mistakes in their parameters, and building them."""

from __future__ import annotations

import pytest
from sklearn.utils import all_estimators

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.errors import NotFoundError
from sweepstake.gridfile.allowlist import estimator_names, resolve
from sweepstake.gridfile.estimators import Finding, as_spec, build, findings, problems_of

TREE = {"estimator": "DecisionTreeClassifier", "params": {"max_depth": 3}}
NEEDS_ONE = {
    "ClassifierChain", "FixedThresholdClassifier", "MultiOutputClassifier", "OneVsOneClassifier",
    "OneVsRestClassifier", "OutputCodeClassifier", "TunedThresholdClassifierCV",
}  # fmt: skip


def _needed(name):
    """The parameters without which an estimator cannot be built."""
    if name in NEEDS_ONE:
        return {"estimator": {"estimator": "LogisticRegression"}}
    if name in {"MultiOutputRegressor", "RegressorChain"}:
        return {"estimator": {"estimator": "Ridge"}}
    if name in {"VotingRegressor", "StackingRegressor"}:
        return {"estimators": {"a": {"estimator": "Ridge"}, "b": {"estimator": "SVR"}}}
    if name in {"VotingClassifier", "StackingClassifier"}:
        return {"estimators": {"a": {"estimator": "GaussianNB"}, "b": TREE}}
    return {}


@pytest.mark.filterwarnings("ignore:Class PassiveAggressiveClassifier:FutureWarning")
@pytest.mark.filterwarnings("ignore:Class PassiveAggressiveRegressor:FutureWarning")
@pytest.mark.parametrize(
    "name", [name for name, _ in all_estimators(type_filter=["classifier", "regressor"])]
)
def test_every_estimator_of_scikit_learn_is_named_checked_and_built(name):
    """Each has a public name, is sound with its defaults, and is built from its spec."""
    spec = as_spec(name, _needed(name))
    assert (problems_of(spec), name) == ([], type(build(spec, 1)).__name__)
    assert "._" not in spec.name


def test_names_are_listed_by_class():
    """The allow-list is all that scikit-learn has of both, under importable names."""
    expected = [name for name, _ in all_estimators(type_filter=["classifier", "regressor"])]
    assert expected == [name.rpartition(".")[2] for name in estimator_names()]


@pytest.mark.parametrize("name", ["SVC", "sklearn.svm.SVC"])
def test_both_forms_of_a_name_mean_the_same(name):
    """A bare name and a dotted one resolve to the dotted one."""
    assert "sklearn.svm.SVC" == resolve(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RandomForest", "Did you mean 'RandomForestClassifier'?"),
        ("sklearn.tree.SVC", "Did you mean 'sklearn.svm.SVC'?"),
        ("os.system", "'sweepstake schema' lists the names."),
        ("", "'sweepstake schema' lists the names."),
        ("x" * 100_000, "'sweepstake schema' lists the names."),
    ],
)
def test_a_name_that_is_not_allowed_is_refused(name, expected):
    """Nothing beyond the allow-list is looked up; near misses are suggested."""
    with pytest.raises(NotFoundError, match="must be a scikit-learn classifier") as caught:
        resolve(name)
    assert str(caught.value).endswith(expected)


def test_the_sample_of_the_course_gets_its_answer():
    """The published typo is answered in one sentence with both near misses."""
    spec = as_spec("MLPClassifier", {"learning_rage": "adaptive"})
    message = (
        "MLPClassifier has no parameter 'learning_rage'. "
        "Did you mean 'learning_rate' or 'learning_rate_init'?"
    )
    assert problems_of(spec) == [("learning_rage", message)]


def test_problems_of_inner_classifiers_have_their_place():
    """The place leads into the mapping that writes the inner classifier."""
    spec = as_spec(
        "VotingClassifier",
        {"estimators": {"t": {"estimator": "DecisionTreeClassifier", "params": {"max_depth": 0}}}},
    )
    assert [
        (
            "estimators.t.params.max_depth",
            "must be a whole number of at least 1, or null, but got 0.",
        )
    ] == problems_of(spec)


def test_each_value_of_an_axis_is_checked():
    """A finding gives the position of the bad value."""
    found = list(findings("sklearn.svm.SVC", {"C": (1, 0, 2, -1)}))
    message = "must be a number greater than 0, but got {}."
    assert found == [
        Finding("C", 1, "", message.format(0)),
        Finding("C", 3, "", message.format(-1)),
    ]


def test_a_nested_axis_is_checked_against_every_inner_classifier():
    """``estimator__C`` must suit each classifier that the axis ``estimator`` puts there."""
    inner = tuple(as_spec(name, {}) for name in ("LogisticRegression", "GaussianNB"))
    axes = {"estimator": inner, "estimator__C": (1,)}
    found = list(findings("sklearn.multiclass.OneVsRestClassifier", axes))
    expected = "GaussianNB has no parameter 'C'. It has 'priors' and 'var_smoothing'."
    assert found == [Finding("estimator__C", None, "", expected)]


def test_the_seed_reaches_every_classifier_that_has_none():
    """Inner classifiers are seeded too; a seed that the user gave stays."""
    spec = as_spec(
        "BaggingClassifier",
        {"estimator": {"estimator": "DecisionTreeClassifier", "params": {"random_state": 9}}},
    )
    built = build(spec, 4)
    assert (4, 9) == (built.random_state, built.estimator.random_state)
    assert 4 == build(as_spec("OneVsRestClassifier", {"estimator": TREE}), 4).estimator.random_state


def test_without_a_seed_nothing_is_seeded():
    """The default of scikit-learn stays."""
    assert build(EstimatorSpec("sklearn.svm.SVC")).random_state is None


def test_nested_parameters_reach_inner_classifiers():
    """``a__var_smoothing`` sets the parameter of the member, ``b`` replaces a member."""
    spec = as_spec("VotingClassifier", {**_needed("VotingClassifier"), "a__var_smoothing": 0.5})
    dropped = EstimatorSpec(spec.name, {**spec.params, "b": "drop"})
    built = build(dropped)
    assert (0.5, "drop") == (built.get_params()["a__var_smoothing"], dict(built.estimators)["b"])


def test_builds_do_not_share_inner_classifiers():
    """Two builds of one spec are independent of each other."""
    spec = as_spec("OneVsRestClassifier", {"estimator": TREE})
    assert build(spec).estimator is not build(spec).estimator


def test_an_unknown_name_cannot_be_built():
    """A spec made by hand passes the same allow-list."""
    with pytest.raises(NotFoundError):
        build(EstimatorSpec("builtins.eval"))
