"""Classifiers: from their specs, what their parameters may be, and building them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.errors import NotFoundError
from sweepstake.gridfile import boosters, transformers
from sweepstake.gridfile.allowlist import dotted, kind_of, parameters, release_of, resolve
from sweepstake.gridfile.constraints import INNER, as_tuple, complaint
from sweepstake.gridfile.document import member
from sweepstake.gridfile.idioms import of_parameter
from sweepstake.wording.near_misses import did_you_mean, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sweepstake.domain.spec import Step

BY_LABEL = frozenset({"class_weight", "class_weights", "sampling_strategy"})
"""Parameters whose mappings have labels as keys."""
ENSEMBLE = "estimators"
"""The parameter of VotingClassifier and StackingClassifier that names several classifiers."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake in the parameters of a classifier.

    ``param`` is empty for the classifier itself; ``position`` is the place of the value on its
    axis, ``None`` for the parameter itself; ``inside`` is the path within an inner classifier.
    """

    param: str
    position: int | None
    inside: str
    message: str


def as_spec(name: str, params: Mapping[str, Any]) -> EstimatorSpec:
    """The spec of a classifier as a grid file writes it, inner classifiers included.

    A name that is not on the allow-list stays as written; ``problems_of`` reports it.
    """
    built = {key: as_value(key, value) for key, value in params.items()}
    return EstimatorSpec(dotted(name) or name, built)


def as_value(param: str, raw: Any) -> Any:
    """The value of a parameter as a grid file writes it: inner classifiers become specs."""
    if _is_inner(raw):
        return as_spec(raw["estimator"], raw.get("params", {}))
    if param.rpartition("__")[2] == ENSEMBLE and isinstance(raw, dict):
        return {str(name): as_value(str(name), value) for name, value in raw.items()}
    return raw


def _is_inner(raw: Any) -> bool:
    return (
        isinstance(raw, dict)
        and isinstance(raw.get("estimator"), str)
        and raw.keys() <= {"estimator", "params"}
        and isinstance(raw.get("params", {}), dict)
    )


def problems_of(spec: EstimatorSpec) -> list[tuple[str, str]]:
    """Pairs of place and message for every mistake in a classifier's parameters.

    A place is a parameter name, ``estimator.params.C`` within an inner classifier, or empty for the
    classifier itself. The messages say what is allowed and what was given.
    """
    axes = {param: (value,) for param, value in spec.params.items()}
    return [(_inside(found), found.message) for found in findings(spec.name, axes)]


def _inside(found: Finding) -> str:
    return member(found.param, found.inside) if found.inside else found.param


def findings(name: str, axes: Mapping[str, Sequence[Any]]) -> Iterator[Finding]:
    """Every mistake in the axes of a product, in time that grows with their lengths' sum.

    ``axes`` maps each parameter to the values it takes; a fixed one has a single value.
    """
    try:
        resolve(name)
    except NotFoundError as error:
        yield Finding("", None, "", str(error))
        return
    for param, values in axes.items():
        yield from axis(name, str(param), values, axes)
    yield from incomplete(name, axes)


def parameter_names(name: str) -> tuple[str, ...]:
    """The parameters of a classifier by its class or dotted name; none of an unknown one."""
    known = dotted(name)
    return tuple(parameters(known)) if known else ()


def incomplete(name: str, axes: Mapping[str, Sequence[Any]]) -> Iterator[Finding]:
    """The parameter that a class needs and is not given, and those that are given twice."""
    missing = [
        param
        for param, known in parameters(name).items()
        if known.default is Parameter.empty and param not in axes
    ]
    if missing:
        yield Finding("", None, "", _incomplete(name, missing[0]))
    for param, first in boosters.doubled(name, axes):
        yield Finding(param, None, "", f"is another name of '{first}'. Keep one of them.")


def _incomplete(name: str, param: str) -> str:
    one = "{estimator: LogisticRegression}"
    example = f"{{a: {one}, b: {{estimator: GaussianNB}}}}" if param == ENSEMBLE else one
    return f"{_short(name)} needs the parameter '{param}'. Write for example {param}: {example}."


def axis(
    name: str, param: str, values: Sequence[Any], axes: Mapping[str, Sequence[Any]]
) -> Iterator[Finding]:
    """The mistakes of one axis."""
    head, _, tail = param.partition("__")
    members = _members(axes)
    if head not in parameters(name) and head not in members:
        yield Finding(param, None, "", _unknown(name, head, tail, members))
    elif tail:
        yield from _nested(name, param, values, axes)
    elif param in members:
        yield from _member_values(param, values)
    else:
        for position, value in enumerate(values):
            yield from _value(name, param, position, value)


def _unknown(name: str, head: str, tail: str, members: Iterable[str]) -> str:
    """The message for a parameter; one with the name of a pipeline's step before it has its own."""
    if tail in parameters(name):
        return f"'steps' has no step '{head}'. Write '{tail}' for the parameter of {_short(name)}."
    return unknown_parameter(name, head, members)


