"""Casting: rows of any form become the columns that a model was trained on.

A model's folder holds a copy of this package: it needs nothing else of Sweepstake, so neither does
who loads the model. Stored models name the class as ``sweepstake.casting.ColumnCast``.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ColumnCast"]


def __getattr__(name: str) -> Any:
    """Import the class, and with it pandas and scikit-learn, when a stored model asks for it."""
    if name in __all__:
        from sweepstake.casting.column_cast import ColumnCast

        return ColumnCast
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
