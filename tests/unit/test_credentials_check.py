"""What deploy/check_credentials.py refuses, what it warns of, and what it never says."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))

from composefile import read_env, read_secrets, read_services

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COURSE = {**read_env(DEPLOY / "course.env"), **read_secrets(DEPLOY / "course")}
"""What the course gives: addresses, passwords and keys."""


@pytest.fixture(scope="module")
def random(tmp_path_factory):
    """The variables that ``make secrets`` writes."""
    target = tmp_path_factory.mktemp("secrets") / ".env"
    command = [sys.executable, ROOT / "scripts" / "make_secrets.py", target]
    subprocess.run(command, check=True, capture_output=True)
    return {**read_env(target), **read_secrets(target.with_name("secrets"))}


def check(variables):
    """What the service `check` answers, started as the compose file says."""
    services = read_services(ROOT / "docker-compose.yml", variables, variables)
    environment = services["check"].environment
    return run({**environment, **variables})


def run(environment):
    """What the script answers to an environment."""
    command = [sys.executable, ROOT / "deploy" / "check_credentials.py"]
    return subprocess.run(command, env=environment, text=True, capture_output=True, check=False)


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0", "192.0.2.7", "::1", "[::]"])
def test_fresh_secrets_are_taken_everywhere(random, bound):
    """With random values there is nothing to say, wherever ports are published."""
    done = check({**random, "BIND_ADDRESS": bound})
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("bound", ["127.0.0.1", "127.0.0.9", "::1", "[::1]"])
def test_the_courses_passwords_start_on_this_machine_with_a_warning(bound):
    """The lab's own passwords are those of the file, and each of them is named."""
    variables = COURSE | {"BIND_ADDRESS": bound}
    assert {"minio", "minio123", "http://minio:9000"} <= set(variables.values())
    done = check(variables)
    assert (0, "") == (done.returncode, done.stderr)
    warned = {line.split(": ")[1] for line in done.stdout.splitlines() if "published" in line}
    names = {name for name in SECRETS if "PASSWORD" in name or "SECRET" in name}
    assert names | {"AIRFLOW_FERNET_KEY"} == warned


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", "192.0.2.7"])
def test_the_courses_passwords_are_refused_elsewhere(bound):
    """Where others reach the ports, nothing starts with them."""
    done = check(COURSE | {"BIND_ADDRESS": bound})
    assert (1, "BIND_ADDRESS: must be a loopback address") == (done.returncode, done.stderr[:40])


@pytest.mark.parametrize("bound", ["localhost", "sweepstake.example.org", "127.0.0.1:80", ""])
def test_an_address_that_is_none_is_refused_in_a_sentence(random, bound):
    """Docker publishes ports on addresses alone, so names are told, with what to say instead."""
    done = run({**random, "BIND_ADDRESS": bound})
    said = f"BIND_ADDRESS: must be an IP address, but got {bound!r}. "
    assert (1, said + "Say 127.0.0.1 for this machine alone.\n") == (done.returncode, done.stderr)


SECRETS = sorted(read_secrets(DEPLOY / "course"))


@pytest.mark.parametrize("name", SECRETS)
def test_an_empty_value_is_refused_even_here(random, name):
    """Without one of them a server makes up its own, or lets everybody in."""
    done = run({**random, name: ""})
    assert (1, f"{name}: must not be empty. Run make secrets.\n") == (done.returncode, done.stderr)


NAMES = {"MINIO_ROOT_USER", "S3_WRITER_ACCESS_KEY", "S3_READER_ACCESS_KEY"}
USERS = {"MLFLOW_ADMIN_PASSWORD", "MLFLOW_AIRFLOW_PASSWORD", "MLFLOW_READER_PASSWORD"}
GUESSED = [*{*SECRETS} - NAMES - USERS - {"AIRFLOW_FERNET_KEY"}]


