"""Unframed: a stored pipeline that is asked of columns of cells, with no frame around them.

A frame of one row takes longer than its prediction, most of all where scikit-learn's
``ColumnTransformer`` takes it apart again. Here the same fitted steps get the same values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from sklearn.pipeline import Pipeline

    from sweepstake.casting.column_cast import ColumnCast


OURS = {"numbers", "categories"}
"""The parts of `preprocess: auto`: what a grid file puts beside them may ask for a frame."""


@dataclass(frozen=True, slots=True)
class Unframed:
    """A cast, the ``parts`` that prepare some of its columns each, and the rest of the pipeline."""

    cast: ColumnCast
    parts: tuple[tuple[Any, tuple[str, ...]], ...]
    rest: Pipeline

    def ask(self, method: str, rows: Mapping[str, list[Any]]) -> Any:
        """What a method of the pipeline says of the cells of each column.

        Raises:
            ValueError: columns hold what no cell of their kind can be; all are told.
        """
        import numpy as np

        cells = self.cast.arrays(rows)
        if not self.parts:
            prepared = _beside(list(cells.values()))
        else:
            taken = ((step, [cells[name] for name in names]) for step, names in self.parts)
            prepared = np.hstack([step.transform(_beside(columns)) for step, columns in taken])
        return getattr(self.rest, method)(prepared)


def unframed(model: Any) -> Unframed | None:
    """The model, where its steps are known to take arrays as they take frames."""
    from sklearn.compose import ColumnTransformer

    from sweepstake.casting.column_cast import FLOATS, ColumnCast

    if not hasattr(model, "steps") or not isinstance(model[0], ColumnCast):
        return None
    widths = {kind for _, kind in model[0].kinds}
    by_name = isinstance(model[1], ColumnTransformer)
    if len(widths) == 1 and widths <= set(FLOATS) and not by_name:
        return Unframed(model[0], (), model[1:])
    if by_name and model[1].remainder == "drop" and set(model[1].named_transformers_) <= OURS:
        parts = tuple((step, tuple(names)) for _, step, names in model[1].transformers_)
        if not model[1].sparse_output_ and all(hasattr(step, "transform") for step, _ in parts):
            return Unframed(model[0], parts, model[2:])
    return None


def _beside(columns: list[np.ndarray]) -> np.ndarray:
    """The columns side by side, in the order in memory that a frame gives them: sums end alike."""
    import numpy as np

    return np.array(columns).T
