"""Axes: parameters written once more, so that MLflow's charts show every trial.

MLflow's parallel coordinates leave a run out where one of the parameters is missing, and of a
parameter with numbers and words they keep the more frequent kind. On an axis every value is a word,
numbered so that words sort as the values do: ``1) 4``, ``2) 8``, ``3) null``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sweepstake.domain.search import Range
from sweepstake.gridfile.search_space import ABSENT, canonical
from sweepstake.mlflow_client.run_names import clip, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sweepstake.domain.trial import Trial
    from sweepstake.gridfile.search_space import SearchSpace

PREFIX = "axis."
CLASSIFIER = "classifier"
MOST_VALUES = 30
"""Words that an axis of MLflow's shows; runs with others are left out."""
_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of a sweep: one for each parameter that MLflow's charts would lose trials by.

    ``words`` has the word of each value, by the parameter; ``classes`` says whether there is an
    axis of classifiers too.
    """

    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    classes: bool = False

    def names(self, params: Sequence[str]) -> tuple[str, ...]:
        """What to draw for these parameters: their axes, where they have one."""
        drawn = (PREFIX + name if name in self.words else name for name in params)
        return (*([PREFIX + CLASSIFIER] if self.classes else []), *drawn)

    def of(self, trial: Trial) -> dict[str, str]:
        """What a trial has on the axes."""
        given = trial.estimator.params
        classifier = {CLASSIFIER: trial.estimator.short_name} if self.classes else {}
        words = {
            name: of_value[canonical(given.get(name, ABSENT))]
            for name, of_value in self.words.items()
        }
        return {PREFIX + name: word for name, word in (classifier | words).items()}


def axes_of(trials: SearchSpace) -> Axes:
    """The axes of the trials of a search space."""
    found = {name: values for name, values in trials.varying.items() if _is_lossy(values)}
    words = {name: _words(values) for name, values in found.items()}
    return Axes(words, classes=len(trials.classifiers) > 1)


def _is_lossy(values: Sequence[Any]) -> bool:
    """Whether trials would be left out: some are numbers, others are not or are not given.

    The numbers of a range are too many for words.
    """
    if any(isinstance(value, Range) for value in values):
        return False
    numbers = sum(map(_is_number, values))
    return 1 < len(values) <= MOST_VALUES and (0 < numbers < len(values) or ABSENT in values)


def _words(values: Sequence[Any]) -> Mapping[str, str]:
    """The word of each value: numbers by size, words by letter, null, then what is not given."""
    ordered = sorted(values, key=_order)
    width = len(str(len(ordered)))
    return {
        canonical(value): f"{place:0{width}d}) {_written(value)}"
        for place, value in enumerate(ordered, start=1)
    }


def _order(value: Any) -> tuple[int, float, str]:
    if _is_number(value):
        return (0, float(value), "")
    return (2 if value is None else 3 if value == ABSENT else 1, 0.0, shown(value))


def _written(value: Any) -> str:
    if value == ABSENT:
        return "not given"
    return "null" if value is None else clip(shown(value), _LENGTH)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
