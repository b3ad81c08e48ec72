"""What docker-compose.yml and the Dockerfile promise before anything is started."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))

from composefile import _interpolated, read_env, read_services

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
    once = "profiles" in service or name == "check"  # a refusal does not change by asking again
    again = ("no",) if once else ("unless-stopped", "on-failure")
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


def make_secrets(target):
    """What the script did."""
    return run(sys.executable, ROOT / "scripts" / "make_secrets.py", target)


def test_secrets_are_random_and_private(tmp_path):
    """Two files differ in all but their settings, and only the owner reads them."""
    one, two = tmp_path / "one", tmp_path / "two"
    codes = [make_secrets(target).returncode for target in (one, two)]
    assert ([0, 0], 0o600) == (codes, one.stat().st_mode & 0o777)
    shared = set(one.read_text().splitlines()) & set(two.read_text().splitlines())
    assert {"BIND_ADDRESS", "S3_ENDPOINT", "S3_BUCKET"} == {line.split("=")[0] for line in shared}


def test_secrets_that_are_there_stay_and_missing_ones_are_added(tmp_path):
    """A file of an earlier release gets what it lacks; an empty value counts as missing."""
    target = tmp_path / ".env"
    target.write_text("POSTGRES_PASSWORD=kept\nREDIS_PASSWORD=")
    target.chmod(0o600)
    said = [make_secrets(target).stdout for _ in range(2)]
    values = read_env(target)
    assert ("kept", 64) == (values["POSTGRES_PASSWORD"], len(values["REDIS_PASSWORD"]))
    assert set(read_env(ROOT / "deploy" / "course.env")) == set(values)
    assert "nothing added" in said[1]
    assert [] == [value for value in values.values() if value in said[0]]


def test_secrets_are_not_added_to_a_file_that_others_can_read(tmp_path):
    """It is refused with the way out, and stays as it is."""
    target = tmp_path / ".env"
    target.write_text("POSTGRES_PASSWORD=kept\n")
    target.chmod(0o644)
    done = make_secrets(target)
    assert (1, "POSTGRES_PASSWORD=kept\n") == (done.returncode, target.read_text())
    assert "must be readable by its owner alone" in done.stdout


def test_no_service_starts_before_the_credentials_are_checked():
    """Whatever a service needs first, needs in turn that the check has succeeded."""
    services = read_services(ROOT / "docker-compose.yml", read_env(ROOT / "deploy" / "course.env"))
    for name in services.keys() - {"check"}:
        needed, left = {}, [name]
        while left:
            needs = services[left.pop()].needs
            left += needs.keys() - needed.keys()
            needed |= needs
        assert "service_completed_successfully" == needed.get("check"), name


SECRETS = [
    name
    for name in read_env(ROOT / "deploy" / "course.env")
    if name not in {"BIND_ADDRESS", "S3_ENDPOINT", "S3_BUCKET"}
]
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
        *("AIRFLOW_JWT_SECRET", "AIRFLOW_SECRET_KEY"),
    ],
    "scheduler": [
        *("AIRFLOW_DB_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_JWT_SECRET"),
        *("REDIS_PASSWORD", "CELERY_DB_PASSWORD"),
    ],
    "dag-processor": [
        *("AIRFLOW_DB_PASSWORD", "AIRFLOW_FERNET_KEY"),
        *("S3_WRITER_ACCESS_KEY", "S3_WRITER_SECRET_KEY"),
    ],
    "triggerer": ["AIRFLOW_DB_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_SECRET_KEY"],
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
    """Whatever of a service is interpolated, its command included, holds only these."""
    told = {secret: f"<{secret}>" for secret in SECRETS}
    body = _interpolated(COMPOSE["services"][name], told)
    seen = {secret for secret in SECRETS if f"<{secret}>" in str(body)}
    assert set(MAY_SEE[name]) == seen


def test_only_programs_that_need_them_keep_their_privileges():
    """Programs of ours run as an ordinary user in the image, without capabilities."""
    ours = [each for each in COMPOSE["services"].values() if each["image"].startswith("sweepstake")]
    kept = [each for each in ours if each["cap_drop"] != ["ALL"]]
    assert (12, []) == (len(ours), kept)
    assert all("no-new-privileges:true" in each["security_opt"] for each in ours)
