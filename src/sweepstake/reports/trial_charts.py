"""Charts about all trials: their scores, by parameters, in pairs, against time."""

from __future__ import annotations

from itertools import combinations, pairwise
from math import isfinite
from typing import TYPE_CHECKING

from sweepstake.errors import printable
from sweepstake.reports.chart import Axis, Chart, Heat, Kind, Panel, Parallel, Series
from sweepstake.reports.importance import SOURCE, importance
from sweepstake.reports.material import CLASSIFIER
from sweepstake.reports.scale import MISSING, is_log, label, number, scale_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sweepstake.domain.trial import Standing
    from sweepstake.reports.material import Material

PANELS = 6
"""Parameters drawn each on its own."""
PAIRED = 4
"""Parameters of which each pair is drawn."""
PARALLEL = 8
"""Axes that parallel coordinates still show legibly, besides the score."""
MOST_LEVELS = 12
"""Values of a parameter that a heat map shows one by one."""
MANY = 200
"""Trials from which on error bars become a band."""
MOST_HOVERS = 1_000
"""Trials that are described when pointed at; of more, number and score are."""
LISTED = 5
"""Importances that a sentence names."""


def points(material: Material) -> list[dict[str, str]]:
    """What each ranked trial has on every axis: the classifier, then parameters that vary."""
    several = len(material.classifiers) > 1
    return [
        ({CLASSIFIER: s.estimator.rpartition(".")[2]} if several else {})
        | {name: s.params.get(name, MISSING) for name in material.varying}
        for s in material.ranked
    ]


def shares(material: Material) -> dict[str, float]:
    """The importance of each axis of the ranked trials, greatest first."""
    scores = [material.score(standing) for standing in material.ranked]
    return importance(points(material), scores) if scores else {}


def scores(material: Material) -> Chart:
    """The scores in their order, with their spread over the folds."""
    ranked = material.ranked
    if not ranked:
        return Chart("scores", "Scores", "No trial has a score.")
    places = tuple(float(rank) for rank in range(1, len(ranked) + 1))
    values = tuple(map(material.score, ranked))
    spread = tuple(map(material.spread, ranked))
    name = "mean over the folds"
    if len(ranked) > MANY:
        low = tuple(value - half for value, half in zip(values, spread, strict=True))
        high = tuple(value + half for value, half in zip(values, spread, strict=True))
        bounds = (low, "one deviation below"), (high, "one deviation above")
        band = [Series(places, edge, told, Kind.LINE, quiet=True) for edge, told in bounds]
        series = [*band, Series(places, values, name, Kind.LINE)]
    else:
        series = [Series(places, values, name, spread=spread, hover=hovers(material, ranked))]
    panel = Panel(Axis("rank"), Axis(score_name(material)), tuple(series))
    return Chart("scores", "Scores in their order", _leaders(material), (panel,))


def parameters(material: Material, found: Mapping[str, float]) -> Chart:
    """The score over each of the most important parameters."""
    panels = tuple(_over(material, name) for name in _first(material, found, PANELS))
    caption = "Each point is a trial. A parameter that matters lifts or lowers all of its points."
    if not panels:
        caption = "No parameter differs between trials that have a score."
    return Chart("parameters", "Score by parameter", caption, panels)


def parallel(material: Material, found: Mapping[str, float]) -> Chart:
    """Every trial as a line through its values to its score."""
    names, each = _first(material, found, PARALLEL), points(material)
    if not (names and each):
        caption = "No parameter differs between trials that have a score."
        return Chart("parallel", "Parallel coordinates", caption)
    scales = {name: scale_of(point[name] for point in each) for name in names}
    axes = [Axis(printable(name), scales[name].ticks) for name in names]
    places = [tuple(scales[name].places[point[name]] for point in each) for name in names]
    values = tuple(map(material.score, material.ranked))
    drawn = Parallel((*axes, Axis(score_name(material))), (*places, values))
    caption = (
        "Each line is a trial, the brighter the better. Drag along an axis to single some out."
    )
    if len(names) < len(each[0]):
        caption += f" The {len(names)} most important of {len(each[0])} parameters are shown."
    return Chart("parallel", "Parallel coordinates", caption, (drawn,))


