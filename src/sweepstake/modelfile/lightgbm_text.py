"""LightGBM's text: whether its trees are trees, of features and classes that are there.

As LightGBM 4.7 writes it, without categories and without linear leaves: columns of text are encoded
before it. LightGBM takes the place of each tree in the text from a list of their lengths.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np  # noqa: TID253 - whoever imports this is about to load a model

from sweepstake.modelfile.links import is_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

OBJECTIVE = re.compile(
    r"(binary|multiclass|multiclassova|regression|regression_l1|huber|fair|poisson|quantile|mape"
    r"|gamma|tweedie)( [a-z_]+:[-+.e0-9]+| sqrt)*"
)
END = "end of trees\n"
HEAD = frozenset(
    {"version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx"}
    | {"objective", "average_output", "feature_names", "monotone_constraints", "feature_infos"}
    | {"tree_sizes"}
)
NAMES = frozenset(
    {"num_leaves", "num_cat", "split_feature", "split_gain", "threshold", "decision_type"}
    | {"left_child", "right_child", "leaf_value", "leaf_weight", "leaf_count", "internal_value"}
    | {"internal_weight", "internal_count", "is_linear", "shrinkage"}
)
INNER = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child")
COUNTED = ("internal_value", "internal_weight", "internal_count")
"""Figures of inner nodes that a tree need not have."""
LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
CATEGORICAL = 1
"""The bit of a decision that goes by categories."""
MOST_DECISIONS = 16


def is_sound(content: bytes, features: int, outputs: int) -> bool:
    """Whether a file holds a booster of so many features, and sums of leaves for each row."""
    text = content.decode("ascii")
    first, blank, rest = text.partition("\n\n")
    head = _pairs(first.removeprefix("tree\n"), HEAD)
    if not first.startswith("tree\n") or not blank or head.get("version") != "v4":
        return False
    known = tuple(int(head[n]) for n in ("max_feature_idx", "num_class", "num_tree_per_iteration"))
    names, infos = head["feature_names"].split(" "), head["feature_infos"].split(" ")
    if known != (features - 1, outputs, outputs) or not len(names) == len(infos) == features:
        return False
    if not OBJECTIVE.fullmatch(head["objective"]) or not _sums(head["objective"], outputs):
        return False
    trees = _trees(rest, [int(size) for size in head["tree_sizes"].split()])
    return (
        bool(trees)
        and len(trees) % outputs == 0
        and all(_is_tree(_pairs(tree, NAMES), features) for tree in trees)
    )


def _sums(objective: str, outputs: int) -> bool:
    """Whether an objective tells apart as many classes as there are sums."""
    told = re.findall(r" num_class:(\S+)", objective)
    of_classes = objective.startswith("multiclass")
    return told == ([str(outputs)] if of_classes else []) and (of_classes or outputs == 1)


def _pairs(text: str, known: frozenset[str]) -> dict[str, str]:
    """Lines such as ``num_leaves=31`` by their names, each of which is known and there once.

    Raises:
        ValueError: one is not.
    """
    found: dict[str, str] = {}
    for line in filter(None, text.split("\n")):
        name, _, value = line.partition("=")
        if name not in known or name in found:
            message = f"a line {name[:40]!r} in a booster's text"
            raise ValueError(message)
        found[name] = value
    return found


def _trees(text: str, sizes: list[int]) -> list[str]:
    """The text of each tree, where they lie as long as they say and side by side; else none."""
    found, start = [], 0
    for number, size in enumerate(sizes):
        tree = text[start : start + size]
        head = f"Tree={number}\n"
        if size <= len(head) or not tree.startswith(head) or "Tree=" in tree[len(head) :]:
            return []
        found.append(tree[len(head) :])
        start += size
    rest = text[start:]
    return found if rest.lstrip("\n").startswith(END) and rest.count("Tree=") == 0 else []


def _is_tree(tree: Mapping[str, str], features: int) -> bool:
    leaves = int(tree["num_leaves"])
    if int(tree["num_cat"]) or int(tree["is_linear"]) or leaves < 1:
        return False
    values = {name: tree[name].split() for name in LEAVES if name in tree}
    float(tree["shrinkage"])
    if leaves == 1:
        return len(_figures(values["leaf_value"])) == 1
    inner = {name: tree[name].split() for name in (*INNER, *COUNTED) if name in tree}
    if any(len(each) != leaves for each in values.values()):
        return False
    if any(len(each) != leaves - 1 for each in inner.values()):
        return False
    _figures([*values["leaf_value"], *inner["threshold"]])
    return _leads(inner, leaves, features)


def _leads(inner: Mapping[str, list[str]], leaves: int, features: int) -> bool:
    """Whether children, features and decisions are there; a leaf is -1 less its number."""
    left, right, splits, decisions = (
        np.array(inner[name], dtype=np.int64)
        for name in ("left_child", "right_child", "split_feature", "decision_type")
    )
    nodes = [np.where(each < 0, leaves - 2 - each, each) for each in (left, right)]
    all_left, all_right = (np.concatenate([each, np.full(leaves, -1)]) for each in nodes)
    has_children = np.arange(2 * leaves - 1) < leaves - 1
    plain = (decisions >= 0) & (decisions < MOST_DECISIONS) & (decisions & CATEGORICAL == 0)
    return (
        is_tree(all_left, all_right, has_children)
        and bool(((splits >= 0) & (splits < features)).all())
        and bool(plain.all())
    )


def _figures(texts: list[str]) -> list[float]:
    return [float(text) for text in texts]
