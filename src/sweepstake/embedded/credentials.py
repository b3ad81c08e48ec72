"""Credentials: passwords and keys of one embedded stack, generated once and kept private."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from sweepstake.embedded.layout import write_private

if TYPE_CHECKING:
    from pathlib import Path

ADMIN = "admin"
"""Airflow's user."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """None of these shows in ``repr``, in a log or on a command line.

    airflow_password: of Airflow's user ``admin``.
    postgres_password: of the database user.
    fernet_key: encrypts Airflow's connections.
    jwt_secret: signs Airflow's tokens.
    secret_key: signs the sessions of Airflow's web UI.
    """

    airflow_password: str = field(repr=False)
    postgres_password: str = field(repr=False)
    fernet_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    secret_key: str = field(repr=False)


def ensure(path: Path) -> Credentials:
    """Read the credentials from ``path``; generate and keep them there the first time."""
    if path.exists():
        return Credentials(**json.loads(path.read_text(encoding="utf-8")))
    credentials = _generate()
    write_private(path, json.dumps(asdict(credentials)))
    return credentials


def _generate() -> Credentials:
    return Credentials(
        airflow_password=secrets.token_urlsafe(15),
        postgres_password=secrets.token_urlsafe(32),
        fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        jwt_secret=secrets.token_urlsafe(64),
        secret_key=secrets.token_urlsafe(64),
    )