def unknown_parameter(name: str, param: str, members: Iterable[str] = ()) -> str:
    """The message for a parameter that a classifier does not have."""
    if reason := boosters.reason(name, param):
        return reason
    suggestion = of_parameter(param) or did_you_mean(param, [*parameters(name), *members])
    way_out = suggestion or f" It has {listed(parameters(name), 'and')}."
    return f"{_short(name)} has no parameter '{param}'.{way_out}"


def _members(axes: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """The named classifiers of an ensemble: ``lr`` of ``estimators: {lr: ...}``."""
    members: dict[str, list[Any]] = {}
    for ensemble in axes.get(ENSEMBLE, ()):
        if isinstance(ensemble, Mapping):
            for name, value in ensemble.items():
                members.setdefault(name, []).append(value)
    return members


def _nested(
    name: str, param: str, values: Sequence[Any], axes: Mapping[str, Sequence[Any]]
) -> Iterator[Finding]:
    """The mistakes of an axis that reaches into inner classifiers, as ``estimator__max_depth``."""
    head, _, tail = param.partition("__")
    choices = [*axes.get(head, ()), *_members(axes).get(head, ())]
    inner = [value for value in choices if isinstance(value, EstimatorSpec)]
    if not inner:
        message = (
            f"reaches into '{head}' of {_short(name)}, but no classifier is given there. "
            f"Add {head}: {{estimator: NAME}} to params."
        )
        yield Finding(param, None, "", message)
    for spec in inner:
        if dotted(spec.name):
            inner_axes = {key: (value,) for key, value in spec.params.items()}
            for found in axis(spec.name, tail, values, inner_axes):
                yield replace(found, param=param)


def _member_values(param: str, values: Sequence[Any]) -> Iterator[Finding]:
    """A member of an ensemble is a classifier, or ``drop`` to leave it out."""
    for position, value in enumerate(values):
        if isinstance(value, EstimatorSpec):
            yield from _inner(param, position, "", value)
        elif value != "drop":
            message = f"must be 'drop', or {INNER}, but got {shown(value)}."
            yield Finding(param, position, "", message)


def _value(name: str, param: str, position: int, value: Any) -> Iterator[Finding]:
    """The mistakes of one value of one parameter."""
    if param == ENSEMBLE:
        yield from _ensemble(param, position, value)
        return
    inside = list(_inner(param, position, "", value)) if isinstance(value, EstimatorSpec) else []
    yield from inside
    if inside:
        return
    built = as_tuple(kind_of(name), param, _built(param, value, None, ()))
    message = complaint(kind_of(name), param, built)
    if message:
        yield Finding(param, position, "", message)


def _ensemble(param: str, position: int, value: Any) -> Iterator[Finding]:
    """The mistakes in the classifiers of an ensemble."""
    if not isinstance(value, Mapping) or not value:
        message = f"must be a mapping of names to classifiers, but got {shown(value)}."
        yield Finding(param, position, "", message)
        return
    for member_name, inner in value.items():
        if isinstance(inner, EstimatorSpec):
            yield from _inner(param, position, member_name, inner)
        elif inner != "drop":
            message = f"must be 'drop', or {INNER}, but got {shown(inner)}."
            yield Finding(param, position, member_name, message)


def _inner(param: str, position: int, inside: str, spec: EstimatorSpec) -> Iterator[Finding]:
    """The mistakes within an inner classifier, located in the mapping that writes it."""
    for at, message in problems_of(spec):
        step = member("params", at) if at else "estimator"
        yield Finding(param, position, member(inside, step), message)


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def build(spec: EstimatorSpec, seed: int | None = None, classes: Sequence[Any] = ()) -> Any:
    """A new, unfitted classifier.

    ``seed`` becomes the ``random_state`` of each classifier (inner ones too) that has one and is
    not given one. Keys of ``class_weight`` are read as labels of ``classes``: JSON knows only text
    as keys, and YAML does not know whether a label is text.

    Raises:
        NotFoundError: the classifier is not on the allow-list.
    """
    return _made(resolve(spec.name), spec.own, seed, classes)


def build_steps(
    spec: EstimatorSpec, seed: int | None = None, classes: Sequence[Any] = ()
) -> list[tuple[Step, Any]]:
    """What stands before the classifier, in its order: new transformers, or ``passthrough``.

    Seeds and labels are given to them as to the classifier.

    Raises:
        NotFoundError: a transformer is not on the allow-list.
    """
    return [(step, _step(spec, step, seed, classes)) for step in spec.steps]


def _step(spec: EstimatorSpec, step: Step, seed: int | None, classes: Sequence[Any]) -> Any:
    value = spec.params[step.param]
    if not isinstance(value, EstimatorSpec):
        return value
    tuned = {
        name.removeprefix(f"{step.param}__"): each
        for name, each in spec.params.items()
        if name != step.param and spec.step_of(name) == step
    }
    params = {**value.params, **tuned}
    return _made(transformers.resolve(value.name), params, seed, classes)


def _made(name: str, given: Mapping[str, Any], seed: int | None, classes: Sequence[Any]) -> Any:
    known = parameters(name)
    params = {
        key: as_tuple(kind_of(name), key, _built(key, value, seed, classes))
        for key, value in given.items()
    }
    if seed is not None and "random_state" in known and not boosters.SEEDS & params.keys():
        params["random_state"] = seed
    direct = {key: value for key, value in params.items() if key in known}
    nested = {key: value for key, value in params.items() if key not in known}
    return kind_of(name)(**direct).set_params(**nested)


def releases(values: Iterable[Any]) -> set[str]:
    """The packages, pinned, of classifiers and transformers that scikit-learn does not bring.

    Those of samplers are not among them: no stored model needs one.
    """
    stored = (name for name in names_in(values) if not transformers.is_sampler(name))
    return {release for name in stored if (release := release_of(name))}


def names_in(values: Iterable[Any]) -> set[str]:
    """The names of all estimators among values, and inside them."""
    found: set[str] = set()
    for value in values:
        if isinstance(value, EstimatorSpec):
            found |= {value.name, *names_in(value.params.values())}
        elif isinstance(value, Mapping):
            found |= names_in(value.values())
        elif isinstance(value, list | tuple):
            found |= names_in(value)
    return found


def _built(param: str, value: Any, seed: int | None, classes: Sequence[Any]) -> Any:
    """A parameter's value as scikit-learn takes it."""
    if isinstance(value, EstimatorSpec):
        return build(value, seed, classes)
    if param == transformers.SCORE_FUNC and value in transformers.SCORE_FUNCTIONS:
        return transformers.score_function(value, seed)
    if isinstance(value, Mapping) and any(isinstance(v, EstimatorSpec) for v in value.values()):
        return [(name, _built(name, inner, seed, classes)) for name, inner in value.items()]
    if param.rpartition("__")[2] in BY_LABEL and isinstance(value, Mapping):
        return _by_label(value, classes)
    if param.rpartition("__")[2] in BY_LABEL and isinstance(value, list):
        return [_built(param, each, seed, classes) for each in value]
    return value


def _by_label(weights: Mapping[Any, Any], classes: Sequence[Any]) -> dict[Any, Any]:
    """The weights with the labels themselves as keys; a key that is no label stays as it is."""
    labels = {str(label): label for label in classes}
    labels |= {str(label).lower(): label for label in classes if isinstance(label, bool)}
    return {labels.get(str(key), key): weight for key, weight in weights.items()}
