"""Charts about how a sweep went: its workers over time, and what failed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepstake.domain.trial import TrialState
from sweepstake.errors import printable
from sweepstake.mlflow_client.run_names import clip
from sweepstake.reports.chart import Axis, Chart, Kind, Panel, Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sweepstake.domain.trial import Standing
    from sweepstake.reports.material import Material

ENDED = (TrialState.COMPLETE, TrialState.FAILED, TrialState.SKIPPED)
NUMBERS = re.compile(r"\d[\d.,e+-]*")
"""What differs between two trials that failed for one reason."""
MOST_REASONS = 20
MOST_NUMBERED = 12


@dataclass(frozen=True, slots=True)
class Failures:
    """Trials that ended without a model for one reason; ``reason`` is that of the first."""

    state: TrialState
    reason: str
    numbers: tuple[int, ...]

    @property
    def listed(self) -> str:
        """The first numbers, and how many more there are."""
        shown = ", ".join(map(str, self.numbers[:MOST_NUMBERED]))
        more = len(self.numbers) - MOST_NUMBERED
        return f"{shown} and {more:,} more" if more > 0 else shown


def failures(material: Material) -> tuple[Failures, ...]:
    """Trials without a model by state and reason, the largest group first."""
    groups: dict[tuple[TrialState, str], list[Standing]] = {}
    for standing in material.standings:
        if standing.state is not TrialState.COMPLETE:
            kind = NUMBERS.sub("0", standing.reason)
            groups.setdefault((standing.state, kind), []).append(standing)
    found = (
        Failures(state, printable(found[0].reason), tuple(each.number for each in found))
        for (state, _), found in groups.items()
    )
    return tuple(sorted(found, key=lambda each: (-len(each.numbers), each.numbers[0])))


def reasons(material: Material) -> Chart:
    """How many trials ended without a model, for which reason."""
    found = failures(material)[:MOST_REASONS]
    title = "Trials without a model, by reason"
    if not found:
        return Chart("failures", title, "Every trial is complete.")
    named = [clip(f"{each.state}: {each.reason}", 60) for each in found[::-1]]
    bars = Series(
        tuple(float(len(each.numbers)) for each in found[::-1]),
        tuple(float(at) for at in range(len(found))),
        kind=Kind.BARS,
        hover=tuple(f"{len(each.numbers)}: {clip(each.reason, 200)}" for each in found[::-1]),
    )
    ticks = tuple((float(at), text) for at, text in enumerate(named))
    panel = Panel(Axis("trials", low=0.0), Axis(ticks=ticks), (bars,))
    count = sum(len(each.numbers) for each in failures(material))
    caption = f"{count:,} of {len(material.standings):,} trials have no model. Numbers in reasons "
    return Chart("failures", title, caption + "are left aside in grouping.", (panel,))


@dataclass(frozen=True, slots=True)
class Lanes:
    """Which worker trained each trial, and how busy all of them were.

    A batch is one process from its first trial to its last; batches that do not overlap are drawn
    as one worker after the other. Times are in milliseconds since the epoch.
    """

    lanes: tuple[tuple[Standing, ...], ...]
    start: int
    end: int

    @property
    def busy(self) -> float:
        """The share of the workers' time in which they trained."""
        worked = sum(each.ended - each.started for lane in self.lanes for each in lane)
        return worked / max(1, len(self.lanes) * (self.end - self.start))


def lanes(standings: Sequence[Standing]) -> Lanes | None:
    """The workers of a sweep's own trials, ``None`` where none of them was trained in it."""
    own = [s for s in standings if s.state in ENDED and not s.reused_from and s.ended >= s.started]
    own = [s for s in own if s.started]
    if not own:
        return None
    batches: dict[str, list[Standing]] = {}
    for standing in sorted(own, key=lambda s: (s.started, s.number)):
        batches.setdefault(standing.batch, []).append(standing)
    found: list[list[Standing]] = []
    ends: list[int] = []
    for batch in sorted(batches.values(), key=lambda trials: trials[0].started):
        free = next((at for at, end in enumerate(ends) if end <= batch[0].started), len(found))
        found[free:] = found[free:] or [[]]
        ends[free:] = ends[free:] or [0]
        found[free] += batch
        ends[free] = max(ends[free], _end(batch))
    start, end = min(s.started for s in own), _end(own)
    return Lanes(tuple(map(tuple, found)), start, end)


def timeline(material: Material) -> Chart:
    """When each worker trained which trial."""
    title = "Time line by worker"
    found = lanes(material.standings)
    if found is None:
        return Chart("timeline", title, "This sweep trained no trial itself.")
    ticks = tuple((float(at), f"worker {at + 1}") for at in range(len(found.lanes)))
    shown = tuple(_spans(found, state) for state in ENDED)
    panel = Panel(
        Axis("seconds since the first trial began"),
        Axis(ticks=ticks, low=-0.6, high=len(ticks) - 0.4),
        tuple(series for series in shown if series.x),
    )
    took = (found.end - found.start) / 1000
    noun = "worker was" if len(ticks) == 1 else "workers were"
    caption = f"{len(ticks)} {noun} busy {found.busy:.0%} of {took:,.1f} s. "
    caption += "A batch is one process; batches that do not overlap share a line."
    return Chart("timeline", title, caption, (panel,))


def _end(standings: Iterable[Standing]) -> int:
    return max(each.ended for each in standings)


def _spans(found: Lanes, state: TrialState) -> Series:
    nan = float("nan")
    x: list[float] = []
    y: list[float] = []
    hover: list[str] = []
    for place, lane in enumerate(found.lanes):
        for each in lane:
            if each.state is state:
                begin, end = ((t - found.start) / 1000 for t in (each.started, each.ended))
                x += [begin, end, nan]
                y += [float(place), float(place), nan]
                hover += [f"trial {each.number}: {end - begin:.2f} s"] * 3
    return Series(tuple(x), tuple(y), state.lower(), Kind.SPANS, hover=tuple(hover))
