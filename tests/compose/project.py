"""docker-compose.yml on a Docker engine, as a project of the tests' own."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
from mlflow.exceptions import MlflowException

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 600
ADDRESS = "127.0.0.77"
"""A loopback address of its own: whatever else runs here may have the ports of 127.0.0.1."""
STAND_IN = "sweepstake-stand-in/python:3.11"
OURS = ("mlflow", "api-server", "scheduler", "dag-processor", "triggerer", "worker", "champion")
SERVERS = ("postgres", "redis", "minio", *OURS)


class Project:
    """All services, with secrets of their own and a folder of grid files."""

    def __init__(self, folder, name="sweepstake-test", address=ADDRESS):
        self.folder, self.name, self.address = folder, name, address
        self.grids, self.env = folder / "grids", folder / ".env"
        self.grids.mkdir()
        os.chown(self.grids, -1, 50000)  # as docs/how-to/several-hosts.md says
        self.grids.chmod(0o775)
        self.files = [ROOT / "docker-compose.yml", ROOT / "tests" / "compose" / "engine.yml"]
        command = [sys.executable, ROOT / "scripts" / "make_secrets.py", self.env]
        subprocess.run(command, check=True, capture_output=True)
        self.variables = {
            "BIND_ADDRESS": address,
            "GRIDS": str(self.grids),
            "SECRETS": str(folder / "secrets"),
            "MLFLOW_ALLOWED_HOSTS": f"mlflow:5000,{address}:5000",
            "TRAINING_SLOTS": "2",
            "WORKER_CONCURRENCY": "2",
        }
        if docker("image", "inspect", STAND_IN, check=False).returncode == 0:
            self.variables["PYTHON_IMAGE"] = STAND_IN

    def secret(self, name):
        """A password or key."""
        return Path(self.variables["SECRETS"], name).read_text(encoding="utf-8").strip()

    def compose(self, *words, check=True):
        """What ``docker compose`` answers."""
        files = [word for file in self.files for word in ("--file", str(file))]
        options = ("--project-name", self.name, "--env-file", str(self.env), *files)
        return docker("compose", *options, *words, check=check, environ=self.variables)

    def up(self, *services, check=True):
        """Start services, and wait until all of them are healthy."""
        words = ("--detach", "--wait", "--wait-timeout", str(PATIENCE_SECONDS))
        scale = () if services else ("--scale", "worker=2")
        return self.compose("up", *words, *scale, *services, check=check)

    def down(self):
        """Take everything away, volumes too."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)

    def containers(self, *services):
        """The containers of services, by their ids; of all, where none is named."""
        return self.compose("ps", "--all", "--quiet", *services).stdout.split()

    def inspect(self, *services):
        """What Docker knows of the containers of services."""
        return json.loads(docker("inspect", *self.containers(*services)).stdout)

    def run(self, service, *command, check=True, index=1):
        """What a program answers in a container."""
        words = ("exec", "--no-TTY", "--index", str(index), service, *command)
        return self.compose(*words, check=check)

    def kill(self, *services):
        """End containers as a fault would: at once, and so that their policies start them again."""
        pids = [each["State"]["Pid"] for each in self.inspect(*services)]
        subprocess.run(["kill", "-KILL", *map(str, pids)], check=True)

    def await_health(self, *services):
        """Wait until all containers of services are healthy."""

        def healthy():
            states = [each["State"] for each in self.inspect(*services)]
            return states and all(
                state["Running"] and state["Health"]["Status"] == "healthy" for state in states
            )

        until(f"health of {', '.join(services)}", healthy)

    def drop(self, name, text):
        """Put a grid file into the folder, complete."""
        (self.grids / f".{name}").write_text(text.replace("NAME", name))
        (self.grids / f".{name}").replace(self.grids / f"{name}.yaml")

    def copy_in(self, name, text):
        """Put a grid file into the folder by ``docker compose cp``."""
        file = self.folder / f"{name}.yaml"
        file.write_text(text.replace("NAME", name))
        self.compose("cp", "--index", "1", str(file), f"worker:/srv/sweepstake/grids/{name}.yaml")

    def ask(self, *words):
        """What the command line answers to an operator."""
        done = self.compose("run", "--rm", "--no-TTY", "doctor", "sweepstake", *words, "--json")
        return json.loads(done.stdout)

    @contextmanager
    def administrator(self):
        """A client of Airflow, logged in as its administrator."""
        url = f"http://{self.address}:8080"
        user = {"username": "admin", "password": self.secret("AIRFLOW_ADMIN_PASSWORD")}
        with httpx.Client(base_url=url, timeout=120) as client:
            token = client.post("/auth/token", json=user).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client

    def airflow(self, path, body=None, **params):
        """What Airflow's REST API answers."""
        method = "GET" if body is None else "POST"
        with self.administrator() as client:
            answer = client.request(method, f"/api/v2{path}", json=body, params=params)
            return answer.raise_for_status().json()


def docker(*words, check=True, environ=None):
    """What the engine's client answers; its complaint is shown where it fails."""
    done = subprocess.run(
        ["docker", *words],
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        text=True,
        capture_output=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def until(what, condition, pause=1.0):
    """What a condition finds, once it finds anything; servers may be down meanwhile."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except (httpx.HTTPError, KeyError, MlflowException, ValueError):
            pass
        time.sleep(pause)
    raise TimeoutError(what)
