"""The grid files of ``tests/grids``: those of ``valid`` pass, those of ``invalid`` get their words.

What is expected stands in the file's first comments (``# expect: <message>`` for each problem, ``#
trials: <count>``) or, where the file cannot hold comments, in ``<file>.expect`` beside it.
"""

from __future__ import annotations

import re
import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from sklearn.datasets import load_breast_cancer

from sweepstake.errors import GridFileError
from sweepstake.preflight import checks
from sweepstake.settings import load_settings

GRIDS = Path(__file__).parents[1] / "grids"
EXAMPLES = Path(__file__).parents[2] / "grids"
SETTINGS = replace(load_settings({}), data_roots=(GRIDS,))


def _files(folder):
    paths = sorted(path for path in (GRIDS / folder).iterdir() if path.suffix != ".expect")
    return [pytest.param(path, id=path.name) for path in paths]


def _expected(path, word):
    """The expectations of a file: from beside it, or from its first comments."""
    beside = path.with_name(f"{path.name}.expect")
    if beside.exists():
        return [line.removeprefix(f"{word}: ") for line in beside.read_text("utf-8").splitlines()]
    return re.findall(rf"^# {word}: (.*?)\r?$", path.read_text("utf-8", "replace"), re.MULTILINE)


@pytest.mark.parametrize("path", _files("invalid"))
def test_an_invalid_file_gets_exactly_its_messages(path):
    """Every mistake of a bad file is reported, in order, and nothing else is."""
    with pytest.raises(GridFileError) as caught:
        checks.load(path, SETTINGS)
    actual = [str(problem).replace(str(GRIDS), "<data>") for problem in caught.value.problems]
    assert _expected(path, "expect") == actual


@pytest.mark.parametrize("path", _files("valid"))
@pytest.mark.slow
def test_a_valid_file_has_its_number_of_trials(path):
    """A good file passes preflight and describes the expected number of trials."""
    _, checked = checks.load(path, SETTINGS)
    assert _expected(path, "trials") == [str(checked.trial_count)]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_an_example_passes_and_points_editors_at_the_schema(path):
    """Each example grid passes preflight and begins with the line that editors complete from."""
    first = path.read_text("utf-8").splitlines()[0]
    assert "# yaml-language-server: $schema=../schemas/sweep.schema.json" == first
    _, checked = checks.load(path, replace(SETTINGS, data_roots=(EXAMPLES,)))
    assert checked.trial_count > 1


def test_there_are_enough_files():
    """The collections do not shrink unnoticed."""
    assert (True, True) == (len(_files("invalid")) >= 110, len(_files("valid")) >= 30)


def test_the_daily_example_is_what_its_script_makes():
    """Its month of slices can be made again from scikit-learn's data, row by row."""
    script = runpy.run_path(str(EXAMPLES.parent / "scripts" / "make_days.py"))
    files = sorted((EXAMPLES / "data" / "cancer-daily").glob("*.csv"))
    everyone = load_breast_cancer(as_frame=True).frame
    made = [script["slice_of"](day, everyone).to_csv(index=False) for day in range(script["DAYS"])]
    assert made == [file.read_text("utf-8") for file in files]
    assert ("2026-01-01", "2026-01-31") == (files[0].stem, files[-1].stem)
