"""Candidates as written."""

from __future__ import annotations

from sweepstake.domain.spec import Candidate, EstimatorSpec
from sweepstake.gridfile.candidates import candidate, doubled, problems_of, read_candidates

TREE = EstimatorSpec("sklearn.tree.DecisionTreeClassifier", {"max_depth": 3})
WRITTEN_TREE = {"estimator": "DecisionTreeClassifier", "params": {"max_depth": 3}}


def _candidates(raw):
    return [candidate(written) for written in read_candidates(raw)]


def test_a_list_is_an_axis_in_a_grid_and_a_value_in_the_courses_shape():
    """The two shapes differ in what a list means."""
    kwargs = [{"hidden_layer_sizes": [20, 100]}]
    course = _candidates({"classificator": "MLPClassifier", "kwargs": kwargs})
    native = _candidates({"estimator": "MLPClassifier", "grid": {"hidden_layer_sizes": [20, 100]}})
    name = "sklearn.neural_network.MLPClassifier"
    assert course == [Candidate(EstimatorSpec(name, {"hidden_layer_sizes": [20, 100]}))]
    assert native == [Candidate(EstimatorSpec(name), ({"hidden_layer_sizes": (20, 100)},))]


def test_inner_classifiers_become_specs_wherever_they_stand():
    """In params, on an axis and among the members of an ensemble."""
    raw = {
        "candidates": [
            {"estimator": "BaggingClassifier", "params": {"estimator": WRITTEN_TREE}},
            {"estimator": "BaggingClassifier", "grid": {"estimator": [None, WRITTEN_TREE]}},
            {"estimator": "VotingClassifier", "params": {"estimators": {"t": WRITTEN_TREE}}},
        ]
    }
    first, second, third = _candidates(raw)
    assert first.estimator.params == {"estimator": TREE}
    assert second.grids == ({"estimator": (None, TREE)},)
    assert third.estimator.params == {"estimators": {"t": TREE}}


def test_parts_of_the_wrong_shape_are_left_to_the_schema():
    """What cannot be a candidate is skipped; the sound ones are still checked."""
    raw = {"candidates": [5, {"estimator": 3}, {"grid": {}}, {"estimator": "SVC", "grid": [1]}]}
    assert _candidates(raw) == [Candidate(EstimatorSpec("sklearn.svm.SVC"))]


def test_problems_have_the_place_of_the_value():
    """The place of an axis value has its position, that of a fixed value has none."""
    raw = {"estimator": "SVC", "params": {"degree": -1}, "grid": [{}, {"C": [1, 0]}]}
    (written,) = read_candidates(raw)
    places = sorted({problem.path for problem in problems_of(written, {"": 1})})
    assert ["grid[1].C[1]", "params.degree"] == places


def test_parameters_given_twice_in_the_courses_list_are_found():
    """A list of one-key mappings can repeat a key where a mapping cannot."""
    raw = {"configs": [{"classificator": "SVC", "kwargs": [{"C": 1}, {"C": 2}]}]}
    lines = {"configs[0].kwargs[0].C": 3, "configs[0].kwargs[1].C": 4}
    assert [
        "line 4: configs[0].kwargs[1].C: is given twice, first on line 3. Keep one of them."
    ] == [str(problem) for problem in doubled(raw, lines)]
