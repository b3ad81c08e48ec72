"""Create MLflow's users: one that Airflow writes as, and one that only reads."""

import os

from mlflow.exceptions import RestException
from mlflow.server.auth.client import AuthServiceClient


def main() -> None:
    """Create those that do not exist, and give the others the password that tasks will say."""
    client = AuthServiceClient(os.environ["MLFLOW_TRACKING_URI"])
    for name in ("AIRFLOW", "READER"):
        user, password = name.lower(), os.environ[f"MLFLOW_{name}_PASSWORD"]
        try:
            client.create_user(user, password)
        except RestException:  # there is one, or the next line says what is wrong
            client.update_user_password(user, password)


if __name__ == "__main__":
    main()
