"""The documentation on a real stack: its commands say what the pages show, one after another."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT, commands, files, fits

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(0)]

PROGRAM = str(Path(sys.executable).with_name("sweepstake"))
README, TUTORIAL = ROOT / "README.md", ROOT / "docs" / "tutorial.md"
WIDE = {"COLUMNS": "140"}


@pytest.fixture(scope="module")
def folder(stack, tmp_path_factory):
    """Where the reader is: the examples of a clone, and a stack that watches data by day."""
    here = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "docs" / "examples", here / "docs" / "examples")
    for file, text in files(TUTORIAL):
        (here / file).write_text(text)
    daily = Path("data") / "cancer-daily"
    shutil.copytree(ROOT / "grids" / daily, stack.settings.grids / daily)
    shutil.copy(ROOT / "grids" / "cancer-daily.yaml", stack.settings.grids)
    return here


@pytest.mark.parametrize(
    ("page", "mark"), [(README, "e2e"), (TUTORIAL, "")], ids=["readme", "tutorial"]
)
def test_commands_say_what_their_page_shows(stack, folder, page, mark):
    """Whoever follows the page from its beginning sees what it promises."""
    shown = [each for each in commands() if (each.page, each.mark) == (page, mark)]
    for command in shown:
        done = subprocess.run(
            [PROGRAM, *command.words],
            env=stack.environ | WIDE,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, (command.line, done.stdout, done.stderr)
        assert fits(command, done.stdout), (command.line, done.stdout)  # bars are on stderr
    assert len(shown) > 2
