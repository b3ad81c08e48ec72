"""Soundness: whether a table of nodes is one of trees, before compiled code follows it."""

from __future__ import annotations

import numpy as np  # noqa: TID253 - whoever reads or writes a forest has it

from sweepstake.forests.sklearn_internals import NO_CHILD, Made


def check(nodes: np.ndarray, values: np.ndarray, counts: np.ndarray, made: Made) -> None:
    """See that children come later in the same tree and that columns exist, in each tree.

    ``nodes`` and ``values`` are those of all trees, ``counts`` how many each has.

    Raises:
        ValueError: something points to nothing, or shapes do not go together.
    """
    n_features, n_classes, n_outputs = made
    hold(n_classes.dtype == np.intp and n_classes.shape == (n_outputs,) and n_outputs > 0)
    hold(n_classes.min() > 0)
    hold(counts.ndim == 1 and counts.dtype.kind == "i" and len(counts) > 0 and counts.min() > 0)
    hold(values.dtype == float and values.shape == (len(nodes), n_outputs, n_classes.max()))
    place = np.arange(len(nodes)) - np.repeat(np.cumsum(counts) - counts, counts)
    size = np.repeat(counts, counts)
    inner = nodes["left_child"] != NO_CHILD
    for side in ("left_child", "right_child"):
        child = nodes[side][inner]
        hold(((place[inner] < child) & (child < size[inner])).all())
    asked = nodes["feature"][inner]
    hold(((asked >= 0) & (asked < n_features)).all())


def hold(true: object) -> None:
    """Go on only if it is true.

    Raises:
        ValueError: it is not.
    """
    if not true:
        message = "a forest must hold trees as training makes them, but got figures that point to "
        raise ValueError(message + "nothing or do not go together. Train it again.")
