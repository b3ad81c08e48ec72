"""The main job on a Docker engine, and what only an engine shows."""

import json
import re

import httpx
import pytest
from compose_jobs import TREES, check_whole, client
from project import ADDRESS, OURS, ROOT, SERVERS, docker, until
from sklearn.datasets import load_digits

__all__ = ["client"]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]

REACHING = """if True:
    import json, socket
    reached = []
    for name, port in {places}:
        try:
            socket.create_connection((name, port), 3).close()
            reached.append(name)
        except OSError:
            pass
    print(json.dumps(reached))
"""
STORES = [("postgres", 5432), ("redis", 6379), ("minio", 9000)]
PORTS = (5000, 8080, 8100, 9000, 9001)
REACHED = {
    "mlflow": ["postgres", "minio"],
    "api-server": ["postgres", "minio"],
    "scheduler": ["postgres", "redis"],
    "dag-processor": ["postgres", "minio"],
    "triggerer": ["postgres", "minio"],
    "worker": ["postgres", "redis", "minio"],
    "champion": ["minio"],
}
WRITING = (
    "touch /srv/x /opt/venv/x /etc/x 2>/dev/null; ls /srv/x /opt/venv/x /etc/x 2>/dev/null; id -u"
)


@pytest.fixture(scope="module")
def swept(project, client):
    """The champion of a sweep whose file was copied by ``docker compose cp``."""
    project.copy_in("digits", TREES)
    return check_whole(client, "digits")


def test_a_copied_grid_file_becomes_a_champion_through_s3(project, client, swept):
    """Its sweep succeeded, and its model lies in the bucket."""

    def states():
        runs = project.airflow("/dags/sweep/dagRuns")["dag_runs"]
        return [each["state"] for each in runs if each["dag_run_id"].startswith("digits__")]

    until("end of its run, with its report", lambda: states() not in (["queued"], ["running"]))
    assert ["success"] == states()
    folder = f"{client.get_run(swept.run_id).info.artifact_uri}/model"
    assert folder.startswith("s3://sweepstake/mlflow/")
    code = f"from sweepstake.storage import bucket; print(bucket.file_system('s3').ls({folder!r}))"
    assert "model.skops" in project.run("worker", "python", "-c", code).stdout


def test_the_champion_answers_outside_of_the_containers(project, swept):
    """Its port is published, and it follows the alias."""
    rows = load_digits(as_frame=True).data.head(20)
    body = {"dataframe_split": rows.to_dict(orient="split")}
    transport = httpx.HTTPTransport(retries=5)

    def answers(http):
        answer = http.post(f"http://{ADDRESS}:8100/invocations", json=body)
        return answer if "Retry-After" not in answer.headers else None  # it follows within seconds

    with httpx.Client(transport=transport, timeout=120) as http:
        answer = until("a loaded champion", lambda: answers(http))
    assert (200, 20) == (answer.status_code, len(answer.json()["predictions"]))
    assert swept.version == answer.headers["X-Model-Version"]


@pytest.mark.long
def test_a_sweep_is_started_and_shown_on_the_page(project, client, swept):
    """The api-server writes to the folder of grids, and reaches MLflow and the bucket."""
    form = {"file": "paged.yaml", "content": TREES.replace("NAME", "paged")}
    with project.administrator() as reader:
        reader.headers["X-Sweepstake"] = "page"
        checked = reader.post("/sweepstake/submit/check", data=form).text
        form["digest"] = re.search(r'name="digest" value="(\w+)"', checked)[1]
        told = reader.post("/sweepstake/submit/start", data=form).text
        assert "is in the watched folder" in told
        check_whole(client, "paged")
        page = reader.get("/sweepstake/").text
    assert all(f"/models/{name}" in page for name in ("digits", "paged"))


@pytest.mark.long
@pytest.mark.parametrize("service", OURS)
def test_the_doctor_has_no_complaint_inside(project, swept, service):
    """It looks at what the program of that container uses."""
    found = json.loads(project.run(service, "sweepstake", "doctor", "--json").stdout)
    assert [] == [each["message"] for each in found if not each["ok"]]


