"""The real embedded stack, once for all end-to-end tests, on free ports in a folder of its own."""

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sweepstake import embedded
from sweepstake.embedded import processes
from sweepstake.embedded.ports import DEFAULTS, setting
from sweepstake.settings import Settings, load_settings

RECEIVERS = """\
from pathlib import Path

from airflow.sdk import BaseNotifier


class Received(BaseNotifier):
    template_fields = ("text",)

    def __init__(self):
        super().__init__()
        self.text = "{{ digest.to_json() }}"

    def notify(self, context):
        with Path(__file__).with_name("received").open("a") as file:
            file.write(self.text + "\\n")


notifiers = [Received()]
"""


@dataclass(frozen=True)
class Running:
    """A stack that is up, the environment it was started from, and what it said.

    What its receiver is told is in the file ``received``, a line of JSON for each digest.
    """

    settings: Settings
    environ: dict[str, str]
    stack: embedded.Stack
    said: list[str]
    received: Path


@pytest.fixture(scope="package")
def stack():
    """Start the stack with the project's own DAGs and an empty watched folder."""
    folder = Path(tempfile.mkdtemp(prefix="sweepstake-e2e-"))
    grids = folder / "grids"
    grids.mkdir()
    (folder / "receivers.py").write_text(RECEIVERS)
    (folder / "received").touch()
    environ = {
        **os.environ,
        **{setting(server): "auto" for server in DEFAULTS},
        "SWEEPSTAKE_HOME": str(folder / "home"),
        "SWEEPSTAKE_GRIDS": str(grids),
        "XDG_STATE_HOME": str(folder / "state"),
        "SWEEPSTAKE_NOTIFIERS": "receivers:notifiers",
        "PYTHONPATH": str(folder),
    }
    said = []
    settings = load_settings(environ)
    try:
        started = embedded.up(settings, said.append, environ)
        yield Running(load_settings(environ), environ, started, said, folder / "received")
    finally:
        embedded.down(settings, said.append, environ)
        left = processes.of_stack(settings.home)
        shutil.rmtree(folder)
    assert [] == left
