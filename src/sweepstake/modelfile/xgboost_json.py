"""XGBoost's JSON: whether its trees are trees, of features and classes that are there.

As XGBoost 3.2 writes it for `gbtree` and `dart`, without categories: columns of text are encoded
before it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: TID253 - whoever imports this is about to load a model

from sweepstake.modelfile.links import is_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

BOOSTERS = ("gbtree", "dart")
OBJECTIVES = re.compile(r"binary:logistic|multi:soft(max|prob)|count:poisson|reg:[a-z]+")
NO_PARENT = 2**31 - 1
CATEGORIES = ("categories", "categories_nodes", "categories_segments", "categories_sizes")
FLOATS = ("base_weights", "loss_changes", "split_conditions", "sum_hessian")
WHOLES = ("default_left", "left_children", "parents", "right_children", "split_indices")


def is_sound(content: bytes, features: int, outputs: int) -> bool:
    """Whether a file holds a booster of so many features, and sums of leaves for each row."""
    learner = json.loads(content, object_pairs_hook=_once)["learner"]
    shape = learner["learner_model_param"]
    booster = learner["gradient_booster"]
    if booster["name"] not in BOOSTERS or not OBJECTIVES.fullmatch(learner["objective"]["name"]):
        return False
    known = int(shape["num_feature"]), max(1, int(shape["num_class"])), int(shape["num_target"])
    model = booster["gbtree"]["model"] if booster["name"] == "dart" else booster["model"]
    return (
        known == (features, outputs, 1)
        and _is_plain(learner, model, outputs)
        and _has_rounds(model, outputs)
        and ("weight_drop" not in booster or _floats(booster["weight_drop"], len(model["trees"])))
        and all(_is_tree(tree, number, features) for number, tree in enumerate(model["trees"]))
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping, whose keys are there once: of two, another reader may take the other."""
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a key that is there twice"
        raise ValueError(message)
    return found


def _is_plain(learner: Mapping[str, Any], model: Mapping[str, Any], outputs: int) -> bool:
    """Whether nothing is there that our fits do not write: names, categories, attributes."""
    base = json.loads(learner["learner_model_param"]["base_score"])
    base = base if isinstance(base, list) else [base]
    nothing = (learner["attributes"], learner["feature_names"], learner["feature_types"])
    cats = model.get("cats", {})
    return (
        not any(nothing)
        and not any(cats.values())
        and len(base) in {1, outputs}
        and all(isinstance(each, int | float) for each in base)
    )


def _has_rounds(model: Mapping[str, Any], outputs: int) -> bool:
    """Whether each tree belongs to a round and to a sum."""
    count = len(model["trees"])
    ends, sums = np.array(model["iteration_indptr"]), np.array(model["tree_info"])
    whole = ends.dtype.kind == sums.dtype.kind == "i" and ends.ndim == sums.ndim == 1
    if not whole or int(model["gbtree_model_param"]["num_trees"]) != count or len(sums) != count:
        return False
    ordered = ends[0] == 0 and ends[-1] == count and bool((np.diff(ends) > 0).all())
    return ordered and bool(((sums >= 0) & (sums < outputs)).all())


def _is_tree(tree: Mapping[str, Any], number: int, features: int) -> bool:
    param = tree["tree_param"]
    count = int(param["num_nodes"])
    known = int(param["num_feature"]), int(param["size_leaf_vector"]), tree["id"]
    if known != (features, 1, number) or any(tree[name] for name in CATEGORIES):
        return False
    if not all(_wholes(tree[name], count) for name in (*WHOLES, "split_type")):
        return False
    if not all(_floats(tree[name], count) for name in FLOATS) or any(tree["split_type"]):
        return False
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    inner = left != -1
    splits = np.array(tree["split_indices"])[inner]  # of a node that was pruned it is no feature
    gone = int(param["num_deleted"])
    return (
        0 <= gone < count
        and is_tree(left, right, inner)
        and _know_parents(left, right, np.array(tree["parents"]))
        and bool(((splits >= 0) & (splits < features)).all())
    )


def _know_parents(left: np.ndarray, right: np.ndarray, parents: np.ndarray) -> bool:
    """Whether each child knows whose it is; others have no parent, or had one before a pruning."""
    inner = np.flatnonzero(left != -1)
    own = (parents[left[inner]] == inner).all() and (parents[right[inner]] == inner).all()
    known = (parents == NO_PARENT) | ((parents >= 0) & (parents < len(parents)))
    return bool(own and known.all() and parents[0] == NO_PARENT)


def _wholes(figures: Any, count: int) -> bool:
    return isinstance(figures, list) and len(figures) == count and set(map(type, figures)) <= {int}


def _floats(figures: Any, count: int) -> bool:
    kinds = {int, float}
    return isinstance(figures, list) and len(figures) == count and set(map(type, figures)) <= kinds
