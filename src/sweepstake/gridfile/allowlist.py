"""The allow-list: the classifiers and regressors that a grid file may name.

They are all of scikit-learn's, those of `boosters` where their package is installed, and what the
operator adds with ``SWEEPSTAKE_ESTIMATORS``. A name in a grid file is looked up here and nowhere
else: nothing but a booster's package is imported because a file says so.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from importlib.metadata import packages_distributions, version
from inspect import Parameter, isclass, signature
from typing import TYPE_CHECKING

from sweepstake.domain.task import Task
from sweepstake.errors import NotFoundError, SettingsError
from sweepstake.gridfile import boosters
from sweepstake.gridfile.sklearn_names import NAMES, REGRESSORS
from sweepstake.settings import load_settings
from sweepstake.wording.near_misses import listed, near_misses, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

SETTING = "SWEEPSTAKE_ESTIMATORS"
PIPELINE = "Pipeline"
STEPS = "{scale: StandardScaler, reduce: PCA}"
ENDING = re.compile(r"(?i)(class?if|regress?[oe]r)\w*$")
REGRESSOR = re.compile(r"(?i)regress?[oe]r\w*$")
OPEN = {Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL}


@cache
def estimator_names() -> tuple[str, ...]:
    """Dotted names of the estimators that a grid file may name: scikit-learn's, the operator's.

    Raises:
        SettingsError: the setting names something that is not there or is neither of both.
    """
    return tuple(dict.fromkeys((*NAMES, *_added())))


@cache
def _added() -> dict[str, type]:
    """The classes that the operator adds, by dotted name.

    The setting is read once in the life of a process, from its environment: it says what this
    process may import, which no later one can take back.
    """
    return {public: kind for name in added_by_operator() for public, kind in added_by(name).items()}


@cache
def added_by_operator() -> tuple[str, ...]:
    """What the operator adds, as the environment said when it was first asked for."""
    return load_settings().estimators


def must_be_used(added: tuple[str, ...]) -> None:
    """See that settings add to the list what this process has added.

    Raises:
        SettingsError: they add something else, which would be ignored.
    """
    if added != added_by_operator():
        message = f"{SETTING}: must be set in the environment of the process, where it is "
        message += f"{shown(list(added_by_operator()))}, but settings say {shown(list(added))}. "
        raise SettingsError(message + "Set it before the process starts.")


def added_by(name: str) -> dict[str, type]:
    """The estimators that the operator adds by the name of a class or of a package."""
    found = _public(name)
    if not any(map(_is_estimator, found.values())) and not any(map(_is_step, found.values())):
        message = f"{SETTING}: must name classifiers, regressors or packages of them, but got "
        message += f"{shown(name)}. Write for example imblearn.ensemble."
        raise SettingsError(message)
    return {public: kind for public, kind in found.items() if _is_estimator(kind)}


@cache
def added_transformers() -> dict[str, type]:
    """The transformers that the operator adds, by dotted name.

    Raises:
        SettingsError: the setting names something that is not there.
    """
    found = {public: kind for name in added_by_operator() for public, kind in _public(name).items()}
    return {public: kind for public, kind in found.items() if _is_step(kind)}


def _public(name: str) -> dict[str, type]:
    """The public classes that a name stands for: itself, or those of a package."""
    package, _, last = name.rpartition(".")
    home = package if last[:1].isupper() else name
    module = _imported(home)
    shorts = [last] if home == package and last else sorted(vars(module))
    found = {
        f"{home}.{short}": getattr(module, short, None) for short in shorts if short[:1] != "_"
    }
    return {public: kind for public, kind in found.items() if isclass(kind)}


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except (ImportError, ValueError) as error:
        message = f"{SETTING}: must name what is installed, but {shown(name)} is not: {error}."
        message += " Install it beside Sweepstake, or take it out."
        raise SettingsError(message) from error


def _is_estimator(kind: object) -> bool:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    kinds = (ClassifierMixin, RegressorMixin)
    return isclass(kind) and issubclass(kind, kinds) and issubclass(kind, BaseEstimator)


def _is_step(kind: object) -> bool:
    """Whether a class transforms rows and is no estimator of another kind."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin

    if not isclass(kind) or not issubclass(kind, BaseEstimator):
        return False
    return issubclass(kind, TransformerMixin) and not issubclass(
        kind, ClassifierMixin | RegressorMixin
    )


@cache
def _by_class_name() -> dict[str, str]:
    """Bare class names; where two packages have one, it is scikit-learn's."""
    return {name.rpartition(".")[2]: name for name in reversed(estimator_names())}


