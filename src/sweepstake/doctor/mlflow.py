"""MLflow, used as sweeps use it; what is made for that is taken away again."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from packaging.specifiers import SpecifierSet

from sweepstake.doctor import answers
from sweepstake.doctor.airflow import supported
from sweepstake.doctor.finding import Check
from sweepstake.errors import SettingsError
from sweepstake.mlflow_client.bulk import RUNS
from sweepstake.mlflow_client.connection import Connection
from sweepstake.storage.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweepstake.settings import Settings

SERVERS = SpecifierSet(">=3.16.1,<4")
"""Earlier releases have known holes in their artifact routes and their log-in."""
NAME = "sweepstake-doctor"
FIGURE = 42.0
FILE = "doctor.txt"


def check(settings: Settings) -> Check:
    """Everything about MLflow; what needs a log-in only after one."""
    uri = settings.tracking_uri
    inside = (
        Check("MLflow version", partial(_version, uri)),
        Check("MLflow app", partial(_app, uri)),
        Check("MLflow runs", partial(_runs, uri)),
        Check("MLflow artifacts", partial(_artifacts, uri)),
        Check("MLflow registry", partial(_registry, uri)),
    )
    log_in = Check("MLflow log-in", partial(_log_in, uri), inside)
    if not uri.startswith("http"):
        return log_in
    return Check(
        "MLflow", partial(_answers, uri), (Check("MLflow clock", partial(_clock, uri)), log_in)
    )


def _health(uri: str) -> str:
    """The page that asks for no log-in, without a password in its address."""
    return f"{Connection(uri).uri}/health"


def _answers(uri: str) -> str:
    answer = answers.ask("MLflow", _health(uri), "Start it, or check MLFLOW_TRACKING_URI.")
    if not answer.is_success:
        message = f"MLflow at {_health(uri)}: must be healthy, but answers {answer.status_code}. "
        raise SettingsError(message + "Check MLFLOW_TRACKING_URI and --allowed-hosts.")
    return Connection(uri).uri


def _clock(uri: str) -> str:
    return answers.clock("MLflow", _health(uri))


def _log_in(uri: str) -> str:
    Connection(uri).search_experiments(max_results=1)
    return _user()


def _user() -> str:
    return os.environ.get("MLFLOW_TRACKING_USERNAME") or "anyone"


def _version(uri: str) -> str:
    client = Connection(uri)
    return supported("MLflow", client.uri, client.server_version(), SERVERS)


def _app(uri: str) -> str:
    """How trials are kept: either way serves, one is quicker."""
    if Connection(uri).offers(RUNS):
        return "takes many runs in one request"
    return "takes runs one by one; --app-name sweepstake lets it take many at once"


def _runs(uri: str) -> str:
    client = Connection(uri)
    with _scratch(client) as run:
        client.log_metric(run.info.run_id, "answer", FIGURE)
        found = client.get_run(run.info.run_id).data.metrics.get("answer")
    if found != FIGURE:
        message = f"MLflow at {client.uri}: must give back what was logged, but got {found}. "
        raise SettingsError(message + "Look at its database.")
    return "an experiment and a run were made and deleted"


@contextmanager
def _scratch(client: Connection) -> Iterator[Any]:
    """A run in an experiment of its own; both are in MLflow's bin afterwards."""
    experiment = client.experiment(f"{NAME}-{_user()}").experiment_id
    try:
        run = client.create_run(experiment)
        try:
            yield run
        finally:
            client.delete_run(run.info.run_id)
    finally:
        client.delete_experiment(experiment)


def _artifacts(uri: str) -> str:
    client = Connection(uri)
    with _scratch(client) as run:
        address = run.info.artifact_uri
        try:
            _round_trip(client.artifacts(address))
        except Exception as error:  # noqa: BLE001 - each store has errors of its own
            message = f"{address}: must be open to this host, but got {_cause(error)}. "
            message += "Tasks write models there themselves: check the store, and its keys in "
            raise SettingsError(message + "AWS_* or their like.") from None
    return f"a file was written to {address}, read and deleted"


def _round_trip(repository: Any) -> None:
    with scratch() as folder:
        path = folder / FILE
        path.write_text(NAME, encoding="utf-8")
        repository.log_artifact(str(path))
        back = Path(repository.download_artifacts(FILE, str(folder)))
        repository.delete_artifacts(FILE)
        if back.read_text(encoding="utf-8") != NAME:
            raise OSError(FILE)


def _cause(error: BaseException) -> str:
    """What a store called its refusal, however wrapped; never its text, which may quote a key."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    if code is None and error.__context__ is not None:
        return _cause(error.__context__)
    return str(code or type(error).__name__)


def _registry(uri: str) -> str:
    client, model = Connection(uri), f"{NAME}-{uuid4().hex[:12]}"
    with _scratch(client) as run:
        client.create_registered_model(model)
        try:
            number = _version_of(client, model, run.info.run_id)
        finally:
            client.delete_registered_model(model)
    return f"a model with version {number} and an alias was made and deleted"


def _version_of(client: Connection, model: str, run_id: str) -> str:
    source = f"runs:/{run_id}/model"
    made = client.create_model_version(model, source, run_id, await_creation_for=0)
    client.set_registered_model_alias(model, "champion", made.version)
    return str(client.get_model_version_by_alias(model, "champion").version)
