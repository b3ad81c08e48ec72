"""Sweepstake: a sweep where the winner takes production."""

from __future__ import annotations

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("sweepstake")
