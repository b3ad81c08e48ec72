"""The wheel in an Airflow that knows nothing of the source tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TWO_LINES = "from sweepstake.airflow import load_dags\nglobals().update(load_dags())\n"
BUNDLE = {"name": "own", "classpath": "sweepstake.airflow.bundle.SweepstakeBundle", "kwargs": {}}
PARSE = """if True:
    import json, sys
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag
    import sweepstake
    bundle = DagBundlesManager().get_bundle("own")
    bag = DagBag(bundle.path, bundle_path=bundle.path, bundle_name="own")
    files = {name: dag.relative_fileloc for name, dag in bag.dags.items()}
    print(json.dumps([sweepstake.__file__, bag.import_errors, files]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder into which the wheel was built and installed, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = str(Path(sys.executable).with_name("uv"))
    build = [uv, "build", "--quiet", "--offline", "--wheel", "--no-build-isolation"]
    python = ["--python", sys.executable]
    subprocess.run([*build, *python, "--out-dir", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    install = [uv, "pip", "install", "--quiet", "--offline", "--no-deps", *python]
    subprocess.run([*install, "--target", str(folder / "site"), str(wheel)], check=True)
    return folder / "site"


@pytest.fixture
def run(installed, tmp_path):
    """A function that runs Python on the installed wheel, with a bundle; returns what it says."""

    def call(*arguments, bundle=BUNDLE):
        environ = {
            **os.environ,
            "PYTHONPATH": str(installed),
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
            "SWEEPSTAKE_HOME": str(tmp_path),
        }
        command = [sys.executable, "-W", "ignore", *arguments]
        done = subprocess.run(
            command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()[-1]

    return call


def test_the_bundle_gives_the_dags(run, installed):
    """With the package's bundle each DAG comes from its own file of the wheel."""
    package, errors, files = json.loads(run("-c", PARSE))
    assert (str(installed), {}) == (str(Path(package).parents[1]), errors)
    assert {name: f"{name}.py" for name in ("approval", "champion", "intake", "sweep")} == files


def test_two_lines_give_the_dags(run, tmp_path):
    """A DAG file of two lines passes Airflow's safe mode and holds every DAG."""
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "sweeps.py").write_text(TWO_LINES)
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    bundle = {"name": "own", "classpath": local, "kwargs": {"path": str(folder)}}
    _, errors, files = json.loads(run("-c", PARSE, bundle=bundle))
    expected = dict.fromkeys(("approval", "champion", "intake", "sweep"), "sweeps.py")
    assert ({}, expected) == (errors, files)


def test_the_wheel_validates_grid_files(run, installed):
    """The schema is a file of the wheel, not a link that leads out of it."""
    grid = ROOT / "docs/examples/cancer-trees.yaml"
    code = "from sweepstake.cli.main import main; main()"
    said = run("-c", code, "validate", str(grid))
    schema = installed / "sweepstake" / "gridfile" / "sweep.schema.json"
    assert (True, False, True) == ("6 trials" in said, schema.is_symlink(), schema.is_file())


def test_the_wheel_knows_the_releases_that_it_supports(run):
    """The doctor reads them from the metadata of what is installed, buckets included."""
    said = run("-c", "from sweepstake.doctor import host; print(host.packages(buckets=True))")
    assert said.startswith("apache-airflow 3.")


def test_the_page_has_its_templates_and_files(installed):
    """Each that the source tree has, htmx with its licence."""
    there, here = (root / "sweepstake" / "pages" for root in (installed, ROOT / "src"))
    names = {
        str(file.relative_to(here))
        for folder in ("static", "templates")
        for file in (here / folder).iterdir()
    }
    assert "static/htmx-LICENSE.txt" in names
    assert [] == [name for name in names if not (there / name).is_file()]
