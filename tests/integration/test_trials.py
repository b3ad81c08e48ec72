"""Trials of a real sweep: shown, compared, exported, watched, and trained again."""

from __future__ import annotations

import csv
import io
import json
import re

import pandas as pd
import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

import sweepstake
from sweepstake.champions.comparing import compare
from sweepstake.cli import main
from sweepstake.errors import NotFoundError, PermanentError, SettingsError
from sweepstake.sweeps import rerun as again
from sweepstake.sweeps.export import ordered, write_csv, write_file
from sweepstake.sweeps.leaderboard import read
from sweepstake.sweeps.rerun import rerun
from sweepstake.sweeps.trial_lookup import find_trial, record_of
from sweepstake.sweeps.watching import watch

GRID = {"criterion": ["gini"], "max_depth": [1, 3, None]}


@pytest.fixture
def swept(submit, run):
    """The id of a sweep of three trees."""
    return run(submit(grid=GRID))


@pytest.fixture
def cli(settings, monkeypatch):
    """A function that calls the command line with these settings."""
    monkeypatch.setenv("SWEEPSTAKE_HOME", str(settings.home))
    monkeypatch.setenv("SWEEPSTAKE_GRIDS", str(settings.grids))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.tracking_uri)
    return lambda *words: CliRunner().invoke(main.app, list(words), env={"COLUMNS": "200"})


def test_a_trial_is_told_shown_exported_and_trained_again(swept, settings, name, cli, tmp_path):
    """Each command reads the record of one sweep, by its name, a version or a run's id."""
    record = record_of(find_trial(f"{name}/2", settings), settings)
    assert ("COMPLETE", "None", 3) == (record.state, record.given["max_depth"], len(record.folds))
    assert "3) null" == record.params["axis.max_depth"]
    for text in (record.run_id, f"{name}/v{record.version}"):
        assert 2 == find_trial(text, settings).standing.number
    assert 2 == json.loads(cli("show", f"{name}/2", "--json").stdout)["number"]

    found = rerun(f"{name}/2", settings)
    assert (True, 3) == (found.is_equal, sum("[" in each.name for each in found.figures))
    assert "equal to the last digit" in cli("rerun", f"{name}/2").stdout

    board = read(name, settings)
    assert [each.number for each in board.standings][:2] == [
        each.number for each in ordered(board, "", 2)
    ]
    seconds = [each.metrics["fit_seconds"] for each in ordered(board, "fit_seconds")]
    assert sorted(seconds) == seconds
    for wrong, kind in (("test_accuracy", SettingsError), ("fit_second", NotFoundError)):
        with pytest.raises(kind, match="--by: must"):
            ordered(board, wrong)
    printed = cli("leaderboard", name, "--top", "1", "--csv").stdout
    (row,) = csv.DictReader(io.StringIO(printed))
    assert (str(board.standings[0].number), "1") == (row["number"], row["rank"])

    write_file(board.standings, tmp_path / "a.parquet")
    kept, shown = pd.read_parquet(tmp_path / "a.parquet"), sweepstake.frame(name, settings)
    assert (3, list(shown.columns)) == (len(kept), list(kept.columns))
    assert 0 == cli("export", name, str(tmp_path / "a.csv")).exit_code
    assert kept["run_id"].tolist() == pd.read_csv(tmp_path / "a.csv")["run_id"].tolist()
    with pytest.raises(SettingsError, match=r"must end with .csv or .parquet"):
        write_file(board.standings, tmp_path / "a.xlsx")

    told = []
    assert (swept, "FINISHED") == watch(name, settings, lambda *at: told.append(at), told.append)
    assert (3, 3) == (told[0][1].complete, len(told[0][1].course))
    assert sorted(told[0][1].course) == list(told[0][1].course)


