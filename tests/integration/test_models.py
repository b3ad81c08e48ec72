"""Model files and folders: written, loaded, refused."""

from __future__ import annotations

import functools
import json
import os
import pickle
import re
import subprocess
import sys
import warnings
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import mlflow
import numpy as np
import pytest
import skops.io
import smallboosters
import smallregressors
from sklearn.base import clone
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import get_scorer_names
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from smallfits import BINARY, CLASSIFIERS, TWO_LABELS, X, Y, fitted, with_categories
from threadpoolctl import threadpool_limits

import sweepstake
from sweepstake.casting.column_cast import ColumnCast
from sweepstake.domain.spec import EstimatorSpec, Preprocess
from sweepstake.errors import ModelFileError
from sweepstake.gridfile.boosters import BOOSTERS
from sweepstake.gridfile.estimators import releases
from sweepstake.mlflow_client.model_folders import open_template, write_model
from sweepstake.modelfile import audit, trusted_types
from sweepstake.modelfile.model_file import digest, dump, load_model, loads, needed_types
from sweepstake.modelfile.trusted_types import SCALARS, TRUSTED
from sweepstake.training import pipeline

SOURCES = Path(sweepstake.__file__).parents[1]
DISTANCES = (
    *("braycurtis", "canberra", "chebyshev", "dice", "euclidean", "hamming", "jaccard"),
    *("manhattan", "rogerstanimoto", "russellrao", "sokalmichener", "sokalsneath"),
)
SGD_LOSSES = (
    *("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error"),
    *("huber", "epsilon_insensitive", "squared_epsilon_insensitive"),
)
PRIMITIVES = {("TypeNode", f"builtins.{kind}") for kind in ("str", "int", "float", "bool")}
"""Types of the keys of mappings."""
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:sklearn"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Data was converted to boolean"),
    pytest.mark.filterwarnings("ignore:y contains no unlabeled samples"),
]


def variants():
    """Fitted classifiers whose parameters bring in types that the defaults do not."""
    for distance in DISTANCES:
        yield KNeighborsClassifier(metric=distance, algorithm="ball_tree").fit(X, Y)
    yield KNeighborsClassifier(metric="seuclidean", metric_params={"V": [1, 1, 1, 1]}).fit(X, Y)
    yield KNeighborsClassifier(metric="haversine").fit(X.iloc[:, :2], Y)
    yield KNeighborsClassifier(p=3).fit(X, Y)
    yield fitted("MLPClassifier", solver="sgd")
    yield fitted("CalibratedClassifierCV", method="temperature")
    yield HistGradientBoostingClassifier(max_iter=2).fit(with_categories(), Y)
    yield HistGradientBoostingClassifier(max_iter=2).fit(X, BINARY)
    for loss in ("log_loss", "exponential"):
        yield GradientBoostingClassifier(n_estimators=2, loss=loss).fit(X, BINARY)
    for loss in SGD_LOSSES:
        yield SGDClassifier(loss=loss).fit(X, Y)
    yield fitted("CalibratedClassifierCV", method="isotonic")
    texts = with_categories().astype({"colour": object})
    yield pipeline.build(DecisionTreeClassifier(), Preprocess.AUTO, texts).fit(texts, Y)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Label .* is present in all training examples")
        labels = np.column_stack([np.ones_like(Y), BINARY])
        yield OneVsRestClassifier(LogisticRegression()).fit(X, labels)
    for scorer in get_scorer_names():
        with suppress(ValueError), warnings.catch_warnings():  # not every scorer suits two classes
            warnings.simplefilter("ignore")
            yield fitted("TunedThresholdClassifierCV", scoring=scorer, cv=2)


