"""Settings: what the operator decides, read from the environment when asked for."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sweepstake import stacks
from sweepstake.errors import SettingsError
from sweepstake.storage.bucket import Bucket

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "SWEEPSTAKE_"
ROOT_ENDS = re.compile(rf"{re.escape(os.pathsep)}(?!//)")
"""What separates data roots: as in ``PATH``, but the colon of an address is part of it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. Secrets do not show in ``repr``.

    home: state folder of the embedded stack.
    grids: the watched folder.
    workspace: folder or bucket for grid snapshots, plans and staged data.
    data_roots: folders and buckets that data may be read from; relative sources are looked up in
        the folders, in their order.
    tracking_uri: the MLflow server.
    mlflow_url: where people open its pages, if they reach it under another address than tasks.
    artifact_roots: addresses below which runs may have their files; else the server's own root.
    airflow_url: the Airflow api-server.
    airflow_token: a token of Airflow's in whose name it is asked, instead of user's.
    default_source: data of grid files in the course's shape that name none.
    pool: Airflow pool whose slots cap how many training tasks run at once.
    slots: how many that are, on all workers; batches are cut so that as many end together.
    estimators: classifiers, or packages of them, that grid files may name beside scikit-learn's.
    trusted_types: types that a model file may hold beside those of the reviewed list.
    notifiers: Airflow's notifiers that are told the digest of each sweep, as module:attribute.
    """

    home: Path
    grids: Path
    workspace: Path | Bucket
    data_roots: tuple[Path | Bucket, ...]
    tracking_uri: str = field(repr=False)  # may hold a password
    airflow_url: str
    airflow_user: str = "admin"
    airflow_password: str = field(default="", repr=False)
    airflow_token: str = field(default="", repr=False)
    default_source: str = "sklearn:iris"
    pool: str = "default_pool"
    slots: int = os.cpu_count() or 1
    estimators: tuple[str, ...] = ()
    trusted_types: tuple[str, ...] = ()
    mlflow_url: str = ""
    artifact_roots: tuple[str, ...] = ()
    notifiers: str = ""

    @property
    def mlflow_pages(self) -> str:
        """The address that links to MLflow begin with."""
        return self.mlflow_url or self.tracking_uri


def load_settings(environ: Mapping[str, str] | None = None, *, own: bool = False) -> Settings:
    """Build the settings from ``environ`` (default: the process environment).

    The embedded stack is found as `stacks` says. ``own`` is for whoever starts one: what a start
    before told, and stacks elsewhere, count for nothing.

    Variables are ``SWEEPSTAKE_HOME``, ``_GRIDS``, ``_WORKSPACE`` (a folder or
    ``s3://bucket/prefix``), ``_CACHE`` (the folder for copies from a bucket), ``_DATA_ROOTS``
    (separated as in ``PATH``), ``_MLFLOW_URL``, ``_AIRFLOW_URL``, ``_AIRFLOW_USER``,
    ``_AIRFLOW_PASSWORD``, ``_DEFAULT_SOURCE``, ``_POOL``, ``_SLOTS`` (default: the cores of this
    host), ``_ESTIMATORS``, ``_TRUSTED_TYPES`` and ``_ARTIFACT_ROOTS`` (separated by commas),
    ``_NOTIFIERS`` and MLflow's own ``MLFLOW_TRACKING_URI``. What is not set is taken from the
    embedded stack.

    Raises:
        SettingsError: a URL has no scheme or is of no kind that is known, a number or a dotted name
            is none.
    """
    env = os.environ if environ is None else environ
    home = (stacks.near if own else stacks.find)(env, Path.cwd())
    stack = {} if own else stacks.told(home)
    beside = Path() if env.get(stacks.HOME) else home.parent
    get = {**stack, **{k: v for k, v in env.items() if v}}.get
    grids = Path(_local(PREFIX + "GRIDS", get(PREFIX + "GRIDS", str(beside / "grids")))).absolute()
    cache = Path(get(PREFIX + "CACHE", str(home / "cache"))).absolute()
    roots = ROOT_ENDS.split(get(PREFIX + "DATA_ROOTS", str(grids)))
    return Settings(
        home=home,
        grids=grids,
        workspace=_place(
            PREFIX + "WORKSPACE",
            get(PREFIX + "WORKSPACE", str(home / "workspace")),
            cache,
        ),
        data_roots=tuple(_place(PREFIX + "DATA_ROOTS", root, cache) for root in roots if root),
        tracking_uri=_url(
            "MLFLOW_TRACKING_URI", get("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
        ),
        airflow_url=_airflow_url(get(PREFIX + "AIRFLOW_URL", "http://127.0.0.1:8080")),
        airflow_user=get(PREFIX + "AIRFLOW_USER", "admin"),
        airflow_password=get(PREFIX + "AIRFLOW_PASSWORD", ""),
        default_source=get(PREFIX + "DEFAULT_SOURCE", "sklearn:iris"),
        pool=get(PREFIX + "POOL", "default_pool"),
        slots=_count(PREFIX + "SLOTS", get(PREFIX + "SLOTS", str(os.cpu_count() or 1))),
        estimators=_names(PREFIX + "ESTIMATORS", get(PREFIX + "ESTIMATORS", "")),
        trusted_types=_names(PREFIX + "TRUSTED_TYPES", get(PREFIX + "TRUSTED_TYPES", "")),
        mlflow_url=get(PREFIX + "MLFLOW_URL", ""),
        artifact_roots=_listed(get(PREFIX + "ARTIFACT_ROOTS", "")),
        notifiers=_attribute(PREFIX + "NOTIFIERS", get(PREFIX + "NOTIFIERS", "")),
    )


def _local(name: str, value: str) -> str:
    if "://" in value:
        shown = value.partition("://")[0]
        message = f"{name}: must be on a disk, but got an address that begins with {shown}://."
        raise SettingsError(message + " Write the path of a folder.")
    return value


def _place(name: str, value: str, cache: Path) -> Path | Bucket:
    if "://" not in value:
        return Path(value).absolute()
    scheme, _, address = value.partition("://")
    shown = f"{scheme}://{address.rpartition('@')[2]}"  # a key may stand before it
    parts = address.rstrip("/").split("/")
    if scheme != "s3" or "@" in address or not all(parts) or {".", ".."} & set(parts):
        message = f"{name}: must be a folder or s3://bucket/prefix, but got {shown!r}."
        message += " Keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        raise SettingsError(message)
    return Bucket(value.rstrip("/"), cache)


def _url(name: str, value: str) -> str:
    shown = value.rpartition("@")[2]  # a password may stand before it
    if "://" not in value:
        message = f"{name}: must be a URL with a scheme, but got {shown!r}. Write http://host:port."
        raise SettingsError(message)
    return value


def _airflow_url(value: str) -> str:
    name = PREFIX + "AIRFLOW_URL"
    if "@" in _url(name, value):
        message = f"{name}: must not hold a user. Set {PREFIX}AIRFLOW_USER and _PASSWORD."
        raise SettingsError(message)
    return value.rstrip("/")


def _count(name: str, value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        message = f"{name}: must be a whole number of at least 1, but got {value!r}."
        raise SettingsError(message + " Write how many training tasks run at once on all workers.")
    return int(value)


def _names(setting: str, value: str) -> tuple[str, ...]:
    names = _listed(value)
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            message = f"{setting}: must be dotted names separated by commas, but got {name!r}."
            message += " Write for example lightgbm.LGBMClassifier,xgboost.XGBClassifier."
            raise SettingsError(message)
    return names


def _attribute(setting: str, value: str) -> str:
    module, _, attribute = value.partition(":")
    if value and not all(part.isidentifier() for part in [*module.split("."), attribute]):
        message = f"{setting}: must be module:attribute, but got {value!r}."
        raise SettingsError(message + " Write for example our_notifiers:notifiers.")
    return value


def _listed(value: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in value.split(",") if item.strip())
