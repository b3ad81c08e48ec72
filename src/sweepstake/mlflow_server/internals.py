"""MLflow's internals: all that its server keeps to itself and these routes are made of.

``NAMES`` lists them for a test, which fails with a sentence when a release of MLflow moves one.
Then this module follows, and no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAMES = (
    "mlflow.server.app",
    "mlflow.server.fastapi_app.create_fastapi_app",
    "mlflow.server.handlers._add_static_prefix",
    "mlflow.server.handlers._get_model_registry_store",
    "mlflow.server.handlers._get_tracking_store",
    "mlflow.server.handlers._is_prompt_request",
    "mlflow.server.handlers._validate_prompt_source",
    "mlflow.server.handlers.catch_mlflow_exception",
    "mlflow.server.handlers.get_endpoints",
    "mlflow.store.model_registry.dbmodels.models.SqlModelVersion",
    "mlflow.store.model_registry.dbmodels.models.SqlModelVersionTag",
    "mlflow.store.model_registry.dbmodels.models.SqlRegisteredModel",
    "mlflow.store.model_registry.sqlalchemy_store.SqlAlchemyStore._get_registered_model",
    "mlflow.store.model_registry.sqlalchemy_store.SqlAlchemyStore._get_workspace_clauses",
    "mlflow.store.tracking.dbmodels.models.SqlDataset",
    "mlflow.store.tracking.dbmodels.models.SqlInput",
    "mlflow.store.tracking.dbmodels.models.SqlInputTag",
    "mlflow.store.tracking.dbmodels.models.SqlLatestMetric",
    "mlflow.store.tracking.dbmodels.models.SqlMetric",
    "mlflow.store.tracking.dbmodels.models.SqlParam",
    "mlflow.store.tracking.dbmodels.models.SqlRun",
    "mlflow.store.tracking.dbmodels.models.SqlTag",
    "mlflow.store.tracking.sqlalchemy_store.SqlAlchemyStore._check_experiment_is_active",
    "mlflow.store.tracking.sqlalchemy_store.SqlAlchemyStore._update_latest_metrics_if_necessary",
    "mlflow.entities.model_registry.RegisteredModel._is_prompt",
    "mlflow.utils.validation._validate_batch_log_data",
    "mlflow.utils.validation._validate_dataset_inputs",
    "mlflow.utils.validation._validate_model_name",
    "mlflow.utils.validation._validate_model_version_tag",
    "mlflow.webhooks.delivery.deliver_webhook",
    "mlflow.webhooks.types.ModelVersionCreatedPayload",
)
NAMES_OF_USERS = (
    "mlflow.server.auth.BEFORE_REQUEST_VALIDATORS",
    "mlflow.server.auth._find_validator",
    "mlflow.server.auth._get_tracking_store",
    "mlflow.server.auth.create_app",
)
"""Those of its log-in, whose module asks for the extra ``login`` and for settings."""


def stores() -> tuple[Any, Any]:
    """Where the server keeps runs, and where models."""
    from mlflow.server import handlers

    return handlers._get_tracking_store(), handlers._get_model_registry_store()  # noqa: SLF001


def path_of(route: str) -> str:
    """The route below the prefix that the server was started with."""
    from mlflow.server import handlers

    return str(handlers._add_static_prefix(route))  # noqa: SLF001


def endpoints() -> dict[str, str]:
    """Where MLflow's API takes each message, by the message's name."""
    from mlflow.server import handlers

    found = reversed(handlers.get_endpoints(lambda message: message))  # the first is the API's own
    return {kind.__name__: path for path, kind, methods in found if "POST" in methods}


def must_be_active(tracking: Any, experiment: Any) -> None:
    """See that an experiment is not in the bin, as every request that writes runs does."""
    tracking._check_experiment_is_active(experiment)  # noqa: SLF001


def validated(metrics: list[Any], params: list[Any], tags: list[Any]) -> tuple[Any, Any]:
    """Parameters and tags as ``log_batch`` takes them; too long ones are cut if MLflow does so."""
    from mlflow.utils import validation

    _, params, tags = validation._validate_batch_log_data(metrics, params, tags)  # noqa: SLF001
    return params, tags


def validate_dataset(dataset_input: Any) -> None:
    """Hold a dataset to MLflow's rules."""
    from mlflow.utils import validation

    validation._validate_dataset_inputs([dataset_input])  # noqa: SLF001


def validate_model_name(name: str) -> None:
    """Hold the name of a registered model to MLflow's rules."""
    from mlflow.utils import validation

    validation._validate_model_name(name)  # noqa: SLF001


def validate_prompt(message: Any) -> None:
    """Hold a request to create a version to MLflow's rules for prompts, if it is for one."""
    from mlflow.server import handlers

    if handlers._is_prompt_request(message):  # noqa: SLF001
        handlers._validate_prompt_source(message.source)  # noqa: SLF001


def validate_version_tag(key: str, value: str) -> None:
    """Hold a tag of a version to MLflow's rules."""
    from mlflow.utils import validation

    validation._validate_model_version_tag(key, value)  # noqa: SLF001


def update_latest(tracking: Any, session: Any, metrics: list[Any]) -> None:
    """Let MLflow's pages show the newest of these points."""
    tracking._update_latest_metrics_if_necessary(metrics, session)  # noqa: SLF001


def model_row(registry: Any, session: Any, name: str) -> Any:
    """The row of a registered model."""
    return registry._get_registered_model(session, name)  # noqa: SLF001


def workspace_clauses(registry: Any, table: Any) -> Any:
    """What keeps a query within the workspace of the request."""
    return registry._get_workspace_clauses(table)  # noqa: SLF001


def is_prompt(model: Any) -> bool:
    """Whether a registered model is a prompt, which MLflow keeps as one."""
    return bool(model._is_prompt())  # noqa: SLF001


def add_validators(auth: Any, added: Mapping[tuple[str, str], Callable[[], bool]]) -> None:
    """Let the log-in ask these about requests by path and method."""
    auth.BEFORE_REQUEST_VALIDATORS |= added


def validator_of(auth: Any, request: Any) -> Callable[[], bool] | None:
    """What the log-in would ask about a request; ``None`` where it refuses unasked."""
    found: Callable[[], bool] | None = auth._find_validator(request)  # noqa: SLF001
    return found


def wrap_tracking_store(auth: Any, wrap: Callable[[Any], Any]) -> None:
    """Let the rules of the log-in look into another store of runs than the server's own."""
    store = auth._get_tracking_store  # noqa: SLF001
    auth._get_tracking_store = lambda: wrap(store())  # noqa: SLF001
