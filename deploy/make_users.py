"""Create MLflow's users: one that Airflow writes as, and one that only reads."""

import os
from contextlib import suppress

from mlflow.exceptions import RestException
from mlflow.server.auth.client import AuthServiceClient


def main() -> None:
    """Create those that do not exist; the environment is the administrator's."""
    client = AuthServiceClient(os.environ["MLFLOW_TRACKING_URI"])
    for name in ("AIRFLOW", "READER"):
        with suppress(RestException):  # there is one
            client.create_user(name.lower(), os.environ[f"MLFLOW_{name}_PASSWORD"])
        client.get_user(name.lower())


if __name__ == "__main__":
    main()