def stored(estimator, x, folder):
    """The folder of ``estimator`` as a trial writes it, and the hash of its model file."""
    template = open_template(folder / "template", estimator, x)
    return folder / "model", write_model(template, estimator, "0" * 32, folder / "model")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small fits are quickest on one thread."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """A folder for templates that several tests use."""
    return tmp_path_factory.mktemp("templates")


@pytest.mark.parametrize("name", sorted(CLASSIFIERS))
def test_every_classifier_of_scikit_learn_survives_all_three_ways_to_load_it(
    name, templates, tmp_path
):
    """A written model predicts the same through MLflow's two flavors and through load_model."""
    estimator = fitted(name)
    expected = estimator.predict(X).tolist()
    labels = "several" if name in {"ClassifierChain", "MultiOutputClassifier"} else "one"
    template = open_template(templates / labels, estimator, X)
    model = tmp_path / "model"
    sha256 = write_model(template, estimator, "0" * 32, model)

    through_sklearn = mlflow.sklearn.load_model(str(model)).predict(X).tolist()
    through_pyfunc = mlflow.pyfunc.load_model(str(model)).predict(X).tolist()
    through_us = load_model(model, sha256).predict(X).tolist()

    assert (expected, expected, expected) == (through_sklearn, through_pyfunc, through_us)


@pytest.mark.parametrize("name", sorted(smallregressors.REGRESSORS))
def test_every_regressor_of_scikit_learn_survives_all_three_ways_to_load_it(
    name, templates, tmp_path
):
    """A written model predicts the same; pyfunc lays rows out anew, so that sums may end apart."""
    x, _ = smallregressors.rows_of(name)
    estimator = smallregressors.fitted(name)
    expected = estimator.predict(x).tolist()
    kind = f"numbers-{x.shape[1]}-{np.ndim(expected)}"
    template = open_template(templates / kind, estimator, x)
    model = tmp_path / "model"
    sha256 = write_model(template, estimator, "0" * 32, model)

    through_sklearn = mlflow.sklearn.load_model(str(model)).predict(x).tolist()
    through_pyfunc = mlflow.pyfunc.load_model(str(model)).predict(x).tolist()
    through_us = load_model(model, sha256).predict(x).tolist()

    assert (expected, expected) == (through_sklearn, through_us)
    np.testing.assert_allclose(through_pyfunc, expected, rtol=1e-9, atol=1e-9)


def test_the_trusted_types_are_exactly_those_that_estimators_hold():
    """No type is trusted that no classifier or regressor needs, and none is missing."""
    estimators = [
        *(fitted(name) for name in sorted(CLASSIFIERS)),
        *variants(),
        *(smallregressors.fitted(name) for name in sorted(smallregressors.REGRESSORS)),
        *smallregressors.variants(),
        *(smallboosters.fitted(name) for name in smallboosters.NAMES),
    ]
    found = {pair for estimator in estimators for pair in audit.names(dump(estimator))}
    listed = {(means, name) for means, names in TRUSTED.items() for name in names}
    own = {(means, name) for means, name in found if name not in SCALARS}
    assert listed == own | PRIMITIVES


def test_a_model_names_its_columns_and_takes_them_in_any_type(tmp_path):
    """MLflow asks for the columns by name; whether a cell fits is said by the model's own cast."""
    x = with_categories()
    estimator = pipeline.build(RandomForestClassifier(5), Preprocess.AUTO, x).fit(x, Y)
    model, _ = stored(pipeline.castable(estimator, ColumnCast.like(x)), x, tmp_path)
    asked = x.astype({"colour": object, x.columns[0]: object})

    loaded = mlflow.pyfunc.load_model(str(model))

    schema = loaded.metadata.get_input_schema()
    assert list(x.columns) == schema.required_input_names()
    assert ["Any"] * 5 == [repr(kind) for kind in schema.input_types()]
    assert estimator.predict(x).tolist() == loaded.predict(asked).tolist()


