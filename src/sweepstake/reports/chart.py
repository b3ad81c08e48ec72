"""A chart: what is drawn, whatever draws it, so that page and pictures show the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a series is drawn."""

    POINTS = "points"
    LINE = "line"
    STEPS = "steps"
    BARS = "bars"
    """Lying ones: ``x`` are lengths, ``y`` places."""
    SPANS = "spans"
    """Thick lying lines; ``x`` has the two ends of each and a gap after them."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis; ``ticks`` are places with their labels, none for those that fit the numbers."""

    title: str = ""
    ticks: tuple[tuple[float, str], ...] = ()
    log: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one meaning; ``spread`` is the half of an error bar, ``hover`` a text of each."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    name: str = ""
    kind: Kind = Kind.POINTS
    spread: tuple[float, ...] = ()
    hover: tuple[str, ...] = ()
    quiet: bool = False
    """Whether it stands behind the others, such as a line to compare with."""


@dataclass(frozen=True, slots=True)
class Heat:
    """A value for each pair of columns and rows, ``None`` where there is none."""

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    texts: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """Two axes with series or a heat map between them."""

    x: Axis
    y: Axis
    series: tuple[Series, ...] = ()
    heat: Heat | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Parallel:
    """Parallel axes: each with a place for every trial; the last one is the score."""

    axes: tuple[Axis, ...]
    places: tuple[tuple[float, ...], ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Panels under one title, and a sentence that says what is seen; ``source`` says by whom.

    A chart without panels has only its sentence: why there is nothing to draw.
    """

    key: str
    title: str
    caption: str
    panels: tuple[Panel | Parallel, ...] = ()
    source: str = ""
