"""What goes wrong on a Docker engine: restart policies and health bring back what is lost."""

import pytest
from jobs import TREES, await_training, check_whole, client
from project import SERVERS, docker

__all__ = ["client"]

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(3600)]

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


LOGS = "/srv/sweepstake/airflow/logs/dag_id=sweep"


def test_days_are_backfilled(project, client):
    """Three days of data become three sweeps of their own."""
    folder = project.grids / "days"
    folder.mkdir()
    for number, day in enumerate(DAYS):
        rows = [f"{x + number},{x % 7},{int(x % 20 > 9)}" for x in range(200)]
        (folder / f"{day}.csv").write_text("\n".join(["a,b,label", *rows]) + "\n")
    project.drop("daily", DAILY)
    project.compose(
        *("run", "--rm", "--no-TTY", "doctor", "sweepstake", "backfill", "daily"),
        *("--from", DAYS[0], "--to", DAYS[-1]),
    )
    champions = {
        each.tags.get("sweepstake.partition")
        for each in client.search_model_versions("name = 'daily'")
    }
    assert {*DAYS} <= champions
