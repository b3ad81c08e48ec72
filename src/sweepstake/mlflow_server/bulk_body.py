"""The body of a posted bulk: read strictly, as the frozen records of `bulk`.

Nothing is converted: a number is no text, a text no number. Names and values are held to MLflow's
rules where they are written; here it is what JSON can hold at all, and how much of it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    ValidationError,
)

from sweepstake.domain.tags import MlflowTag
from sweepstake.mlflow_client.bulk import (
    MOST_POINTS,
    MOST_RUNS,
    MOST_VALUES,
    MOST_VERSIONS,
    RUNS,
    VERSION_TAGS,
    Bulk,
    RunRecord,
    VersionTags,
)
from sweepstake.mlflow_client.run_datasets import RunDataset
from sweepstake.wording.near_misses import shown

MOST_SHOWN = 5
"""Mistakes that are named in one message."""

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""PostgreSQL keeps no NUL."""
RunId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""As MLflow makes them."""
ExperimentId = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,17})$")]
"""One spelling only: MLflow's grants are for ``7``, its database finds ``007`` as well."""
VersionNumber = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")]
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Figure = float | Literal["nan", "inf", "-inf"]
Texts = Annotated[dict[Text, Text], Field(max_length=MOST_VALUES)]
Points = Annotated[list[tuple[Text, Figure, Whole]], Field(max_length=MOST_POINTS), FailFast()]


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Run(_Body):
    run_id: RunId
    status: Literal["RUNNING", "FINISHED", "FAILED"]
    started: Whole
    ended: Whole | None
    tags: Texts
    params: Texts
    metrics: Points
    version: Texts | None

    def record(self) -> RunRecord:
        """The record; figures that JSON has no word for are figures again."""
        return RunRecord(
            run_id=self.run_id,
            status=self.status,
            started=self.started,
            ended=self.ended,
            tags=self.tags,
            params=self.params,
            metrics=tuple((name, float(value), step) for name, value, step in self.metrics),
            version=self.version,
        )


class _Dataset(_Body):
    name: Text
    digest: Text
    source_type: Text
    source: Text
    schema_: Annotated[Text | None, Field(alias="schema")]
    profile: Text

    def record(self) -> RunDataset:
        """The record; its parts are held to MLflow's rules where it is written."""
        return RunDataset(
            name=self.name,
            digest=self.digest,
            source_type=self.source_type,
            source=self.source,
            schema=self.schema_,
            profile=self.profile,
        )


class _Runs(_Body):
    experiment_id: ExperimentId
    name: Text
    runs: Annotated[list[_Run], Field(max_length=MOST_RUNS), FailFast()]
    dataset: _Dataset | None = None


class _Tags(_Body):
    name: Text
    tags: Annotated[dict[VersionNumber, Texts], Field(max_length=MOST_VERSIONS)]


def read_runs(body: bytes) -> Bulk:
    """The bulk that ``Bulk.to_json`` wrote.

    Raises:
        ValueError: it is something else.
    """
    read = _read(_Runs, body, RUNS)
    runs = tuple(_checked(run.record()) for run in read.runs)
    dataset = read.dataset.record() if read.dataset else None
    return Bulk(read.experiment_id, read.name, runs, dataset)


def read_tags(body: bytes) -> VersionTags:
    """The tags that ``VersionTags.to_json`` wrote.

    Raises:
        ValueError: they are something else.
    """
    read = _read(_Tags, body, VERSION_TAGS)
    return VersionTags(read.name, {int(number): tags for number, tags in read.tags.items()})


_Any = TypeVar("_Any", bound=_Body)


def _read(kind: type[_Any], body: bytes, route: str) -> _Any:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False)
        more = f" And {len(found) - MOST_SHOWN} more." if len(found) > MOST_SHOWN else ""
        message = f"{route}: {' '.join(map(_mistake, found[:MOST_SHOWN]))}{more}"
        raise ValueError(message) from error


def _mistake(found: Any) -> str:
    """What pydantic found, as ``runs.0.started: Input should be a valid integer, but got 'x'``."""
    place = ".".join(map(str, found["loc"])) or "body"
    got = "" if place == "body" else f", but got {shown(found['input'])}"
    return f"{place}: {found['msg']}{got}."


def _checked(run: RunRecord) -> RunRecord:
    """A run with a name, and a state that fits its end."""
    states = {"RUNNING"} if run.ended is None else {"FINISHED", "FAILED"}
    if run.status not in states or not run.tags.get(MlflowTag.NAME):
        rule = f"must have a name and be one of {sorted(states)}"
        message = f"{RUNS}: run {run.run_id}: {rule}, but got {shown(run.status)}."
        raise ValueError(message)
    return run
