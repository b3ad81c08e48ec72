"""Soundness: whether figures are those of trees, before compiled code follows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np  # noqa: TID253 - whoever reads or writes a forest has it

from sweepstake.forests.sklearn_internals import NO_CHILD, Made

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Columns = Mapping[str, np.ndarray]
    """The figures of all nodes, by what they say."""


def check(nodes: Columns, counts: np.ndarray, depths: np.ndarray, made: Made) -> None:
    """See that these are trees, one after the other: compiled code asks no more.

    Each node but the first of a tree is the child of one node before it, in the same tree; columns
    exist; no tree is deeper than it says. ``nodes`` has the figures of all nodes, ``counts`` how
    many each tree has.

    Raises:
        ValueError: something points to nothing, or shapes do not go together.
    """
    _check_counts(counts, depths, len(nodes["left_child"]))
    _check_made(made)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    inner = np.flatnonzero(nodes["left_child"] != NO_CHILD)
    size = np.repeat(counts, counts)[inner]
    sides = [nodes[side][inner].astype(np.int64) for side in ("left_child", "right_child")]
    for child in sides:
        hold(((inner - first[inner] < child) & (child < size)).all())
    children = [first[inner] + child for child in sides]
    hold(np.bincount(np.concatenate(children), minlength=len(first)).max(initial=0) <= 1)
    hold(2 * len(inner) == len(first) - len(counts))
    asked = nodes["feature"][inner]
    hold(((asked >= 0) & (asked < made[0])).all())
    _check_depths(inner, children, counts, depths)


def _check_counts(counts: np.ndarray, depths: np.ndarray, nodes: int) -> None:
    for each in (counts, depths):
        hold(each.ndim == 1 and each.dtype.kind in "iu" and len(each) == len(counts) > 0)
    hold(counts.min() > 0 and counts.max() <= nodes and len(counts) <= nodes)
    hold(sum(counts.tolist()) == nodes)


def _check_made(made: Made) -> None:
    n_features, n_classes, n_outputs = made
    hold(isinstance(n_features, int) and isinstance(n_outputs, int) and n_outputs > 0)
    hold(n_classes.dtype == np.intp and n_classes.shape == (n_outputs,) and n_classes.min() > 0)


def _check_depths(
    inner: np.ndarray, children: list[np.ndarray], counts: np.ndarray, depths: np.ndarray
) -> None:
    """Hold the depth of every node against what its tree says.

    Steps to the root are counted by pointer jumping (Wyllie, The Complexity of Parallel
    Computations, 1979): a path of a million nodes takes twenty rounds.
    """
    above = np.arange(int(counts.sum()))
    for child in children:
        above[child] = inner
    steps = (above != np.arange(len(above))).astype(np.int64)
    while steps[above].any():
        steps += steps[above]
        above = above[above]
    hold((steps <= np.repeat(depths, counts)).all())


def check_attributes(kind: type, names: Iterable[str]) -> None:
    """See that attributes of an object take the place of no method of its class.

    Raises:
        ValueError: one does, and would be called instead of it.
    """
    taken = [name for name in names if callable(getattr(kind, name, None))]
    if taken:
        message = f"{kind.__name__}: must hold what a fit leaves, but got {taken[0][:60]!r} in the "
        raise ValueError(message + "place of its method. Train it again.")


def hold(true: object) -> None:
    """Go on only if it is true.

    Raises:
        ValueError: it is not.
    """
    if not true:
        message = "a forest must hold trees as training makes them, but got figures that point to "
        raise ValueError(message + "nothing or do not go together. Train it again.")