def test_a_model_is_loaded_where_sweepstake_is_not_installed(tmp_path):
    """Its folder brings the one class along that is not of scikit-learn."""
    estimator = fitted("GaussianNB")
    model, _ = stored(estimator, X, tmp_path)
    program = f"""if True:
        import sys
        sys.path[:] = [path for path in sys.path if {str(SOURCES)!r} not in path]
        sys.meta_path[:] = [each for each in sys.meta_path if "editable" not in repr(each).lower()]
        import mlflow.sklearn, mlflow.pyfunc, pandas
        rows = pandas.read_json({str(tmp_path / "rows.json")!r})
        print([mlflow.sklearn.load_model({str(model)!r}).predict(rows).tolist(),
               mlflow.pyfunc.load_model({str(model)!r}).predict(rows).tolist()])
        for name in ("cells", "column_cast", "numerals"):
            print(sys.modules[f"sweepstake.casting.{{name}}"].__file__)
    """
    X.to_json(tmp_path / "rows.json")
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answers, *homes = done.stdout.splitlines()
    assert [estimator.predict(X).tolist()] * 2 == json.loads(answers)
    code = model / "code" / "sweepstake" / "casting"
    assert [str(code / f"{name}.py") for name in ("cells", "column_cast", "numerals")] == homes


@pytest.mark.parametrize("labels", [np.array(["no", "yes"])[BINARY], BINARY == 1, TWO_LABELS])
def test_labels_of_every_kind_come_back_as_they_were(labels, tmp_path):
    """Text, truth values and several labels at once are predicted as trained."""
    estimator = pipeline.build(RandomForestClassifier(5), Preprocess.AUTO, X).fit(X, labels)
    model, _ = stored(estimator, X, tmp_path)
    found = mlflow.pyfunc.load_model(str(model)).predict(X)
    assert estimator.predict(X).tolist() == found.tolist()


def test_the_folder_says_what_it_is_and_what_it_needs(tmp_path):
    """MLmodel names its run and signature; the requirements are pinned; an example is there."""
    estimator = fitted("RandomForestClassifier")
    model, sha256 = stored(estimator, X, tmp_path)

    info = mlflow.models.Model.load(str(model))
    pins = (model / "requirements.txt").read_text().splitlines()

    assert "0" * 32 == info.run_id
    assert ["python_function", "sklearn"] == list(info.flavors)
    assert [
        "numpy.dtype",
        "sweepstake.casting.ColumnCast",
        "sweepstake.forests.TreeTable",
    ] == info.flavors["sklearn"]["skops_trusted_types"]
    assert [column.name for column in info.signature.inputs] == list(X.columns)
    assert (3, 4) == info.load_input_example(str(model)).shape
    assert [
        "mlflow",
        "numpy",
        "pandas",
        "scikit-learn",
        "skops",
    ] == [pin.partition("==")[0] for pin in pins]
    assert sha256 == digest((model / "model.skops").read_bytes())


@pytest.mark.filterwarnings("ignore:Operation with range")  # how MLflow compares columns
@pytest.mark.filterwarnings("ignore:Any type hint")
def test_the_signature_and_the_example_are_those_that_mlflow_writes(tmp_path):
    """A template is that of ``save_model``, save that gaps are null: NaN is no JSON."""
    features = with_categories().assign(half=X.iloc[:, 0].astype("float32"))
    features.iloc[0, :] = np.nan
    estimator = HistGradientBoostingClassifier(max_iter=2).fit(features, Y)
    rows = features.head(3)
    template = open_template(tmp_path / "template", estimator, features)

    mlflow.sklearn.save_model(
        estimator,
        str(tmp_path / "theirs"),
        serialization_format="skops",
        skops_trusted_types=list(needed_types(dump(estimator))),
        signature=mlflow.models.Model.load(str(tmp_path / "template")).signature,
        input_example=rows.astype(dict.fromkeys(rows.select_dtypes("category"), object)),
    )

    theirs = mlflow.models.Model.load(str(tmp_path / "theirs")).to_dict()
    for part in ("signature", "saved_input_example_info"):
        assert template.record[part] == theirs[part]
    for file in ("input_example.json", "serving_input_example.json"):
        ours, other = (tmp_path / folder / file for folder in ("template", "theirs"))
        assert json.loads(ours.read_text()) == json.loads(re.sub("NaN", "null", other.read_text()))


