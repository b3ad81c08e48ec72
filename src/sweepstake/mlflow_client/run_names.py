"""Run names: a trial by its number and by what it varies, as ``#35 depth=∅ leaf=4 n=100``.

MLflow's pages cut a name after some thirty characters, so it begins with what differs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.errors import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.domain.trial import Trial
    from sweepstake.gridfile.search_space import SearchSpace

NAME_LENGTH = 160
VALUE_LENGTH = 48
NULL = "∅"
SHORT = {
    "class_weight": "weight",
    "hidden_layer_sizes": "layers",
    "learning_rate": "rate",
    "learning_rate_init": "rate",
    "max_depth": "depth",
    "max_features": "features",
    "max_iter": "iter",
    "max_leaf_nodes": "nodes",
    "max_samples": "samples",
    "min_samples_leaf": "leaf",
    "min_samples_split": "split",
    "n_estimators": "n",
    "n_neighbors": "k",
}
"""Words for parameters that need no other to be understood."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How trials of one sweep are told apart; by all that they give, where nothing is known of it.

    ``words`` are the parameters that vary, each with its word; ``classes`` says whether the
    classifiers differ.
    """

    words: Mapping[str, str] | None = None
    classes: bool = True


def naming_of(trials: SearchSpace) -> Naming:
    """How the trials of a search space are told apart."""
    names = list(trials.varying)
    taken = Counter(SHORT.get(name, name) for name in names)
    words = {name: SHORT.get(name, name) for name in names}
    clear = {name: word if taken[word] == 1 else name for name, word in words.items()}
    return Naming(clear, classes=len(trials.classifiers) > 1 or not names)


def run_name(trial: Trial, naming: Naming | None = None) -> str:
    """``#35 depth=∅ leaf=4 n=100``; the class stands after the number where it varies."""
    used = naming or Naming()
    given = trial.estimator.params
    words = {name: name for name in given} if used.words is None else used.words
    values = (f"{word}={_value(given[name])}" for name, word in words.items() if name in given)
    classes = [trial.estimator.short_name] if used.classes else []
    name = " ".join([f"#{trial.number}", *classes, *values])
    return clip(printable(name), NAME_LENGTH)


def full_name(trial: Trial) -> str:
    """``0007 RandomForestClassifier max_depth=4, n_estimators=100``: whatever the others give."""
    given = ", ".join(f"{name}={shown(value)}" for name, value in trial.estimator.params.items())
    name = f"{trial.number:04d} {trial.estimator.short_name} {given}".rstrip()
    return clip(printable(name), NAME_LENGTH)


def clip(text: str, length: int) -> str:
    """``text``, cut to ``length`` characters with an ellipsis at its end where it was longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def shown(value: Any) -> str:
    """A parameter's value as people write it, an inner classifier as a call."""
    if isinstance(value, EstimatorSpec):
        given = ", ".join(f"{name}={shown(inner)}" for name, inner in value.params.items())
        return f"{value.short_name}({given})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {shown(inner)}" for name, inner in value.items()) + "}"
    return str(value)


def _value(value: Any) -> str:
    return NULL if value is None else clip(shown(value), VALUE_LENGTH)
