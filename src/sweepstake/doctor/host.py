"""This host: its packages, and what the operator adds to scikit-learn."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires, version
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from sweepstake.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOREMOST = ("apache-airflow", "mlflow", "scikit-learn")


def packages(*, buckets: bool) -> str:
    """The releases that matter, if every package is one that this release was made for.

    Raises:
        SettingsError: packages are missing or of another release; ``buckets`` asks for those that
            reach one.
    """
    faults = [fault for each in requirements("s3" if buckets else "") for fault in faults_of(each)]
    if faults:
        raise SettingsError("\n".join(faults))
    return ", ".join(f"{name} {version(name)}" for name in FOREMOST)


def requirements(extra: str = "") -> Iterator[Requirement]:
    """What the installed release asks for, with an extra if one is named."""
    for text in requires("sweepstake") or ():
        asked = Requirement(text)
        if asked.marker is None or asked.marker.evaluate({"extra": extra}):
            yield asked


def faults_of(asked: Requirement) -> Iterator[str]:
    """What is wrong with the installed release of a package, if anything."""
    try:
        found = version(asked.name)
    except PackageNotFoundError:
        found = "none"
    if found == "none" or not asked.specifier.contains(found, prereleases=True):
        wanted = f"{asked.name}{asked.specifier}"
        yield f"{asked.name}: must be {asked.specifier}, but got {found}. Install '{wanted}'."


def estimators() -> str:
    """How many classifiers grid files may name.

    Raises:
        SettingsError: ``SWEEPSTAKE_ESTIMATORS`` names what is not there.
    """
    from sweepstake.gridfile.allowlist import estimator_names

    return f"{len(estimator_names())} classifiers and regressors"


def trusted_types(names: Sequence[str]) -> str:
    """How many types the operator adds.

    Raises:
        SettingsError: one of them cannot be imported.
    """
    for name in names:
        try:
            resolve_name(name)
        except (AttributeError, ImportError, ValueError) as error:
            message = f"SWEEPSTAKE_TRUSTED_TYPES: must name what is installed, but got {name!r}: "
            message += f"{error}. Install its package beside Sweepstake, or take it out."
            raise SettingsError(message) from None
    return f"{len(names)} beside the reviewed list"
