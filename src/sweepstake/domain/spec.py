"""The sweep spec: what a grid file says, parsed once into frozen records."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sweepstake.domain.folding import Folding, FoldKind
from sweepstake.domain.search import Search
from sweepstake.domain.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sweepstake.domain.search import Range

PARTITION = "{partition}"
"""Stands in ``data.source`` for the day of a partition, written 2026-01-15."""


class Preprocess(StrEnum):
    """What happens to the columns before the classifier sees them."""

    AUTO = "auto"
    """Impute, scale and encode inside the model's pipeline, fitted on training rows only."""
    NONE = "none"
    """The classifier gets the columns as they are."""


@dataclass(frozen=True, slots=True)
class Step:
    """A place before the classifier that a transformer takes.

    ``param`` is its name among the parameters: its value there is the transformer, and
    ``<param>__<name>`` is a parameter of that. ``columns`` is the entry of the grid file's
    ``columns`` whose columns it is given, those of one entry one after another; empty: all.
    """

    param: str
    columns: str = ""

    def holds(self, param: str) -> bool:
        """Whether a parameter is this place, or one of what stands there."""
        return param == self.param or param.startswith(f"{self.param}__")


@dataclass(frozen=True, slots=True)
class EstimatorSpec:
    """A classifier with its parameters; also the form of an inner classifier given as a value.

    ``name`` is the dotted path of an allow-listed class; a value in ``params`` may be an
    ``EstimatorSpec`` or a mapping of names to them (the ``estimators`` of an ensemble). ``steps``
    are the places before the classifier, in their order; ``params`` has what stands there too.
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    @property
    def short_name(self) -> str:
        """The class name without its module."""
        return self.name.rpartition(".")[2]

    def step_of(self, param: str) -> Step | None:
        """The step that a parameter is, or is of; ``None`` for those of the classifier."""
        return max(
            (step for step in self.steps if step.holds(param)),
            key=lambda step: len(step.param),
            default=None,
        )

    @property
    def own(self) -> Mapping[str, Any]:
        """The parameters of the classifier alone."""
        if not self.steps:
            return self.params
        return {name: value for name, value in self.params.items() if not self.step_of(name)}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One classifier with its fixed parameters and the union of products to search.

    An axis is a list of values, or a range of numbers.
    """

    estimator: EstimatorSpec
    grids: tuple[Mapping[str, tuple[Any, ...] | Range], ...] = ()


MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
"""The texts that count as gaps where a grid file lists none: those of pandas."""


@dataclass(frozen=True, slots=True)
class CsvSpec:
    """How the text of a file is written, as far as the file does not say so itself."""

    separator: str = ""
    """Between columns; empty: a tab in ``.tsv`` files, else a comma."""
    encoding: str = ""
    """Empty: UTF-8, or UTF-16 where a byte order mark says so."""
    decimal: str = "."
    thousands: str = ""
    """Between groups of digits; a blank stands for every kind of blank."""
    percent: bool = False
    """Whether 12% is 0.12."""
    units: tuple[str, ...] = ()
    """Signs beside a number that are left out."""
    missing: tuple[str, ...] = MISSING
    """The texts that count as gaps; an empty cell always does."""
    comment: str = ""
    """What begins a line, or the rest of one, that is left out."""
    skip: int = 0
    """Lines before the header."""
    columns: tuple[str, ...] = ()
    """The names of the columns of a file without a header."""
    types: Mapping[str, str] = field(default_factory=dict)
    """``text`` or ``number``, for columns that shall not be what they look like."""


