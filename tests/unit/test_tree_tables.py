"""Trees told as one table: read again they are the same to the last bit, or they are refused."""

from __future__ import annotations

import copy
import json
import pickle
from functools import partial
from io import BytesIO
from zipfile import ZipFile

import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from sklearn.utils.validation import check_array

from sweepstake.errors import ModelFileError
from sweepstake.forests import TreeTable, soundness
from sweepstake.forests.tree_table import is_table
from sweepstake.modelfile import audit
from sweepstake.modelfile.model_file import dump, loads, needed_types
from sweepstake.modelfile.tabled import tabled

pytestmark = pytest.mark.filterwarnings("ignore")
RNG = np.random.default_rng(0)
X = np.round(RNG.normal(size=(90, 4)), 2)
Y = np.repeat([0, 1, 2], 30)
WORDS = np.array(["a", "bb", "ccc"])[Y]
SEVERAL = np.column_stack([Y, Y % 2])
GAPS = np.where(RNG.random(X.shape) < 0.1, np.nan, X)
WEIGHTS = RNG.random(90) + 0.1

ENSEMBLES = {
    "classes": (RandomForestClassifier(5, random_state=0), X, Y, {}),
    "words": (RandomForestClassifier(5), X, WORDS, {}),
    "entropy": (RandomForestClassifier(5, criterion="entropy"), X, Y, {}),
    "several outputs": (RandomForestClassifier(5), X, SEVERAL, {}),
    "gaps": (RandomForestClassifier(5), GAPS, Y, {}),
    "balanced": (RandomForestClassifier(5, class_weight="balanced_subsample"), X, Y, {}),
    "weights": (RandomForestClassifier(5), X, Y, {"sample_weight": WEIGHTS}),
    "extra trees": (ExtraTreesClassifier(5, bootstrap=True), X, Y, {}),
    "numbers": (RandomForestRegressor(5), X, X[:, 0] * Y, {}),
    "poisson": (RandomForestRegressor(5, criterion="poisson"), X, Y + 1.0, {}),
    "extra numbers": (ExtraTreesRegressor(5), X, SEVERAL / 3, {}),
    "one leaf": (RandomForestClassifier(5), X, Y * 0, {}),
    "pruned": (RandomForestClassifier(5, ccp_alpha=0.02), X, Y, {}),
    "bagged": (BaggingClassifier(DecisionTreeClassifier(max_depth=3), 5), X, Y, {}),
    "bagged numbers": (BaggingRegressor(None, 5), X, X[:, 1], {}),
    "bagged columns": (BaggingClassifier(None, 5, max_features=2), X, WORDS, {}),
    "boosted": (AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=5), X, Y, {}),
    "bagged at random": (BaggingClassifier(ExtraTreeClassifier(), 5), X, Y, {}),
}


def fitted(kind):
    """An ensemble of a kind, fitted, and the rows it was fitted on."""
    estimator, rows, labels, params = ENSEMBLES[kind]
    return copy.deepcopy(estimator).fit(rows, labels, **params), rows


def state(tree):
    """All that a tree is, as bytes where it is arrays."""
    grown = tree.tree_.__getstate__()
    own = {name: value for name, value in vars(tree).items() if name != "tree_"}
    figures = {name: grown[name].tobytes() for name in ("nodes", "values")}
    return repr(sorted(own.items())), figures, grown["max_depth"], repr(tree.tree_.__reduce__()[1])


@pytest.mark.parametrize("kind", ENSEMBLES)
def test_trees_are_read_as_they_were_to_the_last_bit(kind):
    """Of every ensemble whose trees differ in their seeds alone."""
    estimator, rows = fitted(kind)
    content = dump(estimator)
    assert "sweepstake.forests.TreeTable" in needed_types(content)
    found = loads(content)
    assert list(map(state, estimator.estimators_)) == list(map(state, found.estimators_))
    assert estimator.predict(rows).tobytes() == found.predict(rows).tobytes()
    assert type(estimator.estimators_) is list  # what was written is as it was
    assert list(map(state, loads(dump(found)).estimators_)) == list(map(state, found.estimators_))


def test_a_model_that_was_read_can_be_copied_pickled_and_grown():
    """The table is a list to whoever has it."""
    estimator = loads(dump(RandomForestClassifier(5, random_state=0).fit(X, Y)))
    for twin in (copy.deepcopy(estimator), pickle.loads(pickle.dumps(estimator))):
        assert 5 == len(twin.estimators_)
        assert (twin.predict_proba(X) == estimator.predict_proba(X)).all()
    grown = estimator.set_params(n_estimators=8, warm_start=True).fit(X, Y)
    fresh = RandomForestClassifier(8, random_state=0).fit(X, Y)
    assert (grown.predict_proba(X) == fresh.predict_proba(X)).all()
    assert (loads(dump(grown)).predict_proba(X) == fresh.predict_proba(X)).all()