@pytest.mark.long
def test_the_doctor_of_the_whole_has_no_complaint(project, swept):
    """The service `doctor` looks at every server, as an operator and as a task."""
    found = {each["name"]: each["message"] for each in project.ask("doctor")}
    assert found.keys() >= {"workspace", "MLflow registry", "DAG champion", "pool"}


def test_no_credential_is_shown_by_the_engine(project):
    """Neither what Docker knows of containers nor the history of the image holds any."""
    shown = docker("inspect", *project.containers()).stdout
    image = project.inspect("worker")[0]["Image"]
    shown += docker("image", "history", "--no-trunc", image).stdout
    names = [file.name for file in (project.folder / "secrets").iterdir()]
    assert len(names) == 19
    assert [] == [name for name in names if project.secret(name) in shown]


@pytest.mark.parametrize("service", SERVERS)
def test_every_container_is_closed(project, service):
    """No capability, no new privilege, a root file system that nobody writes, bounded logs."""
    for each in project.inspect(service):
        host = each["HostConfig"]
        assert (True, ["ALL"]) == (host["ReadonlyRootfs"], host["CapDrop"])
        assert ["no-new-privileges:true"] == host["SecurityOpt"]
        assert {"max-size": "10m", "max-file": "5"} == host["LogConfig"]["Config"]
        assert "unless-stopped" == host["RestartPolicy"]["Name"]
        assert host["Memory"] > 0


@pytest.mark.parametrize("service", OURS)
def test_our_programs_run_as_an_ordinary_user_who_cannot_change_them(project, service):
    """Writing beside the volumes fails."""
    assert ["50000"] == project.run(service, "sh", "-c", WRITING).stdout.split()


@pytest.mark.parametrize("service", OURS)
def test_services_reach_the_stores_that_they_need_and_no_others(project, service):
    """Tried from inside: the others have no name there, and no way."""
    code = REACHING.format(places=STORES)
    assert REACHED[service] == json.loads(project.run(service, "python", "-c", code).stdout)


@pytest.mark.parametrize("service", ["scheduler", "dag-processor"])
def test_ports_are_published_on_one_address_alone(project, service):
    """The machine's other addresses, here those of Docker's bridges, do not answer."""
    networks = [
        net for each in project.inspect(service) for net in each["NetworkSettings"]["Networks"]
    ]
    gateways = [
        json.loads(docker("network", "inspect", name).stdout)[0]["IPAM"]["Config"][0]["Gateway"]
        for name in networks
    ]
    places = [(gateway, port) for gateway in gateways for port in PORTS]
    code = REACHING.format(places=places)
    assert [] == json.loads(project.run(service, "python", "-c", code).stdout)
    bound = {
        port["HostIp"]
        for each in project.inspect()
        for ports in each["NetworkSettings"]["Ports"].values()
        for port in ports or ()
    }
    assert {ADDRESS} == bound


def test_files_in_volumes_belong_to_who_writes_them(project, swept):
    """The logs of tasks to our user, also after an engine has made the volume."""
    command = ("find", "/srv/sweepstake/airflow/logs", "-not", "-user", "50000")
    assert "" == project.run("worker", *command).stdout
    assert (
        "999"
        == project.run("postgres", "stat", "-c", "%u", "/var/lib/postgresql/18").stdout.strip()
    )


def test_logs_of_tasks_are_shown_by_another_container(project, swept):
    """The api-server reads what workers wrote into the volume, and may not write there."""
    runs = project.airflow("/dags/sweep/dagRuns")["dag_runs"]
    place = f"/dags/sweep/dagRuns/{runs[0]['dag_run_id']}/taskInstances/close/logs/1"
    assert "Task" in json.dumps(project.airflow(place))
    done = project.run("api-server", "touch", "/srv/sweepstake/airflow/logs/x", check=False)
    assert "Read-only" in done.stderr


@pytest.mark.parametrize("env", ["course.env", None])
def test_the_configuration_is_clean(project, env):
    """Compose has nothing to warn of, and finds every file."""
    if env is None:
        done = project.compose("config", "--quiet")
    else:
        done = docker("compose", "--env-file", str(ROOT / "deploy" / env), "config", "--quiet")
    assert ("", "") == (done.stdout, done.stderr)
