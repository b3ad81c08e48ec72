"""Rows of the model registry: versions and their tags, as many as there are at once.

Written with MLflow's own tables, as those of `trackingrows` are.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from sweepstake.mlflow_client.bulk import RUNS
from sweepstake.mlflow_client.model_version import model_uri
from sweepstake.mlflow_server import internals
from sweepstake.mlflow_server.statements import insert, repeated, upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sweepstake.mlflow_client.bulk import RunRecord
    from sweepstake.mlflow_server.statements import Row


def check_versions(name: str, runs: Iterable[RunRecord]) -> None:
    """Hold versions to what MLflow's API takes.

    Raises:
        MlflowException: one would be refused.
    """
    for run in runs:
        internals.validate_model_name(name)
        message = _create_model_version(name, run)
        _check_tags([run.version or {}])
        _check_source(message.source)
        internals.validate_prompt(message)


def store_versions(registry: Any, name: str, runs: Sequence[RunRecord]) -> dict[str, int]:
    """Make each run's model a version, unless it is one; its number by run id.

    ``registry`` is the server's ``SqlAlchemyStore`` of models. The row of the registered model is
    written first, so that requests count one after another.

    Raises:
        MlflowException: there is no registered model of this name.
    """
    wanted: dict[str, RunRecord] = {}
    for run in runs:
        wanted.setdefault(run.run_id, run)

    def store() -> tuple[dict[str, int], list[tuple[int, RunRecord]]]:
        with registry.ManagedSessionMaker(read_only=False) as session:
            return _store_versions(registry, session, name, wanted)

    known, new = repeated(store) if wanted else ({}, [])
    _tell(registry, name, new)
    return known | {run.run_id: number for number, run in new}


def _store_versions(
    registry: Any, session: Any, name: str, runs: Mapping[str, RunRecord]
) -> tuple[dict[str, int], list[tuple[int, RunRecord]]]:
    """Numbers of the runs that are versions already, and those that became one just now."""
    base, now = _base(registry, session, name), int(time.time() * 1000)
    _lock(session, base, now)
    known = _known_versions(registry, session, name, list(runs))
    first = _last_version(registry, session, name) + 1
    new = list(enumerate((run for run_id, run in runs.items() if run_id not in known), first))
    rows = ({**base, **_version_row(run, number, now)} for number, run in new)
    insert(session, _tables().SqlModelVersion, rows)
    insert(session, _tables().SqlModelVersionTag, _version_tags(base, new))
    return known, new


def _base(registry: Any, session: Any, name: str) -> Row:
    """What is the same in all rows of a registered model."""
    model = internals.model_row(registry, session, name)
    return {"workspace": model.workspace, "name": name}


def _lock(session: Any, base: Row, now: int) -> None:
    """Say that the registered model has changed; until the end, others wait at its row."""
    from sqlalchemy import update

    changed = update(_tables().SqlRegisteredModel).filter_by(**base)
    session.execute(changed.values(last_updated_time=now))


def _create_model_version(name: str, run: RunRecord) -> Any:
    """The request of MLflow's API that makes this version."""
    from mlflow.protos.model_registry_pb2 import CreateModelVersion, ModelVersionTag

    tags = [ModelVersionTag(key=key, value=text) for key, text in (run.version or {}).items()]
    return CreateModelVersion(name=name, source=_source(run), run_id=run.run_id, tags=tags)


def _check_source(source: str) -> None:
    """Hold the place of a version's files to the operator's own pattern."""
    from mlflow.environment_variables import MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX
    from mlflow.exceptions import MlflowException

    pattern = MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX.get()
    if pattern and not re.search(pattern, source):
        message = f"{RUNS}: must be versions of places like {pattern}, but got {source}."
        raise MlflowException.invalid_parameter_value(message)


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
        *internals.workspace_clauses(registry, version),
    )


def _last_version(registry: Any, session: Any, name: str) -> int:
    """The greatest number ever given, deleted versions included."""
    from sqlalchemy import func

    version = _tables().SqlModelVersion
    clauses = internals.workspace_clauses(registry, version)
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
    return model_uri(run.run_id)


def _version_tags(base: Row, numbered: Iterable[tuple[int, RunRecord]]) -> Iterator[Row]:
    for number, run in numbered:
        for key, value in (run.version or {}).items():
            yield {**base, "version": number, "key": key, "value": value}


def store_tags(registry: Any, name: str, tags: Mapping[int, Mapping[str, str]]) -> None:
    """Set tags of versions by their numbers, all in one step; versions that are gone need none.

    Raises:
        MlflowException: there is no such registered model, or a tag is none.
    """
    _check_tags(tags.values())

    def store() -> list[Row]:
        with registry.ManagedSessionMaker(read_only=False) as session:
            base = _base(registry, session, name)
            rows = [
                {**base, "version": number, "key": key, "value": value}
                for number in _alive(registry, session, name, list(tags))
                for key, value in tags[number].items()
            ]
            upsert(session, _tables().SqlModelVersionTag, rows)
            return rows

    _tell_of_tags(registry, repeated(store))


def _check_tags(tags: Iterable[Mapping[str, str]]) -> None:
    for given in tags:
        for key, value in given.items():
            internals.validate_version_tag(key, value)


def _alive(registry: Any, session: Any, name: str, numbers: list[int]) -> list[int]:
    """Those of the versions that are not deleted."""
    version = _tables().SqlModelVersion
    found = _versions(registry, session, name).filter(version.version.in_(numbers))
    return sorted(row.version for row in found)


def _tell_of_tags(registry: Any, rows: Sequence[Row]) -> None:
    """Call the webhooks that wait for tags of versions, or of prompts, which are versions too."""
    from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent
    from mlflow.webhooks.delivery import deliver_webhook

    if not rows:
        return
    prompt = internals.is_prompt(registry.get_registered_model(rows[0]["name"]))
    entity = WebhookEntity.PROMPT_VERSION_TAG if prompt else WebhookEntity.MODEL_VERSION_TAG
    event = WebhookEvent(entity, WebhookAction.SET)
    for row in rows:
        payload = {name: str(row[name]) for name in ("name", "version", "key", "value")}
        deliver_webhook(event=event, payload=payload, store=registry)
