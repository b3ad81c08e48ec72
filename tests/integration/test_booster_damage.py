"""Boosters' files that were changed: refused, or answered, and never the end of who asks."""

from __future__ import annotations

import json
import os
import random
import re
from dataclasses import replace

import pytest
import smallboosters
from damaging import EXTREMES, LIMITS
from threadpoolctl import threadpool_limits

from sweepstake.casting.column_cast import ColumnCast
from sweepstake.errors import ModelFileError, TrialFailedError
from sweepstake.modelfile.model_file import StoredModel, dump, loads, opened, stored
from sweepstake.processes.isolation import Worker
from sweepstake.training import pipeline

ROUNDS = int(os.environ.get("MODEL_ROUNDS", "12"))
"""Changes that are tried on the file of each booster."""
READ_BY_US = ("LGBMClassifier", "LGBMRegressor", "XGBClassifier", "XGBRFRegressor", "XGBRegressor")
"""Boosters whose files are looked at before their library reads them."""


class Judge:
    """Loads a model and asks it, in a process of its own."""

    def ask(self, name, files):
        """Whether the model was loaded and answered."""
        return len(opened(files).predict(smallboosters.rows_of(name)[0]))


def exchanged(estimator, change):
    """The files of a model after a change of its booster's, with hashes that suit it."""
    files = stored(estimator)
    booster = pipeline.classifier_of(estimator)
    (name,) = files.boosters
    content = change(files.boosters[name])
    library = replace_written(booster, content)
    with library:
        return replace(stored(estimator), boosters={name: content})


def replace_written(booster, content):
    """Have a booster's library write other content."""
    patch = pytest.MonkeyPatch.context()

    class Patched:
        def __enter__(self):
            self.patch = patch.__enter__()
            self.patch.setattr(booster.library, "written", lambda _: content)

        def __exit__(self, *details):
            patch.__exit__(*details)

    return Patched()


def of_json(change):
    """A change of the first tree, or of all, of XGBoost's JSON."""

    def changed(content):
        document = json.loads(content)
        learner = document["learner"]
        change(learner, learner["gradient_booster"]["model"])
        return json.dumps(document).encode()

    return changed


def _set(place, value):
    def change(_, model):
        tree = model["trees"][0]
        for key in place[:-1]:
            tree = tree[key]
        tree[place[-1]] = value

    return change


JSON_DAMAGE = {
    "child that is its parent": _set(("left_children", 0), 0),
    "child beyond": _set(("right_children", 0), 1 << 30),
    "child of two": lambda _, model: model["trees"][0].update(
        right_children=model["trees"][0]["left_children"]
    ),
    "parent beyond": _set(("parents", 1), 1 << 20),
    "parent of the first": _set(("parents", 0), 0),
    "feature beyond": _set(("split_indices", 0), 4),
    "feature below": _set(("split_indices", 0), -1),
    "figure of text": _set(("split_conditions", 0), "1"),
    "nodes that lack": _set(("tree_param", "num_nodes"), "900"),
    "leaves of several figures": _set(("tree_param", "size_leaf_vector"), "3"),
    "categories": _set(("split_type", 0), 1),
    "class beyond": lambda _, model: model["tree_info"].__setitem__(0, 3),
    "rounds beyond": lambda _, model: model["iteration_indptr"].__setitem__(-1, 99),
    "other classes": lambda learner, _: learner["learner_model_param"].update(num_class="9"),
    "other features": lambda learner, _: learner["learner_model_param"].update(num_feature="40"),
    "attributes": lambda learner, _: learner["attributes"].update(best_iteration="999"),
    "another objective": lambda learner, _: learner["objective"].update(name="rank:map"),
    "another booster": lambda learner, _: learner["gradient_booster"].update(name="gblinear"),
}


@pytest.mark.parametrize("damage", JSON_DAMAGE.values(), ids=list(JSON_DAMAGE))
def test_a_tree_of_xgboost_that_points_outside_of_itself_is_refused(damage):
    """Children, features, classes and rounds that are not there, and what our fits never write."""
    estimator = smallboosters.build("XGBClassifier").fit(*smallboosters.rows_of("XGBClassifier"))
    files = exchanged(estimator, of_json(damage))
    with pytest.raises(ModelFileError, match="must hold a booster as training makes it"):
        opened(files)


def test_a_key_that_is_there_twice_is_refused():
    """Of two, the library might take the one that was not looked at."""
    estimator = smallboosters.build("XGBClassifier").fit(*smallboosters.rows_of("XGBClassifier"))
    twice = b'"num_class":"3","num_class":"3"'
    files = exchanged(estimator, lambda content: content.replace(b'"num_class":"3"', twice, 1))
    with pytest.raises(ModelFileError, match="a key that is there twice"):
        opened(files)


TEXT_DAMAGE = {
    "child beyond": (r"left_child=\S+", "left_child=99"),
    "child that is its parent": (r"left_child=\S+", "left_child=0"),
    "leaf beyond": (r"right_child=\S+", "right_child=-99"),
    "feature beyond": (r"split_feature=\S+", "split_feature=4"),
    "feature below": (r"split_feature=\S+", "split_feature=-1"),
    "leaves that lack": (r"leaf_value=\S+ ", "leaf_value="),
    "leaves of text": (r"leaf_value=\S+", "leaf_value=a"),
    "categories": (r"num_cat=0", "num_cat=1"),
    "decision by categories": (r"decision_type=\S+", "decision_type=1"),
    "linear leaves": (r"is_linear=0", "is_linear=1"),
    "a place beyond": (r"tree_sizes=\d+", "tree_sizes=999999"),
    "other classes": (r"num_class=3", "num_class=9"),
    "other features": (r"max_feature_idx=3", "max_feature_idx=40"),
    "another objective": (r"objective=\S+", "objective=lambdarank"),
    "another version": (r"version=v4", "version=v2"),
    "a strange line": (r"num_cat=0", "num_cat=0\nleaf_coeff=1"),
}


