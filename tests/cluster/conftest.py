"""One cluster for all its tests; it needs root, network namespaces and a Redis server."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cluster import ROOT, Cluster


def missing():
    """Why no cluster can be made here; empty if one can."""
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    absent = [name for name in ("ip", "redis-server", "setpriv") if shutil.which(name) is None]
    if absent:
        return f"needs {', '.join(absent)}: make cluster-test installs them"
    probe = subprocess.run(["unshare", "--net", "--mount", "--uts", "true"], check=False)
    return "this machine allows no namespaces" if probe.returncode else ""


@pytest.fixture(scope="package")
def cluster():
    """The services of docker-compose.yml with fresh secrets, each on a host of its own."""
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="sweepstake-cluster-"))
    secrets = folder / "secrets.env"
    script = ROOT / "scripts" / "make_secrets.py"
    subprocess.run([sys.executable, script, secrets], check=True)
    made = Cluster(folder, secrets)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        if os.environ.get("SWEEPSTAKE_TEST_KEEP") is None:
            shutil.rmtree(folder)
