"""The ledger: the append-only history of decisions, one MLflow run per round.

A round is written down before it is carried out, so whoever finds it open can end it.
"""

from __future__ import annotations

import getpass
import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count, takewhile
from typing import TYPE_CHECKING, Any

from sweepstake.domain.promotion import Verdict
from sweepstake.domain.tags import PREFIX, MlflowTag, Tag, own
from sweepstake.errors import TrackingUnavailableError
from sweepstake.mlflow_client.connection import quoted
from sweepstake.mlflow_client.run_names import clip
from sweepstake.wording.markup import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sweepstake.mlflow_client.connection import Connection

    Tell = Callable[["LedgerEntry"], None]
    """What is done with a round whose act is carried out, before it ends."""

EXPERIMENT = "sweepstake-ledger"
LONGEST_TAG = 8000
"""Characters of a run's tag; a server on PostgreSQL takes no more, one on SQLite any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One act about a model: a round that was decided, or what somebody did by hand.

    ``version`` is the finalist, or who was put into service; ``previous`` is the champion before
    (empty: none). Scores are on the rows of the test, ``None`` where there is none. ``complete``
    says that nothing more is to be done. ``partition`` is the day of the candidates, empty for data
    of no day; ``as_of`` says that the round was about that day alone. ``holdout`` is the digest of
    the data whose holdout was tested on, empty where no test was made; ``record`` the decision with
    all its figures. ``by`` is who acted by hand or approved. ``digest`` is what is told of the
    sweep, as JSON.
    """

    round: str
    model: str
    verdict: Verdict
    version: str
    previous: str
    reason: str
    decided: datetime
    run_id: str
    complete: bool
    candidate_score: float | None = None
    champion_score: float | None = None
    sweep: str = ""
    partition: str = ""
    as_of: bool = False
    holdout: str = ""
    by: str = ""
    trial_key: str = ""
    previous_key: str = ""
    newest: int = 0
    record: Mapping[str, Any] | None = None
    digest: str = ""

    @property
    def changes(self) -> bool:
        """Whether it puts its version into service."""
        return self.verdict in {Verdict.PROMOTE, Verdict.ROLLBACK, Verdict.REPLACE}

    @property
    def champion(self) -> str:
        """The version that is champion after it, empty where there still is none."""
        return self.version if self.changes else self.previous

    @property
    def score(self) -> float | None:
        """The champion's score on the rows of the test."""
        return self.candidate_score if self.changes else self.champion_score


@dataclass(frozen=True, slots=True)
class Act:
    """What a ledger entry will say; ``newest`` is the newest version of a round."""

    verdict: Verdict
    version: str
    previous: str
    reason: str
    candidate_score: float | None = None
    champion_score: float | None = None
    sweep: str = ""
    partition: str = ""
    as_of: bool = False
    holdout: str = ""
    by: str = ""
    trial_key: str = ""
    previous_key: str = ""
    newest: int = 0
    candidates: int = 1
    record: Mapping[str, Any] | None = None
    digest: str = ""


