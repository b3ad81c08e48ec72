"""The page of a model: its champion, every decision about it, and what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sweepstake.champions import approval
from sweepstake.mlflow_client.comparison import version_url
from sweepstake.mlflow_client.registry import Registry
from sweepstake.pages.charts import Mark, scatter
from sweepstake.pages.live import Live
from sweepstake.storage.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sweepstake.champions.approval import Proposal
    from sweepstake.mlflow_client.ledger import LedgerEntry
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.pages.charts import Chart
    from sweepstake.settings import Settings

MOST_DECISIONS = 200
_MODELS: Live[ModelPage] = Live()


@dataclass(frozen=True, slots=True)
class ModelPage:
    """A registered model; ``entry`` is the act that put its champion into service.

    ``history`` is the ledger, newest first; ``asked`` the promotion that waits for an answer;
    ``former`` the versions that may be rolled back to, the last champion first.
    """

    model: str
    champion: Version | None
    entry: LedgerEntry | None
    history: tuple[LedgerEntry, ...]
    asked: Proposal | None
    former: tuple[str, ...]
    champion_url: str = ""

    @property
    def metric(self) -> str:
        """What its scores are of, as far as a test has told."""
        records = (each.record for each in self.history if each.record)
        return next((str(each["terrain"]["metric"]) for each in records), "score")

    @property
    def gains(self) -> Chart | None:
        """Each test over time: the gain over the champion of then, with its interval."""
        marks = [mark for each in self.history for mark in _marks(each)]
        title = "Gain of each finalist over the champion it met, with its interval"
        return scatter(title, ("test, oldest first", "gain"), _in_turn(marks), zero=True)


def read(model: str, settings: Settings) -> ModelPage:
    """What there is to tell of a model, as of moments ago.

    Raises:
        NotFoundError: there is no such model.
        TrackingUnavailableError: MLflow does not answer.
    """
    return _MODELS.get((settings.tracking_uri, model), lambda: _read(model, settings))


def forget() -> None:
    """Look anew: something was done."""
    _MODELS.forget()


def gain_of(entry: LedgerEntry) -> Mapping[str, Any] | None:
    """The figures of the test that an entry rests on."""
    return (entry.record or {}).get("gain")


def entry_of(sweep: str, page: ModelPage) -> LedgerEntry | None:
    """What was decided about the finalist of a sweep."""
    return next((each for each in page.history if each.sweep == sweep and each.record), None)


def _read(model: str, settings: Settings) -> ModelPage:
    registry = Registry(settings.tracking_uri)
    champion = registry.champion(model)
    history = registry.history(model)
    return ModelPage(
        model=model,
        champion=champion,
        entry=_came_by(champion, history),
        history=history[:MOST_DECISIONS],
        asked=approval.waiting(Workspace(settings.workspace), model),
        former=_former(champion, history),
        champion_url=version_url(settings.mlflow_pages, model, champion.version)
        if champion
        else "",
    )


def _came_by(champion: Version | None, history: Sequence[LedgerEntry]) -> LedgerEntry | None:
    mine = (each for each in history if champion and each.version == champion.version)
    return next((each for each in mine if each.changes and not each.as_of), None)


def _former(champion: Version | None, history: Sequence[LedgerEntry]) -> tuple[str, ...]:
    served = dict.fromkeys(e.version for e in history if e.changes and not e.as_of)
    return tuple(each for each in served if champion and each != champion.version)


def _marks(entry: LedgerEntry) -> list[tuple[datetime, Mark]]:
    gain = gain_of(entry)
    if not gain:
        return []
    day = entry.partition or f"{entry.decided.astimezone(UTC):%Y-%m-%d %H:%M}"
    told = f"{day}: v{entry.version} against v{entry.previous}, {entry.verdict}: "
    told += f"{gain['gain']:+.4f} (from {gain['low']:+.4f} to {gain['high']:+.4f})"
    kind = "good" if entry.changes else "plain"
    return [(entry.decided, Mark(0.0, gain["gain"], told, kind, gain["low"], gain["high"]))]


def _in_turn(found: Sequence[tuple[datetime, Mark]]) -> list[Mark]:
    """Tests by their order: those of a backfill are minutes apart, others months."""
    ordered = [mark for _, mark in sorted(found, key=lambda pair: pair[0])]
    return [
        Mark(float(number), each.y, each.told, each.kind, each.low, each.high)
        for number, each in enumerate(ordered, start=1)
    ]