@pytest.mark.parametrize(("pattern", "instead"), TEXT_DAMAGE.values(), ids=list(TEXT_DAMAGE))
def test_a_tree_of_lightgbm_that_points_outside_of_itself_is_refused(pattern, instead):
    """Children, features, leaves and places in the text that are not there."""
    x, y = smallboosters.rows_of("LGBMClassifier")
    estimator = smallboosters.build("LGBMClassifier", min_child_samples=30).fit(x, y)
    change = lambda content: sized(re.sub(pattern, instead, content.decode(), count=1))  # noqa: E731
    with pytest.raises(
        ModelFileError, match=r"booster\.txt: must|in a booster's text|not float|'a'"
    ):
        opened(exchanged(estimator, change))


def sized(text):
    """The text with the sizes of its trees told as they are, but where that was the change."""
    if "tree_sizes=999999" in text:
        return text.encode()
    body = text[text.index("\n\n") + 2 : text.index("end of trees")]
    sizes = [str(len(part)) for part in re.split(r"(?=Tree=\d+\n)", body) if part]
    return re.sub(r"tree_sizes=.*", f"tree_sizes={' '.join(sizes)}", text).encode()


def damaged(content, seed):
    """A booster's file with some figures changed by chance, or bytes of one that is binary."""
    chance = random.Random(seed)
    if content.startswith(b"CBM1"):
        changed = bytearray(content)
        for _ in range(chance.choice([1, 4, 64])):
            changed[chance.randrange(8, len(changed))] = chance.randrange(256)
        return bytes(changed)
    text = content.decode()
    found = chance.choice(list(re.finditer(r"-?\b\d+(\.\d+)?\b", text)))
    figure = chance.choice([str(each) for each in EXTREMES] + ["1e300", "nan", ""])
    return f"{text[: found.start()]}{figure}{text[found.end() :]}".encode()


@pytest.mark.parametrize("name", READ_BY_US)
def test_a_changed_booster_is_refused_or_answers_and_ends_nobody(name):
    """Figures of trees, sums and heads: none of them ends a process."""
    with threadpool_limits(1):
        estimator = smallboosters.fitted(name)
    ends = []
    with Worker(Judge()) as worker:
        for number in range(ROUNDS):
            files = exchanged(estimator, lambda content, n=number: damaged(content, f"{name}{n}"))
            try:
                worker.call("ask", name, files, limits=LIMITS)
            except ModelFileError:
                continue
            except TrialFailedError as error:
                if re.match("It (crashed|was killed|took|needed|ended)", str(error)):
                    ends.append((number, str(error)))
    assert [] == ends


@pytest.mark.parametrize("name", ["CatBoostClassifier", "CatBoostRegressor"])
def test_a_changed_file_of_catboost_ends_its_own_process_at_most(name):
    """Its figures are not looked at, so a judge asks it in a process that may end."""
    estimator = smallboosters.fitted(name)
    with Worker(Judge()) as worker:
        for number in range(ROUNDS):
            files = exchanged(estimator, lambda content, n=number: damaged(content, f"{name}{n}"))
            try:
                worker.call("ask", name, files, limits=LIMITS)
            except (ModelFileError, TrialFailedError):
                continue
        rows = len(smallboosters.rows_of(name)[0])
        assert rows == worker.call("ask", name, stored(estimator), limits=LIMITS)


@pytest.mark.parametrize("name", ["CatBoostRegressor", "LGBMRegressor", "XGBRegressor"])
@pytest.mark.parametrize("content", [b"", b"CBM1", b"{}", b"tree\n", b"\x80\x04N."])
def test_what_is_no_booster_is_refused(name, content):
    """A file of nothing, of another kind, or a pickle."""
    estimator = smallboosters.build(name).fit(*smallboosters.rows_of(name))
    with pytest.raises(ModelFileError):
        opened(exchanged(estimator, lambda _: content))


def test_a_booster_with_more_than_figures_is_refused():
    """What stands beside its figures in the skops file could be anything."""
    x, y = smallboosters.rows_of("LGBMRegressor")
    estimator = smallboosters.build("LGBMRegressor").fit(x, y)
    estimator.n_iter_ = ColumnCast.like(x)
    with pytest.raises(ModelFileError, match="a booster with"):
        opened(stored(estimator))


def test_a_skops_file_that_names_other_files_is_refused():
    """The name of a booster's file leads to no other place."""
    x, y = smallboosters.rows_of("LGBMRegressor")
    estimator = smallboosters.build("LGBMRegressor").fit(x, y)
    files = stored(estimator)
    (content,) = files.boosters.values()
    changed = files.skops.replace(b"booster.txt", b"../some.txt")
    with pytest.raises(ModelFileError):
        opened(StoredModel(changed, {"../some.txt": content}))


def test_a_booster_without_its_file_is_refused():
    """The skops file alone is no model."""
    estimator = smallboosters.fitted("CatBoostRegressor")
    with pytest.raises(ModelFileError, match=r"booster\.cbm: must have sha256 .* is not there"):
        loads(dump(estimator))
