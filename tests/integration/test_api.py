"""The library from a program: a sweep, its leaderboard, its champion, its predictions."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from sklearn.datasets import load_iris

import sweepstake
from sweepstake.errors import ModelFileError, NotFoundError

SCRIPT = """
import sys
import sweepstake

if __name__ == "__main__":
    board = sweepstake.run(sys.argv[1], jobs=2)
    print(board.champion, len(board.standings), sweepstake.champion(sys.argv[2]).version)
"""


@pytest.fixture
def grid(tmp_path, name):
    """A grid file of three trees."""
    content = {
        "name": name,
        "data": {"source": "sklearn:iris"},
        "estimator": "DecisionTreeClassifier",
        "grid": {"max_depth": [1, 2, 3]},
        "cv": 3,
        "metric": "accuracy",
    }
    (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path / f"{name}.json"


def test_a_program_sweeps_and_predicts(grid, settings, name, tmp_path):
    """Every step of the main job is one call; a model of another workspace is not loaded."""
    board = sweepstake.run(grid, settings=settings)
    champion = sweepstake.champion(name, settings)
    (entry,) = sweepstake.history(name, settings)
    model = sweepstake.load_model(name, settings=settings)
    x, y = load_iris(return_X_y=True, as_frame=True)
    assert (board.champion, entry.version) == (champion.version, champion.version)
    assert board == sweepstake.leaderboard(name, settings)
    assert (model.predict(x) == y).mean() > 0.9
    other = next(n for n in ("1", "2", "3") if n != board.champion)
    assert hasattr(sweepstake.load_model(name, other, settings), "predict")
    with pytest.raises(NotFoundError, match="version 99"):
        sweepstake.load_model(name, "99", settings)
    with pytest.raises(ModelFileError, match="must have been trained by a sweep of this"):
        sweepstake.load_model(name, settings=replace(settings, workspace=tmp_path / "other"))


def test_a_script_sweeps_in_several_processes(grid, settings, name, monkeypatch, tmp_path):
    """Its own file is imported by them, so the call stands below the guard."""
    (tmp_path / "script.py").write_text(SCRIPT)
    monkeypatch.setenv("SWEEPSTAKE_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.tracking_uri)
    command = [sys.executable, "-W", "ignore", str(tmp_path / "script.py"), str(grid), name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    champion, trials, served = done.stdout.split()
    assert ("3", champion) == (trials, served)


def test_a_submitted_file_lies_in_the_watched_folder(grid, settings, name):
    """The id is that of the sweep which will run."""
    sweep_id = sweepstake.submit(grid, settings)
    assert sweep_id.startswith(f"{name}__")
    assert (settings.grids / grid.name).exists()