def test_two_models_of_one_template_differ_in_identity_only(tmp_path):
    """Each model has its own uuid, run, size and time; the rest of the record is the template's."""
    estimator = fitted("GaussianNB")
    template = open_template(tmp_path / "template", estimator, X)
    other = fitted("DummyClassifier")
    records = []
    for run, model in (("a", estimator), ("b", other)):
        write_model(template, model, run, tmp_path / run)
        records.append(json.loads((tmp_path / run / "MLmodel").read_text()))
    differing = sorted(key for key in records[0] if records[0][key] != records[1][key])
    assert ["model_size_bytes", "model_uuid", "run_id", "utc_time_created"] == differing


def test_opening_a_template_again_leaves_it_as_it_is(tmp_path):
    """The second process takes the files that the first one wrote."""
    first = open_template(tmp_path / "template", fitted("GaussianNB"), X)
    second = open_template(tmp_path / "template", fitted("RandomForestClassifier"), X)
    assert first == second


def test_our_dump_holds_what_the_one_of_skops_holds():
    """The compact file loads to the same estimator as the file that skops writes."""
    estimator = fitted("RandomForestClassifier", random_state=0)
    trusted = sorted(set().union(*TRUSTED.values()))
    theirs = skops.io.loads(skops.io.dumps(estimator), trusted=trusted)
    ours = loads(dump(estimator))
    assert pickle.dumps(theirs.predict_proba(X)) == pickle.dumps(ours.predict_proba(X))
    assert str(clone(theirs).get_params()) == str(clone(ours).get_params())


def test_an_altered_file_is_refused_before_it_is_read(tmp_path):
    """One changed byte and the model is not loaded; the message names both hashes."""
    model, sha256 = stored(fitted("GaussianNB"), X, tmp_path)
    file = model / "model.skops"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    with pytest.raises(ModelFileError) as caught:
        load_model(model, sha256)

    assert str(caught.value) == (
        f"model.skops: must have sha256 {sha256}, but got {digest(bytes(content))}. "
        "The file is not the one that was trained: train the model again."
    )


@pytest.mark.parametrize("call", [os.system, functools.partial(os.system, "true")])
def test_a_file_that_names_other_functions_is_refused(call):
    """Our list decides what is built, also where the hash is right."""
    content = skops.io.dumps(call)
    with pytest.raises(ModelFileError) as caught:
        loads(content)
    assert str(caught.value) == (
        "model.skops: must hold only types that were reviewed, but got posix.system. "
        "Use another estimator, or review them and set SWEEPSTAKE_TRUSTED_TYPES."
    )