def kind_of(name: str) -> type:
    """The class of an allowed dotted name, imported now.

    Of a booster it is ours, which imports the package of the library when it is fitted.
    """
    if boosters.is_known(name):
        return _reviewed(f"sweepstake.boosting.{name.rpartition('.')[2]}")
    return _added().get(name) or added_transformers().get(name) or _reviewed(name)


@cache
def _reviewed(name: str) -> type:
    package, _, short = name.rpartition(".")
    kind: type = getattr(import_module(package), short)
    return kind


def dotted(name: str) -> str | None:
    """The dotted name of an estimator named by its class or dotted name, else ``None``."""
    if name in estimator_names():
        return name
    return boosters.installed().get(name) or _by_class_name().get(name)


def resolve(name: str) -> str:
    """The dotted name of an estimator named by its class or dotted name.

    Raises:
        NotFoundError: not on the allow-list; the message suggests near misses.
    """
    known = dotted(name)
    if known is not None:
        return known
    message = f"must be {_kind()} classifier or regressor, but got {shown(name)}. {_way_out(name)}"
    raise NotFoundError(message)


def _way_out(name: str) -> str:
    """What to do about a name that is not on the list."""
    short = name.rpartition(".")[2]
    if short in boosters.BOOSTERS:
        return f'Install it: pip install "sweepstake[{boosters.BOOSTERS[short]}]".'
    if short in boosters.ELSEWHERE:
        home = boosters.ELSEWHERE[short]
        return f"It is in {home}: install it beside Sweepstake and add it to {SETTING}."
    if short == PIPELINE:
        return f"Name its classifier alone, and what stands before it under 'steps': {STEPS}."
    suggestions = _suggestions(name)
    near = f" Did you mean {listed(suggestions)}?" if suggestions else ""
    return near.strip() or "'sweepstake schema' lists the names."


def _kind() -> str:
    return "an allowed" if added_by_operator() else "a scikit-learn"


def _suggestions(name: str) -> list[str]:
    """Near misses, dotted where ``name`` is; the common ending of the names does not count."""
    short = name.rpartition(".")[2]
    task = Task.REGRESSION if REGRESSOR.search(short) else Task.CLASSIFICATION
    names = {**_short(boosters.installed()), **_by_class_name()}
    other = {each for each in names if task_of(each) is not task}
    alike = set(names) - (other if ENDING.search(short) else set())
    known = {_stem(each): each for each in sorted(alike, key=_classifiers_last)}
    near = [known[stem] for stem in near_misses(_stem(short), known)]
    return [names[short] for short in near] if "." in name else near


def _short(names: Mapping[str, str]) -> dict[str, str]:
    return {name: full for name, full in names.items() if "." not in name}


def _classifiers_last(name: str) -> tuple[bool, str]:
    """What to sort names by, where of two with one stem the last is taken."""
    return task_of(name) is Task.CLASSIFICATION, name


def _stem(name: str) -> str:
    return ENDING.sub("", name) or name


@cache
def task_of(name: str) -> Task | None:
    """What an estimator named by its class or dotted name predicts; ``None`` if it is unknown."""
    known = dotted(name)
    if known is None:
        return None
    return Task.REGRESSION if _is_of_numbers(known) else Task.CLASSIFICATION


def _is_of_numbers(name: str) -> bool:
    if boosters.is_known(name):
        return name.endswith("Regressor")
    if name in _added():
        from sklearn.base import RegressorMixin

        return issubclass(_added()[name], RegressorMixin)
    return name in REGRESSORS


@cache
def parameters(name: str) -> Mapping[str, Parameter]:
    """The parameters of an allow-listed classifier or transformer by name.

    Where its signature is open (``**kwargs``), those that it knows by itself are added.
    """
    if boosters.is_known(name):
        keys = boosters.parameters(name)
        return {key: Parameter(key, Parameter.KEYWORD_ONLY, default=None) for key in keys}
    kind = kind_of(name)
    known = dict(signature(kind).parameters)
    named = {key: known[key] for key in known if known[key].kind not in OPEN}
    if len(named) == len(known):
        return named
    own = kind().get_params(deep=False)
    return named | {
        key: Parameter(key, Parameter.KEYWORD_ONLY, default=own[key])
        for key in own
        if key not in named
    }


def release_of(name: str) -> str:
    """The package that an operator's classifier is from, pinned; empty for scikit-learn's.

    >>> release_of("sklearn.svm.SVC")
    ''
    """
    package = name.partition(".")[0]
    return "" if package == "sklearn" else _release(package)


@cache
def _release(package: str) -> str:
    found = packages_distributions().get(package, ())
    return f"{found[0]}=={version(found[0])}" if found else package
