"""Tags of model versions: of one, or of many in as few requests as the server takes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from sweepstake.errors import NotFoundError
from sweepstake.mlflow_client.bulk import VERSION_TAGS, VersionTags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.mlflow_client.connection import Connection

WRITERS = 4
"""Versions whose tags are written at the same time, one by one."""
VERSIONS_PER_CALL = 500
"""Versions whose tags are written in one request."""


def tag_all(client: Connection, model: str, tags: Mapping[str, Mapping[str, str]]) -> None:
    """Tag versions by their numbers, many in one request where the server takes that."""
    if client.offers(VERSION_TAGS):
        numbered = [(int(number), given) for number, given in tags.items()]
        for first in range(0, len(numbered), VERSIONS_PER_CALL):
            part = dict(numbered[first : first + VERSIONS_PER_CALL])
            client.post(VERSION_TAGS, VersionTags(model, part).to_json())
    else:
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(lambda item: tag(client, model, *item), tags.items()))


def tag(client: Connection, model: str, version: str, tags: Mapping[str, str]) -> None:
    """Tag a version in the order of ``tags``; one that was deleted by hand needs no tags."""
    with suppress(NotFoundError):
        for name, value in tags.items():
            client.set_model_version_tag(model, version, name, value)
