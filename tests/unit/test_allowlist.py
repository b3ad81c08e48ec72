"""The classifiers that a grid file may name, and those that an operator adds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version

import pytest
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import all_estimators

from sweepstake.errors import NotFoundError, SettingsError
from sweepstake.gridfile import allowlist, boosters, loader
from sweepstake.gridfile.sklearn_names import CLASSIFIERS, REGRESSORS
from sweepstake.settings import load_settings

LIGHTGBM = """
import json, sys
from sweepstake.domain import spec
from sweepstake.gridfile import allowlist, estimators, search_space
"""
OWN = """
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression

class GaussianNB(ClassifierMixin, BaseEstimator):
    def __init__(self, depth=3):
        self.depth = depth

class _Hidden(GaussianNB):
    pass
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A package of the operator with a classifier whose name scikit-learn has too."""
    (tmp_path / "ownpackage.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("ownpackage", None)


def added(setting, program):
    """What a program prints in a process of its own with ``SWEEPSTAKE_ESTIMATORS`` set."""
    environ = {**os.environ, "SWEEPSTAKE_ESTIMATORS": setting}
    command = [sys.executable, "-c", LIGHTGBM + program]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_list_is_what_scikit_learn_has_and_no_more():
    """A release that adds, moves or drops one is noticed here."""
    kinds = {CLASSIFIERS: ClassifierMixin, REGRESSORS: RegressorMixin}
    for names, kind in kinds.items():
        found = {getattr(import_module(n.rpartition(".")[0]), n.rpartition(".")[2]) for n in names}
        ending = "classifier" if kind is ClassifierMixin else "regressor"
        assert {each for _, each in all_estimators(type_filter=ending)} == found
        assert all(issubclass(each, kind) for each in found)
        assert len(found) == len(names)


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "sklearn.svm._classes.SVC",
        "sklearn.svm.SVC.fit",
        "lightgbm.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "xgboost.XGBRanker",
        "catboost.CatBoostRanker",
        "__import__('os')",
        "",
    ],
)
def test_other_names_are_refused_and_not_imported(name):
    """What is not on the list stays unknown: nothing is looked up, nothing imported."""
    allowlist.estimator_names()
    before = set(sys.modules)
    with pytest.raises(
        NotFoundError, match="must be a scikit-learn classifier or regressor, but got"
    ):
        allowlist.resolve(name)
    assert before == set(sys.modules)


def test_a_package_of_the_operator_adds_its_public_classifiers(own):
    """Regressors are among them; hidden classes and what predicts nothing stay out."""
    names = [f"ownpackage.{n}" for n in ("DummyClassifier", "GaussianNB", "LinearRegression")]
    assert names == list(allowlist.added_by("ownpackage"))
    assert ["ownpackage.GaussianNB"] == list(allowlist.added_by("ownpackage.GaussianNB"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "ownpackage.BaseEstimator",
            "must name classifiers, regressors or packages of them, but got",
        ),
        ("ownpackage.Missing", "must name classifiers, regressors or packages of them, but got"),
        (
            "json",
            "must name classifiers, regressors or packages of them, but got 'json'. Write",
        ),
        ("nowhere", "must name what is installed, but 'nowhere' is not: No module named 'nowhere'"),
        ("nowhere.Kind", "must name what is installed, but 'nowhere' is not"),
    ],
)
def test_an_operator_who_adds_no_classifier_is_told(own, name, expected):
    """A wrong setting is an error of the setting, with its way out."""
    with pytest.raises(SettingsError) as caught:
        allowlist.added_by(name)
    assert f"SWEEPSTAKE_ESTIMATORS: {expected}" in str(caught.value)


@pytest.mark.slow
def test_an_installed_booster_is_known_by_its_name_alone():
    """It needs no setting, and is not imported to be known; files are no parameters of it."""
    program = """
