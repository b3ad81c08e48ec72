"""Following: wait for sweeps that Airflow runs, telling how far they are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sweepstake.airflow_client.api import AirflowApi
from sweepstake.airflow_client.standstill import ON_THEIR_WAY, STILL_SECONDS, standstills
from sweepstake.champions import approval
from sweepstake.errors import NotFoundError, OverlapError, StackError, TransientError
from sweepstake.mlflow_client.registry import Registry
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import overlap, progress
from sweepstake.sweeps.planned_sweep import open_planned

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from sweepstake.settings import Settings
    from sweepstake.sweeps.progress import Progress

POLL_SECONDS = 1.5
START_SECONDS = 180.0
"""How long Airflow may take to notice a file: its timer alone would bring it within a minute."""
JUDGE_SECONDS = 900.0
LAST_LOOKS = 3
"""How often a sweep that has ended is looked at until MLflow answers: no later look will tell."""
ENDED = ("success", "failed")
DOING = {
    "plan": "being planned",
    "ask": "choosing the next trials",
    "close": "ranking",
    "report": "making the report",
}
"""What a sweep does beside training, by the task that does it."""


def follow(
    sweep_ids: Iterable[str],
    settings: Settings,
    show: Callable[[str, Progress | None, str], None],
    say: Callable[[str], None],
) -> dict[str, str]:
    """Wait until the DAG runs of these sweeps have ended; returns their states by sweep id.

    ``show`` is called with each sweep, its progress, ``None`` before it is planned, and what it
    does while no trial is trained; ``say`` with a sentence for each that stands still, every few
    minutes.

    Raises:
        StackError: a sweep has no DAG run after `START_SECONDS`.
    """
    states: dict[str, str] = {}
    told: dict[str, str] = {}
    waiting = dict.fromkeys(sweep_ids, time.monotonic() + START_SECONDS)
    watched = time.monotonic()
    with AirflowApi.of(settings) as api:
        while waiting:
            if time.monotonic() - watched > STILL_SECONDS:
                watched = time.monotonic()
                _tell_standstills(api, waiting, say)
            for sweep_id, deadline in list(waiting.items()):
                state = _state(api, sweep_id, deadline)
                has_tasks = state is not None and state not in ENDED
                progress = _progress(sweep_id, settings, LAST_LOOKS if state in ENDED else 1)
                show(sweep_id, progress, _doing(api, sweep_id, progress) if has_tasks else "")
                _tell_overlap(sweep_id, settings, told, say)
                if state in ENDED:
                    states[sweep_id] = state
                    del waiting[sweep_id]
            time.sleep(POLL_SECONDS if waiting else 0)
    return states


def models_of(sweep_ids: Iterable[str], settings: Settings) -> list[str]:
    """The registered models of planned sweeps, sorted."""
    return sorted({open_planned(sweep_id, settings).spec.model for sweep_id in sweep_ids})


def wait_until_judged(
    sweep_ids: Iterable[str], settings: Settings, say: Callable[[str], None]
) -> Iterator[str]:
    """Wait until it is decided about these sweeps; yields each model as it gets there.

    Versions of other sweeps of a model may wait on: theirs may be running. Nobody waits for an
    approval either, nor until the last of thousands of versions has its verdict. ``say`` is told
    what is waited for.

    Raises:
        StackError: versions still wait after `JUDGE_SECONDS`.
    """
    registry, sweeps = Registry(settings.tracking_uri), set(sweep_ids)
    workspace = Workspace(settings.workspace)
    deadline = time.monotonic() + JUDGE_SECONDS
    for model in models_of(sweeps, settings):
        newest = _newest(registry, model, sweeps)
        if not is_decided(registry, model, newest):
            say(f"{model}: waits until the finalist has met the champion.")
        while not is_decided(registry, model, newest):
            if approval.waiting(workspace, model):
                break
            if time.monotonic() > deadline:
                message = f"{model}: its versions must be judged within {JUDGE_SECONDS:.0f} s, but "
                raise StackError(message + "some wait. Look at the champion DAG in Airflow.")
            time.sleep(POLL_SECONDS)
        yield model


def _newest(registry: Registry, model: str, sweeps: Collection[str]) -> dict[str, int]:
    """Of each sweep that has versions to judge the number of its newest one."""
    pending = (each for each in registry.pending(model) if each.sweep in sweeps)
    newest: dict[str, int] = {}
    for each in pending:
        newest[each.sweep] = max(int(each.version), newest.get(each.sweep, 0))
    return newest


def is_decided(registry: Registry, model: str, newest: Mapping[str, int]) -> bool:
    """Whether the ledger says of each sweep what became of it, and the champion is who it says."""
    if not newest:
        return True
    entries = registry.history(model)
    champion = registry.champion(model)
    found = [
        next((each for each in entries if each.sweep == sweep and each.newest >= number), None)
        for sweep, number in newest.items()
    ]
    return all(
        entry and (entry.complete or (champion and champion.version == entry.champion))
        for entry in found
    ) or not _newest(registry, model, newest)


def _doing(api: AirflowApi, sweep_id: str, progress: Progress | None) -> str:
    """What a sweep does while it trains nothing; empty where it trains."""
    idle = progress and progress.search and not progress.running
    if progress and progress.ended < progress.total and not idle:
        return ""
    found = (_kind(each["task_id"]) for each in api.tasks("sweep", sweep_id, ON_THEIR_WAY))
    return next((DOING[task] for task in found if task in DOING), "")


def _kind(task: str) -> str:
    """``ask`` of ``waves.ask_3``; other tasks are named by what they do."""
    return task.rpartition(".")[2].partition("_")[0]


def _tell_standstills(
    api: AirflowApi, sweep_ids: Collection[str], say: Callable[[str], None]
) -> None:
    for standstill in standstills(api):
        if standstill.run in sweep_ids:
            say(str(standstill))


def _tell_overlap(
    sweep_id: str, settings: Settings, told: dict[str, str], say: Callable[[str], None]
) -> None:
    """Say for whom a sweep waits, once for the same ones."""
    others = overlap.waits_for(sweep_id, Workspace(settings.workspace))
    text = str(OverlapError(sweep_id, others)) if others else ""
    if text and told.get(sweep_id) != text:
        say(text)
    told[sweep_id] = text


def _state(api: AirflowApi, sweep_id: str, deadline: float) -> str | None:
    state = api.run_state("sweep", sweep_id)
    if state is None and time.monotonic() > deadline:
        message = f"{sweep_id}: must start within {START_SECONDS:.0f} s, but has no DAG run. "
        raise StackError(message + "Look at the intake DAG in Airflow.")
    return state


def _progress(sweep_id: str, settings: Settings, looks: int) -> Progress | None:
    """The progress of a sweep; ``None`` before it is planned, or where no look is answered."""
    for left in reversed(range(looks)):
        try:
            return progress.look(sweep_id, settings)
        except NotFoundError:
            break
        except TransientError:
            time.sleep(POLL_SECONDS if left else 0)
    return None
