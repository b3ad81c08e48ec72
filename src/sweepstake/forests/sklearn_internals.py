"""The internals of scikit-learn: what a grown tree is made of.

``NAMES`` lists them for a test, which fails with a sentence when a release moves one. Then this
module follows, and no other.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np  # noqa: TID253 - whoever reads or writes a forest has it
from sklearn.tree._tree import (  # noqa: TID253
    NODE_DTYPE,
    TREE_LEAF,
    Tree,
)

NAMES = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.NODE_DTYPE",
    "sklearn.tree._tree.TREE_LEAF",
    "sklearn.tree._tree.Tree.__getstate__",
    "sklearn.tree._tree.Tree.__reduce__",
    "sklearn.tree._tree.Tree.__setstate__",
)
NODE: np.dtype[Any] = NODE_DTYPE
FIGURES = tuple(NODE.names or ())
"""What a node has."""
NO_CHILD = int(TREE_LEAF)
OF_MEMBERS = (
    "_seeds",
    "estimator_errors_",
    "estimator_weights_",
    "estimators_",
    "estimators_features_",
)
"""What bagging and AdaBoost have of each member, in the order of their fits."""
Made = tuple[int, np.ndarray, int]
"""What a tree is made with: its columns, the classes of each output, and its outputs."""


def made(tree: Any) -> Made:
    """What a grown tree was made with."""
    found: Made = tree.__reduce__()[1]
    return found


def grown(tree_made: Made, nodes: np.ndarray, values: np.ndarray, depth: int) -> Any:
    """A tree of these nodes, whose figures nobody looks at."""
    tree = Tree(*tree_made)
    state = {"max_depth": depth, "node_count": len(nodes), "nodes": nodes, "values": values}
    tree.__setstate__(state)
    return tree


def predictors_of(ensemble: Any) -> list[list[Any]]:
    """The trees of histogram gradient boosting, of each round those of all classes."""
    found: list[list[Any]] = ensemble._predictors  # noqa: SLF001 - it has no other name
    return found


def first_members(ensemble: Any, size: int) -> Any:
    """A copy of fitted bagging or AdaBoost that has the first of its members alone."""
    cut = copy(ensemble).set_params(n_estimators=size)
    for name in vars(ensemble).keys() & OF_MEMBERS:
        setattr(cut, name, getattr(ensemble, name)[:size])
    return cut
