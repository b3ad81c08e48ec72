"""The connection to MLflow: one client with explicit ids, whose faults are Sweepstake's errors."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from sweepstake.errors import NotFoundError, SettingsError, TrackingUnavailableError
from sweepstake.mlflow_client import artifact_store
from sweepstake.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PAGE = 500
"""Entities asked for at once in a listing: what MLflow's client makes of an answer is large."""
DEFAULT_EXPERIMENT = "0"
"""The experiment that every server has from its first start; nobody chose where its files are."""

_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # its bars break up what is told
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # saves one hidden request per ended run
}


def prepare_environment() -> None:
    """Set MLflow's client up to send no telemetry and to give up within two minutes.

    What the operator has set stays as it is. Call it before MLflow is first imported.
    """
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def quoted(text: str) -> str:
    """A text as a value in MLflow's filters, which know quotes of two kinds and no escapes.

    Raises:
        NotFoundError: it cannot be written in one: nothing of that name can be searched for.
    """
    quote = "'" if '"' in text else '"'
    if quote in text or text.endswith("\\"):
        message = f"{text}: must hold quotes of one kind and not end with a backslash, or MLflow "
        raise NotFoundError(message + "cannot search for it. Rename it in MLflow.")
    return f"{quote}{text}{quote}"


def _without_password(uri: str) -> str:
    """The address alone; its user and password go where MLflow reads them and never shows them."""
    parts = urlsplit(uri)
    user, at, host = parts.netloc.rpartition("@")
    if not at or parts.scheme not in {"http", "https"}:
        return uri
    name, _, password = user.partition(":")
    os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(name)
    os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(password)
    return parts._replace(netloc=host).geturl()


class Connection:
    """An ``MlflowClient`` for ``uri``: the same methods, with Sweepstake's errors.

    Every method raises:
        TrackingUnavailableError: no answer, a timeout, too many requests or a fault of the server.
        NotFoundError: the experiment, run, model or version does not exist.
        SettingsError: the user may not do this, or is none that the server knows.
    """

    def __init__(self, uri: str) -> None:
        prepare_environment()
        from mlflow import MlflowClient

        self.uri = _without_password(uri)
        self._client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
        self._roots: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            with faults(self.uri):
                return method(*args, **kwargs)

        return call

    def every(self, search: str, **query: Any) -> Iterator[Any]:
        """All results of the paged method ``search``, page after page."""
        token = None
        while True:
            page = getattr(self, search)(max_results=PAGE, page_token=token, **query)
            yield from page
            token = page.token
            if not token:
                return

    def offers(self, route: str) -> bool:
        """Whether the server answers at an address that is not of MLflow's own API."""
        try:
            return bool(self._request(route, "GET").get("offered"))
        except NotFoundError:
            return False

    def post(self, route: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer to a request beside MLflow's own API, sent as its client would send it."""
        return self._request(route, "POST", json=body)

    def _request(self, route: str, method: str, **content: Any) -> Mapping[str, Any]:
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request_safe

        if not self.uri.startswith("http"):
            message = f"{self.uri}: must be a server, but got a store. It has no {route}."
            raise NotFoundError(message)
        with faults(self.uri):
            creds = get_default_host_creds(self.uri)
            return dict(http_request_safe(creds, route, method, **content).json())

    def experiment(self, name: str) -> Any:
        """Create or find the experiment ``name``; one in MLflow's bin is restored."""
        from mlflow.exceptions import MlflowException

        found = self.get_experiment_by_name(name)
        if found is None:
            try:
                self.create_experiment(name)
            except MlflowException as error:  # another process was faster
                if not refused_as(error, "RESOURCE_ALREADY_EXISTS"):
                    raise
            found = self.get_experiment_by_name(name)
        if found.lifecycle_stage != "active":
            self.restore_experiment(found.experiment_id)
        return found

    def server_version(self) -> str:
        """The release of the server; of a database, that of this host's MLflow."""
        import mlflow
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request

        if not self.uri.startswith("http"):
            return str(mlflow.__version__)
        with faults(self.uri):
            answer = http_request(get_default_host_creds(self.uri), "/version", "GET")
        return str(answer.text)

    def artifacts(self, uri: str) -> Any:
        """The artifact repository at ``uri``, to be used inside ``faults``.

        Raises:
            ArtifactPlaceError: ``uri`` is not in the server's artifact store.
        """
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        return get_artifact_repository(self.confined(uri), tracking_uri=self.uri)

    def confined(self, uri: str) -> str:
        """``uri``, if it is in the artifact store: that of the settings, else the server's own.

        Raises:
            ArtifactPlaceError: it is not.
        """
        self._roots = self._roots or load_settings().artifact_roots or (self._default_root(),)
        return artifact_store.confined(uri, self._roots)

    def _default_root(self) -> str:
        """Where the server keeps files, by the experiment that it has made for itself."""
        try:
            location = self.get_experiment(DEFAULT_EXPERIMENT).artifact_location
        except (NotFoundError, SettingsError) as error:
            message = f"{artifact_store.SETTING}: must name the artifact store, as MLflow at "
            message += f"{self.uri} does not show its experiment {DEFAULT_EXPERIMENT}, which would."
            raise SettingsError(message + " Set it, such as to s3://bucket/mlflow.") from error
        return artifact_store.root_of(location, DEFAULT_EXPERIMENT)


@contextmanager
def faults(uri: str) -> Iterator[None]:
    """Translate what MLflow's client raises inside the block; other errors pass as they are."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    try:
        yield
    except MlflowException as error:
        status = error.get_http_status_code()
        if status in {401, 403}:
            raise SettingsError(_forbidden(uri, error)) from error
        if status == 404:  # noqa: PLR2004  HTTP's own number
            raise NotFoundError(error.message) from error
        if status in {408, 429} or status >= 500:  # noqa: PLR2004  HTTP's own numbers
            raise TrackingUnavailableError(_unavailable(uri, error)) from error
        raise
    except RequestException as error:
        raise TrackingUnavailableError(_unavailable(uri, error)) from error


def _forbidden(uri: str, error: Exception) -> str:
    said = " ".join(str(error).split()).rstrip(".")
    return (
        f"MLflow at {uri}: must allow this to its user, but got {said}. "
        "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to a user who may."
    )


def _unavailable(uri: str, error: Exception) -> str:
    user = urlsplit(uri).netloc.rpartition("@")[0]  # of a database, which MLflow takes as well
    message = (
        f"MLflow at {uri}: must answer, but got {error}. "
        "Start the server or set MLFLOW_TRACKING_URI to one that runs."
    )
    return message.replace(f"{user}@", "") if user else message


def refused_as(error: Exception, code: str) -> bool:
    """Whether ``error`` is MLflow's answer ``code``, such as ``RESOURCE_ALREADY_EXISTS``."""
    return getattr(error, "error_code", None) == code
