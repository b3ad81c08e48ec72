"""Charts about the best trials: their folds and curves, and what the best one confuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.domain.task import are_numbers
from sweepstake.errors import printable
from sweepstake.mlflow_client.run_names import clip
from sweepstake.reports.chart import Axis, Chart, Heat, Kind, Panel, Series
from sweepstake.reports.scale import LONGEST

if TYPE_CHECKING:
    import numpy as np

    from sweepstake.domain.answers import Pair
    from sweepstake.reports.material import Material

COMPARED = 10
"""Trials whose folds are drawn side by side."""
MOST_LINES = 8
"""Classes of which ROC and the like are drawn: those told apart worst."""
MOST_POINTS = 200
MOST_CLASSES = 30
BINS = 10
QUALITY = "What the best trial confuses"
ERRORS = "How far off the best trial is"
MOST_ROWS = 1_000
"""Rows of which residuals are drawn."""
RESIDUAL_BINS = 30
UNSEEN = (
    "On {rows:,} training rows, each answered by the model of the fold that did not see it. "
    "The holdout is left for the decision."
)


def folds(material: Material) -> Chart:
    """The scores on the folds of the best trials, side by side."""
    shown = [s for s in material.ranked if material.folds.get(s.number)][:COMPARED]
    title = f"Folds of the top {COMPARED}"
    if not shown:
        return Chart("folds", title, "No scores on folds are recorded.")
    places = [(float(rank), each) for rank, each in enumerate(shown, start=1)]
    points = [(place, v) for place, s in places for v in material.folds[s.number]]
    each_fold = Series(
        tuple(place for place, _ in points), tuple(v for _, v in points), "fold",
        hover=tuple(f"{v:.4f}" for _, v in points),
    )  # fmt: skip
    means = tuple(material.score(s) for _, s in places)
    hover = tuple(f"mean {material.score(s):.4f}\n{material.described(s)}" for _, s in places)
    mean = Series(tuple(place for place, _ in places), means, "mean", Kind.LINE, hover=hover)
    ticks = tuple((place, f"#{s.number}") for place, s in places)
    panel = Panel(
        Axis("trial, by rank", ticks), Axis(printable(material.metric)), (each_fold, mean)
    )
    first, last = shown[0], shown[-1]
    gap, spread = material.score(first) - material.score(last), material.spread(first)
    caption = f"The first and the last of them are {gap:.4f} apart; the folds of the first spread "
    return Chart("folds", title, f"{caption}by {spread:.4f} (standard deviation).", (panel,))


def curves(material: Material) -> Chart:
    """Learning and loss curves, one panel for each kind."""
    title = "Learning curves of the top 5"
    if not material.curves:
        caption = "None of them records any: boosted classifiers and neural networks do."
        return Chart("curves", title, caption)
    names = dict.fromkeys(curve.name for _, curve in material.curves)
    panels = tuple(_curves(material, name) for name in names)
    caption = "Step by step in training, as the classifiers recorded it."
    return Chart("curves", title, caption, panels)


def _curves(material: Material, name: str) -> Panel:
    lines = [(number, curve) for number, curve in material.curves if curve.name == name]
    series = tuple(
        Series(
            tuple(float(step) for step, _ in curve.points),
            tuple(value for _, value in curve.points),
            f"trial {number}",
            Kind.LINE,
        )
        for number, curve in lines
    )
    return Panel(Axis("step"), Axis(printable(name.replace("_", " "))), series)


def quality(material: Material) -> Chart:
    """Confusion matrix, ROC, precision and recall, calibration of the best trial."""
    if material.answers is None:
        return Chart("quality", QUALITY, material.unanswered or "There is no best trial.")
    if are_numbers(material.answers.truth):
        return _of_numbers(material.answers)
    told = Told.of(material.answers)
    panels = [*_confusion(material.answers)]
    if told.scores is not None:
        panels += [_roc(told), _precision(told)]
    if told.probabilities:
        panels.append(_calibration(told))
    caption = UNSEEN.format(rows=len(material.answers.truth))
    if not told.probabilities:
        caption += " The classifier gives no probabilities, so there is no calibration to draw."
    elif len(told.names) > MOST_LINES:
        caption += f" Of {len(told.names)} classes the {MOST_LINES} told apart worst are drawn."
    return Chart("quality", QUALITY, caption, tuple(panels))


def _of_numbers(pair: Pair) -> Chart:
    """Predicted against true numbers, and the residuals: of some rows, spread over all."""
    import numpy as np

    caption = UNSEEN.format(rows=len(pair.truth))
    if pair.truth.ndim > 1:
        return Chart("quality", ERRORS, f"{caption} Residuals of several targets are not drawn.")
    truth, said = pair.truth, np.asarray(pair.finalist.predicted, dtype=np.float64).ravel()
    left = truth - said
    some = np.unique(np.linspace(0, len(truth) - 1, min(len(truth), MOST_ROWS)).astype(int))
    if len(some) < len(truth):
        caption += f" {len(some):,} of them are drawn."
    caption += f" Half of the residuals are within {np.median(np.abs(left)):.4g}, "
    caption += f"their mean is {left.mean():.4g}."
    ends = (float(min(truth.min(), said.min())), float(max(truth.max(), said.max())))
    even = Series(ends, ends, "", Kind.LINE, quiet=True)
    none = Series((float(said.min()), float(said.max())), (0.0, 0.0), "", Kind.LINE, quiet=True)
    x = tuple(said[some].tolist())
    panels = (
        Panel(
            Axis("predicted"),
            Axis("true"),
            (even, Series(x, tuple(truth[some].tolist()), "row")),
            title="True against predicted",
        ),
        Panel(
            Axis("predicted"),
            Axis("residual (true less predicted)"),
            (none, Series(x, tuple(left[some].tolist()), "row")),
            title="Residuals",
        ),
        _spread(left),
    )
    return Chart("quality", ERRORS, caption, panels)


def _spread(left: np.ndarray) -> Panel:
    """How many rows have residuals of which size."""
    import numpy as np

    counts, edges = np.histogram(left, bins=RESIDUAL_BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    line = Series(tuple(middles.tolist()), tuple(map(float, counts.tolist())), "rows", Kind.STEPS)
    return Panel(Axis("residual"), Axis("rows", low=0), (line,), title="Spread of residuals")


@dataclass(frozen=True, slots=True)
class Told:
    """Answers, one column for each class that is told from the rest: truth and score by row."""

    names: tuple[str, ...]
    truth: Any
    scores: Any
    probabilities: bool

    @classmethod
    def of(cls, pair: Pair) -> Told:
        """The columns of ``pair``; with two classes the second alone."""
        import numpy as np

        said = pair.finalist
        probabilities = said.probability is not None
        scores = said.probability if probabilities else said.margin
        if pair.truth.ndim > 1:
            names = tuple(f"label {place}" for place in range(pair.truth.shape[1]))
            return cls(names, pair.truth == 1, _columns(scores), probabilities)
        classes = np.asarray(said.classes)
        truth = pair.truth[:, None] == classes
        scores = _columns(scores)
        if scores is not None and len(classes) == 2:  # noqa: PLR2004  yes and no
            truth, scores, classes = truth[:, 1:], scores[:, -1:], classes[1:]
        names = tuple(clip(printable(str(each)), LONGEST) for each in classes.tolist())
        return cls(names, truth, scores, probabilities)

    def worst(self) -> list[tuple[int, float]]:
        """The columns with both kinds of rows, and their areas under the ROC, least first."""
        from sklearn.metrics import roc_auc_score

        both = [
            at for at in range(len(self.names)) if 0 < self.truth[:, at].sum() < len(self.truth)
        ]
        areas = [(at, float(roc_auc_score(self.truth[:, at], self.scores[:, at]))) for at in both]
        return sorted(areas, key=lambda each: each[1])[:MOST_LINES]


def _columns(scores: Any) -> Any:
    """Scores as an array (n, columns); several labels have a pair of columns for each."""
    import numpy as np

    if scores is None:
        return None
    if isinstance(scores, list):
        return np.column_stack([label[:, -1] for label in scores])
    return scores.reshape(len(scores), -1)


def _confusion(pair: Pair) -> tuple[Panel, ...]:
    """Counts by true and predicted class; several labels at once have no such matrix."""
    from sklearn.metrics import confusion_matrix

    if pair.truth.ndim > 1 or len(pair.finalist.classes) > MOST_CLASSES:
        return ()
    classes = pair.finalist.classes
    counts = confusion_matrix(pair.truth, pair.finalist.predicted, labels=classes)
    rates = counts / counts.sum(axis=1, keepdims=True).clip(1)
    names = tuple(clip(printable(str(each)), LONGEST) for each in classes.tolist())
    texts = tuple(tuple(map(str, row)) for row in counts.tolist())
    heat = Heat(names, names[::-1], tuple(map(tuple, rates.tolist()))[::-1], texts[::-1])
    title = "Confusion matrix (share of each row)"
    return (Panel(Axis("predicted"), Axis("true"), heat=heat, title=title),)


def _roc(told: Told) -> Panel:
    from sklearn.metrics import roc_curve

    lines = [_even()]
    for at, area in told.worst():
        false, true, _ = roc_curve(told.truth[:, at], told.scores[:, at])
        lines.append(_line(false, true, f"{told.names[at]} (area {area:.3f})", Kind.LINE))
    x, y = Axis("false positive rate", low=0, high=1), Axis("true positive rate", low=0, high=1.01)
    return Panel(x, y, tuple(lines), title="ROC")


def _precision(told: Told) -> Panel:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    lines = []
    for at, _ in told.worst():
        truth, scores = told.truth[:, at], told.scores[:, at]
        precision, recall, _ = precision_recall_curve(truth, scores)
        name = f"{told.names[at]} (AP {average_precision_score(truth, scores):.3f})"
        lines.append(_line(recall[::-1], precision[::-1], name, Kind.STEPS))
    x, y = Axis("recall", low=0, high=1.01), Axis("precision", low=0, high=1.01)
    return Panel(x, y, tuple(lines), title="Precision and recall")


def _calibration(told: Told) -> Panel:
    from sklearn.calibration import calibration_curve

    lines = [_even()]
    for at, _ in told.worst():
        said = told.scores[:, at].clip(0, 1)
        seen, mean = calibration_curve(told.truth[:, at], said, n_bins=BINS, strategy="quantile")
        lines.append(_line(mean, seen, told.names[at], Kind.LINE))
    x, y = Axis("predicted probability", low=0, high=1), Axis("share that came true", low=0, high=1)
    return Panel(x, y, tuple(lines), title="Calibration")


def _even() -> Series:
    return Series((0.0, 1.0), (0.0, 1.0), "", Kind.LINE, quiet=True)


def _line(x: np.ndarray, y: np.ndarray, name: str, kind: Kind) -> Series:
    """A line of at most `MOST_POINTS` points, its ends included."""
    import numpy as np

    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(int))
    return Series(tuple(x[kept].tolist()), tuple(y[kept].tolist()), name, kind)
