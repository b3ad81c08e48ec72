"""What `import sweepstake` gives to programs."""

import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pytest

import sweepstake

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "cancer-trees.yaml"
NAMES = [
    *("Comparison", "GridFile", "GridFileError", "Leaderboard", "LedgerEntry", "Preview", "Rerun"),
    *("Settings", "SweepstakeError", "TrialRecord", "Version", "__version__", "champion"),
    *("compare", "frame", "history", "leaderboard", "load_grid", "load_model", "load_settings"),
    *("plan", "rerun", "run", "schema", "show", "submit"),
]


def test_the_names_are_exactly_these():
    """A name that comes or goes is a decision, not an accident."""
    assert (NAMES, sorted(NAMES)) == (sweepstake.__all__, dir(sweepstake))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__version__"])
def test_every_name_says_what_it_is(name):
    """Each is there, and has a docstring that editors show."""
    assert getattr(sweepstake, name).__doc__.strip()


def test_the_version_is_that_of_the_package():
    """Programs can say which release they met."""
    assert version("sweepstake") == sweepstake.__version__


def test_a_name_that_is_not_there_is_an_attribute_error():
    """As of any module."""
    with pytest.raises(AttributeError, match="has no attribute 'sweep_all'"):
        sweepstake.sweep_all  # noqa: B018


def test_names_are_imported_when_they_are_asked_for():
    """The import alone loads neither another module of ours nor a library."""
    code = "import sys, sweepstake; print([m for m in sys.modules if m.startswith('sweepstake.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()


def test_a_grid_file_is_read():
    """Its spec has what the file says."""
    grid = sweepstake.load_grid(EXAMPLE)
    assert ("cancer", "roc_auc") == (grid.spec.model, grid.spec.metric)


def test_a_grid_file_with_mistakes_raises_all_of_them(tmp_path):
    """Each problem has its place and line."""
    (tmp_path / "bad.yaml").write_text('data: {source: "sklearn:iris"}\nestimater: SVC\ncv: 1\n')
    with pytest.raises(sweepstake.GridFileError) as caught:
        sweepstake.load_grid(tmp_path / "bad.yaml")
    assert [(2, "estimater"), (3, "cv")] == [(p.line, p.path) for p in caught.value.problems]


def test_a_plan_tells_what_would_run():
    """Data beside the file are found, and nothing is written."""
    shown = sweepstake.plan(EXAMPLE)
    assert (6, "cancer") == (shown.trial_count, shown.model)


def test_data_beside_a_grid_file_are_found(tmp_path):
    """As the command line finds them; those of a day as well."""
    rows = "".join(f"{n},{n % 2}\n" for n in range(60))
    (tmp_path / "d-2026-01-02.csv").write_text(f"a,b\n{rows}")
    (tmp_path / "day.yaml").write_text(
        'data: {source: "d-{partition}.csv", target: b}\nestimator: GaussianNB\ncv: 3\n'
    )
    assert 1 == sweepstake.plan(tmp_path / "day.yaml", date(2026, 1, 2)).trial_count


def test_the_schema_is_that_of_the_files():
    """Programs can validate, and editors complete, what a grid file may say."""
    assert "estimator" in sweepstake.schema()["properties"]
