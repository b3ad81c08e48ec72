"""Aliases and stages: who is in service, as MLflow and its pages have it."""

from __future__ import annotations

import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sweepstake.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweepstake.mlflow_client.connection import Connection
    from sweepstake.mlflow_client.ledger import LedgerEntry

CHAMPION = "champion"
CHALLENGER = "challenger"
DATED = f"{CHAMPION}-"
"""How the alias of the champion as of a day begins; the day follows."""


def move(client: Connection, entry: LedgerEntry) -> None:
    """Set aliases and stage as ``entry`` says; doing it twice is doing it once."""
    if entry.changes and not entry.as_of:
        _put_in_service(client, entry)
    if entry.partition and entry.champion:
        client.set_registered_model_alias(entry.model, DATED + entry.partition, entry.champion)


def _put_in_service(client: Connection, entry: LedgerEntry) -> None:
    name, winner, previous = entry.model, entry.version, entry.previous
    if previous not in {"", winner}:
        with suppress(NotFoundError):
            client.set_registered_model_alias(name, CHALLENGER, previous)
    client.set_registered_model_alias(name, CHAMPION, winner)
    with _stages_allowed():
        client.transition_model_version_stage(
            name, winner, "Production", archive_existing_versions=True
        )


@contextmanager
def _stages_allowed() -> Iterator[None]:
    """Stages are deprecated without a date; they mirror the alias as long as they are there."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s).*transition_model_version_stage.*", FutureWarning)
        yield
