"""What docker-compose.yml and the Dockerfile promise before anything is started."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))

from composefile import _secret, read_env, read_secrets, read_services

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SECRETS = sorted(read_secrets(ROOT / "deploy" / "course"))


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
    once = "profiles" in service or name == "check"  # a refusal does not change by asking again
    again = ("no",) if once else ("unless-stopped", "on-failure")
    assert service["restart"].startswith(again)


def test_ports_are_published_on_the_loopback_unless_told_otherwise():
    """Each port is bound by BIND_ADDRESS, whose default is 127.0.0.1."""
    ports = [port for each in COMPOSE["services"].values() for port in each.get("ports", ())]
    assert ports
    assert all(port.startswith("${BIND_ADDRESS:-127.0.0.1}:") for port in ports)


def test_no_password_stands_in_the_compose_file():
    """Whatever is secret is a file of a folder without a default; variables name files alone."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    pattern = r"^\s*(\w*(?:PASSWORD|SECRET|FERNET_KEY|ACCESS_KEY)\w*):\s*(\S.*)$"
    found = dict(re.findall(pattern, text, re.MULTILINE))
    files = {name: each["file"] for name, each in COMPOSE["secrets"].items()}
    assert {name: f"${{SECRETS:?run make secrets}}/{name}" for name in SECRETS} == files
    named = {name: value for name, value in found.items() if name not in files}
    assert all(name.endswith("_FILE") and value.startswith("/") for name, value in named.items())


def make_secrets(target):
    """What the script did."""
    return run(sys.executable, ROOT / "scripts" / "make_secrets.py", target)


def test_secrets_are_random_and_private(tmp_path):
    """No two are the same, and other users of the machine come into the folder of neither."""
    values = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert 0 == make_secrets(tmp_path / name / ".env").returncode
        folder = tmp_path / name / "secrets"
        assert 0o700 == folder.stat().st_mode & 0o777
        values += read_secrets(folder).values()
    assert 2 * len(SECRETS) == len(set(values))
    assert set(read_env(ROOT / "deploy" / "course.env")) == set(read_env(tmp_path / "two" / ".env"))


def test_secrets_that_are_there_stay_and_missing_ones_are_added(tmp_path):
    """Those of an earlier release's .env are moved into files; empty ones count as missing."""
    target = tmp_path / ".env"
    target.write_text("# ours\nPOSTGRES_PASSWORD=kept\nREDIS_PASSWORD=\nTRAINING_SLOTS=9")
    target.chmod(0o600)
    said = [make_secrets(target).stdout for _ in range(2)]
    values = read_secrets(tmp_path / "secrets")
    assert ("kept", 64) == (values["POSTGRES_PASSWORD"], len(values["REDIS_PASSWORD"]))
    assert set(SECRETS) == set(values)
    assert "nothing added" in said[1]
    assert [] == [value for value in values.values() if value in said[0]]
    text = target.read_text()
    assert (True, False) == ("# ours\n" in text, "kept" in text)
    assert ("9", "./secrets") == (read_env(target)["TRAINING_SLOTS"], read_env(target)["SECRETS"])


def test_secrets_are_not_added_to_a_file_that_others_can_read(tmp_path):
    """It is refused with the way out, and stays as it is."""
    target = tmp_path / ".env"
    target.write_text("POSTGRES_PASSWORD=kept\n")
    target.chmod(0o644)
    done = make_secrets(target)
    assert (1, "POSTGRES_PASSWORD=kept\n") == (done.returncode, target.read_text())
    assert "must be open to its owner alone" in done.stdout
    assert [] == [*(tmp_path / "secrets").iterdir()]


def test_no_service_starts_before_the_credentials_are_checked():
    """Whatever a service needs first, needs in turn that the check has succeeded."""
    told = read_env(ROOT / "deploy" / "course.env")
    course = read_secrets(ROOT / "deploy" / "course")
    services = read_services(ROOT / "docker-compose.yml", told, course)
    for name in services.keys() - {"check"}:
        needed, left = {}, [name]
        while left:
            needs = services[left.pop()].needs
            left += needs.keys() - needed.keys()
            needed |= needs
        assert "service_completed_successfully" == needed.get("check"), name


MAY_SEE = {
    "check": SECRETS,
    "postgres": ["POSTGRES_PASSWORD"],
    "redis": ["REDIS_PASSWORD"],
    "minio": ["MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"],
    "bucket": [name for name in SECRETS if name.startswith(("MINIO_", "S3_"))],
    "databases": [name for name in SECRETS if name.endswith("_DB_PASSWORD")]
    + ["POSTGRES_PASSWORD"],
    "mlflow": [
        *("MLFLOW_DB_PASSWORD", "MLFLOW_ADMIN_PASSWORD", "MLFLOW_SECRET_KEY"),
        *("S3_READER_ACCESS_KEY", "S3_READER_SECRET_KEY"),
    ],
    "users": ["MLFLOW_ADMIN_PASSWORD", "MLFLOW_AIRFLOW_PASSWORD", "MLFLOW_READER_PASSWORD"],
    "prepare": ["AIRFLOW_DB_PASSWORD", "AIRFLOW_FERNET_KEY"],
    "api-server": [
        *("AIRFLOW_DB_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_ADMIN_PASSWORD"),
        *("AIRFLOW_JWT_SECRET", "AIRFLOW_SECRET_KEY", "MLFLOW_AIRFLOW_PASSWORD"),
        *("S3_WRITER_ACCESS_KEY", "S3_WRITER_SECRET_KEY"),
    ],
    "scheduler": [
        *("AIRFLOW_DB_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_JWT_SECRET"),
        *("REDIS_PASSWORD", "CELERY_DB_PASSWORD"),
    ],
    "dag-processor": [
        *("AIRFLOW_DB_PASSWORD", "AIRFLOW_FERNET_KEY"),
        *("S3_WRITER_ACCESS_KEY", "S3_WRITER_SECRET_KEY"),
    ],
    "triggerer": [
        *("AIRFLOW_DB_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_SECRET_KEY"),
        *("S3_READER_ACCESS_KEY", "S3_READER_SECRET_KEY"),
    ],
    "worker": [
        *("REDIS_PASSWORD", "CELERY_DB_PASSWORD", "AIRFLOW_SECRET_KEY", "MLFLOW_AIRFLOW_PASSWORD"),
        *("S3_WRITER_ACCESS_KEY", "S3_WRITER_SECRET_KEY"),
    ],
    "doctor": [
        *("AIRFLOW_ADMIN_PASSWORD", "MLFLOW_AIRFLOW_PASSWORD"),
        *("S3_WRITER_ACCESS_KEY", "S3_WRITER_SECRET_KEY"),
    ],
    "champion": ["MLFLOW_READER_PASSWORD", "S3_READER_ACCESS_KEY", "S3_READER_SECRET_KEY"],
}
"""What each service needs to do its work, and nobody else may know."""


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_service_sees_the_secrets_that_it_needs_and_no_others(name):
    """Only the files of these are in its container, and what it names beside them is among them."""
    body = COMPOSE["services"][name]
    files = dict(map(_secret, body["secrets"]))
    named = set(re.findall(r"\$\$\{(\w+)\}", str({**body, "secrets": []})))
    assert set(MAY_SEE[name]) == set(files.values())
    assert (named & set(SECRETS)) <= set(files)


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_container_is_closed(name):
    """It has no capabilities, gains none, and writes to volumes and memory alone."""
    service = COMPOSE["services"][name]
    assert (["ALL"], True) == (service["cap_drop"], service["read_only"])
    assert "no-new-privileges:true" in service["security_opt"]
