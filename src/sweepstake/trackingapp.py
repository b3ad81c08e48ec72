"""The tracking app: MLflow's server with one more route, which takes many whole runs at once.

``mlflow server --app-name sweepstake`` starts it, and ``--app-name sweepstake-basic-auth`` the same
with MLflow's users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake import trackingrows
from sweepstake.bulk import ROUTE, Bulk

if TYPE_CHECKING:
    from collections.abc import Callable


def create_app() -> Any:
    """MLflow's server with the route."""
    from mlflow.server import app
    from mlflow.server.fastapi_app import create_fastapi_app

    _add_route(app, lambda: True)
    return create_fastapi_app(app)


def create_app_with_users() -> Any:
    """The same, where only users who may change the experiment and the registered model may post.

    Raises:
        MlflowException: MLflow's settings of users are incomplete.
    """
    from mlflow.server import app, auth

    def allowed() -> bool:
        checks = (auth.validate_can_update_experiment, auth.validate_can_update_registered_model)
        return bool(auth.sender_is_admin()) or all(check() for check in checks)

    _add_route(app, allowed)
    return auth.create_app(app)


def _add_route(app: Any, allowed: Callable[[], bool]) -> None:
    from flask import jsonify, request
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
    from mlflow.server.handlers import catch_mlflow_exception

    def offer() -> Any:
        """Whether runs can be posted here."""
        return jsonify({"offered": trackingrows.is_possible()})

    def take() -> Any:
        """Store the posted runs; the numbers of their versions by run id."""
        if not allowed():
            message = f"{ROUTE}: this user may not change the experiment or the model."
            raise MlflowException(message, PERMISSION_DENIED)
        try:
            bulk = Bulk.from_json(request.get_json(silent=True))
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        return jsonify({"versions": trackingrows.store(bulk)})

    for method, view in {"GET": offer, "POST": take}.items():
        safe = catch_mlflow_exception(view)
        app.add_url_rule(ROUTE, f"sweepstake_{view.__name__}", safe, methods=[method])
