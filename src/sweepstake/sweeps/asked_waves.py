"""Asked waves: the trials that a search chose after the first wave, kept as they were chosen."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sweepstake.domain.search import Portion
from sweepstake.domain.spec_record import record_of_value, value_of
from sweepstake.errors import NotFoundError
from sweepstake.gridfile.search_space import Chosen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sweepstake.storage.workspace import Workspace


@dataclass(frozen=True, slots=True)
class AskedWave:
    """The points of a wave, and what is left of them to train.

    ``order`` has the numbers of those trials, ``ranges`` the first and last position in it of each
    batch; ``reused`` is as in a plan.
    """

    points: tuple[Chosen, ...]
    order: tuple[int, ...]
    reused: Mapping[int, str]
    ranges: tuple[tuple[int, int], ...]


def keep(wave: AskedWave, folder: str, number: int, workspace: Workspace) -> None:
    """Store a wave; of several who ask at once the first one's stays."""
    points = [
        [each.product, record_of_value(each.estimator), _of_portion(each)] for each in wave.points
    ]
    workspace.create_record(
        _name(folder, number), {**asdict(replace(wave, points=())), "points": points}
    )


def asked(folder: str, workspace: Workspace, most: int) -> Iterator[AskedWave]:
    """The waves that were asked for, at most so many."""
    for number in range(1, most + 1):
        try:
            record = workspace.read_record(_name(folder, number))
        except NotFoundError:
            return
        yield AskedWave(
            points=tuple(_chosen(*each) for each in record["points"]),
            order=tuple(record["order"]),
            reused={int(trial): run for trial, run in record["reused"].items()},
            ranges=tuple((first, last) for first, last in record["ranges"]),
        )


def _chosen(product: int, estimator: Any, portion: Mapping[str, Any] | None) -> Chosen:
    part = Portion(**portion) if portion else None
    return Chosen(product, value_of(estimator), part)


def _of_portion(chosen: Chosen) -> dict[str, Any] | None:
    return asdict(chosen.portion) if chosen.portion else None


def _name(folder: str, number: int) -> str:
    return f"{folder}/wave-{number}"
