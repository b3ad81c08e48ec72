"""Nothing stands still: the world is stopped at a moment, a process is killed there, all heals.

Each test holds the stack by a lock in the database or by a signal, so that what is killed is killed
in the middle of what its name says. Then the sweep has to end well by itself within a minute. A
busy machine takes longer for everything: ``SWEEPSTAKE_TEST_SLACK`` says how many times as long the
tests wait. A stall lasts forever or for ten minutes and more, so that they still tell one.

`make test` has the moments that once stood still, and all of them at once; each alone is in
`make test-long`.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

import httpx
import psutil
import pytest
from hands import ANSWER_SECONDS, Hands, wait

from sweepstake.airflow_client.api import AirflowApi
from sweepstake.airflow_client.standstill import standstills
from sweepstake.gridfile import loader

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(0)]

BOUND_SECONDS = 60.0
SLACK = float(os.environ.get("SWEEPSTAKE_TEST_SLACK", "5"))
GRID = """\
model: stalls-{name}
data: {{source: "sklearn:iris", holdout: 0.25}}
estimator: DecisionTreeClassifier
grid:
  max_depth: [1, 2, 3, 4]
limits: {{trials_per_task: 2}}
"""
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer", "mlflow", "postgres")


@pytest.fixture
def hands(stack):
    """Hands on the stack; the DAG of sweeps runs again afterwards, whatever happened."""
    held = Hands(stack.settings)
    yield held
    held.pause("sweep", paused=False)


def drop(hands, name):
    """Put a grid file into the watched folder; return the id of its sweep."""
    content = GRID.format(name=name)
    file = hands.settings.grids / f"stalls-{name}.yaml"
    file.write_text(content, encoding="utf-8")
    return loader.parse(content.encode(), file.name, hands.settings).sweep_id


@pytest.fixture
def run(hands, request):
    """A sweep that waits to be started, with the scheduler stopped: it begins when both go on."""
    hands.pause("sweep", paused=True)
    name = request.node.name.removeprefix("test_").replace("_", "-").replace("[", "-").strip("]")
    sweep_id = drop(hands, name)
    wait("its run", lambda: hands.run_state(sweep_id) == "queued")
    return sweep_id


def begin(hands):
    """Let the sweep start, but for what is stopped."""
    hands.pause("sweep", paused=False)


def ends_well(hands, run):
    """The sweep is a success within the bound from now; says how long that took."""
    since = time.monotonic()
    over = {"success", "failed"}
    wait(f"the end of {run}", lambda: hands.run_state(run) in over, BOUND_SECONDS * SLACK)
    took = time.monotonic() - since
    print(f"\n{run}: over after {took:.0f} s")  # noqa: T201 - the figures of docs/promises.md
    assert "success" == hands.run_state(run)


def is_gone(process):
    """Whether a process has ended, waited for or not."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def hold_scheduler(hands, run, until):
    """Bring the scheduler to wait for a lock in the middle of a transaction; return the lock."""
    with hands.idle_scheduler_stopped():
        begin(hands)
        session = until.enter_context(hands.locked_tasks(run))
    wait("the scheduler in a transaction", lambda: hands.waits("scheduler", session))
    return session


def hold_task(hands, run, until):
    """Bring the first task of a sweep to wait for MLflow; return the process that works on it."""
    until.enter_context(hands.stopped("mlflow"))
    begin(hands)
    wait("a running task", lambda: hands.states(run)["plan"] == "running")
    worker = wait("its process", lambda: hands.worker(run))
    wait("its request to MLflow", lambda: hands.asks(worker, "mlflow"))
    return worker


def test_a_scheduler_killed_in_a_transaction(hands, run):
    """No process keeps its connection, so that nothing stays locked for the next one."""
    with ExitStack() as until:
        hold_scheduler(hands, run, until)
        hands.kill("scheduler")
    ends_well(hands, run)


@pytest.mark.long
def test_a_scheduler_killed_beside_its_tasks(hands, run):
    """Its tasks end with it, and the next scheduler gives them another try."""
    with ExitStack() as until:
        worker = hold_task(hands, run, until)
        family = [worker, *worker.children(recursive=True)]
        hands.kill("scheduler")
        wait("the end of its tasks", lambda: all(map(is_gone, family)))
    ends_well(hands, run)


def test_a_worker_killed_before_it_has_told_that_it_starts(hands, run):
    """The api-server knows of no start, the scheduler of a death: the task is tried again."""
    with hands.idle_scheduler_stopped():
        begin(hands)
        hands.stop("api-server")
    try:
        worker = wait("a worker", lambda: hands.worker(run))
        assert "queued" == hands.states(run)["plan"]
        worker.kill()
    finally:
        hands.go_on("api-server")
    ends_well(hands, run)


def test_a_worker_killed_during_its_task(hands, run):
    """The task ends with its worker, and is tried again."""
    with ExitStack() as until:
        worker = hold_task(hands, run, until)
        (task,) = worker.children()
        worker.kill()
        wait("the end of the task", lambda: is_gone(task))
    ends_well(hands, run)


