import json
import subprocess
import sys
from pathlib import Path

import pytest

GRIDS = Path(__file__).parents[1] / "grids"
HEAVY = {
    *("airflow", "matplotlib", "mlflow", "numpy", "optuna", "pandas", "plotly"),
    *("catboost", "lightgbm", "scipy", "skops", "sklearn", "xgboost"),
}


def loaded(code, *argv):
    """The heavy packages that a fresh interpreter has loaded after some code, even if it exits."""
    wrapper = f"""if True:
        import atexit, json, sys
        sys.argv[1:] = {list(argv)!r}
        roots = lambda: sorted({{name.partition(".")[0] for name in sys.modules}})
        atexit.register(lambda: print(json.dumps(roots()), file=sys.stderr))
        {code}
    """
    done = subprocess.run([sys.executable, "-c", wrapper], capture_output=True, check=False)
    *_, last = done.stderr.splitlines()
    return done.returncode, HEAVY & set(json.loads(last))


def test_importing_the_package_loads_nothing_heavy():
    """`import sweepstake` costs next to nothing."""
    assert (0, set()) == loaded("import sweepstake")


@pytest.mark.parametrize(
    "module",
    [
        "domain.spec",
        "domain.trial",
        "errors",
        "gridfile.loader",
        "intake.intake",
        "settings",
        "storage.workspace",
        "sweeps.plan",
    ],
)
def test_what_dag_files_import_is_light(module):
    """Records, settings and intake load no library for data or models."""
    assert (0, set()) == loaded(f"import sweepstake.{module}")


@pytest.mark.parametrize(
    "module",
    [
        "airflow_client.following",
        "champions.rounds",
        "serving.app",
        "sweeps.progress",
        "sweeps.refining",
        "sweeps.reporting",
        "sweeps.sweep",
    ],
)
def test_use_cases_load_their_libraries_when_they_are_called(module):
    """Importing a use case loads nothing heavy yet."""
    assert (0, set()) == loaded(f"import sweepstake.{module}")


@pytest.mark.parametrize("argument", ["--help", "schema"])
def test_the_command_line_answers_lightly(argument):
    """Help and schema load no library for data, models or scheduling."""
    assert (0, set()) == loaded("from sweepstake.cli.main import main; main()", argument)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("grid", "code"), [("valid/minimal.yaml", 0), ("invalid/name-estimator.yaml", 1)]
)
def test_validating_loads_neither_airflow_nor_mlflow(grid, code):
    """A grid file is checked with scikit-learn alone, whether it is good or bad."""
    main = "from sweepstake.cli.main import main; main()"
    returned, heavy = loaded(main, "validate", str(GRIDS / grid))
    assert (code, set()) == (returned, heavy & {"airflow", "matplotlib", "mlflow", "skops"})


def test_the_installed_command_is_this_command_line():
    """The script `sweepstake` calls the same function."""
    script = Path(sys.executable).with_name("sweepstake")
    done = subprocess.run([script, "schema"], capture_output=True, check=True)
    assert json.loads(done.stdout)["title"]
