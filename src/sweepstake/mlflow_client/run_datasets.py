"""Datasets of runs: what a sweep trained on, as MLflow's pages show and filter it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from sweepstake.domain.tags import MlflowTag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweepstake.data.dataset import Table

CONTEXT = ("mlflow.data.context", "training")
"""The tag by which MLflow says what a dataset was used for."""
DIGEST_LENGTH = 16
"""Characters of the digest; MLflow keeps at most 36. The whole one is a tag."""
NAME_LENGTH = 200
SOURCE_LENGTH = 4000
SCHEMA_LENGTH = 2500
"""Characters up to which a schema is kept: MLflow repeats it with every run that it lists."""
MOST_COLUMNS = 100
"""Columns beyond which none is that short."""


@dataclass(frozen=True, slots=True)
class RunDataset:
    """A dataset in MLflow's words; ``source``, ``schema`` and ``profile`` are JSON."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None
    profile: str

    def to_input(self) -> Any:
        """The record that MLflow's client logs as an input of a run."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(
            name=self.name,
            digest=self.digest,
            source_type=self.source_type,
            source=self.source,
            schema=self.schema,
            profile=self.profile,
        )
        return DatasetInput(dataset, [InputTag(*CONTEXT)])


def run_dataset(table: Table, digest: str, source: str, holdout_rows: int) -> RunDataset:
    """What MLflow is told of the rows of a sweep.

    ``digest`` is that of the rows as they are divided, ``source`` what the grid file names.
    """
    kind, place = _source(source)
    schema = _schema(table)
    rows, columns = table.X.shape
    profile = {
        "num_rows": rows,
        "num_elements": rows * columns,
        "num_features": columns,
        "num_holdout_rows": holdout_rows,
    }
    return RunDataset(
        name=_name(source),
        digest=digest[:DIGEST_LENGTH],
        source_type=kind,
        source=json.dumps(place),
        schema=schema if len(schema) <= SCHEMA_LENGTH else None,
        profile=json.dumps(profile),
    )


def without_credentials(source: str) -> str:
    """An address without a user, a password and whatever a query may hold, such as a signature."""
    if "://" not in source:
        return source
    parts = urlsplit(source)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
    return urlunsplit(bare)


def _source(source: str) -> tuple[str, dict[str, Any]]:
    """Kind and place in the form that ``mlflow.data.get_source`` reads."""
    address = without_credentials(source)[:SOURCE_LENGTH]
    match address.partition("://")[0]:
        case "s3":
            return "s3", {"uri": address}
        case "http" | "https":
            return "http", {"url": address}
        case _ if address.startswith("sklearn:"):
            return "code", {"tags": {MlflowTag.SOURCE: address}}
        case _:
            return "local", {"uri": address}


def _name(source: str) -> str:
    """The last part of the source: ``digits`` of ``sklearn:digits``, a file's stem."""
    address = without_credentials(source)
    last = PurePosixPath(address.rpartition(":")[2].replace("\\", "/"))
    return (last.stem or address)[:NAME_LENGTH]


def _schema(table: Table) -> str:
    """The columns as MLflow writes them, the first of them where there are too many."""
    columns = list(islice(_columns(table), MOST_COLUMNS))
    return json.dumps({"mlflow_colspec": columns}, separators=(",", ":"))


def _columns(table: Table) -> Iterator[dict[str, str]]:
    label = {"i": "long", "b": "boolean", "f": "double"}.get(table.y.dtype.kind, "string")
    yield from ({"type": label, "name": str(name)} for name in table.target)
    kinds = {"float64": "double", "float32": "float"}
    for name, kind in zip(table.X.columns, table.X.dtypes, strict=True):
        yield {"type": kinds.get(str(kind), "string"), "name": str(name)}