params = {"verbose": -1, "num_leaves": 7, "forcedsplits_filename": "x", "num_leafs": 3}
print(json.dumps([
    allowlist.resolve("LGBMClassifier"),
    [place for place, _ in estimators.problems_of(estimators.as_spec("LGBMClassifier", params))],
    "lightgbm" in sys.modules,
    estimators.build(estimators.as_spec("LGBMClassifier", {"verbose": -1})).get_params()["verbose"],
    sorted(estimators.releases([estimators.as_spec("lightgbm.LGBMClassifier", {})])),
]))
"""
    release = f"lightgbm=={version('lightgbm')}"
    names = ["forcedsplits_filename", "num_leafs"]
    assert ["lightgbm.LGBMClassifier", names, False, -1, [release]] == added("", program)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("XGBClasifier", "Did you mean 'XGBClassifier'?"),
        (
            "imblearn.ensemble.RUSBoostClassifier",
            "install it beside Sweepstake and add it to SWEEP",
        ),
        ("Pipeline", "Name its classifier alone, and what stands before it under 'steps': {"),
        ("Vectors", "'sweepstake schema' lists the names."),
        (
            "RandomForestRegresor",
            "Did you mean 'RandomForestRegressor'?",
        ),
    ],
)
def test_a_well_known_name_is_told_how_to_get_it(name, expected):
    """The message says which package or setting brings a class, or what to write instead."""
    with pytest.raises(NotFoundError) as caught:
        allowlist.resolve(name)
    assert expected in str(caught.value)


@pytest.mark.parametrize("name", sorted(boosters.BOOSTERS))
def test_a_booster_that_is_not_installed_is_told_by_its_extra(name, monkeypatch):
    """The message is what to type, for the bare name and the full one."""
    monkeypatch.setattr(boosters, "installed", dict)
    extra = boosters.BOOSTERS[name]
    for written in (name, f"{extra}.{name}"):
        with pytest.raises(NotFoundError) as caught:
            allowlist.resolve(written)
        assert f'Install it: pip install "sweepstake[{extra}]".' in str(caught.value)


@pytest.mark.slow
def test_an_operator_may_add_the_package_of_a_booster():
    """It changes nothing of what the booster's name means, and a trial's key has its release."""
    program = """
point = estimators.as_spec("LGBMClassifier", {"num_leaves": 7})
print(json.dumps([
    allowlist.resolve("LGBMClassifier"),
    estimators.problems_of(estimators.as_spec("LGBMClassifier", {"num_leafs": 7})),
    estimators.build(point, seed=3).get_params()["random_state"],
    allowlist.release_of(point.name) in search_space.canonical(point),
    allowlist.release_of(point.name).partition("==")[0],
    allowlist.resolve("SVC"),
]))
"""
    expected = [
        "lightgbm.LGBMClassifier",
        [["num_leafs", "LGBMClassifier has no parameter 'num_leafs'. Did you mean 'num_leaves'?"]],
        3,
        True,
        "lightgbm",
        "sklearn.svm.SVC",
    ]
    assert expected == added("lightgbm", program)


@pytest.mark.slow
def test_a_bare_name_stays_scikit_learns(tmp_path):
    """What an operator adds never changes what a grid file meant before."""
    (tmp_path / "ownpackage.py").write_text(OWN, encoding="utf-8")
    program = f"""
sys.path.insert(0, {str(tmp_path)!r})
print(json.dumps([allowlist.resolve("GaussianNB"), allowlist.resolve("ownpackage.GaussianNB")]))
"""
    expected = ["sklearn.naive_bayes.GaussianNB", "ownpackage.GaussianNB"]
    assert expected == added("ownpackage", program)


def test_settings_that_allow_more_than_the_process_are_refused():
    """What a process may import is decided in its environment; nothing is ignored in silence."""
    settings = replace(load_settings({}), estimators=("lightgbm",))
    with pytest.raises(SettingsError, match=r"SWEEPSTAKE_ESTIMATORS: must be set in the env"):
        loader.parse(b'{data: {source: "sklearn:iris"}, estimator: SVC}', "a.yaml", settings)
