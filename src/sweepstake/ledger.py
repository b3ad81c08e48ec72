"""The ledger: the append-only history of decisions, one MLflow run per round.

A round is written down before it is carried out, so whoever finds it open can end it.
"""

from __future__ import annotations

import getpass
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any

from sweepstake.promotion import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweepstake.connection import Connection
    from sweepstake.promotion import Decision

EXPERIMENT = "sweepstake-ledger"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One round of decisions about a model.

    ``version`` is the best candidate and ``previous`` the champion before the round (empty: none);
    scores are on the holdout, ``None`` where there is none. ``complete`` says that the round needs
    nothing more. ``partition`` is the day of the candidates, empty for data of no day; ``as_of``
    says that the round was about that day alone, not about the champion in service.
    """

    round: str
    model: str
    verdict: Verdict
    version: str
    previous: str
    reason: str
    candidate_score: float | None
    champion_score: float | None
    decided: datetime
    run_id: str
    complete: bool
    partition: str = ""
    as_of: bool = False

    @property
    def champion(self) -> str:
        """The version that is champion after the round, empty where there still is none."""
        return self.version if self.verdict is Verdict.PROMOTE else self.previous

    @property
    def score(self) -> float | None:
        """The champion's score on the round's holdout."""
        return self.candidate_score if self.verdict is Verdict.PROMOTE else self.champion_score


@dataclass(frozen=True, slots=True)
class Contest:
    """What a round is about: the champion in service, or with ``as_of`` that of one past day."""

    partition: str = ""
    as_of: bool = False


class Ledger:
    """The rounds in the experiment ``sweepstake-ledger``."""

    def __init__(self, client: Connection) -> None:
        self._client = client

    def open_round(
        self, model: str, decisions: Sequence[Decision], round_key: str, contest: Contest
    ) -> LedgerEntry:
        """Create or find the round ``round_key`` of ``model``."""
        found = self._search(model, f" and tags.`sweepstake.round` = '{round_key}'")
        if not found:
            self._write(model, decisions, round_key, contest)
            found = self._search(model, f" and tags.`sweepstake.round` = '{round_key}'")
        *doubles, entry = found
        for double in doubles:
            self._client.delete_run(double.run_id)
        return entry

    def close_round(self, entry: LedgerEntry, *, done: bool = True) -> LedgerEntry:
        """End the round; ``done=False`` where it could not be carried out."""
        self._client.set_terminated(entry.run_id, "FINISHED" if done else "FAILED")
        return replace(entry, complete=True)

    def entries(self, model: str) -> tuple[LedgerEntry, ...]:
        """All rounds of ``model``, newest first."""
        return self._search(model)

    def _write(
        self, model: str, decisions: Sequence[Decision], round_key: str, contest: Contest
    ) -> None:
        from mlflow.entities import Metric

        best = _best(decisions)
        verdict = str(best.verdict)
        day = f" as of {contest.partition}" if contest.as_of else ""
        figures = {"candidate_score": best.score, "champion_score": best.champion_score}
        tags = {
            "sweepstake.role": "round",
            "sweepstake.round": round_key,
            "sweepstake.model": model,
            "sweepstake.verdict": verdict,
            "sweepstake.version": best.version,
            "sweepstake.previous": best.champion_version or "",
            "sweepstake.reason": best.reason,
            "sweepstake.candidates": str(len(decisions)),
            **({"sweepstake.partition": contest.partition} if contest.partition else {}),
            **({"sweepstake.as_of": "true"} if contest.as_of else {}),
            **{f"sweepstake.{k}": repr(float(v)) for k, v in figures.items() if v is not None},
            "mlflow.runName": f"{model} {verdict} {best.version}{day}",
            "mlflow.source.name": "sweepstake",
            "mlflow.user": getpass.getuser(),
            "mlflow.note.content": best.reason,
        }
        run_id = self._client.create_run(self._experiment(), tags=tags).info.run_id
        now = int(time.time() * 1000)
        metrics = [Metric(k, v, now, 0) for k, v in figures.items() if v is not None]
        self._client.log_batch(run_id, metrics=metrics)

    def _search(self, model: str, further: str = "") -> tuple[LedgerEntry, ...]:
        if self._client.get_experiment_by_name(EXPERIMENT) is None:
            return ()  # whoever only reads creates nothing
        found = self._client.every(
            "search_runs",
            experiment_ids=[self._experiment()],
            filter_string=f"tags.`sweepstake.model` = '{model}'{further}",
        )
        return tuple(sorted(map(_entry, found), key=lambda e: (e.decided, e.run_id), reverse=True))

    def _experiment(self) -> str:
        return str(self._client.experiment(EXPERIMENT).experiment_id)


def _best(decisions: Sequence[Decision]) -> Decision:
    """The winner, else the candidate that came closest."""
    return max(
        decisions,
        key=lambda d: (d.verdict is Verdict.PROMOTE, -inf if d.score is None else d.score),
    )


def _entry(run: Any) -> LedgerEntry:
    tags = run.data.tags
    return LedgerEntry(
        round=tags["sweepstake.round"],
        model=tags["sweepstake.model"],
        verdict=Verdict(tags["sweepstake.verdict"]),
        version=tags["sweepstake.version"],
        previous=tags["sweepstake.previous"],
        reason=tags["sweepstake.reason"],
        candidate_score=_figure(tags.get("sweepstake.candidate_score")),
        champion_score=_figure(tags.get("sweepstake.champion_score")),
        decided=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
        run_id=run.info.run_id,
        complete=run.info.status != "RUNNING",
        partition=tags.get("sweepstake.partition", ""),
        as_of=tags.get("sweepstake.as_of") == "true",
    )


def _figure(text: str | None) -> float | None:
    return None if text is None else float(text)
