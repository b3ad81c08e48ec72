"""The examination: every check of a deployment, in the order in which they are told."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sweepstake.doctor import airflow, host, mlflow, places
from sweepstake.doctor.finding import Check, carry_out
from sweepstake.errors import SettingsError
from sweepstake.settings import load_settings
from sweepstake.storage.bucket import Bucket

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sweepstake.doctor.finding import Finding
    from sweepstake.settings import Settings


def examine(environ: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    """Look at this host, and at the servers that ``environ`` (default: the process's) names."""
    return tuple(finding for check in checks(environ) for finding in carry_out(check))


def checks(environ: Mapping[str, str] | None = None) -> Iterator[Check]:
    """What there is to look at; settings that cannot be read leave this host's packages."""
    try:
        settings = load_settings(environ)
    except SettingsError as error:
        yield Check("packages", partial(host.packages, buckets=False))
        yield Check("settings", partial(_refuse, error))
        return
    yield Check("packages", partial(host.packages, buckets=any(_buckets(settings))))
    yield Check("estimators", host.estimators)
    yield Check("trusted types", partial(host.trusted_types, settings.trusted_types))
    yield Check("watched folder", partial(places.watched_folder, settings.grids))
    if "workspace" in settings.examined:
        yield from _of_places(settings)
    if "mlflow" in settings.examined:
        yield mlflow.check(settings)
    if "airflow" in settings.examined:
        yield airflow.check(settings)


def _of_places(settings: Settings) -> Iterator[Check]:
    inner = (_workspace(settings), *_data_roots(settings))
    if any(_buckets(settings)):
        clock = Check("S3 clock", places.s3_clock)
        yield Check("S3", places.s3, (clock, *(each for each, remote in inner if remote)))
    yield from (each for each, remote in inner if not remote)


def _workspace(settings: Settings) -> tuple[Check, bool]:
    place = settings.workspace
    models = Check("models", partial(places.models, place))
    check = Check("workspace", partial(places.workspace, place), (models,))
    return check, isinstance(place, Bucket)


def _data_roots(settings: Settings) -> Iterator[tuple[Check, bool]]:
    for root in settings.data_roots:
        if root != settings.grids:
            yield Check("data root", partial(places.data_root, root)), isinstance(root, Bucket)


def _buckets(settings: Settings) -> Iterator[bool]:
    return (isinstance(place, Bucket) for place in (settings.workspace, *settings.data_roots))


def _refuse(error: SettingsError) -> str:
    raise error
