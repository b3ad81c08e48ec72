"""Give Airflow, Celery and MLflow a database role each, which can reach its own databases alone.

It runs as the superuser, whose password no program has that keeps running. Doing it again changes
nothing but passwords, and hands over tables that an earlier release made as the superuser.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
from psycopg2.extensions import encrypt_password
from psycopg2.sql import SQL, Identifier, Literal

if TYPE_CHECKING:
    from psycopg2 import extensions

DATABASES = {"airflow": ("airflow",), "celery": ("celery",), "mlflow": ("mlflow", "mlflow_auth")}
"""The databases of each role."""
NETS = {"idle_in_transaction_session_timeout": "30s", "client_connection_check_interval": "5s"}
"""What frees the locks of a program that holds a transaction and does nothing, was cut off, or is
gone while the server still works for it. The longest pauses of a healthy one are some seconds."""
FOREIGN = """\
SELECT format('ALTER %s %I.%I OWNER TO %I',
  CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
  relnamespace::regnamespace, relname, {role})
FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')
  AND rolname <> {role} AND NOT EXISTS (SELECT FROM pg_depend  -- sequences go with their tables
    WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype IN ('a', 'i'))
UNION ALL
SELECT format('ALTER TYPE %I.%I OWNER TO %I', typnamespace::regnamespace, typname, {role})
FROM pg_type JOIN pg_roles ON pg_roles.oid = typowner
WHERE typnamespace = 'public'::regnamespace AND typtype = 'e' AND rolname <> {role}
"""


def main() -> None:
    """Make what is missing on the server that ``PGHOST`` names."""
    with closing(_connect("postgres")) as server, server.cursor() as cursor:
        for role in DATABASES:
            _make_role(cursor, role, os.environ[f"{role.upper()}_DB_PASSWORD"])
        for role, databases in DATABASES.items():
            for database in databases:
                _make_database(cursor, database, role)
        _close_the_others(cursor)
    for role, databases in DATABASES.items():
        for database in databases:
            _hand_over(database, role)


def _connect(database: str) -> extensions.connection:
    """A connection as the superuser, by libpq's own variables."""
    connection = psycopg2.connect(dbname=database)
    connection.autocommit = True
    return connection


def _make_role(cursor: extensions.cursor, role: str, password: str) -> None:
    """The password is hashed here: neither the server nor its log sees it."""
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,))
    if cursor.fetchone() is None:
        cursor.execute(SQL("CREATE ROLE {}").format(Identifier(role)))
    rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
    hashed = encrypt_password(password, role, cursor.connection, "scram-sha-256")
    text = SQL(f"ALTER ROLE {{}} {rights} PASSWORD {{}}")
    cursor.execute(text.format(Identifier(role), Literal(hashed)))


def _make_database(cursor: extensions.cursor, database: str, role: str) -> None:
    cursor.execute("SELECT FROM pg_database WHERE datname = %s", (database,))
    if cursor.fetchone() is None:
        cursor.execute(SQL("CREATE DATABASE {}").format(Identifier(database)))
    for text in (
        "ALTER DATABASE {} OWNER TO {}",
        "REVOKE ALL ON DATABASE {} FROM PUBLIC",
        *(f"ALTER DATABASE {{}} SET {name} = '{value}'" for name, value in NETS.items()),
    ):
        cursor.execute(SQL(text).format(Identifier(database), Identifier(role)))


def _close_the_others(cursor: extensions.cursor) -> None:
    """Nobody but the superuser has business in the databases that came with the server."""
    cursor.execute("SELECT datname FROM pg_database")
    ours = {database for databases in DATABASES.values() for database in databases}
    for name in sorted({name for (name,) in cursor.fetchall()} - ours):
        cursor.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(Identifier(name)))


def _hand_over(database: str, role: str) -> None:
    """Let the role own what is in its database."""
    with closing(_connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(SQL(FOREIGN).format(role=Literal(role)))
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)


if __name__ == "__main__":
    main()