def differing(estimator, **changed):
    """The ensemble with its last tree changed."""
    vars(estimator.estimators_[-1]).update(changed)
    return estimator


@pytest.mark.parametrize(
    "estimator",
    [
        BaggingClassifier(KNeighborsClassifier(2), 3).fit(X, Y),
        differing(RandomForestClassifier(3).fit(X, Y), max_depth=9),
        differing(RandomForestClassifier(3).fit(X, Y), random_state=None),
        differing(RandomForestClassifier(3).fit(X, Y), classes_=np.array([0.0, 1.0, 5.0])),
        differing(
            RandomForestClassifier(3).fit(X, Y), tree_=DecisionTreeClassifier().fit(X, Y > 1).tree_
        ),
        DecisionTreeClassifier().fit(X, Y),
        RandomForestClassifier(),
    ],
    ids=["no trees", "depth", "seed", "classes", "tree", "alone", "unfitted"],
)
def test_trees_that_differ_otherwise_are_told_one_by_one(estimator):
    """Nothing of them is lost for the sake of a table."""
    assert tabled(estimator) is estimator


FORGED = {
    "a feature that is none": {"columns": {"feature": 4}},
    "a feature before the first": {"columns": {"feature": -2}},
    "a way back to the root": {"columns": {"left_child": 0}},
    "a child in another tree": {"columns": {"left_child": 400}},
    "a negative child": {"columns": {"right_child": -7}},
}


@pytest.mark.parametrize("forged", FORGED)
def test_figures_that_point_to_nothing_are_refused(forged, monkeypatch):
    """Compiled code would follow them without looking."""
    told = TreeTable.__getstate__

    def tell(table):
        found = told(table)
        for name, value in FORGED[forged]["columns"].items():
            column = found["columns"][name].astype(int)
            column[0] = value
            found["columns"][name] = column
        return found

    monkeypatch.setattr(TreeTable, "__getstate__", tell)
    content = dump(RandomForestClassifier(3, random_state=0).fit(X, Y))
    with pytest.raises(ModelFileError, match="point to nothing or do not go together"):
        loads(content)


@pytest.mark.parametrize(
    "changed",
    [
        {"counts": np.array([1, 1, 1])},
        {"counts": np.array([10_000_000, -9_999_000, 1])},
        {"counts": np.array([0.5, 1, 1])},
        {"counts": np.array([], dtype=int)},
        {"depths": np.array([1])},
        {"seeds": np.array([1])},
        {"kind": "Popen"},
        {"made": (4, np.array([9]), 1)},
        {"made": (4, np.array([3, 3]), 2)},
        {"made": (2, np.array([3]), 1)},
        {"made": ("4", np.array([3]), 1)},
        {"made": (4, np.array([3.0]), 1)},
        {"rows": np.zeros((2, 1, 3), dtype="u1")},
        {"values": np.zeros(3)},
        {"columns": {}},
        {"common": {"n_features_in_": 5}},
        {"common": {}},
    ],
    ids=str,
)
def test_a_table_that_does_not_go_together_is_refused(changed, monkeypatch):
    """Whatever part of it was exchanged."""
    told = TreeTable.__getstate__
    monkeypatch.setattr(TreeTable, "__getstate__", lambda table: told(table) | changed)
    content = dump(RandomForestClassifier(3, random_state=0).fit(X, Y))
    with pytest.raises(ModelFileError):
        loads(content)


def test_a_table_that_would_fill_the_memory_is_refused(monkeypatch):
    """Its figures are small in the file and large in a tree."""
    content = dump(RandomForestClassifier(300, random_state=0).fit(X, Y))
    nodes = sum(tree.tree_.node_count for tree in loads(content).estimators_)
    needed = 300 * 2048 + nodes * (64 + 3 * 8)
    monkeypatch.setattr(audit, "most_bytes", lambda: needed - 1)
    with pytest.raises(ModelFileError, match=r"must expand to at most .* bytes of trees"):
        loads(content)
    monkeypatch.setattr(audit, "most_bytes", lambda: needed)
    assert loads(content)


def test_the_memory_of_all_tables_together_counts(monkeypatch):
    """Of a team of forests, each of which would do."""
    forests = [(f"f{n}", RandomForestClassifier(600, random_state=n)) for n in range(3)]
    team = VotingClassifier(forests).fit(X, Y)
    team.estimators_ = [tabled(each) for each in team.estimators_]
    del team.named_estimators_  # the same once more
    content = dump(team)
    monkeypatch.setattr(audit, "most_bytes", lambda: 5_000_000)
    with pytest.raises(ModelFileError, match=r"must expand to at most .* bytes of trees"):
        loads(content)


def all_leaves(count, counts, classes, rows):
    """What to change of a table, so that it has trees of one leaf."""

    def change(found):
        found["columns"] = {
            name: np.full(count, -1, "i1") if "child" in name else np.ones(count, "u1")
            for name in found["columns"]
        }
        found["counts"], found["rows"] = counts, rows
        found["depths"] = found["seeds"] = np.zeros(len(counts), "i1")
        found["made"] = (4, np.array([classes]), 1)

    return change


