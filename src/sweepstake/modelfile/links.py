"""Links: whether the nodes of a tree that stand in arrays make one."""

from __future__ import annotations

import numpy as np  # noqa: TID253 - whoever imports this is about to load a model


def is_tree(left: np.ndarray, right: np.ndarray, inner: np.ndarray) -> bool:
    """Whether a walk from the first node ends at a leaf, whichever way it takes.

    ``left`` and ``right`` have the children of the nodes, of shape (n,); ``inner`` says which have
    any. No node may be the child of two, and the first of none: then no way leads back.
    """
    children = np.concatenate([left[inner], right[inner]])
    if not ((children > 0) & (children < len(left))).all():
        return False
    return len(np.unique(children)) == len(children)