def test_two_trials_are_compared_on_rows_that_neither_has_seen(swept, settings, name):
    """On the holdout by the models, else on the folds; which of both is said."""
    found = compare(f"{name}/2", f"{name}/0", settings)
    assert ("holdout", 30) == (found.by, found.count)
    assert found.low <= found.gain <= found.high
    assert ("param max_depth", "None", "1") in [
        (each.name, each.first, each.second) for each in found.differences
    ]
    client = MlflowClient(settings.tracking_uri)
    for version in client.search_model_versions(f"name = '{name}'"):
        client.delete_model_version(name, version.version)
    folds = compare(f"{name}/2", f"{name}/0", settings)
    assert ("folds", 3, True) == (folds.by, folds.count, "not each of both" in folds.note)
    assert folds.low <= folds.gain <= folds.high


def test_what_cannot_be_compared_is_refused(swept, settings, name, submit, run):
    """Another metric, and the same run: the sentence has a way out."""
    other = run(submit(name=f"{name}-f1", model=name, grid=GRID, metric="f1_macro"))
    with pytest.raises(PermanentError, match=r"must be scored by one metric.*Sweep one of them"):
        compare(name, other, settings)
    with pytest.raises(PermanentError, match="are the same run"):
        compare(name, f"{name}/{read(name, settings).standings[0].number}", settings)
    with pytest.raises(NotFoundError, match="must have a trial 9, but has 0 to 2"):
        compare(f"{name}/9", f"{name}/0", settings)


def test_a_trial_is_not_trained_again_by_other_libraries(swept, settings, name, monkeypatch):
    """The refusal says which was what; nothing is trained."""
    now = {**again.origin(), "numpy": "99.0"}
    monkeypatch.setattr("sweepstake.domain.revision.origin", lambda: now)
    monkeypatch.setattr("sweepstake.sweeps.rerun.origin", lambda: now)
    with pytest.raises(PermanentError, match=r"must be trained by what .* numpy was .*, is 99\.0"):
        rerun(f"{name}/2", settings)


def test_runs_have_short_names_and_their_data_by_either_way(either_uri, settings, submit, name):
    """A server with the routes and one without show the same of a trial."""
    from dataclasses import replace

    from sweepstake.sweeps import sweep

    used = replace(settings, tracking_uri=either_uri)
    drop = submit(grid=GRID)
    for batch in sweep.plan(drop, used):
        sweep.train(batch, used)
    sweep.close(drop.sweep, used)
    client = MlflowClient(either_uri)
    experiment = client.get_experiment_by_name(name).experiment_id
    runs = client.search_runs([experiment])
    inputs = {
        (each.dataset.name, each.dataset.source_type, each.tags[0].value)
        for run in runs
        for each in run.inputs.dataset_inputs
    }
    assert {("iris", "code", "training")} == inputs
    assert [1] * 4 == [len(run.inputs.dataset_inputs) for run in runs]
    assert {drop.sweep, "#0 depth=1", "#1 depth=3", "#2 depth=∅"} == {
        run.info.run_name for run in runs
    }
    assert {"1) 1", "2) 3", "3) null", None} == {
        run.data.params.get("axis.max_depth") for run in runs
    }
    (parent,) = (run for run in runs if run.info.run_name == drop.sweep)
    lines = parent.data.tags["mlflow.note.content"].split("\n\n")
    assert ["**Best: trial", "**Decision: none yet.**", "[Compare all trials]"] == [
        re.match(pattern, line)[0]
        for pattern, line in zip(
            [r"\*\*Best: trial", r".*", r"\[Compare all trials\]"], lines, strict=False
        )
    ]


def test_no_cell_of_an_export_is_a_formula(swept, settings, name):
    """A parameter that begins like one is marked as text; a negative number is a number."""
    from dataclasses import replace

    (first, *_) = read(name, settings).standings
    stream = io.StringIO()
    write_csv([replace(first, params={"=a": "=1+1", "b": "-1"})], stream)
    assert ("'=1+1", "-1") == tuple(
        next(csv.DictReader(io.StringIO(stream.getvalue())))[column]
        for column in ("param.=a", "param.b")
    )
