"""Checks of folds and metrics that warn: they are as asked for, and may not be what is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweepstake.data.folds import divided
from sweepstake.domain.folding import FoldKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from sweepstake.data.dataset import Table
    from sweepstake.domain.spec import SweepSpec

TOLD_SHARE = 0.05
TOLD_SECONDS = 10.0
"""What more metrics may take without a word."""


def cut_times(spec: SweepSpec, table: Table, train: np.ndarray) -> Iterator[str]:
    """Folds by time whose edge lies within the rows of one time."""
    if spec.fold_kind is not FoldKind.TIME:
        return
    beside = table.beside.take(train)
    if beside.times is None:
        return
    pairs = divided(table.y[train], spec.folding, beside)
    times = beside.times
    cut = [str(n) for n, (fit, score) in enumerate(pairs, 1) if times[fit[-1]] == times[score[0]]]
    if cut:
        which = f"fold {cut[0]}" if len(cut) == 1 else f"folds {', '.join(cut)}"
        yield (
            f"{which} of {len(pairs)} by time: the last rows that are trained on have the time of "
            "the first that are scored. Folds count rows: name a finer time, or fewer folds."
        )


def cost_of_metrics(spec: SweepSpec, share: float, seconds: float) -> Iterator[str]:
    """What metrics beside the one that ranks take, as a ``share`` of all ``seconds``."""
    if spec.metrics and share >= TOLD_SHARE and share * seconds >= TOLD_SECONDS:
        named = "a metric" if len(spec.metrics) == 1 else f"{len(spec.metrics)} metrics"
        yield (
            f"scoring by {named} more takes up to {share:.0%} of the time, about "
            f"{share * seconds:,.0f} s of computing. Leave out what nobody looks at."
        )
