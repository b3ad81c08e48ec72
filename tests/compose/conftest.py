"""One project for each file of tests; it needs a Docker engine with the images."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from project import Project, docker

FIGURES = pytest.StashKey[list[str]]()
IMAGES = ("postgres:18.1-bookworm", "redis:8.2.3-bookworm", "sweepstake:0.1.0")


def missing():
    """Why no project can be started here; empty if one can."""
    if shutil.which("docker") is None or docker("info", check=False).returncode:
        return "needs a Docker engine: make compose-test installs and starts one (root, Debian)"
    if docker("compose", "version", check=False).returncode:
        return "needs Compose v2: make compose-test installs it (root, Debian)"
    if any(docker("image", "inspect", each, check=False).returncode for each in IMAGES):
        return "needs the images: scripts/engine.sh images and build bring them, or stand-ins"
    return ""


@pytest.fixture(scope="module")
def project(request):
    """The services of docker-compose.yml with fresh secrets, healthy, two workers."""
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="sweepstake-compose-"))
    made = Project(folder)
    try:
        made.compose("build", "check")
        made.up()
        yield made
    finally:
        if os.environ.get("SWEEPSTAKE_TEST_KEEP") is None:
            made.down()
            shutil.rmtree(folder)


@pytest.fixture
def figure(request):
    """A function that takes a sentence with a measured figure, to be told at the end."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter, config):
    """Tell what was measured and is not judged."""
    for sentence in config.stash.get(FIGURES, []):
        terminalreporter.write_line(f"measured: {sentence}")
