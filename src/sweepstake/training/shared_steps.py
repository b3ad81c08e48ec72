"""Shared steps: what stands before the last step is fitted once for all trials that have it.

Equal steps with equal seeds, fitted on the same rows, are equal to the last bit. So they are kept
for each fold and for all rows, with the rows as they made them. What they warned of is said again
for each trial. Kept rows cannot be written to: a classifier that would change them raises, and one
that is told to (``copy_X: false``) shares none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sweepstake.training.heard import hearing, say
from sweepstake.training.pipeline import LAST, writes_to_rows

if TYPE_CHECKING:
    import warnings
    from collections.abc import Callable

    import numpy as np
    from sklearn.base import BaseEstimator

    Take = Callable[[], Any]
    """Gives rows, when they are needed."""

COUNTING = frozenset({"Isomap", "LocallyLinearEmbedding"})
"""Steps whose model counts how often it was asked."""
MOST_BYTES = 128 * 1024 * 1024
"""Of rows that are kept; steps of more rows or columns are fitted again."""


@dataclass(slots=True)
class Prepared:
    """Fitted steps, the rows that they were fitted on as they made them, and others."""

    steps: BaseEstimator
    rows: Any
    heard: list[warnings.WarningMessage]
    unseen: Any = None
    heard_later: list[warnings.WarningMessage] = field(default_factory=list)

    @property
    def size(self) -> float:
        """The bytes of all rows."""
        return _size(self.rows) + _size(self.unseen)


class StepCache:
    """The fitted steps of the trials before, for each fold and for all rows.

    It serves one sweep's trials on one data set. ``found`` are the steps of the last trial that a
    trial before had fitted.
    """

    def __init__(self) -> None:
        self.found: tuple[str, ...] = ()
        self._key = ""
        self._before: BaseEstimator | None = None
        self._kept: dict[tuple[str, object], Prepared] = {}
        self._own: dict[object, BaseEstimator] = {}

    def enter(self, estimator: BaseEstimator) -> BaseEstimator:
        """Begin with a trial: what is fitted for it alone, the last step if others are shared."""
        from joblib import hash as digest

        self.found, self._own = (), {}
        self._before = _before(estimator)
        if self._before is None:
            return estimator
        self._key = digest(self._before)
        return estimator[-1]

    def rows(self, place: object, rows: Take, y: np.ndarray) -> Any:
        """The training rows of a place as the shared steps make them, fitted if they are not."""
        if self._before is None:
            return rows()
        kept = self._kept.pop((self._key, place), None)
        if kept is None:
            kept = _fitted(self._before, rows(), y)
        else:
            self.found = tuple(name for name, _ in self._before.steps)
        say(kept.heard)
        self._own[place] = kept.steps
        self._keep(place, kept)
        return _lent(kept.rows)

    def unseen(self, place: object, rows: Take) -> Any:
        """Rows that are asked about at a place, as the steps that were fitted there make them."""
        if self._before is None:
            return rows()
        kept = self._kept.pop((self._key, place), None)
        if kept is None:  # for want of room
            return self._own[place].transform(rows())
        if kept.unseen is None:
            with hearing() as kept.heard_later:
                kept.unseen = _closed(kept.steps.transform(rows()))
        say(kept.heard_later)
        self._keep(place, kept)
        return _lent(kept.unseen)

    def whole(self, place: object, fitted: BaseEstimator) -> BaseEstimator:
        """The whole estimator of a place: the shared steps, and what was fitted after them."""
        from sklearn.pipeline import Pipeline

        if self._before is None:
            return fitted
        return Pipeline([*self._own[place].steps, (LAST, fitted)])

    def _keep(self, place: object, prepared: Prepared) -> None:
        """Keep what there is room for; what was asked for last goes last."""
        if prepared.size > MOST_BYTES:
            return
        self._kept[self._key, place] = prepared
        while sum(each.size for each in self._kept.values()) > MOST_BYTES:
            del self._kept[next(iter(self._kept))]


def _before(estimator: BaseEstimator) -> BaseEstimator | None:
    """The steps before the last one, if they may be shared.

    They may not where a fit of the same would be another one, or where one changes rows.
    """
    from sklearn.pipeline import Pipeline

    if type(estimator) is not Pipeline or not estimator.steps[1:] or writes_to_rows(estimator):
        return None
    steps = estimator[:-1]
    if any(type(each).__name__ in COUNTING for each in steps.get_params().values()):
        return None
    params = steps.get_params().items()
    if any(name.endswith("random_state") and not isinstance(seed, int) for name, seed in params):
        return None
    return steps


def _fitted(steps: BaseEstimator, rows: Any, y: np.ndarray) -> Prepared:
    from sklearn.base import clone

    steps = clone(steps)
    with hearing() as heard:
        made = steps.fit_transform(rows, y)
    return Prepared(steps, _closed(made), heard)


def _closed(rows: Any) -> Any:
    """Rows that whoever has them cannot write to."""
    import numpy as np

    if isinstance(rows, np.ndarray):
        rows.flags.writeable = False
    return rows


def _lent(rows: Any) -> Any:
    """Rows for one trial; those of a sparse matrix may be put in another order, so a copy."""
    return rows.copy() if hasattr(rows, "indptr") else rows


def _size(rows: Any) -> float:
    if rows is None:
        return 0
    if hasattr(rows, "indptr"):
        return float(rows.data.nbytes + rows.indices.nbytes + rows.indptr.nbytes)
    return float(getattr(rows, "nbytes", math.inf))
