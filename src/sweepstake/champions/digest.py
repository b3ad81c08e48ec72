"""Digest: what people are told of a sweep, as one line and as a few."""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from math import isfinite
from typing import TYPE_CHECKING

from sweepstake.domain.promotion import Verdict
from sweepstake.domain.tags import mean_cv
from sweepstake.errors import printable
from sweepstake.mlflow_client.comparison import run_url
from sweepstake.mlflow_client.run_names import clip

if TYPE_CHECKING:
    from sweepstake.mlflow_client.ledger import Act, LedgerEntry
    from sweepstake.mlflow_client.runs import Parent
    from sweepstake.settings import Settings
    from sweepstake.sweeps.plan import Plan

LONGEST_REASON = 2000
"""Printable characters of a reason: its JSON fits into a tag of a run, which holds 8,000."""
TOO_MANY = "Too many of its trials failed. Read their reasons on its page."


class Status(StrEnum):
    """How a sweep stands when it is told of."""

    PROMOTED = "promoted"
    """Its finalist is champion."""
    KEPT = "kept"
    """The champion stayed, or there is still none."""
    FINISHED = "finished"
    """It ended well; nothing of it was to be judged."""
    FAILED = "failed"
    """It could not be planned, too many trials failed, or its tasks did."""
    CANCELLED = "cancelled"
    ASKED = "asked"
    """Its finalist takes over if somebody approves."""
    UNDECIDED = "undecided"
    """Something keeps its finalist from being judged."""


_SUBJECTS = {
    Status.PROMOTED: "{model}: v{version} is champion now",
    Status.KEPT: "{model}: {kept} after sweep {sweep}",
    Status.FINISHED: "Sweep {sweep} finished",
    Status.FAILED: "Sweep {sweep} failed",
    Status.CANCELLED: "Sweep {sweep} was cancelled",
    Status.ASKED: "{model}: v{version} waits for approval",
    Status.UNDECIDED: "{model}: no decision about sweep {sweep}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What is told of a sweep.

    ``day`` is the partition of its data, empty where they have none; ``version`` its finalist, if
    that was judged; ``champion`` the version in service after its round, if any; ``best`` the best
    mean score of ``metric`` in cross-validation; ``url`` its page in MLflow. Texts of users are as
    they are: use `html` in a page.
    """

    sweep: str
    status: Status
    reason: str = ""
    model: str = ""
    day: str = ""
    version: str = ""
    champion: str = ""
    trials: int = 0
    failed: int = 0
    metric: str = ""
    best: float | None = None
    url: str = ""

    @property
    def subject(self) -> str:
        """One line."""
        kept = f"champion v{self.champion} stays" if self.champion else "still no champion"
        return printable(_SUBJECTS[self.status].format(**asdict(self), kept=kept))

    @property
    def text(self) -> str:
        """Some lines of plain text: figures, reason, address."""
        return "\n".join(self._lines())

    @property
    def html(self) -> str:
        """The lines as HTML, in which no text of a user is markup."""
        lines = [html.escape(line) for line in self._lines()]
        if self.url:
            address = html.escape(self.url)
            lines[-1] = f'<a href="{address}">{address}</a>'
        return "<br>\n".join(lines)

    def _lines(self) -> list[str]:
        day = f", day {self.day}" if self.day else ""
        counts = f": {self.trials} trials, {self.failed} failed" if self.trials else ""
        best = f". Best mean {self.metric}: {self.best:.6g}" if self.best is not None else ""
        lines = [f"Sweep {self.sweep}{day}{counts}{best}.", self.reason, self.url]
        return [printable(line) for line in lines if line]

    def to_json(self) -> str:
        """The digest as JSON, its subject included."""
        return json.dumps(asdict(self) | {"subject": self.subject}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Digest:
        """The digest that `to_json` wrote."""
        record = json.loads(text)
        known = {name: record[name] for name in cls.__dataclass_fields__ if name in record}
        return replace(cls(**known), status=Status(known["status"]))


def of_round(plan: Plan, parent: Parent, act: Act | LedgerEntry, settings: Settings) -> Digest:
    """The digest of a sweep whose round came to an act."""
    promoted, failed = act.verdict is Verdict.PROMOTE, parent.status == "FAILED"
    status = Status.PROMOTED if promoted else Status.FAILED if failed else Status.KEPT
    reason = f"{TOO_MANY} {act.reason}" if status is Status.FAILED else act.reason
    told = about(plan, parent, status, reason, settings)
    champion = act.version if promoted else act.previous
    return replace(told, version=act.version, champion=champion)


def about(plan: Plan, parent: Parent, status: Status, reason: str, settings: Settings) -> Digest:
    """The digest of a planned sweep, with the figures of its parent run."""
    figures = {name: value for name, value in parent.figures.items() if isfinite(value)}
    return Digest(
        sweep=plan.sweep,
        status=status,
        reason=clip(printable(reason), LONGEST_REASON),
        model=plan.model,
        day=plan.partition,
        trials=int(figures.get("trials_total", 0)),
        failed=int(figures.get("trials_failed", 0)),
        metric=parent.metric,
        best=figures.get("best_" + mean_cv(parent.metric)),
        url=run_url(settings.mlflow_pages, plan.experiment_id, plan.parent_run_id),
    )
