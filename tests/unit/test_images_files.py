"""What the image brings of its own: secrets as variables, and a small health check."""

import os
import socket
import subprocess
import sys
from pathlib import Path

DEPLOY = Path(__file__).parents[2] / "deploy"
ALIVE = DEPLOY / "alive.py"


def run(*command, **environ):
    """What Python answers."""
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **environ},
        text=True,
        capture_output=True,
        check=False,
    )


def variables(tmp_path, **environ):
    """What two variables are once a folder of secrets was read."""
    (tmp_path / "FIRST").write_text("one\n")
    (tmp_path / "SECOND").write_text("two words \n")
    code = DEPLOY.joinpath("sitecustomize.py").read_text().replace("/run/secrets", str(tmp_path))
    script = f"{code}\nprint(repr([os.environ[name] for name in ('FIRST', 'SECOND')]))"
    return run("-c", script, **environ).stdout.strip()


def test_files_become_variables_of_their_names(tmp_path):
    """Without the line's end, and with every other character."""
    assert "['one', 'two words ']" == variables(tmp_path)


def test_a_variable_that_is_set_stays(tmp_path):
    """Whoever runs a program may say otherwise."""
    assert "['mine', 'two words ']" == variables(tmp_path, FIRST="mine")


def test_a_worker_without_its_broker_is_not_alive():
    """It is alive while somebody here has a connection with the broker's port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        url = f"redis://:${{REDIS_PASSWORD}}@redis:{port}/0"
        codes = [run(ALIVE, "worker", AIRFLOW__CELERY__BROKER_URL=url).returncode]
        with socket.create_connection(("127.0.0.1", port)):
            codes.append(run(ALIVE, "worker", AIRFLOW__CELERY__BROKER_URL=url).returncode)
    assert [1, 0] == codes


def test_a_job_without_its_database_is_not_alive():
    """The check ends with an error and says which address it asked."""
    url = "postgresql+psycopg2://airflow@127.0.0.1:9/airflow"
    done = run(ALIVE, "SchedulerJob", AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=url)
    assert (1, True) == (done.returncode, "127.0.0.1" in done.stderr)
