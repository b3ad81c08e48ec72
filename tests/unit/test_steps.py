"""Steps and columns: the same scores as GridSearchCV over the pipeline that they write."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline as Resampling
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from sweepstake.data import dataset, splitting
from sweepstake.data.dataset import Table
from sweepstake.data.folds import folds as folds_of
from sweepstake.domain import spec_record
from sweepstake.domain.spec import DataSpec
from sweepstake.domain.tags import mean_cv
from sweepstake.errors import DataError
from sweepstake.gridfile import loader, search_space
from sweepstake.modelfile.model_file import dump, loads
from sweepstake.preflight import column_checks
from sweepstake.settings import load_settings
from sweepstake.training import column_groups, fit_trial

SETTINGS = load_settings({})
WORDS = ("late", "kind", "cheap", "slow", "broken", "fine", "again", "never")


def spec_of(text):
    """The spec of a grid file, its data named already."""
    return loader.parse(
        f"data: {{source: 'sklearn:iris'}}\n{text}".encode(), "g.yaml", SETTINGS
    ).spec


def trials_of(spec):
    """All trials of a spec."""
    return list(search_space.trials(spec, "d" * 64))


def divided(features, y):
    """Columns and labels as a divided data set."""
    table = Table(features, y, ("y",), "digest")
    return dataset.divide(table, splitting.split(table, 0.25, 0))


def scores(spec, data):
    """The scores of the folds of every trial, sorted."""
    found = []
    for trial in trials_of(spec):
        _, result = fit_trial.train(trial, spec, data)
        curve = next(c for c in result.curves if c.name == f"cv_{spec.metric}")
        found.append(curve.values)
    return sorted(found)


def searched(estimator, grid, spec, data):
    """The scores of the folds of every point that GridSearchCV tries, sorted."""
    folds = folds_of(data.y_train, spec.cv, spec.seed)
    search = GridSearchCV(estimator, grid, cv=folds, scoring=spec.metric, error_score="raise")
    search.fit(data.X_train, data.y_train)
    columns = [search.cv_results_[f"split{fold}_test_score"] for fold in range(spec.cv)]
    return sorted(map(tuple, np.array(columns).T.tolist()))


@pytest.fixture(scope="module")
def numbers():
    """Three classes of different sizes; numbers only."""
    x, y = make_classification(
        240, 8, n_informative=5, n_classes=3, weights=[0.6, 0.25, 0.15], random_state=1
    )
    return divided(pd.DataFrame(x, columns=[f"n{i}" for i in range(8)]), y)


@pytest.fixture(scope="module")
def mixed():
    """Two classes; a text with gaps, a kind, an amount and a plain number with gaps."""
    chance = np.random.default_rng(0)
    y = chance.integers(0, 2, 160)
    notes = [" ".join(chance.choice(WORDS[: 5 + label * 3], 4)) for label in y]
    texts = pd.Categorical([None if row % 11 == 0 else note for row, note in enumerate(notes)])
    age = chance.normal(40, 9, 160)
    age[::13] = np.nan
    frame = pd.DataFrame(
        {
            "note": texts,
            "kind": pd.Categorical(chance.choice(["a", "b"], 160)),
            "amount": chance.gamma(2, 30, 160) + 20 * y,
            "age": age,
        }
    )
    return divided(frame, y)


def test_a_choice_of_steps_scores_as_grid_search_over_the_same_pipeline(numbers):
    """Scaler and number of components: every fold of every point, to the last digit."""
    spec = spec_of(
        "steps: {scale: [StandardScaler, RobustScaler, passthrough], reduce: PCA}\n"
        "estimator: LogisticRegression\nparams: {max_iter: 500}\ncv: 3\n"
        "grid: {reduce__n_components: [2, 5], C: [0.1, 1]}\n"
    )
    pipe = Pipeline(
        [
            ("scale", StandardScaler()),
            ("reduce", PCA(random_state=0)),
            ("classifier", LogisticRegression(max_iter=500, random_state=0)),
        ]
    )
    grid = {
        "scale": [StandardScaler(), RobustScaler(), "passthrough"],
        "reduce__n_components": [2, 5],
        "classifier__C": [0.1, 1],
    }
    assert scores(spec, numbers) == searched(pipe, grid, spec, numbers)


def test_a_parameter_of_one_choice_does_not_multiply_the_others(numbers):
    """Two products: the scaler without the parameter, and the one with it."""
    spec = spec_of(
        "steps: {scale: [StandardScaler, RobustScaler]}\n"
        "estimator: LogisticRegression\nparams: {max_iter: 500}\ncv: 3\n"
        "grid: {scale__quantile_range: [[10, 90], [25, 75]], C: [0.1, 1]}\n"
    )
    last = LogisticRegression(max_iter=500, random_state=0)
    pipe = Pipeline([("scale", StandardScaler()), ("classifier", last)])
    grid = [
        {"scale": [StandardScaler()], "classifier__C": [0.1, 1]},
        {
            "scale": [RobustScaler()],
            "scale__quantile_range": [(10, 90), (25, 75)],
            "classifier__C": [0.1, 1],
        },
    ]
    expected = searched(pipe, grid, spec, numbers)
    assert (6, expected) == (len(expected), scores(spec, numbers))


def test_a_step_is_chosen_in_each_of_several_grids(numbers):
    """What a grid says of a step counts there in place of what the steps say."""
    spec = spec_of(
        "steps: {select: passthrough}\nestimator: DecisionTreeClassifier\ncv: 3\n"
        "grid:\n- {select: [SelectKBest], select__k: [2, 4]}\n- {select: [PCA]}\n"
    )
    pipe = Pipeline(
        [("select", "passthrough"), ("classifier", DecisionTreeClassifier(random_state=0))]
    )
    grid = [
        {"select": [SelectKBest(f_classif)], "select__k": [2, 4]},
        {"select": [PCA(random_state=0)]},
    ]
    assert scores(spec, numbers) == searched(pipe, grid, spec, numbers)


def test_a_sampler_scores_as_the_pipeline_of_imbalanced_learn(numbers):
    """Rows are added inside the folds, to the rows that are fitted alone."""
    spec = spec_of(
        "steps: {scale: MinMaxScaler, more: [SMOTE, passthrough]}\n"
        "estimator: DecisionTreeClassifier\ncv: 3\ngrid: {more__k_neighbors: [3, 5]}\n"
    )
    pipe = Resampling(
        [
            ("scale", MinMaxScaler()),
            ("more", SMOTE(random_state=0)),
            ("classifier", DecisionTreeClassifier(random_state=0)),
        ]
    )
    grid = [{"more__k_neighbors": [3, 5]}, {"more": ["passthrough"]}]
    assert scores(spec, numbers) == searched(pipe, grid, spec, numbers)


def test_columns_score_as_a_column_transformer(mixed):
    """Text, a choice for an amount, and the usual treatment for all that is not named."""
    spec = spec_of(
        "columns: {note: TfidfVectorizer, amount: [RobustScaler, KBinsDiscretizer]}\n"
        "estimator: LogisticRegression\ncv: 3\n"
        "grid: {columns__note__min_df: [1, 4], columns__amount__n_bins: [3, 4]}\n"
    )
    data = mixed
    filled = data.X_train.assign(note=data.X_train["note"].astype(object).fillna("").astype(str))
    usual = Pipeline([("impute", SimpleImputer()), ("scale", StandardScaler())])
    encode = OneHotEncoder(handle_unknown="infrequent_if_exist", sparse_output=False)
    columns = ColumnTransformer(
        [
            ("note", TfidfVectorizer(), "note"),
            ("amount", RobustScaler(), ["amount"]),
            ("numbers", usual, ["age"]),
            ("categories", encode, ["kind"]),
        ]
    )
    pipe = Pipeline([("columns", columns), ("classifier", LogisticRegression(random_state=0))])
    bins = {"columns__amount": [KBinsDiscretizer(random_state=0)]}
    grid = [
        {"columns__note__min_df": [1, 4]},
        {"columns__note__min_df": [1, 4], **bins, "columns__amount__n_bins": [3, 4]},
    ]
    folds = folds_of(data.y_train, spec.cv, spec.seed)
    search = GridSearchCV(pipe, grid, cv=folds, scoring=spec.metric).fit(filled, data.y_train)
    expected = sorted(
        zip(
            *(search.cv_results_[f"split{fold}_test_score"].tolist() for fold in range(3)),
            strict=True,
        )
    )
    assert expected == scores(spec, data)


def test_steps_leave_numbers_alone_and_encode_text(mixed):
    """With steps nothing is scaled or filled in unasked; text becomes one column per value."""
    spec = spec_of(
        "steps: {fill: {estimator: SimpleImputer, params: {strategy: median}}}\n"
        "estimator: DecisionTreeClassifier\n"
    )
    trained, _ = fit_trial.train(trials_of(spec)[0], spec, mixed)
    kinds = [type(step).__name__ for _, step in trained.steps]
    parts = [name for name, *_ in trained[1].transformers_]
    assert ["ColumnTransformer", "SimpleImputer", "DecisionTreeClassifier"] == kinds[1:]
    assert ["numbers", "categories"] == parts
    assert "passthrough" == trained[1].transformers[0][1]


@pytest.mark.parametrize(
    "text",
    [
        "columns: {note: [TfidfVectorizer, CountVectorizer, drop], 'type:number': KNNImputer}\n",
        "columns: {'a*': {fill: SimpleImputer, scale: RobustScaler}, kind: OneHotEncoder}\n",
        "columns: {note: {estimator: HashingVectorizer, params: {n_features: 32}}}\n",
    ],
)
def test_a_stored_model_answers_as_the_fitted_one(mixed, text):
    """Gaps in text included; and it holds nothing that is not reviewed."""
    spec = spec_of(f"{text}estimator: LogisticRegression\n")
    for trial in trials_of(spec):
        trained, _ = fit_trial.train(trial, spec, mixed)
        again = loads(dump(trained))
        expected = trained.predict_proba(mixed.X_holdout).tolist()
        assert expected == again.predict_proba(mixed.X_holdout).tolist()


def test_a_stored_model_has_no_sampler(numbers):
    """Samplers change rows while a model is fitted; to load it nobody needs their package."""
    spec = spec_of("steps: {more: RandomOverSampler}\nestimator: DecisionTreeClassifier\n")
    trained, result = fit_trial.train(trials_of(spec)[0], spec, numbers)
    assert "imblearn" not in json.dumps([type(step).__module__ for _, step in trained.steps])
    assert ("RandomOverSampler", "auto") == (
        result.params["more"],
        result.params["more__sampling_strategy"],
    )
    assert mean_cv(spec.metric) in result.metrics


def test_a_spec_with_steps_is_recorded_in_full():
    """The plan's JSON makes an equal spec, and the same trial keys."""
    spec = spec_of(
        "columns: {n1: [PCA, drop]}\nsteps: {scale: [StandardScaler, passthrough], pca: PCA}\n"
        "estimator: SVC\ngrid: {pca__n_components: [1, 2], columns__n1__whiten: [true]}\n"
    )
    again = spec_record.spec_of(json.loads(json.dumps(spec_record.record_of(spec))))
    assert spec == again
    assert [trial.key for trial in trials_of(spec)] == [trial.key for trial in trials_of(again)]


