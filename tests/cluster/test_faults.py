"""What goes wrong between hosts: a sweep ends well, and each trial is there once."""

import json
import time
from datetime import datetime

import pytest
from jobs import FORESTS, PATIENCE_SECONDS, TRIALS, await_training, check_whole, drop

from cluster import WORKERS

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(3 * PATIENCE_SECONDS)]

S3 = "swift"
VARIABLES = {"WORKER_CONCURRENCY": "1", "TRAINING_SLOTS": "2"}
SECRETS = {
    "S3_WRITER_ACCESS_KEY": "sweepstake:writer",
    "S3_READER_ACCESS_KEY": "sweepstake:reader",
}
CUT_SECONDS = 60


def training_seconds(cluster, board):
    """From the start of a sweep's first training task to the end of its last."""
    command = ("airflow", "tasks", "states-for-dag-run", "sweep", board["sweep"], "-o", "json")
    tasks = json.loads(cluster.run("scheduler", *command).stdout.splitlines()[-1])
    trained = [task for task in tasks if task["task_id"] == "train"]
    assert TRIALS == len(trained)
    first = min(datetime.fromisoformat(task["start_date"]) for task in trained)
    last = max(datetime.fromisoformat(task["end_date"]) for task in trained)
    return (last - first).total_seconds()


def test_two_workers_are_measured_against_one(cluster, figure):
    """The same trials on one worker and on two end the same; how fast is told, not judged."""
    two = WORKERS[1]
    cluster.hosts[two].kill()
    drop(cluster, "alone", FORESTS)
    alone = training_seconds(cluster, check_whole(cluster, "alone"))
    cluster.launch(two)
    cluster.await_health(two)
    drop(cluster, "together", FORESTS)
    together = training_seconds(cluster, check_whole(cluster, "together"))
    text = f"{TRIALS} trials: {alone:.1f} s on one worker, {together:.1f} s on two: "
    figure(f"{text}{alone / together:.2f} times as fast")


def test_the_trials_of_a_killed_host_are_finished_by_the_other(cluster):
    """A worker host that dies in the middle of a sweep costs time, and no trial."""
    drop(cluster, "killed", FORESTS)
    victim = await_training(cluster, "killed")
    cluster.hosts[victim].kill()
    check_whole(cluster, "killed")
    cluster.launch(victim)
    cluster.await_health(victim)


def test_a_host_that_was_cut_off_for_a_minute_works_again(cluster):
    """Its trials are trained by the other meanwhile; healed, it does a whole sweep by itself."""
    drop(cluster, "cut", FORESTS)
    victim = await_training(cluster, "cut")
    cluster.hosts[victim].cut()
    time.sleep(CUT_SECONDS)
    cluster.hosts[victim].heal()
    check_whole(cluster, "cut")
    (other,) = set(WORKERS) - {victim}
    cluster.hosts[other].kill()
    drop(cluster, "healed", FORESTS)
    check_whole(cluster, "healed")
    cluster.launch(other)
    cluster.await_health(other)


def test_a_restart_of_redis_costs_no_trial(cluster):
    """Queued tasks survive it or are queued again; workers find the new server."""
    drop(cluster, "redis", FORESTS)
    await_training(cluster, "redis")
    cluster.hosts["redis"].kill()
    cluster.launch("redis")
    cluster.await_health("redis")
    check_whole(cluster, "redis")
    drop(cluster, "after-redis", FORESTS)
    check_whole(cluster, "after-redis")


def fixed(cluster, name):
    """What the doctor says of a check once it finds a fault there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = json.loads(cluster.run("doctor", "sweepstake", "doctor", "--json").stdout)
        for finding in found:
            if finding["name"] == name and not finding["ok"]:
                return finding["message"]
    raise TimeoutError(name)


def test_the_doctor_names_a_component_that_is_gone(cluster):
    """A triggerer that no longer beats is told, and nothing else of Airflow's."""
    cluster.hosts["triggerer"].kill()
    message = fixed(cluster, "Airflow components")
    cluster.launch("triggerer")
    cluster.await_health("triggerer")
    assert "every component must be healthy, but triggerer is unhealthy." in message


def test_the_doctor_names_dag_files_that_cannot_be_loaded(cluster):
    """A setting of the dag-processor alone that is wrong comes to light with its own message."""
    host = cluster.hosts["dag-processor"]
    host.kill()
    service = cluster.services["dag-processor"]
    environment = {**cluster.environment("dag-processor"), "SWEEPSTAKE_SLOTS": "none"}
    host.start(service.command, environment, cluster.log("dag-processor"))
    message = fixed(cluster, "DAG files")
    host.kill()
    cluster.launch("dag-processor")
    cluster.await_health("dag-processor")
    assert "SWEEPSTAKE_SLOTS: must be a whole number" in message
