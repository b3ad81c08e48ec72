"""Rows of the model registry: versions and their tags, as many as there are at once.

Written with MLflow's own tables, as those of `trackingrows` are.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sweepstake.bulk import MODEL_FOLDER
from sweepstake.trackingrows import insert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sweepstake.bulk import RunRecord
    from sweepstake.trackingrows import Row


def store_versions(registry: Any, name: str, runs: Sequence[RunRecord]) -> dict[str, int]:
    """Make each run's model a version, unless it is one; its number by run id.

    ``registry`` is the server's ``SqlAlchemyStore`` of models. The row of the registered model is
    written first, so that requests count one after another.

    Raises:
        MlflowException: there is no registered model of this name.
    """
    if not runs:
        return {}
    with registry.ManagedSessionMaker(read_only=False) as session:
        now = int(time.time() * 1000)
        model = registry._get_registered_model(session, name)  # noqa: SLF001
        model.last_updated_time = now
        session.flush()  # from here on the row is locked
        known = _known_versions(registry, session, name, [run.run_id for run in runs])
        new = [run for run in runs if run.run_id not in known]
        first = _last_version(registry, session, name) + 1
        base = {"workspace": model.workspace, "name": name}
        numbered = list(enumerate(new, first))
        rows = ({**base, **_version_row(run, number, now)} for number, run in numbered)
        insert(session, _tables().SqlModelVersion, rows)
        insert(session, _tables().SqlModelVersionTag, _version_tags(base, numbered))
    _tell(registry, name, numbered)
    return known | {run.run_id: number for number, run in numbered}


def _tell(registry: Any, name: str, numbered: Iterable[tuple[int, RunRecord]]) -> None:
    """Call the webhooks that wait for new versions."""
    from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent
    from mlflow.webhooks.delivery import deliver_webhook
    from mlflow.webhooks.types import ModelVersionCreatedPayload

    event = WebhookEvent(WebhookEntity.MODEL_VERSION, WebhookAction.CREATED)
    for number, run in numbered:
        payload = ModelVersionCreatedPayload(
            name=name,
            version=str(number),
            source=_source(run),
            run_id=run.run_id,
            tags=dict(run.version or {}),
            description=None,
        )
        deliver_webhook(event=event, payload=payload, store=registry)


def _known_versions(registry: Any, session: Any, name: str, ids: list[str]) -> dict[str, int]:
    """Number by run id of the runs that are versions already."""
    version = _tables().SqlModelVersion
    found = _versions(registry, session, name).filter(version.run_id.in_(ids))
    return {row.run_id: row.version for row in found}


def _versions(registry: Any, session: Any, name: str) -> Any:
    """The versions of a model that are not deleted."""
    from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL

    version = _tables().SqlModelVersion
    return session.query(version).filter(
        version.name == name,
        version.current_stage != STAGE_DELETED_INTERNAL,
        *registry._get_workspace_clauses(version),  # noqa: SLF001
    )


def _last_version(registry: Any, session: Any, name: str) -> int:
    """The greatest number ever given, deleted versions included."""
    from sqlalchemy import func

    version = _tables().SqlModelVersion
    clauses = registry._get_workspace_clauses(version)  # noqa: SLF001
    found = session.query(func.max(version.version)).filter(version.name == name, *clauses)
    return found.scalar() or 0


def _tables() -> Any:
    from mlflow.store.model_registry.dbmodels import models

    return models


def _version_row(run: RunRecord, number: int, now: int) -> Row:
    """As ``SqlAlchemyStore.create_model_version`` fills it."""
    return {
        "version": number,
        "creation_time": now,
        "last_updated_time": now,
        "source": _source(run),
        "storage_location": _source(run),
        "run_id": run.run_id,
        "run_link": "",
        "description": "",
    }


def _source(run: RunRecord) -> str:
    return f"runs:/{run.run_id}/{MODEL_FOLDER}"


def _version_tags(base: Row, numbered: Iterable[tuple[int, RunRecord]]) -> Iterator[Row]:
    for number, run in numbered:
        for key, value in (run.version or {}).items():
            yield {**base, "version": number, "key": key, "value": value}


def store_tags(registry: Any, name: str, tags: Mapping[int, Mapping[str, str]]) -> None:
    """Set tags of versions by their numbers, all in one step; versions that are gone need none.

    Raises:
        MlflowException: there is no such registered model, or a tag is none.
    """
    with registry.ManagedSessionMaker(read_only=False) as session:
        model = registry._get_registered_model(session, name)  # noqa: SLF001
        base = {"workspace": model.workspace, "name": name}
        alive = _alive(registry, session, name, list(tags))
        rows = [
            {**base, "version": number, "key": key, "value": value}
            for number in alive
            for key, value in tags[number].items()
        ]
        _check(rows)
        _delete_tags(session, base, rows)
        insert(session, _tables().SqlModelVersionTag, rows)
    _tell_of_tags(registry, rows)


def _check(rows: Iterable[Row]) -> None:
    from mlflow.utils.validation import _validate_model_version_tag

    for row in rows:
        _validate_model_version_tag(row["key"], row["value"])


def _alive(registry: Any, session: Any, name: str, numbers: list[int]) -> list[int]:
    """Those of the versions that are not deleted."""
    version = _tables().SqlModelVersion
    found = _versions(registry, session, name).filter(version.version.in_(numbers))
    return sorted(row.version for row in found)


def _delete_tags(session: Any, base: Row, rows: Iterable[Row]) -> None:
    """Make room for tags, of each key at once."""
    table = _tables().SqlModelVersionTag
    keys = {row["key"] for row in rows}
    for key in keys:
        numbers = [row["version"] for row in rows if row["key"] == key]
        query = session.query(table).filter_by(**base, key=key)
        query.filter(table.version.in_(numbers)).delete(synchronize_session=False)


def _tell_of_tags(registry: Any, rows: Iterable[Row]) -> None:
    """Call the webhooks that wait for tags of versions."""
    from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent
    from mlflow.webhooks.delivery import deliver_webhook

    event = WebhookEvent(WebhookEntity.MODEL_VERSION_TAG, WebhookAction.SET)
    for row in rows:
        payload = {name: str(row[name]) for name in ("name", "version", "key", "value")}
        deliver_webhook(event=event, payload=payload, store=registry)
