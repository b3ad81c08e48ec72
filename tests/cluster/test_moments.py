"""What happens to a sweep on Celery's workers when a program is killed at a held moment.

After each, the sweep ends well by itself: each trial is there once. Programs come back as Docker
brings them back. What heals what, and how soon: docs/promises.md.
"""

import signal

import pytest
from jobs import PATIENCE_SECONDS, check_whole
from moments import (
    TRIALS,
    await_training,
    holds_on,
    kill,
    kill_workers_that_took,
    locked,
    make_ready,
    open_pool,
    revive,
    scheduler_in_a_transaction,
    stopped,
    training,
    until,
)

from cluster import WORKERS

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(3 * PATIENCE_SECONDS)]

S3 = "rclone"
VARIABLES = {"WORKER_CONCURRENCY": "1", "TRAINING_SLOTS": "2"}
SECRETS = {}
SLOTS = 2


@pytest.fixture(autouse=True)
def _restarts(cluster):
    """Docker starts again what has ended."""
    cluster.restarting = True


@pytest.fixture
def sweep(cluster, request):
    """A sweep whose training tasks are ready and get no slot yet."""
    name = request.node.name.removeprefix("test_").replace("[", "-").rstrip("]").replace("_", "-")
    make_ready(cluster, name)
    return name


def test_workers_killed_between_taking_and_starting(cluster, sweep):
    """Tasks that workers had taken and not begun are queued again after a minute."""
    kill_workers_that_took(cluster, sweep, SLOTS)
    revive(cluster, *WORKERS)
    check_whole(cluster, sweep, TRIALS)


def test_workers_killed_during_their_task(cluster, sweep):
    """Tasks whose heart stopped beating are tried again."""
    open_pool(cluster, SLOTS)
    await_training(cluster, sweep, "running")
    for worker in WORKERS:
        cluster.hosts[worker].signal(signal.SIGSTOP)
    assert training(cluster, sweep, "running") > 0
    kill(cluster, *WORKERS)
    revive(cluster, *WORKERS)
    check_whole(cluster, sweep, TRIALS)


def test_workers_killed_after_their_task(cluster, sweep):
    """What Airflow knows to have ended is not done again, though Celery never heard of it."""
    open_pool(cluster, 1)
    await_training(cluster, sweep, "running")
    with locked(cluster, "celery", "celery_taskmeta"):
        await_training(cluster, sweep, "success")
        kill(cluster, *WORKERS)
    revive(cluster, *WORKERS)
    open_pool(cluster, SLOTS)
    check_whole(cluster, sweep, TRIALS)


@pytest.mark.parametrize("cut", [False, True])
def test_the_scheduler_killed_inside_a_transaction(cluster, sweep, cut):
    """Its locks go with its connection; where the network kept that, after half a minute."""
    with scheduler_in_a_transaction(cluster, SLOTS) as sessions:
        if cut:
            cluster.hosts["scheduler"].cut()
        kill(cluster, "scheduler")
    if cut:
        until("its session idles", lambda: holds_on(cluster, "scheduler", sessions))
        cluster.hosts["scheduler"].heal()
    revive(cluster, "scheduler")
    until("its locks are free", lambda: not holds_on(cluster, "scheduler", sessions))
    check_whole(cluster, sweep, TRIALS)


@pytest.mark.parametrize(
    "name", ["redis", "minio", "api-server", "triggerer", "dag-processor", "mlflow", "postgres"]
)
def test_a_program_killed_while_models_are_trained(cluster, sweep, name):
    """Whatever waited for it waits until it is back, or is tried again."""
    open_pool(cluster, SLOTS)
    await_training(cluster, sweep, "running")
    with stopped(cluster, "worker1"), stopped(cluster, "worker2"):
        kill(cluster, name)
        revive(cluster, name)
    check_whole(cluster, sweep, TRIALS)


def test_everything_killed_at_once(cluster, sweep):
    """A machine that loses its power goes on where it was."""
    names = ["postgres", "redis", "mlflow", "api-server", "scheduler", "dag-processor", "triggerer"]
    open_pool(cluster, SLOTS)
    await_training(cluster, sweep, "running")
    kill(cluster, *WORKERS, *names)
    revive(cluster, *names, *WORKERS)
    check_whole(cluster, sweep, TRIALS)
