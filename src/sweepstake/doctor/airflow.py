"""Airflow, asked over its REST API as the command line does."""

from __future__ import annotations

import os
from configparser import ConfigParser, Error
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweepstake.airflow_client.api import AirflowApi
from sweepstake.airflow_client.standstill import standstills
from sweepstake.doctor import answers
from sweepstake.doctor.finding import Check
from sweepstake.doctor.host import requirements
from sweepstake.errors import NotFoundError, SettingsError, StackError
from sweepstake.intake.intake import MOST_STARTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packaging.specifiers import SpecifierSet

    from sweepstake.settings import Settings

DAGS = ("intake", "sweep", "champion", "approval")
COMPONENTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
FAULT_PARTS = ("filename", "bundle_name", "stack_trace")
"""Where a DAG file that cannot be loaded may name us."""


def check(settings: Settings) -> Check:
    """Everything about Airflow; what needs a log-in only after one."""
    dags = (Check(f"DAG {dag}", partial(_dag, settings, dag)) for dag in DAGS)
    inside = (
        *dags,
        Check("DAG files", partial(_dag_files, settings)),
        Check("pool", partial(_pool, settings)),
        Check("max_map_length", partial(_map_limit, settings)),
        Check("standstills", partial(_standstills, settings)),
    )
    outside = (
        Check("Airflow version", partial(_version, settings)),
        Check("Airflow components", partial(_components, settings)),
        Check("Airflow clock", partial(answers.clock, "Airflow", _address(settings))),
        Check("Airflow log-in", partial(_log_in, settings), inside),
    )
    return Check("Airflow", partial(_answers, settings), outside)


def _address(settings: Settings, path: str = "version") -> str:
    return f"{settings.airflow_url}/api/v2/{path}"


def _answers(settings: Settings) -> str:
    way_out = "Start its api-server, or check SWEEPSTAKE_AIRFLOW_URL."
    answer = answers.ask("Airflow", _address(settings), way_out)
    if not answer.is_success:
        message = f"{settings.airflow_url}: must be Airflow's api-server, but it answers with "
        message += f"{answer.status_code}. Check SWEEPSTAKE_AIRFLOW_URL."
        raise SettingsError(message)
    return settings.airflow_url


def _version(settings: Settings) -> str:
    found = answers.ask("Airflow", _address(settings), "Start it.").json()["version"]
    asked = next(each for each in requirements() if each.name == "apache-airflow")
    return supported("Airflow", settings.airflow_url, found, asked.specifier)


def supported(server: str, url: str, found: str, wanted: SpecifierSet) -> str:
    """The release of a server.

    Raises:
        SettingsError: it is not one of those ``wanted``.
    """
    if not wanted.contains(found, prereleases=True):
        message = f"{server} at {url}: must be {wanted}, but is {found}. Install such a release."
        raise SettingsError(message)
    return found


def _components(settings: Settings) -> str:
    report = answers.ask("Airflow", _address(settings, "monitor/health"), "Start it.").json()
    states = {name: (report.get(name) or {}).get("status") for name in COMPONENTS}
    ailing = [f"{name} is {state}" for name, state in states.items() if state != "healthy"]
    if ailing:
        message = f"{settings.airflow_url}: every component must be healthy, but "
        message += f"{', '.join(ailing)}. Start it, and read its log."
        raise StackError(message)
    return f"{', '.join(COMPONENTS)} are healthy"


def _log_in(settings: Settings) -> str:
    with AirflowApi.of(settings) as api:
        api.dag(DAGS[0])
    return settings.airflow_user


def _dag(settings: Settings, name: str) -> str:
    with AirflowApi.of(settings) as api:
        dag = api.dag(name)
    if dag is None or dag["is_stale"]:
        message = f"DAG {name}: must be there, but is not. Add the bundle of Sweepstake or its DAG "
        raise NotFoundError(message + "file of two lines to Airflow, and start the dag-processor.")
    if dag["is_paused"]:
        message = f"DAG {name}: must run, but is paused. Say: airflow dags unpause {name}."
        raise SettingsError(message)
    return "there, not paused"


def _dag_files(settings: Settings) -> str:
    with AirflowApi.of(settings) as api:
        faults = [fault for fault in api.import_errors() if _is_ours(fault)]
    if faults:
        raise SettingsError("\n".join(map(_told, faults)))
    return "no import errors"


def _is_ours(fault: Mapping[str, Any]) -> bool:
    return any("sweepstake" in (fault[part] or "") for part in FAULT_PARTS)


def _told(fault: Mapping[str, Any]) -> str:
    last = fault["stack_trace"].strip().rpartition("\n")[2].rstrip(".")
    return f"{fault['filename']}: must load, but got {last}. Airflow's page has the whole of it."


def _pool(settings: Settings) -> str:
    with AirflowApi.of(settings) as api:
        slots = api.pool_slots(settings.pool)
    if not slots:
        found = "there is none" if slots is None else "has none"
        message = f"pool {settings.pool!r}: must have slots for training tasks, but {found}. "
        raise SettingsError(message + f"Say: airflow pools set {settings.pool} 4 'Training tasks'.")
    return f"{settings.pool!r} has {slots} slots"


def _map_limit(settings: Settings) -> str:
    with AirflowApi.of(settings) as api:
        told = api.option("core", "max_map_length") or own_limit(settings.home)
    if told is None:
        return "not told by Airflow ([api] expose_config), nor set on this host"
    if int(told) < MOST_STARTED:
        message = f"[core] max_map_length: must be at least {MOST_STARTED}, but got {told}. "
        raise SettingsError(message + "A longer list fails the task that returned it: raise it.")
    return told


def _standstills(settings: Settings) -> str:
    with AirflowApi.of(settings) as api:
        found = standstills(api)
    if found:
        raise StackError("\n".join(map(str, found)))
    return "every run goes on"


def own_limit(home: Path) -> str | None:
    """What this host's own configuration says, if it has one."""
    folder = Path(os.environ.get("AIRFLOW_HOME") or home / "airflow")
    configured = ConfigParser(interpolation=None, strict=False)
    try:
        configured.read(folder / "airflow.cfg")
    except Error:
        return None
    given = configured.get("core", "max_map_length", fallback=None)
    return os.environ.get("AIRFLOW__CORE__MAX_MAP_LENGTH") or given
