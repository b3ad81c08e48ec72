"""A model version as MLflow's registry has it, with the tags that Sweepstake writes on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import nan
from sys import intern
from typing import TYPE_CHECKING, Any, Protocol

from sweepstake.domain.spec import BackfillPolicy
from sweepstake.domain.tags import Tag
from sweepstake.mlflow_client.bulk import MODEL_FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

PENDING = "pending"
EXEMPT = "exempt"
"""The decision of versions that nobody judges."""


@dataclass(frozen=True, slots=True)
class Version:
    """A model version as MLflow has it; ``stage`` is empty where it has none."""

    model: str
    version: str
    run_id: str
    source: str
    stage: str
    created: datetime
    tags: Mapping[str, str]

    @property
    def sweep(self) -> str:
        """The sweep that registered it."""
        return self.tags.get(Tag.SWEEP, "")

    @property
    def trial_key(self) -> str:
        """Content key of the trial that trained it."""
        return self.tags.get(Tag.TRIAL_KEY, "")

    @property
    def sha256(self) -> str:
        """Hash of its model file as its tag has it, which holds only if the workspace knows it."""
        return self.tags.get(Tag.SHA256, "")

    @property
    def is_whole(self) -> bool:
        """Whether its files are the model of its run, so that every way to load it finds these."""
        return self.source == model_uri(self.run_id)

    @property
    def decision(self) -> str:
        """``pending``, ``exempt``, or the verdict on it."""
        return self.tags.get(Tag.DECISION, "")

    @property
    def data_digest(self) -> str:
        """Digest of the data that it was trained on."""
        return self.tags.get(Tag.DATA_DIGEST, "")

    @property
    def trial_number(self) -> int:
        """The number of its trial, -1 where none is known."""
        text = self.tags.get(Tag.TRIAL_NUMBER, "")
        return int(text) if text.isdecimal() else -1

    @property
    def cv_score(self) -> float:
        """Its mean score in cross-validation, NaN where there is none."""
        try:
            return float(self.tags.get(Tag.CV_SCORE, "nan"))
        except ValueError:
            return nan

    @property
    def partition(self) -> str:
        """The day of its data, empty where they are not kept by day."""
        return self.tags.get(Tag.PARTITION, "")

    @property
    def as_of(self) -> bool:
        """Whether it competes for the champion as of its day, not for the one in service."""
        return self.tags.get(Tag.BACKFILL) == BackfillPolicy.AS_OF


def first_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of a new version: ``tags``, and that it waits for its verdict.

    It waits for none if its backfill is never judged.
    """
    never = tags.get(Tag.BACKFILL) == BackfillPolicy.NEVER
    return {**tags, Tag.DECISION: EXEMPT if never else PENDING}


class Stored(Protocol):
    """What it takes to load a model: the run that it is of, and the hash of its file."""

    @property
    def run_id(self) -> str:
        """The id of the run."""

    @property
    def sha256(self) -> str:
        """The hash of its model file."""


def model_uri(run_id: str) -> str:
    """The model of a run, as MLflow's registry is told of it."""
    return f"runs:/{run_id}/{MODEL_FOLDER}"


def version_of(found: Any) -> Version:
    """MLflow's version as a record; texts that are the same in thousands of them are kept once."""
    return Version(
        model=found.name,
        version=str(found.version),
        run_id=found.run_id or "",
        source=found.source or "",
        stage="" if found.current_stage in {None, "None"} else found.current_stage,
        created=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
        tags={intern(name): intern(text) for name, text in found.tags.items()},
    )
