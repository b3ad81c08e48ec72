"""Refuse well-known passwords where ports are published beyond this machine; warn of them here."""

import ipaddress
import os
import sys

WELL_KNOWN = {"admin", "airflow", "minio", "minio123", "password", "password1234", "sweepstake"}
SECRETS = (
    "AWS_SECRET_ACCESS_KEY",
    "PGPASSWORD",
    "REDIS_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
    "MLFLOW_AUTH_ADMIN_PASSWORD",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_READER_PASSWORD",
)


def main() -> int:
    """0 where the stack may start, else 1."""
    weak = [name for name in SECRETS if os.environ.get(name, "") in WELL_KNOWN | {""}]
    if not weak:
        return 0
    print(f"WARNING: well-known or empty passwords: {', '.join(weak)}. Run make secrets.")  # noqa: T201
    bound = os.environ.get("BIND_ADDRESS", "127.0.0.1")
    if ipaddress.ip_address(bound).is_loopback:
        return 0
    print(  # noqa: T201
        f"BIND_ADDRESS: must be a loopback address with such passwords, but got {bound!r}. "
        "Run make secrets, or publish on 127.0.0.1.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
