"""One cluster for each file of tests; it needs root, network namespaces and a Redis server."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cluster import ROOT, Cluster

FIGURES = pytest.StashKey[list[str]]()


def missing():
    """Why no cluster can be made here; empty if one can."""
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    programs = ("ip", "redis-check-rdb", "setpriv")
    absent = [name for name in programs if shutil.which(name) is None]
    if absent:
        return f"needs {', '.join(absent)}: scripts/cluster_needs.sh installs them"
    probe = subprocess.run(["unshare", "--net", "--mount", "--uts", "--pid", "true"], check=False)
    return "this machine allows no namespaces" if probe.returncode else ""


@pytest.fixture(scope="session")
def namespaces():
    """Names of hosts that no other test run on this machine uses meanwhile."""
    if reason := missing():
        pytest.skip(reason)
    with Path(tempfile.gettempdir(), "sweepstake-cluster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def cluster(namespaces, request):
    """The services of docker-compose.yml with fresh secrets, each on a host of its own.

    The file of tests says what stands in for MinIO, its variables for ``.env``, and its secrets.
    """
    folder = Path(tempfile.mkdtemp(prefix="sweepstake-cluster-"))
    env = folder / ".env"
    subprocess.run([sys.executable, ROOT / "scripts" / "make_secrets.py", env], check=True)
    with env.open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in request.module.VARIABLES.items())
    for name, value in request.module.SECRETS.items():
        (folder / "secrets" / name).write_text(value)
    made = Cluster(folder, env, request.module.S3)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        if os.environ.get("SWEEPSTAKE_TEST_KEEP") is None:
            shutil.rmtree(folder)


@pytest.fixture
def figure(request):
    """A function that takes a sentence with a measured figure, to be told at the end."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter, config):
    """Tell what was measured and is not judged."""
    for sentence in config.stash.get(FIGURES, []):
        terminalreporter.write_line(f"measured: {sentence}")
