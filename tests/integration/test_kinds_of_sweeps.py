"""Sweeps of numbers, groups, times and weights on a real server, from the file to the champion."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sweepstake.champions import rounds
from sweepstake.champions.comparing import compare
from sweepstake.data.dataset import open_staged
from sweepstake.domain.promotion import Verdict
from sweepstake.mlflow_client.registry import Registry
from sweepstake.modelfile.model_file import opened
from sweepstake.sweeps import reporting
from sweepstake.sweeps.leaderboard import read
from sweepstake.sweeps.out_of_fold import ask_best
from sweepstake.sweeps.planned_sweep import open_planned
from sweepstake.sweeps.rerun import rerun

FILE = Path(__file__).parents[1] / "grids" / "data" / "patients.csv"
LEFT_OUT = [
    *("ward", "nobody", "someday", "oneday", "noweight", "minus", "many", "worded", "nothing"),
    *("note", "late", "flat", "nofee"),
]


@pytest.fixture
def patients(settings):
    """A function that gives the data section for a target of the patients' file."""
    shutil.copy(FILE, settings.grids / "patients.csv")
    return lambda target, *drop, **more: {
        "source": "patients.csv",
        "target": target,
        "drop": [*LEFT_OUT, *drop],
        **more,
    }


def test_numbers_in_weighed_groups_find_their_champion(run, submit, settings, name, patients):
    """A better regressor takes over by whole groups, answers numbers, and trains again alike."""
    data = patients("fee", "visited", "ill", weight="weight", holdout=0.6)
    shared = {"data": data, "cv": {"kind": "group", "folds": 3, "by": "patient"}, "metric": "r2"}
    run(submit(estimator="DummyRegressor", grid={"strategy": ["mean"]}, **shared))
    rounds.judge(name, settings)
    sweep_id = run(
        submit(
            estimator="Ridge",
            grid={"alpha": [0.1, 10.0]},
            metrics=["neg_mean_absolute_error"],
            **shared,
        )
    )
    board = read(name, settings)
    errors = [each.metrics["mean_cv_neg_mean_absolute_error"] for each in board.standings]
    assert (True, ("neg_mean_absolute_error",)) == (max(errors) < 0, board.metrics)
    (entry,) = rounds.judge(name, settings)
    assert (Verdict.PROMOTE, 2000) == (entry.verdict, entry.record["gain"]["resamples"])
    rows = pd.read_csv(FILE)
    assert 0.5 < np.corrcoef(rows["fee"], _champion(name, settings).predict(rows))[0, 1]
    assert rerun(f"{name}/0", settings).is_equal
    reporting.write(sweep_id, settings)
    pair = ask_best(open_planned(sweep_id, settings), board.standings[0]).pair
    assert "f" == pair.truth.dtype.kind


def _champion(name, settings):
    """The estimator in service."""
    registry = Registry(settings.tracking_uri)
    return opened(registry.files.read(registry.champion(name)))


def test_a_sweep_by_time_is_scored_on_later_rows(run, submit, settings, name, patients):
    """The first rows are never scored; two trials are compared on the folds of their sweep."""
    sweep_id = run(
        submit(
            data=patients("ill", "patient", "fee"),
            cv={"kind": "time", "folds": 4, "by": "visited"},
            grid={"max_depth": [1, 3]},
            metrics=["accuracy"],
        )
    )
    planned, board = open_planned(sweep_id, settings), read(name, settings)
    pair = ask_best(planned, board.standings[0]).pair
    digest = planned.plan.data_digest
    trained = len(open_staged(planned.workspace.bring_data(digest), digest).y_train)
    assert trained // 5 * 4 == len(pair.truth)
    assert rerun(f"{name}/1", settings).is_equal
    found = compare(f"{name}/0", f"{name}/1", settings)
    assert ("holdout", 240 - trained) == (found.by, found.count)
    reporting.write(sweep_id, settings)
