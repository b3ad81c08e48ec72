"""The mistakes in steps: what may not stand there, and parameters that nothing there takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.errors import NotFoundError
from sweepstake.gridfile import estimators, step_choices, steps, transformers
from sweepstake.gridfile.allowlist import parameters
from sweepstake.gridfile.estimators import Finding
from sweepstake.wording.near_misses import did_you_mean, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sweepstake.gridfile.steps import Slot

EXAMPLE = "Write for example StandardScaler, {estimator: PCA, params: {n_components: 5}} or "


def findings(
    name: str, axes: Mapping[str, Sequence[Any]], slots: Sequence[Slot]
) -> Iterator[Finding]:
    """Every mistake in the axes of a product, those of the steps before its classifier included."""
    own = {param: values for param, values in axes.items() if steps.of(param, slots) is None}
    lost = {param: message for param in own if (message := _lost(name, param, slots))}
    yield from estimators.findings(name, {p: v for p, v in own.items() if p not in lost})
    for param, message in lost.items():
        yield Finding(param, None, "", message)
    choices = step_choices.chosen(axes, slots)
    for slot in slots:
        yield from _clashing(name, slot)
        yield from _choices(slot, choices[slot.step.param], axes)
    for param, values in axes.items():
        held = steps.of(param, slots)
        if held and steps.tail(param, held):
            yield from _tuned(param, values, held, choices[held.step.param])


def _lost(name: str, param: str, slots: Sequence[Slot]) -> str:
    """What to say of a parameter that looks like one of a step, of which there is none."""
    head, _, rest = param.partition("__")
    known = [slot.step.param for slot in slots]
    members = head in estimators.parameter_names(name) or rest in estimators.parameter_names(name)
    if not rest or not known or members:
        return ""
    name = param.rpartition("__")[0] if head == steps.COLUMNS else head
    near = did_you_mean(name, known)
    way_out = near or f" Steps are {listed(known, 'and')}."
    return f"no step is called '{name}'.{way_out}"


def _clashing(name: str, slot: Slot) -> Iterator[Finding]:
    """A step may not be called as a parameter of the classifier is."""
    if slot.step.param in estimators.parameter_names(name):
        short = name.rpartition(".")[2]
        message = f"must not have the name of a step, but {short} has a parameter of that name."
        yield Finding(slot.step.param, None, "", f"{message} Rename the step.")


def _choices(
    slot: Slot, choices: Sequence[Any], axes: Mapping[str, Sequence[Any]]
) -> Iterator[Finding]:
    tuned = {steps.tail(param, slot): axes[param] for param in axes if slot.step.holds(param)}
    for position, choice in enumerate(choices):
        for inside, message in _choice(choice, slot, tuned):
            yield Finding(slot.step.param, position, inside, message)


def _choice(
    choice: Any, slot: Slot, tuned: Mapping[str, Sequence[Any]]
) -> Iterator[tuple[str, str]]:
    """What is wrong with what stands in a step, some of whose parameters are axes."""
    alone = slot.step.param == f"{steps.COLUMNS}__{slot.step.columns}"
    words = {steps.PASSED, steps.DROPPED} if alone else {steps.PASSED}
    if isinstance(choice, str) and choice in words:
        return
    if not isinstance(choice, EstimatorSpec):
        rule = f"must be a transformer, or {listed(sorted(words))}, but got {shown(choice)}."
        yield "", f"{rule} {EXAMPLE}{steps.PASSED}."
    elif message := _unfit(choice.name, slot):
        yield "", message
    else:
        for found in _own(choice, tuned):
            place = f"params.{found.param}" if found.param else ""
            yield f"{place}.{found.inside}".strip(".") if found.inside else place, found.message


def _unfit(name: str, slot: Slot) -> str:
    """Why a transformer may not stand in a step; empty where it may."""
    try:
        full = transformers.resolve(name)
    except NotFoundError as error:
        return str(error)
    if transformers.is_sampler(full) and slot.step.columns:
        return "changes rows, which no part of the columns can. Write it under 'steps'."
    if full.rpartition(".")[2] in transformers.OF_TEXT and not slot.step.columns:
        short = full.rpartition(".")[2]
        way_out = f"Name the column under 'columns', as in columns: {{COLUMN: {short}}}."
        return f"{short} takes one column of text. {way_out}"
    return ""


def _own(choice: EstimatorSpec, tuned: Mapping[str, Sequence[Any]]) -> Iterator[Finding]:
    """The mistakes in the parameters that are written with a transformer, and those it lacks."""
    axes = {param: (value,) for param, value in choice.params.items()}
    for param, values in axes.items():
        yield from _values(choice, param, values)
    yield from estimators.incomplete(choice.name, {**tuned, **axes})


def _tuned(
    param: str, values: Sequence[Any], slot: Slot, choices: Sequence[Any]
) -> Iterator[Finding]:
    """The mistakes of an axis that tunes what stands in a step."""
    rest = steps.tail(param, slot)
    takers = [choice for choice in choices if step_choices.takes(choice, rest)]
    if not takers and all(map(_is_known, choices)):
        yield Finding(param, None, "", _unknown(rest, slot, choices))
    for choice in takers:
        if rest in choice.params:
            message = f"'{rest}' is in the params of {choice.short_name} too. Keep one of them."
            yield Finding(param, None, "", message)
        else:
            yield from (replace(each, param=param) for each in _values(choice, rest, values))


def _is_known(choice: Any) -> bool:
    """Whether it can be told which parameters a choice takes."""
    if isinstance(choice, EstimatorSpec):
        return transformers.dotted(choice.name) is not None
    return isinstance(choice, str)


def _values(choice: EstimatorSpec, param: str, values: Sequence[Any]) -> Iterator[Finding]:
    """The mistakes of values of one parameter of a transformer."""
    if param in transformers.HELD:
        held, why = transformers.HELD[param]
        for position, value in enumerate(values):
            if value != held:
                rule = f"must be {shown(held)}, as {why}, but got {shown(value)}. Leave it out."
                yield Finding(param, position, "", rule)
    elif param == transformers.SCORE_FUNC:
        for position, value in enumerate(values):
            if value not in transformers.SCORE_FUNCTIONS:
                near = did_you_mean(str(value), transformers.SCORE_FUNCTIONS)
                names = listed(transformers.SCORE_FUNCTIONS)
                rule = f"must be {names}, but got {shown(value)}.{near}"
                yield Finding(param, position, "", rule)
    else:
        inner = {key: (value,) for key, value in choice.params.items()}
        yield from estimators.axis(choice.name, param, values, inner)


def _unknown(param: str, slot: Slot, choices: Sequence[Any]) -> str:
    """The message for a parameter that nothing in a step has."""
    names = {c.short_name: c.name for c in choices if isinstance(c, EstimatorSpec)}
    if not names:
        return f"tunes '{slot.step.param}', but no transformer stands there. Remove it."
    known = [each for name in names.values() for each in parameters(name)]
    head = param.partition("__")[0]
    near = did_you_mean(head, known)
    has = "has" if len(names) == 1 else "have"
    way_out = near or f" Known are {listed(dict.fromkeys(known), 'and')}."
    return f"{_plain(names)} {has} no parameter '{head}'.{way_out}"


def _plain(names: Mapping[str, str]) -> str:
    """``StandardScaler and RobustScaler``."""
    first = list(names)
    return first[0] if len(first) == 1 else f"{', '.join(first[:-1])} and {first[-1]}"
