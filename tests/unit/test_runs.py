"""Names and tags of runs."""

from __future__ import annotations

from importlib.metadata import version

from sweepstake.domain.spec import Candidate, DataSpec, EstimatorSpec, SweepSpec
from sweepstake.domain.trial import Trial, TrialResult
from sweepstake.gridfile.search_space import trials
from sweepstake.mlflow_client.axes import axes_of
from sweepstake.mlflow_client.run_names import clip, full_name, naming_of, run_name
from sweepstake.mlflow_client.runs import library_tags, result_params


def test_a_run_is_named_after_its_number_and_what_was_given():
    """Number, class and parameters, an inner classifier as a call."""
    tree = EstimatorSpec("sklearn.tree.DecisionTreeClassifier", {"max_depth": 3})
    params = {"n_estimators": 10, "estimator": tree, "weights": None}
    trial = Trial(7, "k", EstimatorSpec("sklearn.ensemble.AdaBoostClassifier", params))
    expected = (
        "#7 AdaBoostClassifier n_estimators=10 estimator=DecisionTreeClassifier(max_depth=3) "
        "weights=∅"
    )
    assert expected == run_name(trial)


def test_a_run_without_parameters_is_named_by_its_class():
    """No dangling space."""
    assert run_name(Trial(12, "k", EstimatorSpec("sklearn.dummy.DummyClassifier"))) == (
        "#12 DummyClassifier"
    )


def test_a_mapping_of_inner_classifiers_is_named_by_its_members():
    """The ensemble's members show with their names."""
    members = {"a": EstimatorSpec("sklearn.tree.DecisionTreeClassifier")}
    spec = EstimatorSpec("sklearn.ensemble.VotingClassifier", {"estimators": members})
    assert run_name(Trial(0, "k", spec)).startswith(
        "#0 VotingClassifier estimators={a: DecisionTreeClassifier"
    )


def test_long_names_are_cut():
    """A name stays readable in a list, whatever was given."""
    spec = EstimatorSpec("a.B", {f"x{n}": "y" * 50 for n in range(9)})
    assert 160 == len(run_name(Trial(0, "k", spec)))
    assert ("abc", "ab…") == (clip("abc", 3), clip("abcd", 3))


def test_a_name_holds_nothing_that_steers_who_shows_it():
    """Line breaks, escapes and signs that turn text around are written out."""
    spec = EstimatorSpec("a.B", {"x": "1\n2\x9b31m\u202e"})
    assert r"#0 B x=1\n2\x9b31m\u202e" == run_name(Trial(0, "k", spec))


def test_a_plan_names_trials_in_full():
    """Number, class and all that is given, whatever the others have."""
    trial = Trial(7, "k", EstimatorSpec("sklearn.svm.SVC", {"C": 1, "kernel": "rbf"}))
    assert "0007 SVC C=1, kernel=rbf" == full_name(trial)


def test_the_versions_of_all_libraries_are_tags():
    """scikit-learn's version can be searched for; the others stand together."""
    tags = library_tags()
    assert version("scikit-learn") == tags["sweepstake.scikit_learn"]
    assert f"skops {version('skops')}" in tags["sweepstake.libraries"]


def space(*candidates):
    """The trials of a sweep of these candidates."""
    spec = SweepSpec("s", "m", DataSpec("sklearn:iris"), candidates, "accuracy")
    return trials(spec, "d")


FOREST = EstimatorSpec("sklearn.ensemble.RandomForestClassifier", {"n_jobs": 1})


def test_a_sweep_names_its_trials_by_what_varies():
    """What is the same in all of them is left out; parameters that are known have short words."""
    grid = {"max_depth": (4, None), "min_samples_leaf": (1, 4), "n_estimators": (100,)}
    found = space(Candidate(FOREST, (grid,)))
    names = [run_name(trial, naming_of(found)) for trial in found]
    assert ["#0 depth=4 leaf=1", "#1 depth=4 leaf=4", "#2 depth=∅ leaf=1", "#3 depth=∅ leaf=4"] == (
        names
    )


def test_a_sweep_of_several_classifiers_names_the_class_first():
    """And a parameter whose short word means another one as well by its whole name."""
    mlp = EstimatorSpec("sklearn.neural_network.MLPClassifier")
    rates = {"learning_rate": ("constant", "adaptive"), "learning_rate_init": (0.1, 0.01)}
    found = space(Candidate(mlp, (rates,)), Candidate(FOREST))
    naming = naming_of(found)
    assert "#0 MLPClassifier learning_rate=constant learning_rate_init=0.1" == (
        run_name(found[0], naming)
    )
    assert "#4 RandomForestClassifier n_jobs=1" == run_name(found[4], naming)


def test_a_parameter_with_numbers_and_words_has_an_axis_of_words():
    """Every trial is on it, and the words sort as the values do."""
    found = space(Candidate(FOREST, ({"max_depth": (12, None, 4), "n_estimators": (10, 20)},)))
    axes = axes_of(found)
    words = sorted({axes.of(trial)["axis.max_depth"] for trial in found})
    assert ["1) 4", "2) 12", "3) null"] == words
    assert ("axis.max_depth", "n_estimators") == axes.names(["max_depth", "n_estimators"])


def test_a_parameter_that_some_trials_lack_has_an_axis_too():
    """And so have the classifiers, where there are several."""
    tree = EstimatorSpec("sklearn.tree.DecisionTreeClassifier")
    found = space(Candidate(FOREST, ({"n_estimators": (10, 20)},)), Candidate(tree))
    axes = axes_of(found)
    assert {
        "axis.classifier": "DecisionTreeClassifier",
        "axis.n_estimators": "3) not given",
        "axis.n_jobs": "2) not given",
    } == axes.of(found[2])


def test_plain_parameters_have_no_axis():
    """Numbers alone and words alone are drawn as they are, at no cost."""
    grid = {"criterion": ("gini", "entropy"), "max_depth": (1, 2)}
    found = space(Candidate(FOREST, (grid,)))
    axes = axes_of(found)
    assert ({}, ("criterion",)) == (axes.of(found[0]), axes.names(["criterion"]))


def test_no_two_parameters_have_one_name_in_mlflow():
    """Entries of ``columns`` may differ in signs alone that MLflow does not take."""
    given = {"columns__a*": "first", "columns__a?": "second", "plain": "third"}
    trial = Trial(0, "key", EstimatorSpec("sklearn.svm.SVC"))
    result = TrialResult(trial, given, {}, (), (), (), (), 0)
    assert {"columns__a_": "first", "columns__a__": "second", "plain": "third"} == result_params(
        result
    )
