"""Columns: figures in the smallest types that hold them, and back, to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: TID253 - whoever reads or writes a forest has it

from sweepstake.forests.soundness import hold

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("u1", "i1", "u2", "i2", "u4", "i4")
LARGEST = 2.0**53
"""Whole numbers below it are the same as floats."""


def smallest(figures: np.ndarray) -> np.ndarray:
    """The figures in the smallest type of whole numbers that holds them; else as they are."""
    if figures.dtype.kind == "f":
        whole = _as_whole(figures)
        return figures.copy() if whole is None else smallest(whole)
    least, most = figures.min(), figures.max()
    for kind in KINDS:
        limits = np.iinfo(kind)
        if limits.min <= least and most <= limits.max:
            return figures.astype(kind)
    return figures.copy()


def shares(values: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """The values (nodes, outputs, classes) of nodes: those of a classifier are shares of weights.

    A share is a whole number of rows, divided by the weight of the node: then that number is kept.
    """
    parts = np.rint(values * weights[:, None, None])
    if _bits_equal(_divided(parts, weights), values):
        whole = _as_whole(parts)
        if whole is not None:
            return {"rows": smallest(whole)}
    return {"values": values}


def check(state: Mapping[str, Any], shape: tuple[int, int, int]) -> None:
    """See that the values that `shares` kept are of this shape, before anything is made of them.

    Raises:
        ValueError: they are not.
    """
    kept = state["values"] if "values" in state else state["rows"]
    kinds = "f" if "values" in state else "iu"
    hold(kept.shape == shape and kept.dtype.kind in kinds and kept.flags.c_contiguous)


def values_at(state: Mapping[str, Any], place: slice, weights: np.ndarray) -> np.ndarray:
    """The values that `shares` kept of the nodes at this place."""
    if "values" in state:
        return np.asarray(state["values"][place], dtype=float)
    return _divided(state["rows"][place].astype(float), weights)


def _divided(parts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(parts / weights[:, None, None])


def _as_whole(figures: np.ndarray) -> np.ndarray | None:
    """Floats as whole numbers, where they are the same to the last bit."""
    if not (np.abs(figures) < LARGEST).all():
        return None
    whole = figures.astype(np.int64)
    return whole if _bits_equal(whole.astype(float), figures) else None


def _bits_equal(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one.view(np.int64), other.view(np.int64))
