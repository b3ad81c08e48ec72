"""Casting: rows of any form become the columns that a model was trained on.

A model's folder holds a copy of this package: it needs nothing else of Sweepstake, so neither does
who loads the model. Stored models name the classes as ``sweepstake.casting.ColumnCast`` and
``sweepstake.casting.TextColumn``.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ColumnCast", "TextColumn"]


def __getattr__(name: str) -> Any:
    """Import a class, and with it pandas and scikit-learn, when a stored model asks for it."""
    if name == "ColumnCast":
        from sweepstake.casting.column_cast import ColumnCast

        return ColumnCast
    if name == "TextColumn":
        from sweepstake.casting.text_column import TextColumn

        return TextColumn
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
