"""What deploy/make_databases.py leaves on a real server: who may reach, own and hold what."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "deploy"))

from make_databases import DATABASES, NETS

from sweepstake.embedded import credentials, ports, postgres
from sweepstake.embedded.layout import Layout

SCRIPT = Path(__file__).parents[2] / "deploy" / "make_databases.py"
OWNERS = {database: role for role, databases in DATABASES.items() for database in databases}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The environment of the service `databases`, whose server has tables of an earlier release."""
    layout = Layout(tmp_path_factory.mktemp("postgres"))
    layout.create()
    chosen = ports.choose({ports.setting(name): "auto" for name in ports.DEFAULTS}, layout.ports)
    secret = credentials.ensure(layout.credentials)
    postgres.prepare(layout, secret.postgres_password, chosen)
    process = subprocess.Popen(postgres.command(layout, chosen), stderr=subprocess.DEVNULL)
    try:
        while not postgres.is_ready(layout, chosen):
            assert process.poll() is None
        yield {
            "PGHOST": ports.HOST,
            "PGPORT": str(chosen.postgres),
            "PGUSER": postgres.USER,
            "PGPASSWORD": secret.postgres_password,
            **{f"{role.upper()}_DB_PASSWORD": f"the password of {role}" for role in DATABASES},
        }
    finally:
        process.send_signal(subprocess.signal.SIGINT)
        process.wait()


@pytest.fixture(scope="module")
def made(server):
    """The same, after the script ran twice."""
    with closing(connect(server, "postgres")) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE airflow")
    with closing(connect(server, "airflow")) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TYPE mood AS ENUM ('good')")
        cursor.execute("CREATE TABLE dag (id SERIAL PRIMARY KEY, mood mood)")
        cursor.execute("CREATE SEQUENCE task_id_sequence")
    for _ in range(2):
        environment = {**os.environ, **server}
        subprocess.run([sys.executable, SCRIPT], env=environment, check=True)
    return server


def connect(server, database, role=None):
    """A connection as a role, or as the superuser."""
    connection = psycopg2.connect(
        host=server["PGHOST"],
        port=server["PGPORT"],
        dbname=database,
        user=role or server["PGUSER"],
        password=server[f"{role.upper()}_DB_PASSWORD"] if role else server["PGPASSWORD"],
    )
    connection.autocommit = True
    return connection


def said(server, database, role, statement):
    """What a statement answers; of a refusal, its kind."""
    try:
        with closing(connect(server, database, role)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None
    except psycopg2.Error as error:
        return type(error).__name__ + (": CONNECT" if "CONNECT privilege" in str(error) else "")


@pytest.mark.parametrize("database", [*OWNERS, "postgres", "template1"])
@pytest.mark.parametrize("role", DATABASES)
def test_a_role_reaches_its_own_databases_alone(made, role, database):
    """Every other one, those of the server itself among them, refuses the connection."""
    wanted = [(1,)] if OWNERS.get(database) == role else "OperationalError: CONNECT"
    assert wanted == said(made, database, role, "SELECT 1")


@pytest.mark.parametrize(("database", "role"), OWNERS.items())
def test_a_role_may_do_all_in_its_database(made, database, role):
    """Migrations make, alter and drop tables and types."""
    statements = (
        "CREATE TABLE made (id SERIAL)",
        "CREATE TYPE kind AS ENUM ('a')",
        "ALTER TABLE made ADD COLUMN kind kind",
        "DROP TABLE made",
        "DROP TYPE kind",
    )
    assert [None] * 5 == [said(made, database, role, each) for each in statements]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE ROLE other",
        "CREATE DATABASE other",
        "ALTER ROLE airflow SUPERUSER",
        "SET ROLE sweepstake",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
    ],
)
@pytest.mark.parametrize(("role", "databases"), DATABASES.items())
def test_a_role_has_no_power_over_the_server(made, role, databases, statement):
    """It makes no roles and databases, runs no programs, reads no files and no password."""
    assert "InsufficientPrivilege" == said(made, databases[0], role, statement)


def test_tables_of_an_earlier_release_are_handed_over(made):
    """What the superuser made, the role may migrate."""
    statements = ("ALTER TABLE dag ADD COLUMN name TEXT", "ALTER TYPE mood ADD VALUE 'bad'")
    assert [None] * 2 == [said(made, "airflow", "airflow", each) for each in statements]
    wanted = "INSERT INTO dag (mood) VALUES ('bad') RETURNING id"
    assert [(1,)] == said(made, "airflow", "airflow", wanted)
    assert [(1,)] == said(made, "airflow", "airflow", "SELECT nextval('task_id_sequence')")


@pytest.mark.parametrize(("name", "value"), NETS.items())
@pytest.mark.parametrize(("database", "role"), OWNERS.items())
def test_no_transaction_idles_for_long(made, database, role, name, value):
    """One whose client fell silent or is gone gives its locks back by itself."""
    assert [(value,)] == said(made, database, role, f"SHOW {name}")


def test_the_server_keeps_no_password_in_the_clear(made):
    """It gets them hashed, so that none can stand in its log."""
    found = said(made, "postgres", None, "SELECT rolname, rolpassword FROM pg_authid")
    kept = {name: text for name, text in found if name in DATABASES}
    assert DATABASES.keys() == kept.keys()
    assert all(text.startswith("SCRAM-SHA-256$") for text in kept.values())
