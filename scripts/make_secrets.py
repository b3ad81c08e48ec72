"""Write .env with random passwords and keys, for docker-compose.yml; never over one that exists."""

import base64
import os
import secrets
import sys
from pathlib import Path

PASSWORDS = (
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
    "MLFLOW_ADMIN_PASSWORD",
    "MLFLOW_AIRFLOW_PASSWORD",
    "MLFLOW_READER_PASSWORD",
    "AIRFLOW_SECRET_KEY",
    "AIRFLOW_JWT_SECRET",
    "MLFLOW_SECRET_KEY",
)


def contents() -> str:
    """The lines of a new file."""
    values = {
        "BIND_ADDRESS": "127.0.0.1",
        "S3_ENDPOINT": "http://minio:9000",
        "S3_BUCKET": "sweepstake",
        "S3_ACCESS_KEY": "sweepstake-" + secrets.token_hex(4),
        "S3_SECRET_KEY": secrets.token_hex(20),
        "AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        **{name: secrets.token_hex(32) for name in PASSWORDS},
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def main(target: Path) -> int:
    """Create the file, readable by its owner alone; 1 if there is one."""
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{target}: exists and was left as it is. Remove it for new secrets.")  # noqa: T201
        return 1
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(contents())
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".env")))