def test_a_model_that_could_not_be_loaded_is_not_written(tmp_path):
    """A type off the list is refused when the model is written, not when it is needed."""
    template = open_template(tmp_path / "template", fitted("GaussianNB"), X)
    estimator = fitted("GaussianNB")
    estimator.strange = os.system
    with pytest.raises(ModelFileError, match=r"but got posix\.system"):
        write_model(template, estimator, "run", tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("content", [b"", b"not a zip", pickle.dumps([1])])
def test_what_is_no_skops_file_is_refused(content):
    """A pickle or a broken file is an error of the file, never executed."""
    with pytest.raises(ModelFileError, match="must be a skops file"):
        loads(content)


def test_a_missing_file_is_refused(tmp_path):
    """A model folder without its file is named as such."""
    with pytest.raises(ModelFileError, match=r"model\.skops: must be readable"):
        load_model(tmp_path / "model.skops", "0" * 64)


@pytest.mark.parametrize("name", ["CatBoostRegressor", "LGBMClassifier", "XGBClassifier"])
def test_a_model_of_a_booster_names_its_package(name, tmp_path):
    """Its release is among the pinned requirements, by the name that it is installed by."""
    point = EstimatorSpec(f"{BOOSTERS[name]}.{name}")
    (release,) = releases([point])
    x, _ = smallboosters.rows_of(name)
    template = open_template(tmp_path / "template", smallboosters.fitted(name), x, [release])
    pins = (template.folder / "requirements.txt").read_text().split()
    found = release.partition("==")[0]
    assert found in {"catboost", "lightgbm", "xgboost", "xgboost-cpu"}
    assert ["mlflow", "numpy", "pandas", "scikit-learn", "skops", found] == [
        pin.partition("==")[0] for pin in pins
    ]


def test_writing_imports_nothing_of_mlflow_and_skops_itself(tmp_path):
    """It runs in a fork, where a module that a thread was importing at the fork never comes.

    Nor does MLflow look at all packages there: it has done so before the fork.
    """
    program = f"""if True:
        import json, sys
        from pathlib import Path
        from sklearn.linear_model import LogisticRegression
        from sweepstake.mlflow_client import model_folders as models
        models.load_libraries()
        models.find_packages()
        import importlib_metadata
        importlib_metadata.packages_distributions = lambda: sys.exit("all packages are looked at")
        before = set(sys.modules)
        import pandas as pd
        x = pd.DataFrame({{"a": range(20)}})
        fitted = LogisticRegression().fit(x, x["a"] > 9)
        template = models.open_template(Path({str(tmp_path / "template")!r}), fitted, x, ())
        models.write_model(template, fitted, "0" * 32, Path({str(tmp_path / "model")!r}))
        print(json.dumps(sorted(set(sys.modules) - before)))
    """
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    roots = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert roots.isdisjoint({"mlflow", "skops", "sklearn", "scipy", "matplotlib"})


def test_what_the_operator_adds_is_built_by_reviewed_means_alone(monkeypatch):
    """A type that is added is trusted; methods, which skops would look up by name, never are."""
    monkeypatch.setattr(trusted_types, "added_types", lambda: frozenset({"their.package.Model"}))
    means = ("ObjectNode", "TypeNode", "MethodNode", "OperatorFuncNode")
    found = [trusted_types.is_trusted(each, "their.package.Model") for each in means]
    assert [True, True, False, False] == found


def test_a_pickle_in_place_of_the_model_is_never_opened(tmp_path):
    """Whatever its name and whatever hash stands on its version, no code in it runs."""
    ran = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return ran.touch, ()

    model, _ = stored(fitted("GaussianNB"), X, tmp_path)
    content = pickle.dumps(Bomb())
    (model / "model.skops").write_bytes(content)
    for sha256, rule in ((digest(content), "must be a skops file"), ("", r"\(none known\)")):
        with pytest.raises(ModelFileError, match=rule):
            load_model(model, sha256)
    assert not ran.exists()


def test_the_list_that_a_model_brings_along_is_not_asked(tmp_path):
    """MLmodel may ask to trust anything: our list decides."""
    model, _ = stored(fitted("GaussianNB"), X, tmp_path)
    content = skops.io.dumps(functools.partial(os.system, "true"))
    (model / "model.skops").write_bytes(content)
    record = json.loads((model / "MLmodel").read_text())
    record["flavors"]["sklearn"]["skops_trusted_types"] = ["posix.system", "functools.partial"]
    (model / "MLmodel").write_text(json.dumps(record))
    with pytest.raises(ModelFileError, match=r"but got posix\.system"):
        load_model(model, digest(content))


@pytest.mark.filterwarnings("ignore")
def test_a_damaged_model_file_is_an_error_of_the_file():
    """Changed anywhere, with a hash that suits it, it is refused or read, nothing else."""
    with zipfile.ZipFile(BytesIO(dump(fitted("DecisionTreeClassifier")))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    names = re.findall(rb'"[^"]*"', files["schema.json"])
    random = np.random.default_rng(0)
    for _ in range(300):
        first, second = random.choice(names, 2)
        changed = files["schema.json"].replace(first, second, 1)
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in {**files, "schema.json": changed}.items():
                archive.writestr(name, content)
        with suppress(ModelFileError):
            loads(buffer.getvalue())