def forged(change, monkeypatch, estimator=None):
    """A model file whose table was changed."""
    told = TreeTable.__getstate__

    def tell(table):
        found = told(table)
        change(found)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(TreeTable, "__getstate__", tell)
        return dump(estimator or RandomForestClassifier(3, random_state=0).fit(X, Y))


def twice_a_child(found):
    """Two ways to one node: compiled code would count it twice."""
    left = found["columns"]["left_child"].astype(int)
    found["columns"]["right_child"] = left


HOSTILE = {
    "counts whose sum wraps around": all_leaves(
        5, np.array([2**62] * 4 + [5]), 3, np.ones((5, 1, 3), "u1")
    ),
    "a tree that says to be flat": lambda found: found.update(depths=np.zeros(3, int)),
    "a depth below none": lambda found: found.update(depths=np.full(3, -1)),
    "rows that are broadcast": all_leaves(
        2000, np.array([2000]), 20_000, np.ones((1, 1, 20_000), "u1")
    ),
    "rows of four dimensions": all_leaves(30, np.array([30]), 1, np.ones((30, 1, 1, 1), "u1")),
    "two ways to one child": twice_a_child,
    "fractions for children": lambda found: found["columns"].update(
        left_child=found["columns"]["left_child"].astype(float)
    ),
    "an attribute in the place of a method": lambda found: found["common"].update(
        predict=partial(check_array, dtype="float32")
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_tables_are_refused_before_trees_are_made(kind, monkeypatch):
    """Each ended the process, or filled its memory, while it was loaded or asked."""
    with pytest.raises(ModelFileError):
        loads(forged(HOSTILE[kind], monkeypatch))


def test_an_attribute_in_the_place_of_a_method_is_refused_of_any_estimator():
    """It would be called instead, for example to skip the check of what is asked."""
    tree = DecisionTreeClassifier(max_depth=2).fit(X, Y)
    vars(tree)["_validate_X_predict"] = partial(check_array, dtype="float32")
    with pytest.raises(ModelFileError, match="'_validate_X_predict' in the place of its method"):
        loads(dump(tree))


def test_a_tree_alone_that_says_to_be_flat_is_refused(monkeypatch):
    """Its depth is what the way to each leaf is given room by."""
    content = dump(DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, Y))
    with ZipFile(BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files["schema.json"])
    state = schema["content"]["content"]["tree_"]["content"]["content"]
    assert "3" == state["max_depth"]["content"]
    state["max_depth"] |= {"content": "1", "__id__": 1}
    files["schema.json"] = json.dumps(schema).encode()
    changed = BytesIO()
    with ZipFile(changed, "w") as archive:
        for name, each in files.items():
            archive.writestr(name, each)
    with pytest.raises(ModelFileError, match="do not go together"):
        loads(changed.getvalue())


def test_a_list_of_nothing_without_end_is_refused(monkeypatch):
    """Empty lists are small in a file and large in memory."""
    content = dump(DecisionTreeClassifier(max_depth=2).fit(X, Y))
    monkeypatch.setattr(audit, "most_bytes", lambda: 100_000)
    with pytest.raises(ModelFileError, match="must expand to at most 3,125 bytes, but has a list"):
        loads(content)


def test_a_table_that_was_changed_since_is_written_as_what_it_is():
    """Somebody has cut, exchanged or altered its trees."""
    model = loads(dump(RandomForestClassifier(3, random_state=0).fit(X, Y)))
    model.estimators_[-1].max_depth = 9
    assert [None, None, 9] == [tree.max_depth for tree in loads(dump(model)).estimators_]
    model.estimators_.clear()
    assert [] == loads(dump(model)).estimators_


def chain_of(count):
    """The figures of one tree whose every inner node has a leaf on its right."""
    left = np.full(count, -1)
    inner = np.arange(0, count - 2, 2)
    left[inner], right = inner + 2, np.full(count, -1)
    right[inner] = inner + 1
    return {"left_child": left, "right_child": right, "feature": np.where(left < 0, -2, 0)}


@pytest.mark.parametrize("rows", [3, 9, 200_001])
def test_a_tree_is_as_deep_as_its_longest_path(rows):
    """Found in a few rounds, also of a tree that is one long path."""
    found, counts = chain_of(rows), np.array([rows])
    made = (1, np.array([2]), 1)
    depth = (rows - 1) // 2
    soundness.check(found, counts, np.array([depth]), made)
    with pytest.raises(ValueError, match="do not go together"):
        soundness.check(found, counts, np.array([depth - 1]), made)


def test_no_trees_are_no_table():
    """Nor is what is none."""
    assert not is_table([])
    assert not is_table(np.array([1]))
