"""The parameters that a grid file may write of a booster, and those it may not."""

from __future__ import annotations

import re
from importlib import import_module
from inspect import signature

import pytest
from sklearn.utils._param_validation import make_constraint

from sweepstake.boosting.synonyms import SYNONYMS
from sweepstake.errors import SettingsError
from sweepstake.gridfile import booster_values, boosters, constraints, estimators
from sweepstake.gridfile.booster_reasons import REASONS

OUTSIDE = re.compile(r"file|dir\b|host|port\b|machine|device|gpu|callback|snapshot|model_in")
SILENCED = {"allow_writing_files"}
OF_PARAMS = {
    *("huber_slope", "normalize_type", "one_drop", "rate_drop", "sample_type", "skip_drop"),
    "tweedie_variance_power",
}
"""What XGBoost's classes take as ``**kwargs``."""


@pytest.mark.parametrize("name", sorted(boosters.BOOSTERS))
def test_no_parameter_names_a_file_a_host_a_device_or_code(name):
    """What is taken is a list of its own, and nothing on it leads out of the process."""
    taken = set(boosters.parameters(name))
    assert set() == {each for each in taken if OUTSIDE.search(each)} - SILENCED
    assert set() == taken & REASONS[boosters.BOOSTERS[name]].keys()


@pytest.mark.parametrize("name", ["CatBoostClassifier", "CatBoostRegressor", "XGBClassifier"])
def test_the_library_knows_each_parameter(name):
    """A name of the list is one of the library's own; CatBoost takes synonyms as they are."""
    package = boosters.BOOSTERS[name]
    kind = getattr(import_module(package), name)
    known = {*signature(kind.__init__).parameters} | OF_PARAMS
    known |= set(kind().get_params()) if package == "xgboost" else set()
    own = {each for each in boosters.parameters(name) if each not in SYNONYMS[package]}
    assert set() == own - known


@pytest.mark.parametrize("name", sorted(boosters.BOOSTERS))
def test_each_bound_has_its_words(name):
    """A wrong value is told what may stand there."""
    found = booster_values.constraints(name, boosters.BOOSTERS[name])
    for allowed in found.values():
        made = [e if hasattr(e, "is_satisfied_by") else make_constraint(e) for e in allowed]
        assert constraints.allowed(made)


def test_a_parameter_under_two_names_is_told():
    """Whichever was meant, the other is to go."""
    params = {"iterations": 5, "n_estimators": 6, "depth": 3}
    problems = estimators.problems_of(estimators.as_spec("CatBoostClassifier", params))
    assert [("n_estimators", "is another name of 'iterations'. Keep one of them.")] == problems


@pytest.mark.parametrize(
    ("params", "seed"), [({}, 7), ({"random_seed": 3}, 3), ({"random_state": 4}, 4)]
)
def test_the_seed_of_the_file_is_the_boosters_unless_it_has_one(params, seed):
    """Whichever name the booster's own has."""
    built = estimators.build(estimators.as_spec("CatBoostRegressor", params), 7)
    assert seed == built.get_params()["random_state"]


def test_a_package_that_cannot_be_imported_is_told(monkeypatch):
    """LightGBM needs a library of the system, without which its import ends in an OSError."""

    def fail(_):
        message = "libgomp.so.1: cannot open shared object file"
        raise OSError(message)

    monkeypatch.setattr(boosters, "import_module", fail)
    with pytest.raises(SettingsError, match=r"lightgbm: must be importable, but got: libgomp"):
        boosters.load_libraries(["lightgbm.LGBMClassifier", "sklearn.svm.SVC"])