def importances(found: Mapping[str, float]) -> Chart:
    """How much of the differences in score each parameter explains."""
    title = "Importance of each parameter"
    if not found:
        caption = "It cannot be told: that takes four trials or more whose scores differ."
        return Chart("importance", title, caption)
    shown = list(found.items())[:15][::-1]
    ticks = tuple((float(at), label(printable(name))) for at, (name, _) in enumerate(shown))
    bars = Series(
        tuple(share for _, share in shown),
        tuple(place for place, _ in ticks),
        kind=Kind.BARS,
        hover=tuple(f"{printable(name)}: {share:.1%}" for name, share in shown),
    )
    panel = Panel(Axis("share of the variance of the score", low=0.0), Axis(ticks=ticks), (bars,))
    first = ", ".join(f"{printable(n)} {share:.0%}" for n, share in list(found.items())[:LISTED])
    caption = f"Explained by each alone: {first}. The rest is their interplay and chance."
    return Chart("importance", title, caption, (panel,), SOURCE)


def pairs(material: Material, found: Mapping[str, float]) -> Chart:
    """The best score for each two values of the most important parameters."""
    names = _first(material, found, PAIRED)
    each = points(material)
    values = [material.score(standing) for standing in material.ranked]
    panels = tuple(_heat(each, values, *pair) for pair in combinations(names, 2))
    caption = "Each cell is the best mean score of its two values, whatever the others are."
    if not panels:
        caption = "There are no two parameters that differ between trials."
    return Chart("pairs", "Pairs of parameters", caption, panels)


def times(material: Material) -> Chart:
    """The score against what a fit takes, with the trials that none beats in both."""
    timed = [s for s in material.ranked if isfinite(seconds(s)) and seconds(s) > 0]
    title = "Score against fit time"
    if not timed:
        return Chart("time", title, "No trial has both a score and the seconds of a fit.")
    front = pareto([(seconds(s), material.score(s)) for s in timed])
    best = [timed[at] for at in front]
    log = is_log([seconds(s) for s in timed])
    all_of_them = Series(
        tuple(map(seconds, timed)), tuple(map(material.score, timed)), "trials",
        hover=hovers(material, timed),
    )  # fmt: skip
    line = Series(
        tuple(map(seconds, best)), tuple(map(material.score, best)), "Pareto front", Kind.LINE,
        hover=hovers(material, best),
    )  # fmt: skip
    panel = Panel(
        Axis("seconds of the fit on all training rows", log=log),
        Axis(score_name(material)),
        (all_of_them, line),
    )
    return Chart("time", title, _frugal(material, best), (panel,))


def pareto(pairs: Sequence[tuple[float, float]]) -> list[int]:
    """Positions of the pairs (cost, gain) that no other beats, by rising cost."""
    order = sorted(range(len(pairs)), key=lambda at: (pairs[at][0], -pairs[at][1], at))
    kept: list[int] = []
    for at in order:
        if not kept or pairs[at][1] > pairs[kept[-1]][1]:
            kept.append(at)
    return kept


def seconds(standing: Standing) -> float:
    """What the fit on all training rows took, or the last one on folds; NaN if unknown."""
    for name in ("refit_seconds", "fit_seconds"):
        if name in standing.metrics:
            return standing.metrics[name]
    return float("nan")


def hovers(material: Material, standings: Sequence[Standing]) -> tuple[str, ...]:
    """What is said of each trial when it is pointed at."""
    few = len(standings) <= MOST_HOVERS
    return tuple(
        f"trial {s.number}: {material.score(s):.4f}" + (f"\n{material.described(s)}" if few else "")
        for s in standings
    )


