import stat
import time
from contextlib import suppress
from dataclasses import asdict

import httpx
import psutil
import pytest
from hands import ANSWER_SECONDS

from sweepstake import embedded
from sweepstake.embedded import ComponentState, credentials, processes, supervisor
from sweepstake.embedded.layout import Layout

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


def pids(settings):
    """The process of each component."""
    return {component.name: component.pid for component in embedded.status(settings)}


def states(settings):
    """The state of each component."""
    return {component.name: component.state for component in embedded.status(settings)}


def all_healthy(settings):
    """The states of a stack that lacks nothing."""
    return dict.fromkeys(states(settings), ComponentState.HEALTHY)


def wait_until_healthy(settings):
    """Wait for a stack that fixes itself."""
    limit = time.monotonic() + 90
    while states(settings) != all_healthy(settings) and time.monotonic() < limit:
        time.sleep(0.5)


def kill(pid):
    """Kill a process and wait until it is gone."""
    process = psutil.Process(pid)
    process.kill()
    psutil.wait_procs([process], timeout=10)


def kill_component(settings, name):
    """Kill the process of a component and wait until the supervisor has noticed."""
    killed = pids(settings)[name]
    kill(killed)
    limit = time.monotonic() + 30
    while pids(settings)[name] == killed and time.monotonic() < limit:
        time.sleep(0.1)
    return killed


def listening(settings):
    """The addresses on which the stack's processes listen; those of tasks come and go."""
    found = set()
    for process in processes.of_stack(settings.home):
        with suppress(psutil.NoSuchProcess):
            found |= {
                (each.laddr.ip, each.laddr.port)
                for each in process.net_connections()
                if each.status == psutil.CONN_LISTEN
            }
    return found


def token(running, password):
    """Airflow's answer to a login."""
    body = {"username": running.stack.airflow_user, "password": password}
    url = f"{running.stack.airflow_url}/auth/token"
    return httpx.post(url, json=body, timeout=ANSWER_SECONDS).status_code


def test_every_component_is_healthy(stack):
    """When up returns, each component does its work."""
    assert states(stack.settings) == all_healthy(stack.settings)


def test_nothing_listens_beyond_this_machine(stack):
    """Airflow, MLflow and PostgreSQL listen on 127.0.0.1, and nothing else listens at all."""
    found = listening(stack.settings)
    assert ({"127.0.0.1"}, 3) == ({ip for ip, _ in found}, len(found))


def test_the_folders_above_the_stack_stay_closed(stack):
    """Started as root too, PostgreSQL's own user gets no way through them."""
    folders = (stack.settings.home, stack.settings.home.parent)
    assert [0o700] * 2 == [stat.S_IMODE(folder.stat().st_mode) for folder in folders]


def test_airflow_takes_the_generated_password_only(stack):
    """There is no login without the password that was generated for this stack."""
    right = token(stack, stack.settings.airflow_password)
    assert (201, 401) == (right, token(stack, "admin"))


def test_secrets_are_private_and_on_no_command_line(stack):
    """Other users of this machine see no secret, neither in a file nor in a process list."""
    layout = Layout(stack.settings.home)
    files = (layout.credentials, layout.client, layout.pgpass, layout.airflow / "passwords.json")
    lines = " ".join(" ".join(each.cmdline()) for each in processes.of_stack(layout.home))
    secrets = [line.rsplit(":", 1)[1] for line in layout.pgpass.read_text().splitlines()]
    secrets.append(stack.settings.airflow_password)
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in files}
    assert [] == [secret for secret in secrets if secret in lines]


def test_no_log_tells_a_secret(stack):
    """Whatever components and tasks have said so far, no password and no key is in it."""
    layout = Layout(stack.settings.home)
    secrets = asdict(credentials.ensure(layout.credentials))
    logs = [*layout.logs.iterdir(), *(layout.airflow / "logs").rglob("*.log")]
    told = {
        (str(log), name)
        for log in logs
        for name, secret in secrets.items()
        if secret.encode() in log.read_bytes()
    }
    assert told == set()
    assert layout.logs / "scheduler.log" in logs


def test_a_second_up_joins_the_running_stack(stack):
    """Starting what runs changes no process and gives the same addresses."""
    before = pids(stack.settings)
    again = embedded.up(stack.settings, stack.said.append, stack.environ)
    assert (again.airflow_url, again.mlflow_url) == (
        stack.stack.airflow_url,
        stack.stack.mlflow_url,
    )
    assert (again.first, pids(stack.settings)) == (False, before)


def test_a_killed_component_comes_back(stack):
    """A component that is killed is started again, and status counts it."""
    victim = next(each for each in embedded.status(stack.settings) if each.name == "triggerer")
    kill_component(stack.settings, "triggerer")
    wait_until_healthy(stack.settings)
    back = next(each for each in embedded.status(stack.settings) if each.name == "triggerer")
    assert (back.state, back.restarts) == (ComponentState.HEALTHY, victim.restarts + 1)
    assert back.pid != victim.pid


def test_a_server_comes_back_though_its_workers_outlived_it(stack):
    """Killed alone, MLflow leaves workers that hold its port; they are ended for the next one."""
    family = psutil.Process(pids(stack.settings)["mlflow"]).children(recursive=True)
    killed = kill_component(stack.settings, "mlflow")
    psutil.wait_procs(family, timeout=60)
    wait_until_healthy(stack.settings)
    assert not [each for each in family if each.is_running()]
    assert states(stack.settings) == all_healthy(stack.settings)
    assert pids(stack.settings)["mlflow"] not in {killed, None}


@pytest.mark.long
def test_the_database_comes_back_and_its_clients_with_it(stack):
    """After the database server is killed, every component is healthy again by itself."""
    kill_component(stack.settings, "postgres")
    for _ in range(4):  # its clients may notice only seconds later, and start again then
        wait_until_healthy(stack.settings)
        time.sleep(5)
    wait_until_healthy(stack.settings)
    assert states(stack.settings) == all_healthy(stack.settings)


def test_down_ends_what_a_killed_supervisor_left(stack):
    """Without its supervisor the stack is still stopped whole, and starts where it was."""
    kill(supervisor.daemon(Layout(stack.settings.home)).pid)
    embedded.down(stack.settings, stack.said.append, stack.environ)
    left = processes.of_stack(stack.settings.home)
    again = embedded.up(stack.settings, stack.said.append, stack.environ)
    assert [] == left
    assert (again.airflow_url, again.first) == (stack.stack.airflow_url, False)
    assert 201 == token(stack, stack.settings.airflow_password)
