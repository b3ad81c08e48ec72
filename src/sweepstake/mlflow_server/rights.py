"""Rights: a posted bulk is allowed if MLflow allows each request of its own API that it stands for.

MLflow keeps a rule for each request, a function that reads the request of the moment. Here it reads
one request after another that nobody sent, each as the same user would have sent it. Runs that are
yet to be made are there for the rules, as they would be for the second request of a run.
"""

from __future__ import annotations

import json
from contextvars import ContextVar, copy_context
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from sweepstake.mlflow_client.bulk import MODEL_FOLDER
from sweepstake.mlflow_server import internals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sweepstake.mlflow_client.bulk import Bulk, RunRecord, VersionTags

_PLANNED: ContextVar[Mapping[str, str] | None] = ContextVar("planned", default=None)
"""Runs that are yet to be made: their experiments by their ids."""


class Request(NamedTuple):
    """A request of MLflow's API, by the name of its message, with its body as JSON."""

    message: str
    body: str


class Rights:
    """MLflow's rules, for users who are no administrators; ``auth`` is MLflow's own module."""

    def __init__(self, auth: Any) -> None:
        self._auth = auth
        self._paths = internals.endpoints()
        internals.wrap_tracking_store(auth, _with_planned)

    def allow_runs(self, bulk: Bulk, known: Mapping[str, str]) -> bool:
        """Whether the user may post ``bulk``; ``known`` has the experiments of runs that exist."""
        planned = {run.run_id: bulk.experiment_id for run in bulk.runs if run.run_id not in known}
        return self._allow(_run_requests(bulk, known), planned)

    def allow_tags(self, tags: VersionTags) -> bool:
        """Whether the user may tag versions of this registered model."""
        return self._allow(_tag_requests(tags), {})

    def _allow(self, requests: Iterable[Request], planned: Mapping[str, str]) -> bool:
        """Ask once for requests that are the same; the first that is refused ends it."""
        return all(
            copy_context().run(self._ask, request, planned) for request in dict.fromkeys(requests)
        )

    def _ask(self, request: Request, planned: Mapping[str, str]) -> bool:
        """What MLflow's rule says, in a context whose end undoes all that is set here.

        Raises:
            MlflowException: the rule refuses in words of its own.
        """
        from flask import current_app
        from flask import request as current

        _PLANNED.set(planned)
        environ = _environ(current.environ, self._paths[request.message], request.body.encode())
        with current_app.request_context(environ):
            validator = internals.validator_of(self._auth, current)
            return validator is not None and bool(validator())


def _environ(environ: Mapping[str, Any], path: str, body: bytes) -> dict[str, Any]:
    """The environment of a request by the same client, with the same headers, to ``path``."""
    own = {"werkzeug.request", "HTTP_TRANSFER_ENCODING"}
    return {name: value for name, value in environ.items() if name not in own} | {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }


def _run_requests(bulk: Bulk, known: Mapping[str, str]) -> Iterator[Request]:
    """What MLflow's API would have been asked for.

    Its rules tell runs apart by whether there are any, and by their experiment: of each kind one
    stands for all. Of runs of other experiments one is enough, as the bulk is refused in any case.
    """
    first: dict[bool | None, str] = {}
    for run in bulk.runs:
        experiment = known.get(run.run_id)
        kind = None if experiment is None else experiment == bulk.experiment_id
        yield from _requests(bulk, run, first.setdefault(kind, run.run_id), is_new=kind is None)


def _requests(bulk: Bulk, run: RunRecord, run_id: str, *, is_new: bool) -> Iterator[Request]:
    if is_new:
        yield _request("CreateRun", experiment_id=bulk.experiment_id)
    if not is_new or run.ended is not None or run.params or run.metrics:
        yield _request("LogBatch", run_id=run_id)
        yield _request("UpdateRun", run_id=run_id)
    if bulk.dataset is not None:
        yield _request("LogInputs", run_id=run_id)
    if run.version is not None and run.status == "FINISHED":
        source, tags = f"runs:/{run_id}/{MODEL_FOLDER}", _told_apart(run.version)
        yield _request(
            "CreateModelVersion", name=bulk.name, source=source, run_id=run_id, tags=tags
        )


def _told_apart(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """The one tag that MLflow's rules read: whether the version says that it is a prompt's."""
    from mlflow.prompt.constants import IS_PROMPT_TAG_KEY as KEY

    return [{"key": KEY, "value": str(tags[KEY].lower() == "true")}] if KEY in tags else []


def _tag_requests(tags: VersionTags) -> Iterator[Request]:
    """MLflow's rule reads the model's name alone."""
    yield _request("SetModelVersionTag", name=tags.name, version="1", key="key", value="")


def _request(message: str, **body: Any) -> Request:
    return Request(message, json.dumps(body))


def _with_planned(store: Any) -> Any:
    """The store of runs as MLflow's rules see it: with the runs that are yet to be made."""
    planned = _PLANNED.get()
    return _WithPlanned(store, planned) if planned else store


class _WithPlanned:
    def __init__(self, store: Any, planned: Mapping[str, str]) -> None:
        self._store, self._planned = store, planned

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def get_run(self, run_id: str) -> Any:
        """A run as the store has it, or one of which only the experiment is known."""
        from mlflow.entities import Run, RunData, RunInfo

        if run_id not in self._planned:
            return self._store.get_run(run_id)
        info = RunInfo(run_id, self._planned[run_id], "", "RUNNING", 0, None, "active")
        return Run(info, RunData())