def score_name(material: Material) -> str:
    """The title of an axis of scores."""
    return f"mean CV {printable(material.metric)}"


def _leaders(material: Material) -> str:
    first, last = material.ranked[0], material.ranked[-1]
    caption = f"From {material.score(first):.4f} (trial {first.number}) down to "
    caption += f"{material.score(last):.4f} (trial {last.number}); "
    kind = "the band is" if len(material.ranked) > MANY else "bars are"
    return f"{caption}{kind} one standard deviation over {material.cv} folds."


def _frugal(material: Material, front: Sequence[Standing]) -> str:
    """What the front says to somebody who pays for time."""
    top = front[-1]
    bar = material.score(top) - material.spread(top)
    enough = next(s for s in front if material.score(s) >= bar)
    noun = "trial is" if len(front) == 1 else "trials are"
    caption = f"{len(front)} {noun} on the Pareto front: no other is both better and quicker."
    if enough.number != top.number:
        caption += (
            f" Trial {enough.number} fits in {seconds(enough):.3g} s instead of "
            f"{seconds(top):.3g} s, within one standard deviation of the best."
        )
    return caption


def _first(material: Material, found: Mapping[str, float], most: int) -> list[str]:
    """The axes that differ, the most important first."""
    each = points(material)[:1]
    names = [name for point in each for name in point]
    known = [name for name in found if name in names]
    others = [name for name in names if name not in found]
    differ = [n for n in (*known, *others) if n in found or _differs(material, n)]
    return differ[:most]


def _differs(material: Material, name: str) -> bool:
    return len({s.params.get(name, MISSING) for s in material.ranked}) > 1


def _over(material: Material, name: str) -> Panel:
    each = points(material)
    values = [point[name] for point in each]
    sizes = [number(value) for value in values]
    scores = tuple(map(material.score, material.ranked))
    hover = hovers(material, material.ranked)
    title, y = printable(name), Axis(score_name(material))
    if None not in sizes:
        numbers = tuple(size for size in sizes if size is not None)
        return Panel(Axis(title, log=is_log(numbers)), y, (Series(numbers, scores, hover=hover),))
    scale = scale_of(values)
    places = tuple(scale.places[value] for value in values)
    return Panel(Axis(title, scale.ticks), y, (Series(places, scores, hover=hover),))


def _heat(each: Sequence[Mapping[str, str]], scores: Sequence[float], x: str, y: str) -> Panel:
    columns, rows = _binned(each, x), _binned(each, y)
    best: dict[tuple[str, str], float] = {}
    for point, score in zip(each, scores, strict=True):
        cell = columns[point[x]], rows[point[y]]
        best[cell] = max(score, best.get(cell, score))
    across, down = (tuple(dict.fromkeys(known.values())) for known in (columns, rows))
    values = tuple(tuple(best.get((a, d)) for a in across) for d in down)
    texts = tuple(tuple("" if v is None else f"{v:.4f}" for v in row) for row in values)
    heat = Heat(tuple(map(printable, across)), tuple(map(printable, down)), values, texts)
    return Panel(Axis(printable(x)), Axis(printable(y)), heat=heat)


def _binned(each: Sequence[Mapping[str, str]], name: str) -> dict[str, str]:
    """The cell of each value, in their order: many values share `MOST_LEVELS` cells."""
    levels = scale_of({point[name] for point in each}).levels
    if len(levels) <= MOST_LEVELS:
        return {level: label(level) for level in levels}
    edges = [round(at * len(levels) / MOST_LEVELS) for at in range(MOST_LEVELS + 1)]
    found: dict[str, str] = {}
    for start, end in pairwise(edges):
        inside = levels[start:end]
        same = label(inside[0]) == label(inside[-1])
        text = label(inside[0]) if same else f"{label(inside[0])} … {label(inside[-1])}"
        found |= dict.fromkeys(inside, text)
    return found
