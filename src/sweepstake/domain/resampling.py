"""Resampling: scores of the same answers on rows drawn again and again within their classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweepstake.domain.task import are_classes, are_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from sweepstake.domain.answers import Answers, Pair

CELLS = 2_000_000
"""Rows drawn at once, which bounds the memory that it takes."""
_BINARY = 2


def paired_gains(pair: Pair, metric: str, count: int, seed: int) -> np.ndarray:
    """Finalist's score less the champion's on ``count`` resamples, both on the same rows of each.

    Rows are drawn with replacement within each class, so that every resample has the classes as
    they are; whole groups where rows have groups. NaN stands where the metric is not defined.
    """
    import numpy as np

    if pair.champion is None:
        message = "there is no champion to compare with"
        raise ValueError(message)
    finalist, champion = (
        scorer_of(answers, pair.truth, metric, pair.weights)
        for answers in (pair.finalist, pair.champion)
    )
    random = np.random.default_rng(seed)
    if pair.groups is None:
        drawn = draws(pair.truth, count, random)
    else:
        drawn = draws_of_groups(pair.groups, count, random)
    return np.concatenate([finalist(rows) - champion(rows) for rows in drawn])


def draws(truth: np.ndarray, count: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Positions of the rows of ``count`` resamples, some resamples at a time, one in a line."""
    import numpy as np

    strata = [np.arange(len(truth))]
    if are_classes(truth):
        strata = [np.flatnonzero(truth == label) for label in np.unique(truth)]
    at_once = max(1, CELLS // max(1, len(truth)))
    for first in range(0, count, at_once):
        lines = min(at_once, count - first)
        picks = (rows[random.integers(len(rows), size=(lines, len(rows)))] for rows in strata)
        yield np.hstack(list(picks))


def draws_of_groups(
    groups: np.ndarray, count: int, random: np.random.Generator
) -> Iterator[np.ndarray]:
    """Positions of the rows of ``count`` resamples, each of as many whole groups as there are.

    The rows of a group are alike: resamples of rows would seem surer than they are (Cameron,
    Gelbach and Miller, Rev. Econ. Statist. 90 (2008) 414-427).
    """
    import numpy as np

    codes = np.unique(groups, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    for _ in range(count):
        drawn = random.integers(len(members), size=len(members))
        yield np.concatenate([members[group] for group in drawn])[None, :]


def scorer_of(
    answers: Answers, truth: np.ndarray, metric: str, weights: np.ndarray | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """The scores on each line of positions: at once where that is known how, else one by one."""
    if truth.ndim == 1 and are_numbers(truth) and weights is None and metric in OF_ERRORS:
        return _by_errors(answers, truth, OF_ERRORS[metric])
    if are_classes(truth) and weights is None:
        if metric in WEIGHTS:
            return _by_confusion(answers, truth, metric)
        if metric == "neg_log_loss" and answers.probability is not None:
            return _by_mean(_log_likelihood(answers, truth))
        if metric == "roc_auc" and len(answers.classes) == _BINARY:
            return _by_rank(answers, truth)
        if metric == "roc_auc_ovr" and answers.probability is not None:
            return _by_ranks(answers, truth)
    return lambda rows: _one_by_one(answers, truth, metric, rows, weights)


def _one_by_one(
    answers: Answers,
    truth: np.ndarray,
    metric: str,
    rows: np.ndarray,
    weights: np.ndarray | None,
) -> np.ndarray:
    import numpy as np

    def score(line: np.ndarray) -> float:
        try:
            return answers.score(metric, truth, line, weights)
        except ValueError:
            return float("nan")

    return np.array([score(line) for line in rows])


def _by_confusion(
    answers: Answers, truth: np.ndarray, metric: str
) -> Callable[[np.ndarray], np.ndarray]:
    """A mean over classes of hits by rows, all lines from one count of true and predicted rows."""
    import numpy as np

    labels, codes = np.unique(np.concatenate([truth, answers.predicted]), return_inverse=True)
    size = len(labels)
    cell = codes[: len(truth)] * size + codes[len(truth) :]
    ratio, weigh = _RATIOS[metric.partition("_")[0]], WEIGHTS[metric]

    def score(rows: np.ndarray) -> np.ndarray:
        line = np.arange(len(rows))[:, None] * size * size
        counts = np.bincount((cell[rows] + line).ravel(), minlength=len(rows) * size * size)
        matrix = counts.reshape(len(rows), size, size)
        true, said = matrix.sum(axis=2), matrix.sum(axis=1)
        weight = weigh(true, said)
        values = _ratio(*ratio(matrix.diagonal(axis1=1, axis2=2), true, said))
        return np.asarray((values * weight).sum(axis=1) / weight.sum(axis=1))

    return score


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The part of the whole of each class; 0 where there is nothing."""
    import numpy as np

    return np.asarray(np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0))


_Two = tuple["np.ndarray", "np.ndarray"]
_RATIOS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], _Two]] = {
    "f1": lambda hits, true, said: (2 * hits, true + said),
    "precision": lambda hits, _, said: (hits, said),
    "recall": lambda hits, true, _: (hits, true),
    "balanced": lambda hits, true, _: (hits, true),
}
"""Part and whole from hits, true and predicted rows, each of shape (lines, classes)."""
WEIGHTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "balanced_accuracy": lambda true, _: true > 0,
    **{
        f"{name}_macro": lambda true, said: true + said > 0
        for name in ("f1", "precision", "recall")
    },
    **{f"{name}_weighted": lambda true, _: true for name in ("f1", "precision", "recall")},
}
"""What each class counts in scikit-learn's mean."""


def _by_errors(
    answers: Answers, truth: np.ndarray, figure: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Callable[[np.ndarray], np.ndarray]:
    """A figure of errors and true numbers, each of shape (lines, rows)."""
    errors = truth - answers.predicted
    return lambda rows: figure(errors[rows], truth[rows])


def _r2(errors: np.ndarray, truth: np.ndarray) -> np.ndarray:
    import numpy as np

    spread = ((truth - truth.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    share = np.full(len(spread), np.nan)
    np.divide((errors**2).sum(axis=1), spread, out=share, where=spread > 0)
    return 1 - share


OF_ERRORS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "neg_mean_absolute_error": lambda errors, _: -abs(errors).mean(axis=1),
    "neg_mean_squared_error": lambda errors, _: -(errors**2).mean(axis=1),
    "neg_root_mean_squared_error": lambda errors, _: -((errors**2).mean(axis=1) ** 0.5),
    "r2": _r2,
}
"""Figures of predicted numbers that are taken of all lines at once."""


def _by_mean(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    import numpy as np

    return lambda rows: np.asarray(values[rows].mean(axis=1))


def _log_likelihood(answers: Answers, truth: np.ndarray) -> np.ndarray:
    import numpy as np

    probability = answers.probability / answers.probability.sum(axis=1, keepdims=True)
    column = np.searchsorted(answers.classes, truth)
    likelihood = probability[np.arange(len(truth)), column]
    edge = np.finfo(probability.dtype).eps
    return np.asarray(np.log(np.clip(likelihood, edge, 1 - edge)))


def _by_rank(answers: Answers, truth: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Of two classes the area under the ROC curve of the second."""
    scores = answers.margin if answers.margin is not None else answers.probability[:, 1]
    return _area(scores, truth == answers.classes[1])


def _by_ranks(answers: Answers, truth: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Of many classes the mean of the areas, each class against the rest."""
    import numpy as np

    areas = [
        _area(answers.probability[:, column], truth == label)
        for column, label in enumerate(answers.classes)
    ]
    return lambda rows: np.asarray(np.mean([area(rows) for area in areas], axis=0))


def _area(scores: np.ndarray, positive: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The area under the ROC curve, ties shared, from counts of rows by their score's rank."""
    import numpy as np

    levels, level = np.unique(scores, return_inverse=True)

    def count(rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        cells = level[rows] + np.arange(len(rows))[:, None] * len(levels)
        kept = wanted[rows]
        counts = np.bincount(cells[kept], minlength=len(rows) * len(levels))
        return np.asarray(counts.reshape(len(rows), -1))

    def area(rows: np.ndarray) -> np.ndarray:
        with_it, without = count(rows, positive), count(rows, ~positive)
        below = without.cumsum(axis=1) - without / 2
        pairs = with_it.sum(axis=1) * without.sum(axis=1)
        return np.asarray((with_it * below).sum(axis=1) / pairs)

    return area
