"""The tracking app: MLflow's server with routes more, which take many runs or many tags at once.

``mlflow server --app-name sweepstake`` starts it, and ``--app-name sweepstake-basic-auth`` the same
with MLflow's users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sweepstake.mlflow_client.bulk import MOST_BYTES, RUNS, VERSION_TAGS
from sweepstake.mlflow_server import bulk_body, internals, run_rows, version_rows
from sweepstake.mlflow_server.rights import Rights

if TYPE_CHECKING:
    from collections.abc import Callable

Record = TypeVar("Record")


def create_app() -> Any:
    """MLflow's server with the routes."""
    from mlflow.server import app
    from mlflow.server.fastapi_app import create_fastapi_app

    _add_routes(app)
    return create_fastapi_app(app)


def create_app_with_users() -> Any:
    """MLflow's server with its users and the routes, for who may do each of it by MLflow's own API.

    Raises:
        MlflowException: MLflow's settings of users are incomplete.
    """
    from mlflow.server import app, auth

    rights = Rights(auth)
    runs, version_tags = internals.path_of(RUNS), internals.path_of(VERSION_TAGS)
    validators = {
        (runs, "GET"): lambda: True,
        (runs, "POST"): lambda: _may_post_runs(rights),
        (version_tags, "GET"): lambda: True,
        (version_tags, "POST"): lambda: rights.allow_tags(_posted(bulk_body.read_tags)),
    }
    internals.add_validators(auth, validators)
    _add_routes(app)
    return auth.create_app(app)


def _may_post_runs(rights: Rights) -> bool:
    bulk = _posted(bulk_body.read_runs)
    known = run_rows.experiments_of(_stores()[0], [run.run_id for run in bulk.runs])
    return rights.allow_runs(bulk, known)


def _add_routes(app: Any) -> None:
    for route, take in {RUNS: take_runs, VERSION_TAGS: take_tags}.items():
        for method, view in {"GET": offer, "POST": _answered(take)}.items():
            app.add_url_rule(internals.path_of(route), f"{method} {route}", view, methods=[method])


def offer() -> Any:
    """Whether this server takes many at once."""
    from flask import jsonify

    return jsonify({"offered": _are_known(*internals.stores())})


def _answered(take: Callable[[], dict[str, Any]]) -> Callable[[], Any]:
    """A view that answers with what ``take`` returns, or with its error as MLflow words it."""
    from flask import jsonify
    from mlflow.server.handlers import catch_mlflow_exception

    def view() -> Any:
        return jsonify(take())

    safe: Callable[[], Any] = catch_mlflow_exception(view)
    return safe


def _posted(read: Callable[[bytes], Record]) -> Record:
    """The posted body as ``read`` has it, read once for each request.

    Raises:
        MlflowException: it is none.
    """
    from flask import g
    from mlflow.exceptions import MlflowException

    if "sweepstake_posted" not in g:
        try:
            g.sweepstake_posted = read(_body())
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
    record: Record = g.sweepstake_posted
    return record


def _body() -> bytes:
    """The body of the request.

    Raises:
        ValueError: it says that it is no JSON, or is longer than a server reads.
    """
    from flask import request
    from werkzeug.exceptions import RequestEntityTooLarge

    if not request.is_json:  # what a page of another site may send does not say so either
        message = f"{request.path}: must be of type application/json, but got {request.mimetype}."
        raise ValueError(message)
    request.max_content_length = MOST_BYTES
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        message = f"{request.path}: must have at most {MOST_BYTES:,} bytes. Send it in parts."
        raise ValueError(message) from None


def _stores() -> tuple[Any, Any]:
    """Where runs and models are.

    Raises:
        MlflowException: that is nothing that these routes know.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import ENDPOINT_NOT_FOUND

    stores = internals.stores()
    if not _are_known(*stores):
        message = "This server takes runs one by one. Use MLflow's own API."
        raise MlflowException(message, ENDPOINT_NOT_FOUND)
    return stores


def _are_known(tracking: Any, registry: Any) -> bool:
    """Whether both are databases, without MLflow's workspaces.

    Those are rooms of different people, and the statements here know nothing of them.
    """
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

    return (type(tracking), type(registry)) == (Tracking, Registry)


def take_runs() -> dict[str, Any]:
    """Store runs, then the versions of those that are finished; their numbers by run id."""
    tracking, registry = _stores()
    bulk = run_rows.as_taken(tracking, _posted(bulk_body.read_runs))
    wanted = [run for run in bulk.runs if run.version is not None and run.status == "FINISHED"]
    version_rows.check_versions(bulk.name, wanted)
    finished = run_rows.store_runs(tracking, bulk)
    versions = [run for run in wanted if run.run_id in finished]
    return {"versions": version_rows.store_versions(registry, bulk.name, versions)}


def take_tags() -> dict[str, Any]:
    """Set tags of versions."""
    registry, given = _stores()[1], _posted(bulk_body.read_tags)
    version_rows.store_tags(registry, given.name, given.tags)
    return {}
