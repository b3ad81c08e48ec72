"""The key of a trial has the training code's revision; a change of that code is noticed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from sweepstake.domain import revision
from sweepstake.domain.spec import Candidate, DataSpec, EstimatorSpec, SweepSpec
from sweepstake.gridfile import search_space

HOME = Path(__file__).parents[2]
REMEDY = (
    "Raise REVISION in src/sweepstake/domain/revision.py if a trial may score otherwise, "
    "then run make training-code."
)


@pytest.fixture(scope="module")
def script():
    """The script that records the training code."""
    spec = importlib.util.spec_from_file_location(
        "training_code", HOME / "scripts" / "training_code.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_training_code_is_what_was_recorded(script):
    """Who changes it decides whether earlier trials may still be reused."""
    recorded, found = json.loads(script.RECORD.read_text()), script.record()
    names = recorded["modules"].keys() | found["modules"].keys()
    changed = sorted(
        name for name in names if recorded["modules"].get(name) != found["modules"].get(name)
    )
    assert [] == changed, f"The training code changed: {', '.join(changed)}. {REMEDY}"
    assert recorded == found, REMEDY


def test_what_fits_and_scores_is_watched(script):
    """The modules are found by their imports, so a new one is watched without a word."""
    watched = set(script.modules())
    fitting = {"fit_trial", "pipeline", "estimators", "shared_trees", "single_core"}
    scoring = {"folds", "evaluation", "curves"}
    assert fitting | scoring <= {name.rpartition(".")[2] for name in watched}
    assert set() == watched & script.UNWATCHED.keys()


BEFORE = 'def f(x):\n    """One."""\n    return x + 1  # more\n'


@pytest.mark.parametrize(
    ("after", "noticed"),
    [
        ('"""A."""\ndef f(x):\n    """Two."""\n\n    return (x +\n        1)\n', False),
        ("def f(x):\n    return x + 2\n", True),
        ("def f(x):\n    return x - 1\n", True),
        ("def f(x=0):\n    return x + 1\n", True),
        ("def f(x):\n    return x + 1.0\n", True),
    ],
    ids=["text and layout", "constant", "operator", "default", "type"],
)
def test_a_change_is_noticed_but_not_of_comments(script, after, noticed):
    """What a module does counts, not what it says."""
    assert noticed == (script.digest(BEFORE) != script.digest(after))


@pytest.mark.parametrize("part", ["revision", "numpy", "scipy", "scikit-learn"])
def test_a_trial_of_other_training_code_has_another_key(monkeypatch, part):
    """It is trained again, and its sweep has another parent."""
    before, tag = _key(), revision.training_tag()
    changed = {**revision.origin(), part: "0"}
    monkeypatch.setattr(revision, "origin", lambda: changed)
    assert before != _key()
    assert tag != revision.training_tag()


def _key():
    estimator = EstimatorSpec("sklearn.tree.DecisionTreeClassifier", {})
    spec = SweepSpec("s", "m", DataSpec("sklearn:iris"), (Candidate(estimator),), "accuracy")
    return search_space.trials(spec, "d" * 64)[0].key
