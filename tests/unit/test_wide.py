"""Wide tables: twenty thousand genes of seventy patients are no more work than their cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sweepstake.data import columns, dataset, splitting
from sweepstake.domain.spec import Candidate, DataSpec, EstimatorSpec, Preprocess, SweepSpec
from sweepstake.domain.trial import Trial
from sweepstake.preflight import data_warnings
from sweepstake.training import fit_trial, pipeline

GENES, PATIENTS = 2_000, 72


@pytest.fixture
def root(tmp_path):
    """A folder with a wide table."""
    random = np.random.default_rng(0)
    values = random.normal(size=(PATIENTS, GENES)).round(4)
    frame = pd.DataFrame(values, columns=[f"gene {number}" for number in range(GENES)])
    kind = np.where(values[:, :5].sum(axis=1) + random.normal(size=PATIENTS) > 0, "ALL", "AML")
    frame.assign(kind=kind).to_csv(tmp_path / "wide.csv", index=False)
    return tmp_path


@pytest.fixture
def table(root):
    """The table as it is read."""
    return dataset.read(DataSpec("wide.csv", ("kind",)), [root])


def test_plain_numbers_are_not_looked_at_column_by_column(root, monkeypatch):
    """Reading, warnings and the split take them all at once."""
    seen = []
    monkeypatch.setattr(columns, "feature", seen.append)
    monkeypatch.setattr(pd.Series, "unique", seen.append)
    table = dataset.read(DataSpec("wide.csv", ("kind",)), [root])
    data_warnings.warnings_of(table, splitting.split(table, 0.2, 0))
    assert [] == seen


def test_a_pipeline_looks_at_each_name_a_few_times():
    """Not once for each other name."""
    hashed = []

    class Name(str):
        __slots__ = ()

        def __hash__(self):
            hashed.append(self)
            return str.__hash__(self)

    names = pd.Index([Name(f"gene {number}") for number in range(GENES)], dtype=object)
    frame = pd.DataFrame(np.zeros((2, GENES)), columns=names)
    pipeline.build(LogisticRegression(), Preprocess.AUTO, frame)
    assert len(hashed) < 20 * GENES


@pytest.mark.slow
def test_a_fold_has_its_numbers_as_a_frame_of_the_user_has_them(root, table):
    """Their order in memory decides in which order they are summed, so scores are the same."""
    read = pd.read_csv(root / "wide.csv").drop(columns="kind")
    train, _ = split = splitting.split(table, 0.2, 0)
    staged = dataset.open_staged(root / "stage", dataset.stage(table, split, root / "stage"))
    trial = Trial(0, "a", EstimatorSpec("sklearn.linear_model.LogisticRegression", {"C": 0.1}))
    spec = SweepSpec("a", "a", DataSpec("wide.csv"), (Candidate(trial.estimator),), "roc_auc")
    with threadpool_limits(1):
        _, result = fit_trial.train(trial, spec, staged)
        model = make_pipeline(StandardScaler(), LogisticRegression(random_state=0))
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        axes = {"logisticregression__C": [0.1]}
        search = GridSearchCV(model, axes, scoring="roc_auc", cv=folds)
        search.fit(read.iloc[train], table.y[train])
    assert search.best_score_ == result.metrics["mean_cv_roc_auc"]
    rows = fit_trial.row_taker(model, staged)(np.arange(5))
    assert read.iloc[train[:5]].to_numpy().flags.f_contiguous == rows.flags.f_contiguous


def test_faults_of_a_wide_table_are_told_by_column(root):
    """Those of the columns that have them, and no others."""
    frame = pd.read_csv(root / "wide.csv")
    frame.loc[3, "gene 7"] = np.inf
    frame.to_csv(root / "wide.csv", index=False)
    with pytest.raises(dataset.DataError, match=r"'gene 7' is not in 1 row: 4") as caught:
        dataset.read(DataSpec("wide.csv", ("kind",)), [root])
    assert 1 == len(caught.value.faults)
