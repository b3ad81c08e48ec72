"""Forests: the trees of a forest as one table of nodes, which is how a model file keeps them.

A model's folder holds a copy of this package: it needs nothing else of Sweepstake, so neither does
who loads the model. Stored models name the class as ``sweepstake.forests.TreeTable``.
"""

from __future__ import annotations

from typing import Any

__all__ = ["TreeTable"]


def __getattr__(name: str) -> Any:
    """Import the class, and with it scikit-learn, when a stored model asks for it."""
    if name == "TreeTable":
        from sweepstake.forests.tree_table import TreeTable

        return TreeTable
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
