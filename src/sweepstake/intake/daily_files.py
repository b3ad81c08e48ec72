"""Dailies: grid files whose data are by day, as Airflow has to know them.

Intake writes one small record for each such file and takes it away with the file, so that the DAGs
made of them are found without reading a grid file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.domain.search import Method
from sweepstake.errors import NotFoundError
from sweepstake.wording.near_misses import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sweepstake.domain.spec import SweepSpec
    from sweepstake.storage.workspace import Workspace

FOLDER = "dailies"
PREFIX = "sweep__"
"""How the ids of their DAGs begin; the sweep's name follows."""


@dataclass(frozen=True, slots=True)
class Daily:
    """A grid file with data by day; ``cron`` is empty where it runs only when it is asked to.

    ``in_waves`` says whether its search chooses trials by the scores of others.
    """

    name: str
    file: str
    cron: str
    start: str
    timezone: str
    in_waves: bool = False

    @property
    def dag_id(self) -> str:
        """The id of its DAG."""
        return PREFIX + self.name

    @classmethod
    def of(cls, spec: SweepSpec, file: str) -> Daily:
        """What Airflow has to know of a grid file."""
        schedule = spec.schedule
        cron, start = (schedule.cron, schedule.start) if schedule else ("", "")
        in_waves = spec.search.method in {Method.HALVING, Method.TPE}
        return cls(spec.name, file, cron, start, spec.data.timezone, in_waves)


def publish(found: Iterable[Daily], undecided: Collection[str], workspace: Workspace) -> None:
    """Make the records those of ``found``; a file that is ``undecided`` keeps the one it has."""
    known = {daily.name: daily for daily in published(workspace)}
    wanted = {name: daily for name, daily in known.items() if daily.file in undecided}
    wanted |= {daily.name: daily for daily in found}
    for name, daily in wanted.items():
        if known.get(name) != daily:
            workspace.write_record(f"{FOLDER}/{name}", asdict(daily))
    for name in known.keys() - wanted.keys():
        workspace.remove_record(f"{FOLDER}/{name}")


def published(workspace: Workspace) -> Iterator[Daily]:
    """Every record, by name; one that is not a record hurts no other."""
    for record in workspace.records(FOLDER):
        daily = _daily(record)
        if daily is not None:
            yield daily


def find(name: str, workspace: Workspace) -> Daily:
    """The record of the sweep ``name``.

    Raises:
        NotFoundError: there is no such grid file in the watched folder.
    """
    known = {daily.name: daily for daily in published(workspace)}
    if name not in known:
        hint = did_you_mean(name, known) or " Drop its grid file into the watched folder."
        message = f"{name}: must be a sweep whose data are by day, but none has this name.{hint}"
        raise NotFoundError(message)
    return known[name]


def _daily(record: Any) -> Daily | None:
    try:
        return Daily(**record)
    except TypeError:
        return None
