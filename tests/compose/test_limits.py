"""Limits that only an engine sets: volumes that are full, and the memory of a worker."""

import csv
import os
import random
import subprocess
import time

import pytest
import yaml
from compose_jobs import TREES, check_whole, client, sweeps
from project import Project, docker, until

__all__ = ["client"]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make small disks"),
]

DISK = "768m"
VOLUMES = ("cache", "minio", "postgres", "scratch")
WORKER_MEMORY = "1200m"
ROWS = 32_000
GREEDY = """\
name: NAME
model: NAME
data: {source: NAME.csv, target: label, holdout: 0.25}
candidates:
  - estimator: DecisionTreeClassifier
    grid: {max_depth: [1, 2, 3]}
  - estimator: LabelSpreading
    params: {kernel: rbf}
metric: f1_macro
cv: 2
limits: {trials_per_task: 1, max_failed: 1}
"""


@pytest.fixture(scope="module")
def disks(tmp_path_factory):
    """A small disk for each volume, by its name; it outlives the containers that have it."""
    folder = tmp_path_factory.mktemp("disks")
    made = {name: folder / name for name in VOLUMES}
    try:
        for place in made.values():
            place.mkdir()
            mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK},mode=1777", "tmpfs", str(place))
            subprocess.run(mount, check=True)
        yield made
    finally:
        for place in made.values():
            subprocess.run(["umount", "--lazy", str(place)], check=False)


@pytest.fixture(scope="module")
def project(disks, tmp_path_factory):
    """The services, with volumes on small disks and workers of little memory."""
    folder = tmp_path_factory.mktemp("limits")
    made = Project(folder)
    made.variables["WORKER_MEMORY"] = WORKER_MEMORY
    bound = {
        name: {"driver_opts": {"type": "none", "o": "bind", "device": str(place)}}
        for name, place in disks.items()
    }
    made.files.append(folder / "disks.yml")
    made.files[-1].write_text(yaml.safe_dump({"volumes": bound}))
    try:
        made.compose("build", "check")
        made.up()
        yield made
    finally:
        made.down()


def fill(disk):
    """Leave no page free on a disk; return the file that takes it."""
    file = disk / "ballast"
    write = ("dd", "if=/dev/zero", f"of={file}", "bs=4k")
    assert "No space" in subprocess.run(write, check=False, capture_output=True, text=True).stderr
    return file


def suffers(project, name):
    """Whether a task of a sweep, or of the DAG that takes it in, waits to be tried again."""
    states = {
        task["state"]
        for dag in ("intake", "sweep")
        for task in project.airflow(
            f"/dags/{dag}/dagRuns/~/taskInstances", state="up_for_retry", limit=100
        )["task_instances"]
        if dag == "intake" or task["dag_run_id"].startswith(f"{name}__")
    }
    return bool(states)


@pytest.mark.parametrize("volume", ["cache", "scratch", "minio"])
def test_tasks_wait_for_a_full_disk(project, client, disks, volume):
    """What cannot be written is tried again; once there is space the sweep is whole."""
    name = f"full-{volume}"
    ballast = fill(disks[volume])
    try:
        project.drop(name, TREES)
        until(f"a task that lacks {volume}", lambda: suffers(project, name))
    finally:
        ballast.unlink()
    check_whole(client, name)


def test_a_database_with_a_full_disk_goes_on_when_there_is_space(project, client, disks):
    """It may stop and start meanwhile; no trial is lost, and none is there twice."""
    ballast = fill(disks["postgres"])
    try:
        project.drop("full-postgres", TREES)
        until("its complaint", lambda: "No space left" in _log(project, "postgres"))
        time.sleep(20)  # a database that is gone for a while, not for a moment
    finally:
        ballast.unlink()
    check_whole(client, "full-postgres")
    project.await_health("postgres", "mlflow", "scheduler", "api-server")


def test_a_trial_that_takes_its_workers_memory_fails_alone(project, client):
    """The engine's limit ends it, not its worker; its run tells of the memory."""
    draw = random.Random(0)
    with (project.grids / "greedy.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["a", "b", "label"])
        table.writerows([draw.random(), draw.random(), draw.randrange(2)] for _ in range(ROWS))
    before = project.containers("worker")
    project.drop("greedy", GREEDY)
    until("its end", lambda: [r.info.status for r in sweeps(client, "greedy")] == ["FINISHED"])
    experiment = client.get_experiment_by_name("greedy").experiment_id
    runs = client.search_runs([experiment], "tags.`sweepstake.role` = 'trial'")
    failed = [run for run in runs if run.info.status == "FAILED"]
    assert (4, 1) == (len(runs), len(failed))
    assert "memory" in failed[0].data.tags["sweepstake.error"]
    workers = project.inspect("worker")
    assert before == [each["Id"] for each in workers]
    assert [(True, 0)] * 2 == [(each["State"]["Running"], each["RestartCount"]) for each in workers]


def _log(project, service):
    done = docker("logs", *project.containers(service))
    return done.stdout + done.stderr
