"""Statements: many rows written at once, in one order, and again where databases ask for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Row = dict[str, Any]
Result = TypeVar("Result")

ATTEMPTS = 6
"""How often a transaction is begun that others get into the way of."""
LONGEST_WAIT = 0.5
"""Seconds between two of them, at most."""


def repeated(work: Callable[[], Result]) -> Result:
    """What ``work`` returns, a transaction of its own that is begun again after a collision.

    Raises:
        MlflowException: it failed otherwise, or met others ``ATTEMPTS`` times: send it again.
    """
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

    retrying = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random(0, LONGEST_WAIT),
        retry=retry_if_exception(_is_collision),
        reraise=True,
    )
    return retrying(work)


def _is_collision(error: BaseException) -> bool:
    """Deadlocks, locks of SQLite's and rows that another transaction has just inserted."""
    return getattr(error, "error_code", None) == "TEMPORARILY_UNAVAILABLE"


def insert(session: Any, table: Any, rows: Iterable[Row]) -> None:
    """Insert rows in as few statements as the database allows.

    Raises:
        MlflowException: another transaction has just inserted some of them.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
    from sqlalchemy import insert as statement
    from sqlalchemy.exc import IntegrityError

    found = _ordered(table, rows)
    try:
        if found:
            session.execute(statement(table), found)
    except IntegrityError as error:
        message = "Another request wrote some of these rows just now. Send it again."
        raise MlflowException(message, TEMPORARILY_UNAVAILABLE) from error


def upsert(session: Any, table: Any, rows: Iterable[Row]) -> None:
    """Insert rows, and give those that are there the new ``value``.

    One statement does both, row after row in the order of their keys: writers of the same rows wait
    for one another, and none finds a row that was not there a moment ago, nor a deadlock.
    """
    found = _ordered(table, rows)
    match session.get_bind().dialect.name:
        case _ if not found:
            pass
        case "postgresql" | "sqlite" as dialect:
            session.execute(_on_conflict(dialect, table), found)
        case "mysql":
            session.execute(_on_duplicate_key(table), found)
        case _:  # MLflow takes SQL Server as well
            for row in found:
                session.merge(table(**row))


def _on_conflict(dialect: str, table: Any) -> Any:
    from sqlalchemy.dialects import postgresql, sqlite

    statement = {"postgresql": postgresql, "sqlite": sqlite}[dialect].insert(table)
    keys = [column.name for column in table.__table__.primary_key]
    return statement.on_conflict_do_update(
        index_elements=keys, set_={"value": statement.excluded.value}
    )


def _on_duplicate_key(table: Any) -> Any:
    from sqlalchemy.dialects import mysql

    statement = mysql.insert(table)
    return statement.on_duplicate_key_update(value=statement.inserted.value)


def _ordered(table: Any, rows: Iterable[Row]) -> list[Row]:
    """The rows by their keys: transactions that lock in one order do not wait in a circle."""
    keys = [column.name for column in table.__table__.primary_key]
    return sorted(rows, key=lambda row: [row[key] for key in keys])
