"""Warnings that a fit gave, to be said again where the fit is shared."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@contextmanager
def hearing() -> Iterator[list[warnings.WarningMessage]]:
    """Collect the warnings that would be given, instead of giving them."""
    with warnings.catch_warnings(record=True) as heard:
        yield heard


@contextmanager
def overhearing() -> Iterator[list[warnings.WarningMessage]]:
    """Collect warnings, and give them at the end of the block, whatever ended it."""
    heard: list[warnings.WarningMessage] = []
    try:
        with hearing() as heard:
            yield heard
    finally:
        say(heard)


def say(heard: Iterable[warnings.WarningMessage]) -> None:
    """Give warnings that were collected."""
    for each in heard:
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
