"""Boosters' own files: the same answers through every door, and what becomes of changed ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
import smallboosters
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier

import sweepstake
from sweepstake.errors import ModelFileError
from sweepstake.mlflow_client.model_folders import load_model, open_template, write_model
from sweepstake.modelfile import booster_files
from sweepstake.modelfile.model_file import dump, opened, stored
from sweepstake.serving.scoring import Scorer

SOURCES = Path(sweepstake.__file__).parents[1]
NAMES = smallboosters.NAMES
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:mlflow")


def written(estimator, x, folder):
    """The folder of a model as a trial writes it, and the hash of its skops file."""
    template = open_template(folder / "template", estimator, x)
    return folder / "model", write_model(template, estimator, "0" * 32, folder / "model")


def answers(estimator, x):
    """What a model says of rows, probabilities where it has any."""
    asked = getattr(estimator, "predict_proba", estimator.predict)
    return [estimator.predict(x).tolist(), asked(x).tolist()]


@pytest.mark.parametrize("name", NAMES)
def test_every_door_gives_the_same_answers(name, tmp_path):
    """MLflow's two flavors, our own loader and the server say what the fitted booster says."""
    x, _ = smallboosters.rows_of(name)
    estimator = smallboosters.fitted(name)
    model, sha256 = written(estimator, x, tmp_path)
    split = {"columns": list(x), "data": x.to_numpy().tolist()}
    scorer = Scorer(stored(estimator))
    served = [
        json.loads(scorer.score(json.dumps({"dataframe_split": split}).encode(), "", each).body)
        for each in (
            "predict",
            "predict_proba" if hasattr(estimator, "predict_proba") else "predict",
        )
    ]
    expected = answers(estimator, x)
    assert expected == answers(mlflow.sklearn.load_model(str(model)), x)
    assert expected[0] == mlflow.pyfunc.load_model(str(model)).predict(x).tolist()
    assert expected == answers(load_model(model, sha256), x)
    assert expected == [each["predictions"] for each in served]


@pytest.mark.parametrize("name", ["CatBoostClassifier", "LGBMRegressor", "XGBClassifier"])
def test_a_booster_is_loaded_where_sweepstake_is_not_installed(name, tmp_path):
    """Its folder brings the code along; the library reads its own file beside it."""
    x, _ = smallboosters.rows_of(name)
    estimator = smallboosters.fitted(name, early_stopping_rounds=3)
    model, _ = written(estimator, x, tmp_path)
    program = f"""if True:
        import sys
        sys.path[:] = [path for path in sys.path if {str(SOURCES)!r} not in path]
        sys.meta_path[:] = [each for each in sys.meta_path if "editable" not in repr(each).lower()]
        import mlflow.sklearn, mlflow.pyfunc, pandas
        rows = pandas.read_json({str(tmp_path / "rows.json")!r}, precise_float=True)
        print([mlflow.sklearn.load_model({str(model)!r}).predict(rows).tolist(),
               mlflow.pyfunc.load_model({str(model)!r}).predict(rows).tolist()])
        print(sys.modules["sweepstake.boosting"].__file__)
    """
    x.to_json(tmp_path / "rows.json", double_precision=15)
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found, home = done.stdout.splitlines()
    assert [estimator.predict(x).tolist()] * 2 == json.loads(found.replace("'", '"'))
    assert str(model / "code" / "sweepstake" / "boosting" / "__init__.py") == home


@pytest.mark.parametrize("name", NAMES)
def test_the_skops_file_has_no_booster_in_it(name, tmp_path):
    """It names the file beside it and its hash; what is beside it is the library's own format."""
    x, _ = smallboosters.rows_of(name)
    estimator = smallboosters.fitted(name)
    model, _ = written(estimator, x, tmp_path)
    (file,) = model.glob("booster.*")
    kinds = {"cbm": b"CBM1", "json": b'{"learner"', "txt": b"tree\nversion=v4"}
    assert file.read_bytes().startswith(kinds[file.suffix[1:]])
    assert len(dump(estimator)) < 6000 < file.stat().st_size
    record = json.loads((model / "MLmodel").read_text())
    assert [f"sweepstake.boosting.{name}", "sweepstake.casting.ColumnCast"] == [
        each for each in record["flavors"]["sklearn"]["skops_trusted_types"] if "sweep" in each
    ]
    sizes = sum(each.stat().st_size for each in (file, model / "model.skops"))
    assert sizes == record["model_size_bytes"]


def test_several_boosters_of_one_model_have_a_file_each(tmp_path):
    """Teams of boosters are stored and loaded, those that they only were told of included."""
    x, y = smallboosters.rows_of("XGBClassifier")
    first, second = (smallboosters.build(each) for each in ("XGBClassifier", "LGBMClassifier"))
    bagged = BaggingClassifier(smallboosters.build("CatBoostClassifier"), 2, random_state=0)
    team = VotingClassifier([("a", first), ("b", second), ("c", bagged)], voting="soft").fit(x, y)
    model, sha256 = written(team, x, tmp_path)
    names = sorted(file.name for file in model.glob("booster*"))
    assert ["booster-2.txt", "booster-3.cbm", "booster-4.cbm", "booster.json"] == names
    assert answers(team, x) == answers(load_model(model, sha256), x)
    assert answers(team, x) == answers(mlflow.sklearn.load_model(str(model)), x)


