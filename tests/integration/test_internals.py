"""The internals of other projects that Sweepstake rests on are where they were."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import sweepstake
from sweepstake.airflow import internals as airflow_internals
from sweepstake.forests import sklearn_internals as tree_internals
from sweepstake.gridfile import sklearn_internals
from sweepstake.mlflow_server import internals as mlflow_internals
from sweepstake.modelfile import skops_internals

PACKAGE = Path(sweepstake.__file__).parent
OWN = {"internals.py", "sklearn_internals.py", "skops_internals.py"}
LOOKING = {
    "isolation.py": "a child process may have children, which multiprocessing forbids",
    "tree_values.py": "looks at the very attributes that compiled code follows",
    "step_values.py": "looks at the very attributes that compiled code follows",
}
"""Modules beside them that look into objects of others, and why."""
NAMED = [
    ("apache-airflow", airflow_internals),
    ("mlflow", mlflow_internals),
    ("scikit-learn", sklearn_internals),
    ("scikit-learn", tree_internals),
    ("skops", skops_internals),
]
LOOK = """if True:
    import sys
    from importlib import import_module

    def look(name):
        parts = name.split(".")
        for at in range(len(parts), 0, -1):
            try:
                found = import_module(".".join(parts[:at]))
                break
            except ModuleNotFoundError:
                pass
        for part in parts[at:]:
            found = getattr(found, part)

    for name in sys.argv[1:]:
        try:
            look(name)
        except (AttributeError, NameError):
            print(name)
"""


@pytest.fixture
def lacking():
    """A function that says which of some dotted names stand for nothing, in a fresh process."""

    def look(names, **environ):
        command = [sys.executable, "-W", "ignore", "-c", LOOK, *names]
        environ = {**os.environ, **environ}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        return done.stdout.split()

    return look


@pytest.mark.parametrize(("package", "home"), NAMED)
def test_internals_are_where_they_were(lacking, package, home):
    """A release that moves one is told by the name of what it moved, before a user meets it."""
    gone = lacking(home.NAMES)
    assert [] == gone, f"{package} {version(package)} has no {gone} any more: see {home.__file__}"


def test_the_internals_of_mlflows_log_in_are_where_they_were(lacking, tmp_path):
    """Its module reads settings of users when it is imported."""
    (tmp_path / "auth.ini").write_text(
        "[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite://\n"
        "admin_username = admin\nadmin_password = password1234\n"
    )
    place = str(tmp_path / "auth.ini")
    gone = lacking(
        mlflow_internals.NAMES_OF_USERS,
        MLFLOW_FLASK_SERVER_SECRET_KEY="k" * 32,
        MLFLOW_AUTH_CONFIG_PATH=place,
    )
    assert [] == gone, f"mlflow {version('mlflow')} has no {gone} any more"


def test_a_name_that_is_gone_is_told(lacking):
    """The look itself notices."""
    names = ["mlflow.no_such", "no_such_package.a", "json.dumps", "json.decoder.JSONDecoder.nope"]
    assert [names[0], names[1], names[3]] == lacking(names)


@pytest.mark.parametrize(
    "file",
    [file for file in sorted(PACKAGE.rglob("*.py")) if file.name not in OWN | LOOKING.keys()],
    ids=lambda file: file.relative_to(PACKAGE).as_posix(),
)
def test_nobody_else_looks_into_other_projects(file):
    """What is private to another project is used in one module for each of them."""
    text = file.read_text(encoding="utf-8")
    private = re.findall(r"from (?!sweepstake)[a-z.]+\._\w+ import|SLF001", text)
    assert [] == private
