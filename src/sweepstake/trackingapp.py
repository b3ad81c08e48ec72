"""The tracking app: MLflow's server with routes more, which take many runs or many tags at once.

``mlflow server --app-name sweepstake`` starts it, and ``--app-name sweepstake-basic-auth`` the same
with MLflow's users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake import registryrows, trackingrows
from sweepstake.bulk import RUNS, VERSION_TAGS, Bulk, VersionTags

if TYPE_CHECKING:
    from collections.abc import Callable


def create_app() -> Any:
    """MLflow's server with the routes."""
    from mlflow.server import app
    from mlflow.server.fastapi_app import create_fastapi_app

    _add_route(app, RUNS, _take_runs, lambda: True)
    _add_route(app, VERSION_TAGS, _take_tags, lambda: True)
    return create_fastapi_app(app)


def create_app_with_users() -> Any:
    """The same, where only users who may change the experiment and the registered model may post.

    Raises:
        MlflowException: MLflow's settings of users are incomplete.
    """
    from mlflow.server import app, auth

    def allowed(*checks: Callable[[], bool]) -> Callable[[], bool]:
        return lambda: bool(auth.sender_is_admin()) or all(check() for check in checks)

    model = auth.validate_can_update_registered_model
    _add_route(app, RUNS, _take_runs, allowed(auth.validate_can_update_experiment, model))
    _add_route(app, VERSION_TAGS, _take_tags, allowed(model))
    return auth.create_app(app)


def _add_route(
    app: Any, route: str, take: Callable[[Any], Any], allowed: Callable[[], bool]
) -> None:
    """Let ``take`` answer what users who are ``allowed`` to post to ``route``."""
    from flask import jsonify, request
    from mlflow.exceptions import MlflowException
    from mlflow.server.handlers import catch_mlflow_exception

    def offer() -> Any:
        return jsonify({"offered": _has_databases()})

    def post() -> Any:
        _refuse_unless(allowed)
        try:
            return jsonify(take(request.get_json(silent=True)))
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error

    for method, view in {"GET": offer, "POST": post}.items():
        app.add_url_rule(route, f"{method} {route}", catch_mlflow_exception(view), methods=[method])


def _refuse_unless(allowed: Callable[[], bool]) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

    if not allowed():
        message = "This user may not change the experiment or the registered model."
        raise MlflowException(message, PERMISSION_DENIED)


def _has_databases() -> bool:
    """Whether the server keeps its runs and its models in databases."""
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

    tracking, registry = _stores()
    return isinstance(tracking, Tracking) and isinstance(registry, Registry)


def _stores() -> tuple[Any, Any]:
    from mlflow.server import handlers

    return handlers._get_tracking_store(), handlers._get_model_registry_store()  # noqa: SLF001


def _take_runs(body: Any) -> dict[str, Any]:
    """Store runs, then the versions of those that are finished; their numbers by run id."""
    tracking, registry = _stores()
    bulk = Bulk.from_json(body)
    finished = trackingrows.store_runs(tracking, bulk)
    wanted = [run for run in bulk.runs if run.run_id in finished and run.version is not None]
    return {"versions": registryrows.store_versions(registry, bulk.name, wanted)}


def _take_tags(body: Any) -> dict[str, Any]:
    """Set tags of versions."""
    given = VersionTags.from_json(body)
    registryrows.store_tags(_stores()[1], given.name, given.tags)
    return {}
