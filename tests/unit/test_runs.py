"""Names and tags of runs."""

from __future__ import annotations

from importlib.metadata import version

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.domain.trial import Trial
from sweepstake.mlflow_client.runs import clip, library_tags, run_name


def test_a_run_is_named_after_its_number_and_what_was_given():
    """Number, class and parameters, an inner classifier as a call."""
    tree = EstimatorSpec("sklearn.tree.DecisionTreeClassifier", {"max_depth": 3})
    params = {"n_estimators": 10, "estimator": tree, "weights": None}
    trial = Trial(7, "k", EstimatorSpec("sklearn.ensemble.AdaBoostClassifier", params))
    expected = (
        "0007 AdaBoostClassifier n_estimators=10, "
        "estimator=DecisionTreeClassifier(max_depth=3), weights=None"
    )
    assert expected == run_name(trial)


def test_a_run_without_parameters_is_named_by_its_class():
    """No dangling space."""
    assert run_name(Trial(12, "k", EstimatorSpec("sklearn.dummy.DummyClassifier"))) == (
        "0012 DummyClassifier"
    )


def test_a_mapping_of_inner_classifiers_is_named_by_its_members():
    """The ensemble's members show with their names."""
    members = {"a": EstimatorSpec("sklearn.tree.DecisionTreeClassifier")}
    spec = EstimatorSpec("sklearn.ensemble.VotingClassifier", {"estimators": members})
    assert run_name(Trial(0, "k", spec)).startswith(
        "0000 VotingClassifier estimators={a: DecisionTreeClassifier"
    )


def test_long_names_are_cut():
    """A name stays readable in a list, whatever was given."""
    spec = EstimatorSpec("a.B", {"x": "y" * 500})
    assert 160 == len(run_name(Trial(0, "k", spec)))
    assert ("abc", "ab…") == (clip("abc", 3), clip("abcd", 3))


def test_a_name_holds_nothing_that_steers_who_shows_it():
    """Line breaks, escapes and signs that turn text around are written out."""
    spec = EstimatorSpec("a.B", {"x": "1\n2\x9b31m\u202e"})
    assert r"0000 B x=1\n2\x9b31m\u202e" == run_name(Trial(0, "k", spec))


def test_the_versions_of_all_libraries_are_tags():
    """scikit-learn's version can be searched for; the others stand together."""
    tags = library_tags()
    assert version("scikit-learn") == tags["sweepstake.scikit_learn"]
    assert f"skops {version('skops')}" in tags["sweepstake.libraries"]