def test_the_order_of_steps_is_part_of_the_key():
    """The same transformers one before the other are other trials."""
    first = spec_of("steps: {a: PCA, b: StandardScaler}\nestimator: SVC\n")
    other = spec_of("steps: {b: StandardScaler, a: PCA}\nestimator: SVC\n")
    assert trials_of(first)[0].key != trials_of(other)[0].key


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (("amuont",), "is no column of the data. Did you mean 'amount'?"),
        (("x*",), "matches no column of the data. It has 'note', 'kind', 'amount' and 'age'."),
        (("a*", "amount"), "takes the column 'amount', which the entry 'a*' takes too."),
        (("note", "kind", "type:text"), "no column of text is left for it. Remove it."),
    ],
)
def test_an_entry_that_fits_no_column_or_one_of_another_is_refused(mixed, entries, expected):
    """Names, patterns and types: each says which column it is about."""
    with pytest.raises(DataError) as caught:
        column_groups.groups(entries, mixed.X_train)
    assert expected in str(caught.value)


def test_a_type_takes_what_names_and_patterns_leave(mixed):
    """Each column has one treatment, in the order of the data."""
    found = column_groups.groups(("type:number", "am*", "type:text"), mixed.X_train)
    assert {"type:number": ["age"], "am*": ["amount"], "type:text": ["note", "kind"]} == found


def test_what_takes_text_is_not_given_numbers(mixed):
    """The message names the column, before anything is fitted."""
    spec = spec_of("columns: {age: TfidfVectorizer}\nestimator: SVC\n")
    with pytest.raises(DataError, match="takes text, but column 'age' holds numbers"):
        column_checks.check(spec, mixed.X_train)


def test_a_file_without_steps_has_the_keys_that_it_had():
    """What earlier releases trained is reused: the content of the key is what it was."""
    spec = spec_of("estimator: SVC\ngrid: {C: [1, 2]}\n")
    record = spec_record.record_of(spec)
    assert [{"estimator": "sklearn.svm.SVC", "params": {"pairs": []}}] == [
        each["estimator"] for each in record["candidates"]
    ]
    assert '{"estimator":"sklearn.svm.SVC","params":{"mapping":[]}}' == search_space.canonical(
        spec.candidates[0].estimator
    )
    assert DataSpec("sklearn:iris") == spec.data
