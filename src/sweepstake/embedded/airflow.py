"""Airflow: its configuration in the embedded stack, and its database's migration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from sweepstake.embedded import postgres
from sweepstake.embedded.credentials import ADMIN
from sweepstake.embedded.layout import write_private
from sweepstake.embedded.ports import HOST
from sweepstake.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.embedded.credentials import Credentials
    from sweepstake.embedded.layout import Layout
    from sweepstake.embedded.ports import Ports

LEAST_PARALLELISM = 8
PASSWORDS = "passwords.json"
BUNDLE = {
    "name": "sweepstake",
    "classpath": "sweepstake.airflow.bundle.SweepstakeBundle",
    "kwargs": {},
}
PRELOAD = """\
from sweepstake.airflow.preload import preload_for_tasks

__all__ = []

preload_for_tasks()
"""


def configure(layout: Layout, ports: Ports, credentials: Credentials) -> None:
    """Write ``airflow.cfg``, the password file (before Airflow makes a public one) and preload."""
    sections = {
        "core": _core(layout, ports, credentials),
        "database": {
            "sql_alchemy_conn": postgres.uri("airflow", ports),
            "load_default_connections": "False",
        },
        "logging": {"base_log_folder": str(layout.airflow / "logs")},
        "api": _api(ports, credentials),
        "api_auth": {"jwt_secret": credentials.jwt_secret},
        **tempo(),
    }
    sections["dag_processor"]["dag_bundle_config_list"] = json.dumps([BUNDLE])
    write_private(layout.airflow / "airflow.cfg", render(sections))
    passwords = json.dumps({ADMIN: credentials.airflow_password})
    write_private(layout.airflow / PASSWORDS, passwords)
    write_private(layout.airflow / "config" / "airflow_local_settings.py", PRELOAD)


def render(sections: Mapping[str, Mapping[str, str]]) -> str:
    """The text of a configuration file; a percent sign is doubled, as Airflow interpolates."""
    lines: list[str] = []
    for section, options in sections.items():
        lines += [f"[{section}]"]
        lines += [f"{key} = {value.replace('%', '%%')}" for key, value in options.items()]
        lines += [""]
    return "\n".join(lines)


def migrate(layout: Layout, environment: Mapping[str, str]) -> None:
    """Bring Airflow's database to the installed release, if it is not there yet.

    Raises:
        StackError: the migration failed; the message holds the end of its log.
    """
    done = layout.airflow / "migrated"
    release = version("apache-airflow")
    if done.exists() and done.read_text(encoding="utf-8") == release:
        return
    log = layout.logs / "migration.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        code = subprocess.call(command, env=environment, stdout=output, stderr=output)
    if code:
        text = log.read_text(encoding="utf-8", errors="replace")
        message = f"airflow: its database must migrate to {release}, but failed:\n{text[-2000:]}"
        raise StackError(message)
    write_private(done, release)


def _core(layout: Layout, ports: Ports, credentials: Credentials) -> dict[str, str]:
    return {
        "load_examples": "False",
        "dags_are_paused_at_creation": "False",
        "executor": "sweepstake.airflow.executor.ForkExecutor",
        "parallelism": str(max(LEAST_PARALLELISM, 2 * (os.cpu_count() or 1))),
        "max_map_length": "4096",
        "min_serialized_dag_update_interval": "5",
        "min_serialized_dag_fetch_interval": "2",
        "execution_api_server_url": f"{ports.airflow_url}/execution/",
        "hostname_callable": "socket.gethostname",
        "fernet_key": credentials.fernet_key,
        "simple_auth_manager_users": f"{ADMIN}:admin",
        "simple_auth_manager_passwords_file": str(layout.airflow / PASSWORDS),
    }


def _api(ports: Ports, credentials: Credentials) -> dict[str, str]:
    return {
        "host": HOST,
        "port": str(ports.airflow),
        "base_url": ports.airflow_url,
        "workers": "1",
        "secret_key": credentials.secret_key,
        "expose_config": "False",
    }


def tempo() -> dict[str, dict[str, str]]:
    """How quickly things are noticed: tasks ended, DAG files changed, processes killed."""
    return {
        "workers": {
            "min_heartbeat_interval": "1",
            "max_failed_heartbeats": "30",  # a restart of the api-server or database ends no task
        },
        "scheduler": {
            "catchup_by_default": "False",
            "scheduler_idle_sleep_time": "0.1",
            "task_instance_heartbeat_timeout": "30",
            "orphaned_tasks_check_interval": "20",
            "max_dagruns_per_loop_to_schedule": "100",
            "parsing_cleanup_interval": "10",
        },
        "dag_processor": {
            "stale_dag_threshold": "20",
            "parsing_processes": "1",
            "refresh_interval": "5",
            "bundle_refresh_check_interval": "5",
            "min_file_process_interval": "5",
        },
    }