class Ledger:
    """The rounds in the experiment ``sweepstake-ledger``."""

    def __init__(self, client: Connection) -> None:
        self._client = client

    def find(self, model: str, key: str) -> LedgerEntry | None:
        """The entry ``key`` of ``model``, if there is one; doubles of it are removed."""
        found = self._search(model, f" and tags.`{Tag.ROUND}` = {quoted(key)}")
        for double in found[:-1]:
            self._client.delete_run(double.run_id)
        return found[-1] if found else None

    def open(self, model: str, act: Act, key: str) -> LedgerEntry:
        """Write an entry that is not carried out yet."""
        self._write(model, act, key)
        found = self.find(model, key)
        if found is None:
            message = f"{model}: MLflow must find the round that was written, but does not. Retry."
            raise TrackingUnavailableError(message)
        return found

    def close_round(self, entry: LedgerEntry, *, done: bool = True) -> LedgerEntry:
        """End the round; ``done=False`` where it could not be carried out."""
        self._client.set_terminated(entry.run_id, "FINISHED" if done else "FAILED")
        return replace(entry, complete=True)

    def entries(self, model: str) -> tuple[LedgerEntry, ...]:
        """All rounds of ``model``, newest first."""
        return self._search(model)

    def _write(self, model: str, act: Act, key: str) -> None:
        from mlflow.entities import Metric

        day = f" as of {act.partition}" if act.as_of else ""
        figures = _figures(act)
        texts = {name: getattr(act, name) for name in _TEXTS}
        tags = {
            Tag.ROLE: "round",
            Tag.ROUND: key,
            Tag.MODEL: model,
            Tag.VERDICT: str(act.verdict),
            Tag.PREVIOUS: act.previous,
            Tag.CANDIDATES: str(act.candidates),
            Tag.NEWEST: str(act.newest),
            **{own(name): text for name, text in texts.items() if text},
            **({Tag.AS_OF: "true"} if act.as_of else {}),
            **(_parts(json.dumps(act.record)) if act.record else {}),
            **{own(name): repr(value) for name, value in figures.items()},
            MlflowTag.NAME: f"{model} {act.verdict} {act.version}{day}",
            MlflowTag.SOURCE: "sweepstake",
            MlflowTag.USER: act.by or getpass.getuser(),
            MlflowTag.NOTE: escaped(act.reason),
        }
        cut = {name: clip(text, LONGEST_TAG) for name, text in tags.items()}
        run_id = self._client.create_run(self._experiment(), tags=cut).info.run_id
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, 0) for name, value in figures.items()]
        self._client.log_batch(run_id, metrics=metrics)

    def _search(self, model: str, further: str = "") -> tuple[LedgerEntry, ...]:
        if self._client.get_experiment_by_name(EXPERIMENT) is None:
            return ()  # whoever only reads creates nothing
        found = self._client.every(
            "search_runs",
            experiment_ids=[self._experiment()],
            filter_string=f"tags.`{Tag.MODEL}` = {quoted(model)}{further}",
        )
        entries = [_entry(run) for run in found if _is_entry(run)]
        return tuple(sorted(entries, key=lambda e: (e.decided, e.run_id), reverse=True))

    def _experiment(self) -> str:
        return str(self._client.experiment(EXPERIMENT).experiment_id)


_TEXTS = (
    "version",
    "reason",
    "sweep",
    "partition",
    "holdout",
    "by",
    "trial_key",
    "previous_key",
    "digest",
)
"""What is written as a tag of the same name where it is not empty."""


def _parts(record: str) -> dict[str, str]:
    """A record as tags: one alone may be too long, as a decision about many classes is."""
    starts = range(0, len(record), LONGEST_TAG)
    return {
        Tag.RECORD + (f".{number}" if number else ""): record[start : start + LONGEST_TAG]
        for number, start in enumerate(starts)
    }


def _record(tags: Mapping[str, str]) -> Any:
    """The record that `_parts` wrote, ``None`` where there is none."""
    parts = takewhile(bool, (tags.get(f"{Tag.RECORD}.{number}", "") for number in count(1)))
    return json.loads(tags[Tag.RECORD] + "".join(parts)) if Tag.RECORD in tags else None


def _is_entry(run: Any) -> bool:
    """Whether a run is an act at all: the experiment may hold what others put there."""
    tags = run.data.tags
    known = {Tag.ROUND, Tag.MODEL, Tag.VERDICT} <= tags.keys()
    return known and tags[Tag.VERDICT] in set(Verdict)


def _figures(act: Act) -> dict[str, float]:
    """The figures of an act, as metrics that MLflow's pages compare and draw."""
    gain = (act.record or {}).get("gain") or {}
    found = {"candidate_score": act.candidate_score, "champion_score": act.champion_score}
    found |= {name: gain.get(name) for name in ("gain", "low", "high", "p", "confirmable")}
    return {name: float(value) for name, value in found.items() if value is not None}


def _entry(run: Any) -> LedgerEntry:
    tags = {name.removeprefix(PREFIX): text for name, text in run.data.tags.items()}
    texts = {name: tags.get(name, "") for name in _TEXTS}
    return LedgerEntry(
        **texts,
        round=tags["round"],
        model=tags["model"],
        verdict=Verdict(tags["verdict"]),
        previous=tags.get("previous", ""),
        candidate_score=_figure(tags.get("candidate_score")),
        champion_score=_figure(tags.get("champion_score")),
        decided=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
        run_id=run.info.run_id,
        complete=run.info.status != "RUNNING",
        as_of=tags.get("as_of") == "true",
        newest=int(tags.get("newest", "0")),
        record=_record(run.data.tags),
    )


def _figure(text: str | None) -> float | None:
    return None if text is None else float(text)
