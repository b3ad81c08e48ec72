"""Write the passwords and keys of docker-compose.yml into files; what stands there stays."""

from __future__ import annotations

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
    """A value for each secret."""
    return {
        **{name: f"{name.split('_')[1].lower()}-{secrets.token_hex(4)}" for name in USERS},
        **{name: secrets.token_hex(20) for name in STORE_KEYS},
        "AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        **{name: secrets.token_hex(32) for name in PASSWORDS},
    }


def main(target: Path) -> int:
    """Add what is missing to ``target`` and its folder of secrets; 1 if others could read them.

    An earlier release kept passwords in ``target``: they are moved into files of their own.
    """
    folder = target.parent / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    told = _read(target)
    kept = {name: told.pop(name) for name in fresh() if told.get(name)}
    for place in (folder, *([target] if kept else [])):
        if stat.S_IMODE(place.stat().st_mode) & 0o077:
            way_out = f"Say chmod go= {place}, and think of who has read it."
            print(f"{place}: must be open to its owner alone, but is not. {way_out}")  # noqa: T201
            return 1
    added = _add(folder, {**fresh(), **kept})
    settings = {**SETTINGS, "SECRETS": f"./{folder.name}"}
    lacking = {name: value for name, value in settings.items() if not told.get(name)}
    if lacking or kept:
        _write(target, kept, lacking)
    print(f"{folder}: {', '.join(added) or 'nothing'} added; what stood there stayed.")  # noqa: T201
    return 0


def _read(target: Path) -> dict[str, str]:
    """The variables of an .env file; empty if there is none."""
    text = target.read_text(encoding="utf-8") if target.exists() else ""
    lines = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}


def _add(folder: Path, values: dict[str, str]) -> list[str]:
    """Make the files that are missing or empty, and give their names.

    Only the folder keeps others out: programs in containers read the files as users of their own.
    """
    added = []
    for name, value in values.items():
        file = folder / name
        if not file.exists() or not file.read_text(encoding="utf-8").strip():
            fresh_file = folder / f".{name}"
            fresh_file.write_text(value, encoding="utf-8")
            fresh_file.chmod(0o444)
            fresh_file.replace(file)
            added.append(name)
    return added


def _write(target: Path, moved: dict[str, str], lacking: dict[str, str]) -> None:
    """Take lines out of an .env file and add others; readers see the old file or the new one."""
    text = target.read_text(encoding="utf-8") if target.exists() else ""
    gone = {*moved, *lacking}
    lines = [line for line in text.splitlines() if line.partition("=")[0].strip() not in gone]
    lines += [f"{name}={value}" for name, value in lacking.items()]
    beside = target.with_name(f"{target.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{line}\n" for line in lines)
    beside.replace(target)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".env")))
