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

    _add_routes(app)
    return create_fastapi_app(app)


def create_app_with_users() -> Any:
    """The same, where only users who may change the experiment and the registered model may post.

    Raises:
        MlflowException: MLflow's settings of users are incomplete.
    """
    from mlflow.server import app, auth

    model, experiment = (
        auth.validate_can_update_registered_model,
        auth.validate_can_update_experiment,
    )
    auth.BEFORE_REQUEST_VALIDATORS |= {
        (RUNS, "GET"): lambda: True,
        (RUNS, "POST"): lambda: experiment() and model(),
        (VERSION_TAGS, "GET"): lambda: True,
        (VERSION_TAGS, "POST"): model,
    }
    _add_routes(app)
    return auth.create_app(app)


def _add_routes(app: Any) -> None:
    for route, take in {RUNS: _take_runs, VERSION_TAGS: _take_tags}.items():
        for method, view in {"GET": _offer, "POST": _posted(take)}.items():
            app.add_url_rule(route, f"{method} {route}", view, methods=[method])


def _offer() -> Any:
    """Whether this server takes many at once: whether its runs and models are in databases."""
    from flask import jsonify
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

    tracking, registry = _stores()
    return jsonify({"offered": isinstance(tracking, Tracking) and isinstance(registry, Registry)})


def _posted(take: Callable[[Any], Any]) -> Callable[[], Any]:
    """A view that lets ``take`` answer what is posted."""
    from flask import jsonify, request
    from mlflow.exceptions import MlflowException
    from mlflow.server.handlers import catch_mlflow_exception

    def view() -> Any:
        try:
            return jsonify(take(request.get_json(silent=True)))
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error

    safe: Callable[[], Any] = catch_mlflow_exception(view)
    return safe


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
