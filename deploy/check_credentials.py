"""Refuse passwords and keys that others could know or that no server takes; nothing starts before.

All mistakes are told at once, by the names of the files; no value is ever printed. What is merely
weak (published, short, used twice) is a warning where ports are published on this machine alone.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COURSE = Path(__file__).with_name("course")
WELL_KNOWN = frozenset(
    {
        *("admin", "airflow", "changeme", "default", "minio", "minio123", "minioadmin", "mlflow"),
        *("password", "password123", "password1234", "postgres", "redis", "secret", "sweepstake"),
    }
)
MLFLOW_REFUSES = ("MLFLOW_ADMIN_PASSWORD", "password1234")
"""What MLflow's releases once shipped, and lets nobody log in with as its admin."""
IN_URL = re.compile(r"[\w.~-]+", re.ASCII)
FIX = "Remove its file from the folder of secrets and run make secrets."


@dataclass(frozen=True, slots=True)
class Secret:
    """What a password or key must be like.

    strong: with fewer characters it can be guessed.
    least: with fewer characters its server refuses it.
    in_url: whether it stands in an address, which has no place for other characters.
    """

    name: str
    strong: int
    least: int = 1
    in_url: bool = False


SECRETS = (
    Secret("POSTGRES_PASSWORD", strong=16),
    Secret("AIRFLOW_DB_PASSWORD", strong=16),
    Secret("CELERY_DB_PASSWORD", strong=16, in_url=True),
    Secret("MLFLOW_DB_PASSWORD", strong=16),
    Secret("REDIS_PASSWORD", strong=16, in_url=True),
    Secret("MINIO_ROOT_PASSWORD", strong=16, least=8, in_url=True),
    Secret("S3_WRITER_SECRET_KEY", strong=16, least=8),
    Secret("S3_READER_SECRET_KEY", strong=16, least=8),
    Secret("AIRFLOW_ADMIN_PASSWORD", strong=12),
    Secret("AIRFLOW_FERNET_KEY", strong=1),  # its form is looked at below
    Secret("AIRFLOW_JWT_SECRET", strong=64),  # as many as HMAC with SHA-512 has use for
    Secret("AIRFLOW_SECRET_KEY", strong=32),
    Secret("MLFLOW_ADMIN_PASSWORD", strong=12, least=12),
    Secret("MLFLOW_AIRFLOW_PASSWORD", strong=12, least=12),
    Secret("MLFLOW_READER_PASSWORD", strong=12, least=12),
    Secret("MLFLOW_SECRET_KEY", strong=32),
)
NAMES = (
    Secret("MINIO_ROOT_USER", strong=3, least=3, in_url=True),
    Secret("S3_WRITER_ACCESS_KEY", strong=3, least=3),
    Secret("S3_READER_ACCESS_KEY", strong=3, least=3),
)
"""Who has the keys of the store: no secrets, but no two of them may be the same."""


def main(environ: Mapping[str, str]) -> int:
    """0 where the stack may start, else 1."""
    wrong, weak = [*_unusable(environ)], [*_weak(environ)]
    bound = environ.get("BIND_ADDRESS", "").strip("[]")
    wrong += _refused_address(bound)
    if weak and not wrong and not ipaddress.ip_address(bound).is_loopback:
        wrong.append(
            f"BIND_ADDRESS: must be a loopback address with such passwords, but got {bound!r}. "
            "Publish on 127.0.0.1."
        )
    for line in weak:
        print(f"WARNING: {line}")  # noqa: T201
    for line in wrong:
        print(line, file=sys.stderr)  # noqa: T201
    return 1 if wrong else 0


def _unusable(environ: Mapping[str, str]) -> Iterator[str]:
    """What no server would take."""
    for secret in (*SECRETS, *NAMES):
        value = environ.get(secret.name, "")
        if not value:
            yield f"{secret.name}: must not be empty. Run make secrets."
        elif len(value) < secret.least:
            yield _too_short(secret.name, secret.least, value)
        elif (secret.name, value) == MLFLOW_REFUSES:
            yield f"{secret.name}: must not be what MLflow once shipped, but is. {FIX}"
        elif secret.in_url and not IN_URL.fullmatch(value):
            yield f"{secret.name}: must hold only letters, digits and '._~-', but does not. {FIX}"
    if environ.get("AIRFLOW_FERNET_KEY") and not _is_fernet(environ["AIRFLOW_FERNET_KEY"]):
        yield f"AIRFLOW_FERNET_KEY: must be 32 bytes in URL-safe base64, but is not. {FIX}"


def _weak(environ: Mapping[str, str]) -> Iterator[str]:
    """What others could know."""
    published = WELL_KNOWN | _published()
    users = defaultdict(list)
    for secret in (*SECRETS, *NAMES):
        value = environ.get(secret.name, "")
        users[value].append(secret.name)
        if secret in SECRETS and value in published:
            yield f"{secret.name}: must not be a published password, but is. {FIX}"
        elif secret.least <= len(value) < secret.strong:
            yield _too_short(secret.name, secret.strong, value)
    for names in (names for value, names in users.items() if value and len(names) > 1):
        way_out = "Remove all their files but one and run make secrets."
        yield f"{', '.join(names)}: must differ, but are the same. {way_out}"


def _too_short(name: str, least: int, value: str) -> str:
    return f"{name}: must have {least} characters or more, but has {len(value)}. {FIX}"


def _published() -> set[str]:
    files = (COURSE / each.name for each in SECRETS)
    return {file.read_text(encoding="utf-8").strip() for file in files}


def _is_fernet(keys: str) -> bool:
    """Whether each key is one; Airflow takes several with commas, the newest first."""
    try:
        sizes = {len(base64.b64decode(key, b"-_", validate=True)) for key in keys.split(",")}
    except (binascii.Error, ValueError):
        return False
    return sizes == {32}


def _refused_address(bound: str) -> list[str]:
    """What is wrong with where ports are published: Docker takes no name."""
    try:
        ipaddress.ip_address(bound)
    except ValueError:
        way_out = "Say 127.0.0.1 for this machine alone."
        return [f"BIND_ADDRESS: must be an IP address, but got {bound!r}. {way_out}"]
    return []


if __name__ == "__main__":
    sys.exit(main(os.environ))
