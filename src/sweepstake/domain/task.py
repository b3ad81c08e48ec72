"""Task: what is predicted, classes or numbers."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class Task(StrEnum):
    """What a sweep's models predict."""

    CLASSIFICATION = "classification"
    """Labels; several target columns of 0 and 1 are several labels."""
    REGRESSION = "regression"
    """Numbers; several target columns are several numbers."""


def are_numbers(y: np.ndarray) -> bool:
    """Whether targets are numbers to predict: only these are kept as floats."""
    return y.dtype.kind == "f"


def are_classes(y: np.ndarray) -> bool:
    """Whether each row has one label."""
    return y.ndim == 1 and not are_numbers(y)
