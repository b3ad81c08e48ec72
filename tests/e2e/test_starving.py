"""A backfill that Airflow lets wait (its issue 58554), on the real stack.

The scheduler is set to look at two runs at a time, so that three other runs are too many: with
Airflow's default they would have to be twenty, in the embedded stack a hundred.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import date

import psutil
import pytest

from sweepstake import embedded
from sweepstake.airflow_client import backfilling
from sweepstake.airflow_client.backfill_api import BackfillApi, BackfillRequest
from sweepstake.embedded import ComponentState
from sweepstake.embedded.environment import POOL
from sweepstake.embedded.layout import Layout
from sweepstake.errors import SweepstakeError
from sweepstake.gridfile import loader

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.timeout(900),
    # MLflow's import of its own agent types warns about them
    pytest.mark.filterwarnings("ignore:(?s).*Any type hint is inferred as AnyType:UserWarning"),
]

PATIENCE_SECONDS = 240
LIMIT = "max_dagruns_per_loop_to_schedule = "
OTHERS = 3
ASK = BackfillRequest("sweep__starved", date(2026, 1, 5), date(2026, 1, 6), 2, "none")
DAILY = """\
data: {source: "starved-{partition}.csv", target: kind}
estimator: GaussianNB
cv: 2
"""
OTHER = """\
data: {{source: "sklearn:iris"}}
estimator: GaussianNB
model: starving
seed: {seed}
"""


def wait(what, condition):
    """Wait until ``condition`` gives something true; no answer is none."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(SweepstakeError):
            if condition():
                return
        time.sleep(1)
    raise TimeoutError(what)


def scheduler(settings):
    """The component that schedules."""
    return next(each for each in embedded.status(settings) if each.name == "scheduler")


def look_at(settings, runs):
    """Let the scheduler look at so many runs at a time, and start it again."""
    file = Layout(settings.home).airflow / "airflow.cfg"
    before, after = file.read_text(encoding="utf-8").split(LIMIT)
    _, _, rest = after.partition("\n")
    file.write_text(f"{before}{LIMIT}{runs}\n{rest}", encoding="utf-8")
    process = psutil.Process(scheduler(settings).pid)
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs([process], timeout=30)
    wait("a scheduler", lambda: scheduler(settings).state is ComponentState.HEALTHY)


def is_held(api, sweep_id):
    """Whether a sweep waits for the pool with its only training task."""
    if api.run_state("sweep", sweep_id) != "running":
        return False
    path = f"/dags/sweep/dagRuns/{sweep_id}/taskInstances"
    tasks = {
        each["task_id"]: each["state"] for each in api.call("GET", path).json()["task_instances"]
    }
    return (tasks["plan"], tasks["train"]) == ("success", "scheduled")


@pytest.fixture
def starving(stack, monkeypatch):
    """Three sweeps that run and wait for the pool, before which no backfill is looked at."""
    settings = stack.settings
    monkeypatch.setattr(backfilling, "STALL_SECONDS", 15.0)
    monkeypatch.setattr(backfilling, "MANY_RUNS", OTHERS)
    for day in ("2026-01-05", "2026-01-06"):
        rows = "".join(f"{n % 7},{'odd' if n % 2 else 'even'}\n" for n in range(60))
        (settings.grids / f"starved-{day}.csv").write_text(f"size,kind\n{rows}", encoding="utf-8")
    (settings.grids / "starved.yaml").write_text(DAILY, encoding="utf-8")
    with BackfillApi.of(settings) as api:
        wait("the DAG", lambda: len(api.would_run(ASK)) == 2)
        api.ensure_pool(POOL, 0, "Closed.")
        for seed in range(OTHERS):
            content, file = OTHER.format(seed=seed), f"starving-{seed}.yaml"
            (settings.grids / file).write_text(content, encoding="utf-8")
            sweep_id = loader.parse(content.encode(), file, settings).sweep_id
            wait(sweep_id, lambda sweep_id=sweep_id: is_held(api, sweep_id))
        look_at(settings, 2)
        yield api, settings
    look_at(settings, 100)
    embedded.up(settings, stack.said.append, stack.environ)


def test_a_starving_backfill_is_told_and_done_all_the_same(starving):
    """Its days are started directly and succeed; Airflow's own backfill of them is cancelled."""
    api, settings = starving
    said = []

    def say(text):
        """Open the pool once the backfill is known to starve."""
        said.append(text)
        if "issue 58554" in text:
            api.ensure_pool(POOL, 2, "Open.")

    days = backfilling.backfill(ASK, settings, lambda _: None, say)
    assert ["success", "success"] == [day.state for day in days]
    assert {"manual"} == {run.kind for run in api.day_runs(ASK).values()}
    assert any("issue 58554" in text for text in said)
    assert api.active(ASK.dag_id) is None