@pytest.mark.parametrize("name", sorted(GUESSED))
@pytest.mark.parametrize(("bound", "code"), [("127.0.0.1", 0), ("0.0.0.0", 1)])
def test_a_short_value_is_weak(random, name, bound, code):
    """Whatever can be guessed is warned of here and refused elsewhere."""
    done = run({**random, name: "q7weeeeeeex", "BIND_ADDRESS": bound})
    assert (code, True) == (done.returncode, f"WARNING: {name}: must have " in done.stdout)


@pytest.mark.parametrize("name", sorted(NAMES | USERS))
def test_a_value_too_short_for_its_server_is_refused(random, name):
    """MLflow takes no password below twelve characters, and MinIO no name below three."""
    done = run({**random, name: "q7"})
    assert (1, f"{name}: must have ") == (done.returncode, done.stderr[: len(name) + 12])


@pytest.mark.parametrize(
    "value", ["q" * 43 + "=", "not base64 at all", "cXVpdGUgc2hvcnQ=", "!" * 44, "é" * 44]
)
def test_a_fernet_key_that_is_none_is_refused(random, value):
    """Airflow would fail at the first password that it stores."""
    wrong = value != "q" * 43 + "="
    done = run({**random, "AIRFLOW_FERNET_KEY": value})
    told = "AIRFLOW_FERNET_KEY: must be 32 bytes in URL-safe base64, but is not." in done.stderr
    assert (wrong, wrong) == (done.returncode == 1, told)


def test_two_fernet_keys_are_taken(random):
    """The old key may stand behind the new one while Airflow rotates them."""
    keys = f"{random['AIRFLOW_FERNET_KEY']},{'b' * 43}="
    assert 0 == run({**random, "AIRFLOW_FERNET_KEY": keys}).returncode


def test_a_password_used_twice_is_weak(random):
    """Whoever learns one of two would have the other."""
    same = dict.fromkeys(("REDIS_PASSWORD", "MLFLOW_DB_PASSWORD"), "v" * 40)
    done = run({**random, **same})
    said = "WARNING: MLFLOW_DB_PASSWORD, REDIS_PASSWORD: must differ, but are the same."
    assert (0, said) == (done.returncode, done.stdout[: len(said)])
    assert 1 == run({**random, **same, "BIND_ADDRESS": "0.0.0.0"}).returncode


@pytest.mark.parametrize(
    "name", ["REDIS_PASSWORD", "CELERY_DB_PASSWORD", "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"]
)
def test_what_stands_in_a_url_holds_no_other_characters(random, name):
    """A password with a slash or an at sign would lead elsewhere."""
    done = run({**random, name: "long-enough@elsewhere/for-this"})
    assert (1, f"{name}: must hold only letters") == (
        done.returncode,
        done.stderr[: len(name) + 24],
    )


def test_the_password_that_mlflow_refuses_is_refused_before_it_starts(random):
    """Its server would end and be started again for ever."""
    done = run({**random, "MLFLOW_ADMIN_PASSWORD": "password1234"})
    assert 1 == done.returncode
    told = "MLFLOW_ADMIN_PASSWORD: must not be what MLflow once shipped, but is. "
    assert any(line.startswith(told) for line in done.stderr.splitlines())


def test_all_mistakes_are_told_at_once_and_no_value(random):
    """One run is enough to see everything, and its output may be shown to anybody."""
    wrong = {
        "BIND_ADDRESS": "localhost",
        "REDIS_PASSWORD": "",
        "AIRFLOW_FERNET_KEY": "QnotAfernetKeyQ",
        "MLFLOW_ADMIN_PASSWORD": "Qshort",
        "POSTGRES_PASSWORD": "password1234",
    }
    variables = {**random, **wrong}
    done = run(variables)
    told = {line.removeprefix("WARNING: ").split(":")[0] for line in done.stderr.splitlines()}
    told |= {line.removeprefix("WARNING: ").split(":")[0] for line in done.stdout.splitlines()}
    assert (1, set(wrong)) == (done.returncode, told)
    values = [variables[name] for name in SECRETS if variables[name]]
    assert [] == [value for value in values if value in done.stdout + done.stderr]