@pytest.mark.long
def test_a_task_killed_alone(hands, run):
    """Its worker reports it, and it is tried again."""
    with ExitStack() as until:
        (task,) = hold_task(hands, run, until).children()
        task.kill()
    ends_well(hands, run)


@pytest.mark.long
def test_a_worker_killed_after_its_task(hands, run):
    """The end that it was about to report is lost: what the task did is found by its next try."""
    plan = hands.settings.workspace / "sweeps" / run / "plan.json"
    with ExitStack() as until:
        worker = hold_task(hands, run, until)
        until.enter_context(hands.stopped("api-server"))
        hands.go_on("mlflow")
        wait("what the task makes", plan.exists)
        worker.kill()
    ends_well(hands, run)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in COMPONENTS if name != "scheduler"])
def test_a_component_killed_beside_a_task(hands, run, name):
    """A task that runs meanwhile, or its next try, does its work when the component is back."""
    with ExitStack() as until:
        hold_task(hands, run, until)
        hands.kill(name)
    ends_well(hands, run)


@pytest.mark.long
def test_an_api_server_killed_in_a_request(hands, run):
    """What it was told is told again."""
    with ExitStack() as until:
        with hands.idle_scheduler_stopped():
            begin(hands)
        session = wait("a worker", lambda: hands.worker(run)) and until.enter_context(
            hands.locked_tasks(run)
        )
        wait("a request", lambda: hands.waits("api-server", session))
        hands.kill("api-server")
    ends_well(hands, run)


@pytest.mark.long
def test_a_database_killed_in_a_transaction(hands, run):
    """Every component loses its connections, and the transaction is undone."""
    with ExitStack() as until:
        hold_scheduler(hands, run, until)
        hands.kill("postgres")
    ends_well(hands, run)


@pytest.mark.long
def test_a_triggerer_that_was_to_notice_a_file(hands):
    """The next one notices it, or the timer does."""
    with hands.stopped("triggerer"):
        run = drop(hands, "unnoticed")
        hands.kill("triggerer")
    ends_well(hands, run)


def test_everything_killed_at_once(hands, run):
    """All of it: each component, in the middle of a transaction and of a task."""
    with ExitStack() as until:
        worker = hold_task(hands, run, until)
        session = until.enter_context(hands.locked_tasks(run))
        wait("its heartbeat", lambda: hands.waits("api-server", session))
        worker.kill()
        hands.kill(*COMPONENTS)
    ends_well(hands, run)


def test_a_transaction_that_nobody_goes_on_with(hands, run):
    """A program that holds locks and does nothing is cut off, and the sweep goes on."""
    with hands.idle_scheduler_stopped():
        begin(hands)
        lost = hands.connect()
        lost.cursor().execute("SELECT FROM task_instance WHERE run_id = %s FOR UPDATE", (run,))
    ends_well(hands, run)
    lost.close()


def test_what_stands_still_is_told(hands, run, stack):
    """The page in Airflow and the command line say why a run stands still, and the way out."""
    later = "UPDATE dag_run SET queued_at = queued_at - interval '1 hour' WHERE run_id = %s"
    hands.ask(later + " RETURNING 1", run)
    page = httpx.Client(base_url=f"{stack.stack.airflow_url}/sweepstake", timeout=ANSWER_SECONDS)
    with page, AirflowApi.of(hands.settings) as api:
        (told,) = [str(each) for each in standstills(api) if each.run == run]
        assert 401 == page.get("/").status_code
        seen = page.get("/", headers={"Authorization": api.client.headers["Authorization"]})
    assert f"{run} of DAG sweep: stands still for 60 minutes, because its DAG is paused." in told
    assert [200, True] == [seen.status_code, run in seen.text]
    assert "because its DAG is paused. Say: airflow dags unpause sweep." in seen.text
    begin(hands)
    ends_well(hands, run)


def test_an_idle_stack_has_no_process_for_tasks(hands):
    """What waits for work can be killed unnoticed: nothing does."""
    unfinished = "SELECT count(*) FROM dag_run WHERE state IN ('queued', 'running')"

    def is_idle():
        scheduler = hands.process("scheduler")
        return hands.ask(unfinished) == [(0,)] and scheduler.children() == []

    wait("an idle stack", is_idle)


def test_nothing_stands_still_at_last(hands):
    """No run of any DAG is left over, and no connection stays in a transaction."""
    runs = (
        "SELECT dag_id, run_id, state FROM dag_run WHERE state IN ('queued', 'running') "
        "AND queued_at < now() - interval '60 seconds'"
    )
    idle = (
        "SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' "
        "AND state_change < now() - interval '60 seconds'"
    )
    wait("the end of all runs", lambda: hands.ask(runs) == [], BOUND_SECONDS * SLACK)
    assert [] == hands.ask(idle)
