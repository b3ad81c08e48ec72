"""Tree table: the trees of a forest, stored as one table of all of their nodes.

A forest of 300 trees is 300 estimators of twenty attributes each, equal but for a seed, and 600
arrays. Told once, with the nodes of all trees one after the other, column by column in the smallest
type that holds its figures, it is written in a quarter of the time and takes a third of the space.
The trees that are read are those that were written, to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: TID253 - whoever reads or writes a forest has it
from sklearn.tree import (  # noqa: TID253
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from sweepstake.forests import columns, soundness
from sweepstake.forests.sklearn_internals import FIGURES, NODE, grown, made

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KINDS = {
    kind.__name__: kind
    for kind in (
        DecisionTreeClassifier,
        DecisionTreeRegressor,
        ExtraTreeClassifier,
        ExtraTreeRegressor,
    )
}
OWN = frozenset({"random_state", "tree_"})
"""What each tree has for itself."""


class TreeTable(list):  # type: ignore[type-arg]  # skops builds it without a type
    """A list of trees whose state, for a file, is one table of their nodes."""

    __module__ = "sweepstake.forests"
    """Its place in stored models, wherever it is defined."""

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        """Copied or pickled it is a list like any other."""
        return list, (list(self),)

    def __getstate__(self) -> dict[str, Any]:
        """What the trees have in common, and their nodes, in the order of the trees."""
        first, trees = self[0], [tree.tree_ for tree in self]
        states = [tree.__getstate__() for tree in trees]
        nodes = np.concatenate([state["nodes"] for state in states])
        values = np.concatenate([state["values"] for state in states])
        weights = nodes["weighted_n_node_samples"]
        return {
            "kind": type(first).__name__,
            "common": _common(first),
            "made": made(trees[0]),
            "seeds": np.array([tree.random_state for tree in self]),
            "counts": np.array([state["node_count"] for state in states]),
            "depths": np.array([state["max_depth"] for state in states]),
            "columns": {name: columns.smallest(nodes[name]) for name in FIGURES},
            **columns.shares(values, weights),
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Make the trees anew.

        Raises:
            ValueError: figures are not those of trees; compiled code would follow them anywhere.
        """
        figures, counts, made_with = state["columns"], state["counts"], state["made"]
        for name in FIGURES:
            kinds = "iuf" if NODE[name].kind == "f" else "iu"
            soundness.hold(figures[name].dtype.kind in kinds and figures[name].ndim == 1)
            soundness.hold(len(figures[name]) == len(figures["left_child"]))
        soundness.check(figures, counts, state["depths"], made_with)
        soundness.check_attributes(KINDS[state["kind"]], state["common"])
        soundness.hold(state["common"]["n_features_in_"] == made_with[0])
        columns.check(state, (len(figures["left_child"]), made_with[2], int(made_with[1].max())))
        ends = np.cumsum(counts)
        places = map(slice, ends - counts, ends)
        each = zip(places, state["depths"].tolist(), state["seeds"].tolist(), strict=True)
        self[:] = [_tree(state, *own) for own in each]


def is_table(trees: Sequence[Any]) -> bool:
    """Whether trees can be told as a table: fitted, of one kind, and equal but for their seeds."""
    if type(trees) not in {list, TreeTable} or not trees or type(trees[0]) not in KINDS.values():
        return False
    first = trees[0]
    return all(
        type(tree) is type(first)
        and type(tree.random_state) is int
        and _same(_common(tree), _common(first))
        and _same(made(tree.tree_), made(first.tree_))
        for tree in trees
    )


def _common(tree: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(tree).items() if name not in OWN}


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same type, with all that is in them."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return bool(one == other)


def _tree(state: Mapping[str, Any], place: slice, depth: int, seed: int) -> Any:
    """One of the trees, whose nodes have this place among those of all."""
    nodes = np.zeros(place.stop - place.start, dtype=NODE)
    for name in FIGURES:
        nodes[name] = state["columns"][name][place]
    values = columns.values_at(state, place, nodes["weighted_n_node_samples"])
    kind = KINDS[state["kind"]]
    tree = kind.__new__(kind)
    fitted = grown(state["made"], nodes, values, depth)
    vars(tree).update(state["common"], random_state=seed, tree_=fitted)
    return tree
