"""Files of other tools, written as grid files."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest
import yaml

from sweepstake.errors import GridFileError, NotFoundError
from sweepstake.gridfile import boosters, loader
from sweepstake.importing.importer import imported
from sweepstake.settings import load_settings

DATA = {"source": "sklearn:iris"}


def written(content, file="sweep.yaml", estimator="RandomForestClassifier", variable=""):
    """The grid file, as values and as its comments on what was not taken."""
    text = content if isinstance(content, str) else json.dumps(content)
    found = imported(text.encode(), file, estimator, DATA, variable)
    notes = [line[13:] for line in found.text.splitlines() if line.startswith("# Not taken: ")]
    assert found.left_out == len(notes)
    return yaml.safe_load(found.text), notes


def wandb(**parameters):
    """A sweep of W&B over these parameters."""
    return {"program": "train.py", "method": "random", "run_cap": 30, "parameters": parameters}


MADE_WITH = """
forest = RandomForestClassifier(n_estimators=200, n_jobs=-1, min_samples_leaf=leaf(7), max_depth=7)
search = GridSearchCV(forest, [{"max_depth": [2, 4]}, {"max_features": [1, 2]}], cv=5)
"""
PIPED = """
pipe = Pipeline([("scale", StandardScaler()), ("last", LogisticRegression("l2", max_iter=5000))])
search = GridSearchCV(pipe, {"last__C": [0.1, 1]})
"""


def test_what_an_estimator_is_made_with_is_taken_or_told():
    """A grid goes before it; where one of several grids says nothing, it holds; code is told."""
    values, notes = written(MADE_WITH, "search.py", "")
    assert {"n_estimators": 200} == values["params"]
    assert [{"max_depth": [2, 4]}, {"max_depth": [7], "max_features": [1, 2]}] == values["grid"]
    assert ["min_samples_leaf (line 2): 'leaf(7)' is code. Write its value."] == notes
    values, notes = written(PIPED, "search.py", "")
    assert ({"max_iter": 5000}, {"C": [0.1, 1]}) == (values["params"], values["grid"])
    assert ["line 2: 'LogisticRegression('l2', max_iter=5000)' has arguments"] == [
        note.partition(" without")[0] for note in notes
    ]


def test_arguments_that_are_unpacked_or_flood_are_told():
    """What ``**`` unpacks has no names here; no file makes a grid file of millions of entries."""
    values, notes = written(
        "more = {'C': 3}\nGridSearchCV(SVC(**more, degree=2), {'gamma': [1, 2]})", "a.py", ""
    )
    assert ({"degree": 2}, 1) == (values["params"], len(notes))
    assert "has arguments without a name" in notes[0]
    names = [f"p{number}" for number in range(1500)]
    grids = ", ".join(f"{{'{name}': [1, 2]}}" for name in names)
    made = ", ".join(f"{name}=1" for name in names)
    values, notes = written(f"GridSearchCV(SVC({made}), [{grids}])", "a.py", "")
    assert any("there are too many grids to name them in" in note for note in notes)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"values": [50, 100]}, [50, 100]),
        ({"min": 10, "max": 90}, {"min": 10, "max": 90}),
        ({"distribution": "q_uniform", "min": 10, "max": 95, "q": 10}, (10, 90, 10)),
        ({"distribution": "int_uniform", "min": 10, "max": 90}, {"min": 10, "max": 90}),
    ],
)
def test_parameters_of_wandb_become_lists_and_ranges(given, expected):
    """Bounds are bounds, ``q`` is a step that ends where it can."""
    if isinstance(expected, tuple):
        expected = dict(zip(("min", "max", "step"), expected, strict=True))
    values, _ = written(wandb(n_estimators=given))
    assert expected == values["grid"]["n_estimators"]
    assert "random" == values.get("search", {}).get("method")


@pytest.mark.parametrize(
    ("kind", "low", "high", "expected"),
    [
        ("log_uniform_values", 1e-4, 1e-1, (1e-4, 1e-1)),
        ("log_uniform", -2.302585093, 0.0, (0.1, 1.0)),
    ],
)
def test_logarithms_of_wandb_are_told_by_their_names(kind, low, high, expected):
    """Bounds of ``log_uniform`` are exponents of e, those of ``log_uniform_values`` are not."""
    given = wandb(learning_rate={"distribution": kind, "min": low, "max": high})
    values, _ = written(given, estimator="GradientBoostingClassifier")
    found = values["grid"]["learning_rate"]
    assert (*expected, True) == pytest.approx((found["min"], found["max"], found["log"]), rel=1e-4)


def test_what_wandb_says_beside_is_taken_or_told():
    """Nested parameters, the metric and the cap are taken; programs and normal draws are told."""
    given = wandb(
        estimator={"parameters": {"max_depth": {"values": [1, 2]}}},
        n_estimators={"value": 5},
        learning_rate={"distribution": "normal", "mu": 0, "sigma": 1},
    )
    given |= {"method": "bayes", "metric": {"name": "val_accuracy"}, "early_terminate": {"s": 2}}
    values, notes = written(given, estimator="AdaBoostClassifier")
    assert {"method": "tpe", "trials": 30} == values["search"]
    assert ("accuracy", {"n_estimators": 5}) == (values["metric"], values["params"])
    assert "'program' and 'early_terminate': no part of a grid file." in notes
    assert any(note.startswith("learning_rate: the distribution 'normal'") for note in notes)
    assert any(note.startswith("estimator__max_depth: reaches into 'estimator'") for note in notes)


def test_distributions_of_optuna_are_read_as_it_writes_them():
    """The texts are those of ``distribution_to_json``, alone or parsed."""
    space = {
        "C": optuna.distributions.FloatDistribution(1e-3, 1e3, log=True),
        "degree": optuna.distributions.IntDistribution(2, 6, step=2),
        "gamma": optuna.distributions.FloatDistribution(0, 1),
        "kernel": optuna.distributions.CategoricalDistribution(("rbf", "linear")),
    }
    texts = {name: optuna.distributions.distribution_to_json(each) for name, each in space.items()}
    texts["kernel"] = json.loads(texts["kernel"])
    values, notes = written(texts, "space.json", "SVC")
    expected = {
        "C": {"min": 0.001, "max": 1000.0, "log": True},
        "degree": {"min": 2, "max": 6, "step": 2},
        "gamma": {"min": 0.0, "max": 1.0},
        "kernel": ["rbf", "linear"],
    }
    assert (expected, []) == (values["grid"], notes)
    assert {"method": "random", "trials": 60} == values["search"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("[1, 10 ** 2, -1 + 4, 1 / 4]", [1, 100, 3, 0.25]),
        ("np.logspace(-1, 1, 3)", [0.1, 1.0, 10.0]),
        ("numpy.linspace(1, 2, num=3).tolist()", [1.0, 1.5, 2.0]),
        ("list(range(1, 4))", [1, 2, 3]),
        ("loguniform(1e-2, 1e2)", {"min": 0.01, "max": 100.0, "log": True}),
        ("stats.uniform(loc=1, scale=2)", {"min": 1.0, "max": 3.0}),
        ("VALUES", [0.5, 5]),
    ],
)
def test_literals_of_python_are_read_and_not_run(code, expected):
    """NumPy's spaces become lists, SciPy's distributions ranges, names what they are assigned."""
    values, _ = written(f"VALUES = [0.5, 5]\nparam_grid = {{'C': {code}}}\n", "a.py", "SVC")
    assert expected == values["grid"]["C"]


def test_whole_numbers_of_scipy_end_before_their_bound():
    """``randint`` leaves out its upper bound, a range does not."""
    values, _ = written("grid = {'max_depth': randint(2, 10)}", "a.py")
    assert {"min": 2, "max": 9} == values["grid"]["max_depth"]


SEARCH = """
import os
os.system("touch {mark}")
pipe = Pipeline([("scale", StandardScaler()), ("reduce", PCA(svd_solver="full")), ("clf", SVC())])
param_grid = [
    {{"clf__C": [1, 10], "scale": [RobustScaler(quantile_range=(10, 90)), "passthrough"]}},
    {{"reduce__n_components": [2], "clf__kernel": [k for k in KERNELS], "clf__colour": [1]}},
]
search = GridSearchCV(pipe, param_grid, scoring="accuracy", cv=3, n_jobs=-1, fit_params={{}})
"""


def test_a_search_with_its_pipeline_becomes_a_grid_file_that_is_read(tmp_path):
    """Steps, classifier, metric and folds; code is told by its line, and none of it ran."""
    mark = tmp_path / "ran"
    found = imported(SEARCH.format(mark=mark).encode(), "search.py", data=DATA)
    spec = loader.parse(found.text.encode(), "g.yaml", load_settings({})).spec
    (candidate,) = spec.candidates
    assert ("accuracy", 3) == (spec.metric, spec.cv)
    assert ("sklearn.svm.SVC", ["scale", "reduce"]) == (
        candidate.estimator.name,
        [step.param for step in candidate.estimator.steps],
    )
    assert [{"C", "scale"}, {"reduce__n_components"}] == [
        set(grid) - {"scale"} if "reduce__n_components" in grid else set(grid)
        for grid in candidate.grids
    ]
    assert "clf__kernel (line 7): '[k for k in KERNELS]' is code. List its values." in found.text
    assert "colour: SVC has no parameter 'colour'" in found.text
    assert not mark.exists()


@pytest.mark.parametrize(
    "code",
    [
        "[__import__('os').system('true')]",
        "open('/etc/passwd').read()",
        "[x for x in range(3)]",
        "10 ** 10 ** 10",
        "np.logspace(0, 1, 10 ** 9)",
        "C",
        "lambda: 1",
        "f'{1}'",
    ],
)
def test_code_and_floods_are_left_out_and_told(code):
    """Nothing is looked up, called or expanded that is no literal."""
    values, notes = written(
        f"C = A\nA = C\ngrid = {{'C': {code}, 'gamma': [1]}}\n", "a.py", "SVC", "grid"
    )
    assert {"gamma": [1]} == values["grid"]
    assert 1 == len(notes)


def test_names_that_double_each_other_cost_nothing():
    """What is read in all is bounded, however little is written."""
    lines = ["v0 = [1, 2]", *(f"v{n} = v{n - 1} + v{n - 1}" for n in range(1, 40))]
    values, notes = written("\n".join([*lines, "g = {'C': v39, 'gamma': [1]}"]), "a.py", "SVC", "g")
    assert ({"gamma": [1]}, 1) == (values["grid"], len(notes))


@pytest.mark.parametrize(
    ("text", "file", "expected"),
    [
        ("x = 1\n", "a.py", "must assign a grid"),
        ("a = {'C': [1]}\nb = {'C': [2]}\n", "a.py", "but assigns 'a' and 'b'. Name one by"),
        ("def (:\n", "a.py", "line 1: must be Python that can be read"),
        ("{data: {source: x}, estimator: SVC}", "a.yaml", "is none that is known"),
        ("[1, 2", "a.json", "is not valid JSON"),
    ],
)
def test_a_file_without_a_search_is_refused_with_its_way_out(text, file, expected):
    """The message says what is missing, at its line."""
    with pytest.raises(GridFileError) as caught:
        imported(text.encode(), file, "SVC")
    assert expected in str(caught.value)


def test_a_classifier_must_be_named_and_allowed():
    """No file of these says one, and none of ours is guessed."""
    with pytest.raises(GridFileError, match="Name one by --estimator"):
        imported(b'{"C": [1, 10]}', "grid.json")
    with pytest.raises(NotFoundError, match="Did you mean 'SVC'"):
        imported(b'{"C": [1, 10]}', "grid.json", "SVCC")


def test_several_classifiers_become_candidates():
    """A mapping of classifiers to their grids is one sweep over both."""
    values, _ = written("SVC: {C: [1, 10]}\nGaussianNB: {var_smoothing: [0.1]}\n", estimator="")
    assert ["sklearn.svm.SVC", "sklearn.naive_bayes.GaussianNB"] == [
        each["estimator"] for each in values["candidates"]
    ]


def test_a_file_in_other_words_keeps_what_means_the_same():
    """``param_grid``, ``scoring`` and ``n_iter`` are grid, metric and trials here."""
    given = {
        "data": DATA,
        "estimator": "RandomForestClassifier",
        "param_grid": {"n_estimators": "range(5, 20, 5)", "max_depth": {"low": 2, "high": 9}},
        "scoring": "f1_macro",
        "n_iter": 12,
        "n_jobs": -1,
    }
    values, notes = written(given, "a.json", "")
    assert {"n_estimators": [5, 10, 15], "max_depth": {"min": 2, "max": 9}} == values["grid"]
    assert ("f1_macro", {"method": "random", "trials": 12}) == (values["metric"], values["search"])
    assert ["n_jobs: no part of a grid file."] == notes


def test_a_text_of_the_file_is_no_line_of_the_grid_file():
    """A key with a line break or a sign of YAML stays a comment or a quoted name."""
    values, notes = written(wandb(**{"a\nmetric: accuracy": {"values": [1]}}), "a.json")
    assert "metric" not in values
    assert 2 == len(notes)


def test_every_course_shape_of_the_tests_is_read():
    """What the loader rewrites in its message, the importer writes."""
    folder = Path(__file__).parents[1] / "grids" / "invalid"
    for name in ("other-dataset-section.json", "other-factory.yaml", "other-models.yaml"):
        text = imported((folder / name).read_bytes(), name, data=DATA).text
        assert loader.parse(text.encode(), "g.yaml", load_settings({})).spec.candidates


BOOSTED = """
from xgboost import XGBClassifier
from sklearn.model_selection import GridSearchCV
search = GridSearchCV(XGBClassifier(), {"max_depth": [3, 5], "eta": [0.1]}, scoring="roc_auc")
"""


def test_a_search_of_a_booster_is_taken():
    """Its class is known by the name that the code has for it, and its parameters are its own."""
    values, notes = written(BOOSTED, "search.py", "")
    assert ("xgboost.XGBClassifier", []) == (values["estimator"], notes)
    assert {"max_depth": [3, 5], "eta": [0.1]} == values["grid"]


def test_a_booster_that_is_not_installed_is_told_by_its_extra(monkeypatch):
    """The file is not written without saying what it needs."""
    monkeypatch.setattr(boosters, "installed", dict)
    with pytest.raises(NotFoundError, match=r'pip install "sweepstake\[xgboost\]"'):
        written(BOOSTED, "search.py", "")
