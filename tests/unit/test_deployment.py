"""What docker-compose.yml and the Dockerfile promise before anything is started."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))

from composefile import read_env, read_services

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def run(*command, **options):
    """What a program did."""
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False, **options)


def test_the_compose_file_follows_the_specification():
    """The JSON schema of the compose specification accepts it."""
    done = run(
        BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def test_the_dockerfile_follows_the_rules():
    """Hadolint has nothing to say about it."""
    done = run(BIN / "hadolint", "Dockerfile")
    assert (0, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_is_pinned_limited_and_kept_tidy(name):
    """Its image has a version, memory and logs have a bound; it starts again unless run by hand."""
    service = COMPOSE["services"][name]
    tag = service["image"].rpartition(":")[2]
    assert tag not in ("", "latest")
    assert {"memory", "cpus"} <= set(service["deploy"]["resources"]["limits"])
    assert "max-size" in service["logging"]["options"]
    again = ("no",) if "profiles" in service else ("unless-stopped", "on-failure")
    assert service["restart"].startswith(again)


def test_ports_are_published_on_the_loopback_unless_told_otherwise():
    """Each port is bound by BIND_ADDRESS, whose default is 127.0.0.1."""
    ports = [port for each in COMPOSE["services"].values() for port in each.get("ports", ())]
    assert ports
    assert all(port.startswith("${BIND_ADDRESS:-127.0.0.1}:") for port in ports)


def test_no_password_stands_in_the_compose_file():
    """Whatever is secret comes from a variable without a default."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    pattern = r"^\s*(\w*(?:PASSWORD|SECRET|FERNET_KEY|ACCESS_KEY)\w*):\s*(\S.*)$"
    found = re.findall(pattern, text, re.MULTILINE)
    assert found
    secret = [(name, value) for name, value in found if not value.startswith("${")]
    assert ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"] == [name for name, _ in secret]


def test_secrets_are_random_private_and_never_overwritten(tmp_path):
    """Two files differ, only the owner reads them, and one that exists stays."""
    one, two = tmp_path / "one", tmp_path / "two"
    script = ROOT / "scripts" / "make_secrets.py"
    codes = [run(sys.executable, script, target).returncode for target in (one, two, one)]
    assert ([0, 0, 1], 0o600) == (codes, one.stat().st_mode & 0o777)
    shared = set(one.read_text().splitlines()) & set(two.read_text().splitlines())
    assert {"BIND_ADDRESS", "S3_ENDPOINT", "S3_BUCKET"} == {line.split("=")[0] for line in shared}


@pytest.mark.parametrize(
    ("bound", "password", "code", "said"),
    [
        ("127.0.0.1", "minio123", 0, "WARNING"),
        ("0.0.0.0", "minio123", 1, "WARNING"),
        ("0.0.0.0", "f9e3b7", 0, ""),
    ],
)
def test_the_courses_passwords_stay_on_this_machine(bound, password, code, said):
    """With them ports are published on a loopback address only, and a warning is printed."""
    names = ("PGPASSWORD", "REDIS_PASSWORD", "AIRFLOW_ADMIN_PASSWORD")
    names += ("MLFLOW_AUTH_ADMIN_PASSWORD", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_READER_PASSWORD")
    secrets = {**dict.fromkeys(names, "f9e3b7"), "AWS_SECRET_ACCESS_KEY": password}
    script = ROOT / "deploy" / "check_credentials.py"
    done = run(sys.executable, script, env={**secrets, "BIND_ADDRESS": bound})
    assert (code, said) == (done.returncode, done.stdout[:7])


@pytest.mark.parametrize(
    ("bound", "code", "said"), [("127.0.0.1", 0, ""), ("0.0.0.0", 1, "BIND_ADDRESS: must be")]
)
def test_the_courses_file_is_complete_and_warned_of(bound, code, said):
    """With it the service `prepare` has all it needs; it warns, and refuses other addresses."""
    variables = read_env(ROOT / "deploy" / "course.env") | {"BIND_ADDRESS": bound}
    assert {"minio", "minio123", "http://minio:9000"} <= set(variables.values())
    services = read_services(ROOT / "docker-compose.yml", variables)
    environment = services["prepare"].environment
    done = run(sys.executable, ROOT / "deploy" / "check_credentials.py", env=environment)
    assert (code, said) == (done.returncode, done.stderr[: len(said)])
    assert done.stdout.startswith("WARNING: well-known or empty passwords: AWS_SECRET_ACCESS_KEY, ")