def test_a_stack_of_boosters_survives_its_files():
    """Regressors on top of each other too."""
    x, y = smallboosters.rows_of("XGBRegressor")
    parts = [(each, smallboosters.build(each)) for each in ("XGBRFRegressor", "LGBMRegressor")]
    stack = StackingRegressor(parts, smallboosters.build("CatBoostRegressor"), cv=2).fit(x, y)
    assert stack.predict(x).tolist() == opened(stored(stack)).predict(x).tolist()


VARIANTS = [
    ("XGBClassifier", {"booster": "dart", "rate_drop": 0.5}),
    ("XGBClassifier", {"tree_method": "exact", "gamma": 2}),
    ("XGBClassifier", {"objective": "multi:softmax", "num_parallel_tree": 2}),
    ("XGBRegressor", {"objective": "count:poisson", "grow_policy": "lossguide", "max_leaves": 4}),
    ("XGBRegressor", {"objective": "reg:absoluteerror", "monotone_constraints": [1] + 9 * [0]}),
    ("XGBRegressor", {"interaction_constraints": [[0, 1], [2, 3]]}),
    ("LGBMClassifier", {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1}),
    ("LGBMClassifier", {"objective": "multiclassova", "boosting_type": "dart"}),
    ("LGBMRegressor", {"objective": "quantile", "alpha": 0.9}),
    ("LGBMRegressor", {"objective": "huber", "min_child_samples": 400}),
    ("CatBoostClassifier", {"grow_policy": "Depthwise", "loss_function": "MultiClassOneVsAll"}),
    ("CatBoostRegressor", {"loss_function": "Quantile:alpha=0.9"}),
    ("CatBoostRegressor", {"loss_function": "Poisson", "grow_policy": "Lossguide"}),
]


@pytest.mark.parametrize(("name", "params"), VARIANTS)
def test_every_kind_of_booster_survives_its_file(name, params):
    """What parameters make of trees and sums is known to the checks of files."""
    x, _ = smallboosters.rows_of(name)
    estimator = smallboosters.fitted(name, **params)
    assert answers(estimator, x) == answers(opened(stored(estimator)), x)


@pytest.mark.parametrize("name", [each for each in NAMES if smallboosters.of_classes(each)])
def test_two_classes_survive_their_file(name):
    """Of two classes a library has one sum for a row."""
    x, y = smallboosters.rows_of(name)
    estimator = smallboosters.build(name).fit(x, y == "iris a")
    assert answers(estimator, x) == answers(opened(stored(estimator)), x)


def test_a_booster_file_that_was_exchanged_is_refused(tmp_path):
    """Its hash stands in the skops file: by us and by MLflow another one is not read."""
    x, _ = smallboosters.rows_of("XGBClassifier")
    model, sha256 = written(smallboosters.fitted("XGBClassifier", n_estimators=3), x, tmp_path)
    other = stored(smallboosters.fitted("XGBClassifier", n_estimators=2))
    (model / "booster.json").write_bytes(other.boosters["booster.json"])
    with pytest.raises(ModelFileError, match=r"booster\.json: must have sha256"):
        load_model(model, sha256)
    with pytest.raises(ValueError, match="Take the whole folder of the model"):
        mlflow.sklearn.load_model(str(model))
    (model / "booster.json").unlink()
    with pytest.raises(ModelFileError, match=r"but is not there\. Train the model again"):
        load_model(model, sha256)


def test_a_booster_file_that_no_memory_holds_is_refused_unread(monkeypatch, tmp_path):
    """It is neither written nor read beyond a size."""
    x, _ = smallboosters.rows_of("XGBClassifier")
    estimator = smallboosters.fitted("XGBClassifier")
    files = stored(estimator)
    monkeypatch.setattr(booster_files, "LARGEST", 1000)
    with pytest.raises(ModelFileError, match="must have at most 1,000 bytes, but has"):
        opened(files)
    with pytest.raises(ModelFileError, match="must have at most 1,000 bytes, but has"):
        written(estimator, x, tmp_path)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("file", ["model.skops", "booster.json"])
def test_a_file_that_was_exchanged_for_a_huge_one_is_refused_unread(file, tmp_path):
    """Its size is looked at first: it never comes into the memory to be hashed."""
    x, _ = smallboosters.rows_of("XGBClassifier")
    model, sha256 = written(smallboosters.fitted("XGBClassifier"), x, tmp_path)
    os.truncate(model / file, 1 << 40)  # a file of holes
    with pytest.raises(ModelFileError, match=rf"{file}: must have at most [0-9,]+ bytes, but has"):
        load_model(model, sha256)


def test_a_model_of_a_booster_takes_its_rows_in_any_form():
    """The cast stands before it as before any other."""
    estimator = smallboosters.fitted("XGBRegressor")
    x, _ = smallboosters.rows_of("XGBRegressor")
    records = [{name: str(value) for name, value in row.items()} for row in x.to_dict("records")]
    assert np.array_equal(estimator.predict(x), opened(stored(estimator)).predict(records))
