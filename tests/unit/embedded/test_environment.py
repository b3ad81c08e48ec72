import re

from sweepstake.embedded import environment
from sweepstake.embedded.layout import Layout
from sweepstake.embedded.ports import Ports
from sweepstake.settings import load_settings

PORTS = Ports(airflow=8081, mlflow=5001, postgres=55433)


def children(home, environ):
    """The environment of a stack in ``home`` that is started from a shell with ``environ``."""
    settings = load_settings({"SWEEPSTAKE_HOME": str(home), **environ})
    return environment.of_children(settings, Layout(settings.home), PORTS, environ)


def test_variables_of_other_installations_do_not_reach_the_stack(tmp_path):
    """A shell set up for another Airflow, MLflow or database redirects nothing."""
    foreign = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://elsewhere",
        "MLFLOW_BACKEND_STORE_URI": "postgresql://elsewhere",
        "PGHOST": "elsewhere",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    assert foreign.keys() & children(tmp_path, foreign).keys() == set()


def test_addresses_are_those_of_this_stack(tmp_path):
    """A tracking server set in the shell is not the one that tasks log to."""
    result = children(tmp_path, {"MLFLOW_TRACKING_URI": "http://elsewhere:5000"})
    assert (
        "http://127.0.0.1:5001",
        "http://127.0.0.1:8081",
    ) == (result["MLFLOW_TRACKING_URI"], result["SWEEPSTAKE_AIRFLOW_URL"])


def test_tasks_read_the_settings_of_whoever_started_the_stack(tmp_path):
    """Settings loaded in a task equal those of the command that started the stack."""
    environ = {"SWEEPSTAKE_GRIDS": str(tmp_path / "g"), "SWEEPSTAKE_DEFAULT_SOURCE": "sklearn:wine"}
    settings = load_settings({"SWEEPSTAKE_HOME": str(tmp_path), **environ})
    inside = load_settings(children(tmp_path, environ))
    fields = ("home", "grids", "workspace", "data_roots", "default_source")
    assert [getattr(inside, f) for f in fields] == [getattr(settings, f) for f in fields]


def test_every_process_carries_the_mark_of_its_stack(tmp_path):
    """The mark is the state folder, and process titles leave it readable."""
    result = children(tmp_path, {})
    assert (result["SWEEPSTAKE_STACK"], result["SPT_NOENV"]) == (str(tmp_path), "1")


def test_mlflow_answers_and_registers_within_its_stack_only(tmp_path):
    """Other host names are refused, models from elsewhere too, and nothing is unpickled."""
    result = children(tmp_path, {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "true"})
    pattern = result["MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX"]
    artifacts = Layout(tmp_path).artifacts.as_uri()
    own = (f"{artifacts}/1/run/artifacts/model", "models:/m-07fec8eb", "runs:/07fec8eb/model")
    sources = (*own, "file:///etc", f"s3://a/{artifacts}/1")
    assert [True, True, True, False, False] == [
        bool(re.search(pattern, source)) for source in sources
    ]
    assert "127.0.0.1:5001,localhost:5001" == result["MLFLOW_SERVER_ALLOWED_HOSTS"]
    assert "false" == result["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"]
