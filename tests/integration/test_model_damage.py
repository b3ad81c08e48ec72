"""Model files whose figures were changed: refused, or answered, and never the end of who asks."""

from __future__ import annotations

import json
import os
import re
from io import BytesIO

import numpy as np
import pytest
import skops.io
from damaging import LIMITS, changed, packed, saved, unpacked
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from smallfits import CLASSIFIERS, X, Y, fitted, with_categories
from threadpoolctl import threadpool_limits

from sweepstake.errors import ModelFileError, TrialFailedError
from sweepstake.modelfile import audit
from sweepstake.modelfile.model_file import dump, loads
from sweepstake.processes.isolation import Worker

ROUNDS = int(os.environ.get("MODEL_ROUNDS", "6"))
"""Changes that are tried on the file of each classifier."""
pytestmark = pytest.mark.filterwarnings("ignore")


class Judge:
    """Loads a model and asks it, in a process of its own."""

    def ask(self, content):
        """Whether the model was loaded and answered."""
        return len(loads(content).predict(X))


@pytest.mark.parametrize("name", sorted(CLASSIFIERS))
@pytest.mark.slow
def test_a_changed_model_is_refused_or_answers_and_ends_nobody(name):
    """Indices, shapes, types and figures of every classifier: none of them ends a process."""
    with threadpool_limits(1):
        content = dump(fitted(name))
    ends = []
    with Worker(Judge()) as worker:
        for number in range(ROUNDS):
            try:
                worker.call("ask", changed(content, f"{name} {number}"), limits=LIMITS)
            except ModelFileError:
                continue
            except TrialFailedError as error:
                if re.match("It (crashed|was killed|took|needed|ended)", str(error)):
                    ends.append((number, str(error)))
    assert [] == ends


TREES = [
    DecisionTreeClassifier(max_depth=3),
    RandomForestClassifier(3, max_depth=3),
    ExtraTreesClassifier(3, max_depth=3),
    GradientBoostingClassifier(n_estimators=2),
]


def rewritten(estimator, change):
    """A file that has an estimator tree by tree, with ``change`` made to the nodes of each."""
    files = unpacked(skops.io.dumps(estimator))
    for name, content in files.items():
        if name.endswith(".npy"):
            array = np.load(BytesIO(content))
            if array.dtype.names:
                change(array)
                files[name] = saved(array)
    return packed(files)


@pytest.mark.parametrize("estimator", TREES, ids=lambda tree: type(tree).__name__)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("feature", 4),
        ("feature", 1 << 40),
        ("feature", -2),
        ("left_child", 0),
        ("left_child", 1 << 40),
        ("right_child", -7),
        ("right_child", 0),
    ],
)
def test_a_tree_that_points_outside_of_itself_is_refused(estimator, field, value):
    """A feature that is none, a child that is none, and a child that leads back to its parent."""

    def change(found):
        found[field][0] = value

    with pytest.raises(ModelFileError, match="point to nothing or do not go together"):
        loads(rewritten(estimator.fit(X, Y), change))


@pytest.mark.parametrize(
    ("field", "value"),
    [("feature_idx", 4), ("feature_idx", -1), ("left", 0), ("right", 1 << 31), ("bitset_idx", 9)],
)
def test_a_binned_tree_that_points_outside_of_itself_is_refused(field, value):
    """The same of histogram gradient boosting, and of its categories."""

    def change(found):
        found[field][0] = value
        if field == "bitset_idx":
            found["is_categorical"][0] = 1

    x = with_categories() if field == "bitset_idx" else X
    estimator = HistGradientBoostingClassifier(max_iter=1).fit(x, Y)
    with pytest.raises(ModelFileError, match="point to nothing or do not go together"):
        loads(rewritten(estimator, change))


def test_trees_of_more_columns_than_their_forest_are_refused():
    """A forest hands its columns on without asking, so its trees must know no others."""
    forest = RandomForestClassifier(3).fit(X, Y)
    forest.estimators_ = RandomForestClassifier(3).fit(np.hstack([X, X]), Y).estimators_
    with pytest.raises(ModelFileError, match="point to nothing"):
        loads(dump(forest))


def test_labels_that_are_no_classes_are_refused():
    """A neighbour's label counts into the place of its class."""
    estimator = KNeighborsClassifier(algorithm="brute").fit(X, Y)
    estimator._y[0] = 1 << 20  # noqa: SLF001 - the damage is done to what scikit-learn hides
    with pytest.raises(ModelFileError, match="point to nothing"):
        loads(dump(estimator))


def test_support_vectors_that_are_not_there_are_refused():
    """The number of them is taken from another array."""
    estimator = SVC().fit(X, Y)
    estimator._n_support[0] += 1 << 16  # noqa: SLF001 - the damage is done to what scikit-learn hides
    with pytest.raises(ModelFileError, match="point to nothing"):
        loads(dump(estimator))


def test_what_expands_to_more_than_the_memory_is_refused_unread(monkeypatch):
    """A few kilobytes that say to be gigabytes, and a file that is named a thousand times."""
    estimator = KNeighborsClassifier().fit(np.zeros((20_000, 4)), np.zeros(20_000, dtype=int))
    content = dump(estimator)
    monkeypatch.setattr(audit, "most_bytes", lambda: 300_000)
    with pytest.raises(ModelFileError, match="must expand to at most 300,000 bytes"):
        loads(content)


def test_an_array_that_says_to_be_larger_than_it_is_is_refused():
    """NumPy would make room for all that the head tells of."""
    files = unpacked(dump(DecisionTreeClassifier().fit(X, Y)))
    name = next(name for name in files if b"'shape': (3,), }" in files[name])
    said, claim = b"'shape': (3,), }", b"'shape': (3000000000000,), }"
    files[name] = files[name].replace(said + b" " * (len(claim) - len(said)), claim, 1)
    with pytest.raises(ModelFileError, match="that says to be"):
        loads(packed(files))


def test_a_type_may_be_built_by_its_own_means_alone():
    """A class of the list is not called with arguments of the file's choice."""
    files = unpacked(dump(DecisionTreeClassifier().fit(X, Y)))
    schema = json.loads(files["schema.json"])
    schema["content"] = {
        "__class__": "ndarray",
        "__module__": "numpy",
        "__loader__": "ListNode",
        "content": [],
    }
    files["schema.json"] = json.dumps(schema).encode()
    with pytest.raises(ModelFileError, match=r"but got numpy\.ndarray"):
        loads(packed(files))
