import ast
import configparser
import json
import stat

from sweepstake.embedded import airflow, credentials
from sweepstake.embedded.layout import Layout
from sweepstake.embedded.ports import Ports

PORTS = Ports(airflow=8081, mlflow=5001, postgres=55433)


def configure(home):
    """Configure Airflow in ``home``; return what was written, as Airflow reads it."""
    layout = Layout(home)
    layout.create()
    secret = credentials.ensure(layout.credentials)
    airflow.configure(layout, PORTS, secret)
    parser = configparser.ConfigParser()
    parser.read(layout.airflow / "airflow.cfg")
    return layout, secret, parser


def test_every_server_address_is_local_and_follows_the_port(tmp_path):
    """Nothing listens beyond this machine, and tasks find the api-server on its port."""
    _, _, config = configure(tmp_path / "home")
    actual = (
        config["api"]["host"],
        config["api"]["port"],
        config["core"]["execution_api_server_url"],
    )
    assert ("127.0.0.1", "8081", "http://127.0.0.1:8081/execution/") == actual


def test_a_percent_sign_in_a_path_survives_interpolation():
    """Airflow interpolates its configuration; a path with a percent sign reads as it is."""
    assert "[a]\nb = 100%% dags\n" == airflow.render({"a": {"b": "100% dags"}})


def test_the_dags_are_those_of_the_package(tmp_path):
    """Airflow finds the DAG files wherever the package is installed."""
    _, _, config = configure(tmp_path / "home")
    (bundle,) = json.loads(config["dag_processor"]["dag_bundle_config_list"])
    assert "sweepstake.airflow.bundle.SweepstakeBundle" == bundle["classpath"]


def test_the_database_password_is_not_in_the_url(tmp_path):
    """The password stays in a private file of its own."""
    _, secret, config = configure(tmp_path / "home")
    url = config["database"]["sql_alchemy_conn"]
    assert (
        False,
        "postgresql+psycopg2://sweepstake",
    ) == (secret.postgres_password in url, url.split("@")[0])


def test_files_with_secrets_are_private(tmp_path):
    """Airflow finds its password file made, private, and so never makes a public one."""
    layout, secret, config = configure(tmp_path / "home")
    passwords = layout.airflow / "passwords.json"
    modes = {
        stat.S_IMODE(path.stat().st_mode) for path in (passwords, layout.airflow / "airflow.cfg")
    }
    actual = (modes, json.loads(passwords.read_text()))
    assert actual == ({0o600}, {"admin": secret.airflow_password})
    assert config["core"]["simple_auth_manager_passwords_file"] == str(passwords)


def test_the_preload_is_a_program(tmp_path):
    """The generated settings file runs, and offers Airflow no name to override."""
    layout, _, _ = configure(tmp_path / "home")
    text = (layout.airflow / "config" / "airflow_local_settings.py").read_text()
    names = {}
    exec(compile(ast.parse(text), "airflow_local_settings.py", "exec"), names)
    assert [] == names["__all__"]