@dataclass(frozen=True, slots=True)
class DataSpec:
    """Where the rows come from and which part of them no trial may train on."""

    source: str
    target: tuple[str, ...] = ()
    """Target columns: none means the data set's own, several mean a multilabel sweep."""
    drop: tuple[str, ...] = ()
    holdout: float = 0.2
    time_column: str = ""
    """Holds the time of each row: a partition takes no row from after its day."""
    window_days: int | None = None
    """Days that a partition looks back, its own included; ``None``: to the first row."""
    timezone: str = "UTC"
    """Where days begin, and what times without an offset mean."""
    partition: date | None = None
    """The day that is trained on, set for one execution; never part of a grid file."""
    csv: CsvSpec = field(default_factory=CsvSpec)
    task: Task = Task.CLASSIFICATION
    """What the target columns hold."""
    weight: str = ""
    """Holds what each row weighs in fits and scores."""
    groups: str = ""
    """Holds the group of each row, which neither folds nor holdout divide."""
    times: str = ""
    """Holds the time of each row, by which folds and holdout go."""
    by_is_feature: bool = False
    """Whether the column of groups or times is learnt from as well."""

    @property
    def apart(self) -> frozenset[str]:
        """The columns beside the target that are read, but are no features."""
        by = () if self.by_is_feature else (self.groups, self.times)
        return frozenset(filter(None, (self.time_column, self.weight, *by)))

    @property
    def labels(self) -> tuple[str, ...]:
        """The target columns that hold labels, and no numbers."""
        return self.target if self.task is Task.CLASSIFICATION else ()

    @property
    def by_day(self) -> bool:
        """Whether each day is a data set of its own."""
        return PARTITION in self.source or bool(self.time_column)

    @property
    def filled_source(self) -> str:
        """The source with the partition filled in."""
        return self.source.replace(PARTITION, str(self.partition or PARTITION))


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sweep may cost before it is refused or ended."""

    max_trials: int = 10_000
    max_failed: float = 0.5
    """A whole number is a count of trials; a number below 1 is a share of them."""
    trials_per_task: int | None = None
    trial_timeout: float | None = None
    """Seconds."""
    trial_memory: int | None = None
    """Bytes."""

    def tolerates(self, failed: int, total: int) -> bool:
        """Whether a sweep with ``failed`` of ``total`` trials failed still counts as done."""
        allowed = self.max_failed * total if self.max_failed < 1 else self.max_failed
        return failed <= allowed


class BackfillPolicy(StrEnum):
    """What a version may become that was trained on a past day."""

    NEVER = "never"
    """Nothing: it is kept and not judged."""
    AS_OF = "as_of"
    """The champion as of its day, which is not the champion in service."""
    LIVE = "live"
    """The champion in service, like any other version."""


EACH_CLASS = "recall_per_class"
"""The guard that stands for the recall of every class."""


class Unanswered(StrEnum):
    """What becomes of a promotion that nobody approved or declined in time."""

    KEEP = "keep"
    """The champion stays."""
    PROMOTE = "promote"
    """It is carried out."""


@dataclass(frozen=True, slots=True)
class PromotionPolicy:
    """When the finalist of a sweep takes over from the champion."""

    min_delta: float = 0.0
    backfill: BackfillPolicy = BackfillPolicy.AS_OF
    confidence: float = 0.95
    """How sure a gain must be."""
    floor: float | None = None
    """The least score on the holdout of any new champion."""
    guards: tuple[str, ...] = ()
    """What must not surely be lost: metrics, or the recall of every class."""
    max_latency: float | None = None
    """Seconds that the answer to one row may take."""
    max_size: int | None = None
    """Bytes of the model file."""
    approval: bool = False
    """Whether somebody is asked before a version takes over."""
    wait: float = 86_400.0
    """Seconds that an answer is waited for."""
    then: Unanswered = Unanswered.KEEP


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a sweep runs by itself, on the day before; ``start`` is the first day trained on."""

    cron: str
    start: str = ""
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Keep:
    """Which model files of versions that lost are kept: of the ``top`` trials, and all for days."""

    top: int = 1
    days: int = 0


class OnInvalid(StrEnum):
    """What becomes of a point of the search space that scikit-learn refuses."""

    REFUSE = "refuse"
    """The grid file is refused before anything is trained."""
    SKIP = "skip"
    """The point is skipped, with its reason; the others are trained."""


@dataclass(frozen=True, slots=True)
class SweepSpec:
    """One parsed grid file."""

    name: str
    model: str
    data: DataSpec
    candidates: tuple[Candidate, ...]
    metric: str
    cv: int = 5
    seed: int = 0
    preprocess: Preprocess = Preprocess.AUTO
    on_invalid: OnInvalid = OnInvalid.REFUSE
    register_top: int | None = None
    """How many of the best trials become model versions; ``None`` means all."""
    limits: Limits = field(default_factory=Limits)
    promotion: PromotionPolicy = field(default_factory=PromotionPolicy)
    schedule: Schedule | None = None
    keep: Keep | None = None
    """What pruning leaves; ``None`` means all."""
    search: Search = field(default_factory=Search)
    metrics: tuple[str, ...] = ()
    """What is tracked beside the metric that trials are ranked by."""
    fold_kind: FoldKind = FoldKind.STRATIFIED
    repeats: int = 1
    share: bool = True
    """Whether trials share what they have in common and is fitted alike."""

    @property
    def task(self) -> Task:
        """What the models predict."""
        return self.data.task

    @property
    def all_metrics(self) -> tuple[str, ...]:
        """The metric that trials are ranked by, then those that are tracked beside it."""
        return tuple(dict.fromkeys((self.metric, *self.metrics)))

    @property
    def folding(self) -> Folding:
        """The folds of every trial."""
        return Folding(self.cv, self.seed, self.fold_kind, self.repeats)

    def at(self, partition: date | None) -> SweepSpec:
        """This sweep on the data of one day."""
        return replace(self, data=replace(self.data, partition=partition))


def sweep_id(name: str, digest: str, partition: date | None = None) -> str:
    """The id of the sweep ``name`` whose grid file has the SHA-256 ``digest``."""
    day = f"__{partition}" if partition else ""
    return f"{name}__{digest[:12]}{day}"
