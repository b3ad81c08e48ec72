"""Spreadsheets: values as cells of CSV files that people open in one."""

from __future__ import annotations

from typing import Any

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a text begins with that a spreadsheet takes for a formula."""


def cell(value: Any) -> Any:
    """A value as spreadsheets show it: an apostrophe keeps a text from being run as a formula."""
    is_formula = isinstance(value, str) and value.startswith(FORMULAS) and not _is_number(value)
    return f"'{value}" if is_formula else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
