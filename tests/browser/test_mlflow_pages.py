"""MLflow's own pages about a sweep: opened in a browser, they tell the answer at one look."""

from __future__ import annotations

import json

import pytest
from mlflow import MlflowClient

from sweepstake.champions import rounds
from sweepstake.intake import intake
from sweepstake.mlflow_client.comparison import list_link, run_url
from sweepstake.sweeps import sweep
from sweepstake.sweeps.planned_sweep import open_planned

PATIENCE = 120_000
"""Milliseconds for MLflow's pages, which load their parts one after another."""
NAME = "trees-with-null"
WIDE = 300
"""Pixels that the chart has at least, from its first axis to its last."""


@pytest.fixture
def not_ours():
    """MLflow asks for routes that it has not, and draws an axis of one value at no place."""
    return r"404|ResizeObserver|translate\(NaN\)|Failed to load resource|ERR_NETWORK_CHANGED"


@pytest.fixture(scope="module")
def planned(shown):
    """A judged sweep over a parameter with numbers and null."""
    grid = {
        "name": NAME,
        "data": {"source": "sklearn:iris"},
        "estimator": "DecisionTreeClassifier",
        "grid": {"criterion": ["gini", "entropy"], "max_depth": [1, 3, None]},
        "cv": 3,
        "metric": "accuracy",
    }
    drop = intake.drop(json.dumps(grid).encode(), NAME, f"{NAME}.json", shown.settings)
    for batch in sweep.plan(drop, shown.settings):
        sweep.train(batch, shown.settings)
    sweep.close(drop.sweep, shown.settings)
    rounds.judge(NAME, shown.settings)
    return open_planned(drop.sweep, shown.settings)


def test_the_parent_run_opens_for_training_with_its_data(page, photograph, shown, planned):
    """Its trials are told apart in the list, and the data set has its name."""
    run = planned.plan
    page.goto(run_url(shown.settings.tracking_uri, run.experiment_id, run.parent_run_id))
    page.get_by_text("#5 criterion=entropy depth=∅").first.wait_for(timeout=PATIENCE)
    page.get_by_text("Datasets", exact=True).first.wait_for(timeout=PATIENCE)
    page.get_by_text("iris (").first.wait_for(timeout=PATIENCE)
    photograph(page, "mlflow-parent-run")
    assert page.get_by_text("Judges").count() == 0  # of the mode for language models


def test_the_comparison_is_wide_and_shows_null(page, photograph, shown, planned):
    """The link of the note opens parallel coordinates with an axis for every value."""
    client = MlflowClient(shown.settings.tracking_uri)
    note = client.get_run(planned.plan.parent_run_id).data.tags["mlflow.note.content"]
    link = note.partition("[Compare all trials](")[2].partition(")")[0]
    page.goto(f"{shown.settings.tracking_uri}/{link}")
    page.get_by_text("3) null").first.wait_for(timeout=PATIENCE)
    photograph(page, "mlflow-comparison")
    chart = page.get_by_text("Parallel Coordinates").first.bounding_box()
    words = {page.get_by_text(word).count() for word in ("1) 1", "2) 3", "3) null")}
    assert ({1}, True) == (words, chart is not None)
    first = page.get_by_text("criterion", exact=True).first.bounding_box()
    score = page.get_by_text("mean_cv_accuracy").last.bounding_box()
    assert abs(score["x"] - first["x"]) > WIDE


def test_the_list_of_trials_has_a_column_of_data(page, photograph, shown, planned):
    """The link of the note opens the trials alone, best first, each with its data."""
    page.goto(f"{shown.settings.tracking_uri}/{list_link(planned.sweep, 'mean_cv_accuracy')}")
    page.get_by_text("#5 criterion=entropy depth=∅").first.wait_for(timeout=PATIENCE)
    page.get_by_text("iris (").first.wait_for(timeout=PATIENCE)
    photograph(page, "mlflow-list")
    assert 6 == page.get_by_text("depth=").count()
