import json
import socket

import pytest

from sweepstake.embedded import ports
from sweepstake.errors import SettingsError, StackError

AUTO = {ports.setting(server): "auto" for server in ports.DEFAULTS}


@pytest.fixture
def busy():
    """A port on which another program listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_auto_chooses_three_different_free_ports(tmp_path):
    """Three servers that take any port get three ports on which nobody listens."""
    chosen = ports.choose(AUTO, tmp_path / "ports.json")
    each = [chosen.airflow, chosen.mlflow, chosen.postgres]
    assert (3, [True] * 3) == (len(set(each)), [ports.is_free(port) for port in each])


def test_auto_keeps_the_ports_of_the_last_start(tmp_path):
    """A second start with the same state folder keeps its addresses."""
    path = tmp_path / "ports.json"
    assert ports.choose(AUTO, path) == ports.choose(AUTO, path) == ports.read(path)


def test_auto_leaves_a_remembered_port_that_is_taken_by_now(tmp_path, busy):
    """A port of the last start on which another program listens is not chosen again."""
    path = tmp_path / "ports.json"
    path.write_text(json.dumps({"airflow": busy, "mlflow": busy, "postgres": busy}))
    chosen = ports.choose(AUTO, path)
    assert busy not in {chosen.airflow, chosen.mlflow, chosen.postgres}


def test_auto_avoids_a_port_that_is_asked_for_by_number(tmp_path):
    """A remembered port that another server now asks for by number goes to that server."""
    path = tmp_path / "ports.json"
    last = ports.choose(AUTO, path)
    chosen = ports.choose({**AUTO, "SWEEPSTAKE_MLFLOW_PORT": str(last.airflow)}, path)
    assert chosen.mlflow == last.airflow != chosen.airflow


def test_a_port_in_use_is_named_with_the_setting_that_changes_it(tmp_path, busy):
    """A taken port is refused with the number and the variable to set."""
    expected = (
        f"mlflow: needs port {busy}, but another program listens there. "
        "Stop it, or set SWEEPSTAKE_MLFLOW_PORT to a free port or to 'auto'."
    )
    with pytest.raises(StackError) as caught:
        ports.choose({**AUTO, "SWEEPSTAKE_MLFLOW_PORT": str(busy)}, tmp_path / "ports.json")
    assert str(caught.value) == expected


@pytest.mark.parametrize("value", ["0", "65536", "-1", "http", "80.5"])
def test_a_value_that_is_no_port_is_refused(tmp_path, value):
    """Only a number from 1 to 65535 or the word auto is a port."""
    expected = (
        "SWEEPSTAKE_AIRFLOW_PORT: must be a port from 1 to 65535 or 'auto', "
        f"but got {value!r}. Leave it out for 8080."
    )
    with pytest.raises(SettingsError) as caught:
        ports.choose({**AUTO, "SWEEPSTAKE_AIRFLOW_PORT": value}, tmp_path / "ports.json")
    assert str(caught.value) == expected


def test_two_servers_cannot_share_a_port(tmp_path):
    """The same number for two servers is a mistake of the settings, not a port in use."""
    environ = {**AUTO, "SWEEPSTAKE_AIRFLOW_PORT": "7001", "SWEEPSTAKE_MLFLOW_PORT": "7001"}
    with pytest.raises(SettingsError, match="must differ"):
        ports.choose(environ, tmp_path / "ports.json")
