"""Sweeps of boosters on a real server: trained, recorded, judged, served and trained again."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from sklearn.datasets import load_iris

from sweepstake import api
from sweepstake.champions import rounds
from sweepstake.domain.promotion import Verdict
from sweepstake.mlflow_client.registry import Registry
from sweepstake.serving.scoring import Scorer
from sweepstake.sweeps import sweep
from sweepstake.sweeps.leaderboard import read
from sweepstake.sweeps.rerun import rerun

CANDIDATES = [
    {
        "estimator": "XGBClassifier",
        "params": {"n_estimators": 300, "early_stopping_rounds": 2},
    },
    {"estimator": "LGBMClassifier", "params": {"n_estimators": 10, "early_stopping_rounds": 2}},
    {"estimator": "CatBoostClassifier", "params": {"n_estimators": 10, "early_stopping_rounds": 2}},
    {"estimator": "LogisticRegression"},
]


@pytest.fixture
def flowers(settings):
    """Iris with the names of its kinds, as a file in the watched folder."""
    x, y = load_iris(return_X_y=True, as_frame=True)
    x.assign(kind=[["setosa", "versicolor", "virginica"][code] for code in y]).to_csv(
        settings.grids / "flowers.csv", index=False
    )
    return x


def test_boosters_are_swept_from_the_file_to_the_champion(run, submit, settings, name, flowers):
    """Each is trained, recorded with its rounds and curves, judged, loaded and served alike."""
    data = {"source": "flowers.csv", "target": "kind"}
    run(submit(data=data, candidates=CANDIDATES))
    board = read(name, settings)
    assert ["COMPLETE"] * 4 == [each.state for each in board.standings]
    boosted = [each for each in board.standings if "Logistic" not in each.estimator]
    assert all(0 < each.metrics["n_iter"] < 300 for each in boosted)
    client = Registry(settings.tracking_uri)
    (entry,) = rounds.judge(name, settings)
    assert Verdict.PROMOTE == entry.verdict
    for number in range(1, 5):
        version = client.version(name, str(number))
        model = api.load_model(name, str(number), settings)
        stored, example = client.files.fetch(version)
        body = b'{"dataframe_split": %s}' % example
        rows = pd.DataFrame(**json.loads(example))
        served = json.loads(Scorer(stored).score(body, "", "predict_proba").body)["predictions"]
        assert model.predict_proba(rows).tolist() == served
        assert set(model.predict(flowers)) <= {"setosa", "versicolor", "virginica"}
    assert rerun(f"{name}/0", settings).is_equal


def test_a_booster_that_was_trained_is_reused(run, submit, settings, name):
    """The same point on the same release is not trained again."""
    first = {"estimator": "XGBClassifier", "params": {"n_estimators": 3}}
    run(submit(**first, grid={"max_depth": [2, 3]}))
    drop = submit(**first, grid={"max_depth": [2, 3, 4]})
    for batch in sweep.plan(drop, settings):
        sweep.train(batch, settings)
    sweep.close(drop.sweep, settings)
    reused = [each.reused_from != "" for each in read(drop.sweep, settings).standings]
    assert 2 == sum(reused)
