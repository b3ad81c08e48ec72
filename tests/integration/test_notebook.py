"""The notebook of the documentation runs, and prints what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tutorial.ipynb"


def printed(notebook):
    """What each cell prints or gives, as text; versions are numbered as their trials end."""
    return [
        re.sub(r"\bv\d+", "v", output.get("text") or output["data"]["text/plain"])
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") != "stderr"
    ]


@pytest.mark.filterwarnings("default")  # those of the kernel are its own affair
@pytest.mark.slow
def test_the_notebook_prints_what_it_shows(tmp_path):
    """A sweep without Airflow, from the grid file to the champion's predictions."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    shown = printed(notebook)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    assert len(shown) > 6
    assert shown == printed(notebook)
