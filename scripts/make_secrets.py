"""Write the passwords and keys of docker-compose.yml into .env; what stands there already stays."""

import base64
import os
import secrets
import stat
import sys
from pathlib import Path

SETTINGS = {
    "BIND_ADDRESS": "127.0.0.1",
    "S3_ENDPOINT": "http://minio:9000",
    "S3_BUCKET": "sweepstake",
}
USERS = ("MINIO_ROOT_USER", "S3_WRITER_ACCESS_KEY", "S3_READER_ACCESS_KEY")
STORE_KEYS = ("MINIO_ROOT_PASSWORD", "S3_WRITER_SECRET_KEY", "S3_READER_SECRET_KEY")
PASSWORDS = (
    "POSTGRES_PASSWORD",
    "AIRFLOW_DB_PASSWORD",
    "CELERY_DB_PASSWORD",
    "MLFLOW_DB_PASSWORD",
    "REDIS_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_SECRET_KEY",
    "MLFLOW_ADMIN_PASSWORD",
    "MLFLOW_AIRFLOW_PASSWORD",
    "MLFLOW_READER_PASSWORD",
    "MLFLOW_SECRET_KEY",
)


def fresh() -> dict[str, str]:
    """A value for each name."""
    return {
        **SETTINGS,
        **{name: f"{name.split('_')[1].lower()}-{secrets.token_hex(4)}" for name in USERS},
        **{name: secrets.token_hex(20) for name in STORE_KEYS},
        "AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        **{name: secrets.token_hex(32) for name in PASSWORDS},
    }


def main(target: Path) -> int:
    """Add what is missing to a file that its owner alone can read; 1 if others could."""
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            way_out = f"Say chmod 600 {target}, and think of who has read it."
            print(f"{target}: must be readable by its owner alone, but is not. {way_out}")  # noqa: T201
            return 1
        text = file.read()
        lines = (line.partition("=") for line in text.splitlines())
        known = {name.strip() for name, _, value in lines if value.strip()}
        added = {name: value for name, value in fresh().items() if name not in known}
        file.write("\n" if text and not text.endswith("\n") else "")
        file.writelines(f"{name}={value}\n" for name, value in added.items())
    print(f"{target}: {', '.join(added) or 'nothing'} added; what stood there stayed.")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".env")))
