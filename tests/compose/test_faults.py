"""What goes wrong on a Docker engine: restart policies and health bring back what is lost."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from compose_jobs import TREES, await_training, check_whole, client
from project import ROOT, SERVERS, Project, docker

__all__ = ["client"]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to end programs in containers"),
]

LOGS = "/srv/sweepstake/airflow/logs/dag_id=sweep"
STORES = ("postgres", "redis", "minio")
DAILY = """\
name: NAME
model: NAME
data: {source: "days/{partition}.csv", target: label, holdout: 0.25}
estimator: DecisionTreeClassifier
grid: {max_depth: [1, 2]}
metric: f1_macro
cv: 2
schedule: {cron: "0 0 * * *"}
"""
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")


@pytest.fixture
def sweep(project, request):
    """A sweep whose training has begun."""
    name = request.node.name.removeprefix("test_").replace("[", "-").rstrip("]").replace("_", "-")
    project.drop(name, TREES)
    await_training(project, name)
    return name


@pytest.mark.parametrize("service", [name for name in SERVERS if name != "champion"])
def test_a_program_that_ends_is_started_again(project, client, sweep, service):
    """Its sweep loses no trial, and has none twice."""
    project.kill(service)
    check_whole(client, sweep)
    project.await_health(service)


def test_everything_ends_at_once(project, client, sweep):
    """A machine that loses its power goes on where it was."""
    project.kill(*SERVERS)
    check_whole(client, sweep)
    project.await_health(*SERVERS)


def test_what_docker_kill_ended_comes_back_by_up(project, client, sweep):
    """The engine takes it for the wish of its operator, who says so again."""
    victims = project.containers("scheduler", "worker", "redis")
    docker("kill", *victims)
    project.up()
    check_whole(client, sweep)


def test_the_stores_are_restarted(project, client, sweep):
    """Programs find them again by themselves."""
    project.compose("restart", *STORES)
    check_whole(client, sweep)
    project.await_health(*SERVERS)


def test_down_and_up_keep_the_state(project, client, sweep):
    """Champions and logs are there again, and a sweep that was cut goes on."""
    project.compose("down")
    project.up()
    check_whole(client, sweep)
    assert (
        "1"
        == project.run(
            "worker", "sh", "-c", f"ls -d {LOGS}/run_id={sweep}__* | wc -l"
        ).stdout.strip()
    )


def test_the_image_is_exchanged_under_a_sweep(project, client, sweep):
    """What was trained stays, and the containers of the new image do the rest."""
    before = {each["Image"] for each in project.inspect("scheduler", "worker")}
    project.variables["BUILD"] = sweep
    project.compose("build", "check")
    project.up()
    after = {each["Image"] for each in project.inspect("scheduler", "worker")}
    assert (1, 1, set()) == (len(before), len(after), before & after)
    check_whole(client, sweep)


def test_logs_are_rotated(project):
    """A program that writes 25 MB leaves files of 10 MB at most, each with a part of it."""
    name = f"{project.name}-loud"
    code = "for _ in range(250): print('x' * 99_999)"
    project.compose("run", "--detach", "--no-deps", "--name", name, "users", "python", "-c", code)
    docker("wait", name)
    (told,) = json.loads(docker("inspect", name).stdout)
    files = [*Path(told["LogPath"]).parent.glob("*-json.log*")]
    sizes = [file.stat().st_size for file in files]
    docker("rm", name)
    assert (3, True) == (len(sizes), max(sizes) < 11_000_000)


def test_the_courses_passwords_work_on_this_machine(project, tmp_path):
    """Stores, databases and users are made with them; each is warned of."""
    course = Project(tmp_path, "sweepstake-course", "127.0.0.78")
    course.variables["SECRETS"] = str(ROOT / "deploy" / "course")
    try:
        course.up("champion")
        warned = course.compose("logs", "check").stdout
        with httpx.Client(
            base_url="http://127.0.0.78:5000", auth=("admin", "password12345")
        ) as http:
            answer = http.get(
                "/api/2.0/mlflow/users/get", params={"username": "reader"}, timeout=120
            )
    finally:
        course.down()
    assert "WARNING: MINIO_ROOT_PASSWORD: must not be a published password" in warned
    assert (200, "reader") == (answer.status_code, answer.json()["user"]["username"])


def test_days_are_backfilled(project, client):
    """Three days become three sweeps, whose close wakes the champion DAG through the bucket."""
    folder = project.grids / "days"
    folder.mkdir()
    for number, day in enumerate(DAYS):
        rows = [f"{x + number},{x % 7},{int(x % 20 > 9)}" for x in range(200)]
        (folder / f"{day}.csv").write_text("\n".join(["a,b,label", *rows]) + "\n")
    project.drop("daily", DAILY)
    begun = datetime.now(UTC).isoformat()
    project.compose(
        *("run", "--rm", "--no-TTY", "doctor", "sweepstake", "backfill", "daily"),
        *("--from", DAYS[0], "--to", DAYS[-1]),
    )
    champions = {
        each.tags.get("sweepstake.partition")
        for each in client.search_model_versions("name = 'daily'")
    }
    assert {*DAYS} <= champions
    runs = project.airflow("/dags/champion/dagRuns", order_by="-start_date")["dag_runs"]
    assert any(
        each["run_type"] == "asset_triggered" and (each["start_date"] or "") > begun
        for each in runs
    )
