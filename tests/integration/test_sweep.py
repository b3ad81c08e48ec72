"""Sweeps by the library on a real server: whole, interrupted, failing, repeated and edited."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from sweepstake.champions import rounds
from sweepstake.data import dataset, folds, splitting
from sweepstake.domain import revision
from sweepstake.domain.spec import DataSpec
from sweepstake.errors import GridFileError, NotFoundError, SweepFailedError
from sweepstake.preflight import refusals
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import cancellation, leaderboard, progress, sweep

AXES = {"criterion": ["gini", "entropy"], "max_depth": [1, 2, 3]}
INTERRUPTED = "the worker was killed"


@pytest.fixture
def client(mlflow_uri):
    """MLflow's own client, to look at what was written."""
    return MlflowClient(mlflow_uri)


@pytest.fixture
def runs(client):
    """A function that lists a sweep's parent runs and its child runs, the latter by number."""

    def of(sweep_id):
        experiment = client.get_experiment_by_name(sweep_id.rpartition("__")[0])
        query = f"tags.`sweepstake.sweep` = '{sweep_id}'"
        found = client.search_runs([experiment.experiment_id], query)
        parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
        children = [run for run in found if "mlflow.parentRunId" in run.data.tags]
        return parents, sorted(children, key=number)

    return of


@pytest.fixture
def versions(client, name):
    """A function that lists the trial numbers of the model's versions, and their runs."""

    def all_of_them():
        found = client.search_model_versions(f"name = '{name}'")
        return sorted((int(each.tags["sweepstake.trial_number"]), each.run_id) for each in found)

    return all_of_them


@pytest.fixture
def no_fits(monkeypatch):
    """Make any fit fail the test."""
    from sweepstake.training import fit_trial

    def fit(*args):
        pytest.fail("a trial was trained again")

    return lambda: monkeypatch.setattr(fit_trial, "train", fit)


def number(run):
    """The number of a child run's trial."""
    return int(run.data.tags["sweepstake.trial_number"])


def after(count):
    """A callback that interrupts the training after some trials, as a kill would."""
    seen = []

    def follow():
        seen.append(1)
        if len(seen) == count:
            raise KeyboardInterrupt(INTERRUPTED)

    return follow


def interrupt(batch, settings, count):
    """Train a batch until it is interrupted after some trials."""
    with pytest.raises(KeyboardInterrupt, match=INTERRUPTED):
        sweep.train(batch, settings, after(count))


def statuses(found):
    """The statuses of runs."""
    return [run.info.status for run in found]


def identity(found):
    """What runs are and what stands on them."""
    return [(run.info.run_id, run.info.status, run.data.metrics, run.data.tags) for run in found]


def test_a_sweep_is_one_parent_with_a_child_per_trial(run, submit, runs, versions):
    """Everything is nested, ended and registered: six trials, six children, six versions."""
    parents, children = runs(run(submit()))
    (parent,) = parents
    assert ["FINISHED"] * 7 == statuses([parent, *children])
    assert [0, 1, 2, 3, 4, 5] == [number(child) for child in children]
    assert {parent.info.run_id} == {child.data.tags["mlflow.parentRunId"] for child in children}
    assert [(number(child), child.info.run_id) for child in children] == versions()


def test_the_figures_are_those_of_grid_search(run, submit, runs, client):
    """Every fold of every trial scores what GridSearchCV gets on the same folds."""
    _, children = runs(run(submit()))
    table = dataset.read(DataSpec("sklearn:iris"), ())
    train, _ = splitting.split(table, 0.2, 0)
    x, y = table.X.iloc[train], table.y[train]
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0),
        AXES,
        cv=folds.folds(y, 3, 0),
        scoring="accuracy",
    ).fit(x, y)
    expected = {
        (point["criterion"], str(point["max_depth"])): [
            search.cv_results_[f"split{fold}_test_score"][position] for fold in range(3)
        ]
        for position, point in enumerate(search.cv_results_["params"])
    }
    actual = {}
    for child in children:
        history = client.get_metric_history(child.info.run_id, "cv_accuracy")
        points = sorted((point.step, point.value) for point in history)
        actual[child.data.params["criterion"], child.data.params["max_depth"]] = [
            value for _, value in points
        ]
    assert expected == actual


def test_data_are_read_and_divided_once(submit, settings, monkeypatch):
    """Between the checks and the staging nobody can change them."""
    calls = []
    for module, name in ((dataset, "read"), (splitting, "split")):
        act = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *args, act=act: calls.append(act.__name__) or act(*args)
        )
    sweep.plan(submit(), settings)
    assert ["read", "split"] == calls


def test_no_row_of_the_holdout_was_trained_on(run, submit, settings):
    """The staged rows are those of the split, and together they are the data set."""
    sweep_id = run(submit())
    plan = Workspace(settings.workspace).read_record(f"sweeps/{sweep_id}/plan")
    staged = dataset.open_staged(Workspace(settings.workspace).data, plan["data_digest"])
    assert (120, 30, 150) == (len(staged.y_train), len(staged.y_holdout), len(load_iris().target))


def test_the_parent_shows_the_leaderboard(run, submit, runs, client, settings):
    """Table and note lie on the parent, ranked like the library's leaderboard."""
    sweep_id = run(submit())
    ((parent,), _) = runs(sweep_id)
    files = {file.path for file in client.list_artifacts(parent.info.run_id)}
    expected = {"leaderboard.csv", "leaderboard.json"}
    path = client.download_artifacts(parent.info.run_id, "leaderboard.json")
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path from MLflow
        rows = json.load(file)
    board = leaderboard.read(sweep_id, settings)
    scores = [each.metrics["mean_cv_accuracy"] for each in board.standings]
    assert (expected, [each.number for each in board.standings]) == (
        files,
        [row["number"] for row in rows],
    )
    assert (sorted(scores, reverse=True), "FINISHED") == (scores, board.state)
    assert parent.data.tags["mlflow.note.content"]


def test_training_twice_makes_nothing_twice(submit, settings, runs, versions, no_fits):
    """A retried task whose first attempt had finished finds its runs and fits nothing."""
    drop = submit()
    batches = sweep.plan(drop, settings)
    links = [sweep.train(batch, settings) for batch in batches]
    before = identity(runs(drop.sweep)[1]), versions()
    no_fits()
    assert links == [sweep.train(batch, settings) for batch in batches]
    assert before == (identity(runs(drop.sweep)[1]), versions())


def test_an_interrupted_batch_goes_on_where_it_was(submit, settings, runs, versions):
    """Trials that were done keep their runs; the others get theirs; none is doubled."""
    drop = submit()
    (batch,) = sweep.plan(drop, settings)
    interrupt(batch, settings, 3)
    before = identity(runs(drop.sweep)[1])
    sweep.train(batch, settings)
    _, children = runs(drop.sweep)
    assert (3, before) == (len(before), identity(children)[:3])
    assert [0, 1, 2, 3, 4, 5] == [number(child) for child in children]
    assert [(number(child), child.info.run_id) for child in children] == versions()


def test_a_half_logged_run_is_replaced(submit, settings, runs, client, versions):
    """What a kill left between the first figure and the end is not mixed with the next attempt."""
    drop = submit()
    (batch,) = sweep.plan(drop, settings)
    interrupt(batch, settings, 2)
    half = runs(drop.sweep)[1][1]
    client.update_run(half.info.run_id, status="RUNNING")
    client.log_metric(half.info.run_id, "cv_accuracy", 0.0, step=7)
    client.delete_model_version(batch.sweep.rpartition("__")[0], "2")
    sweep.train(batch, settings)
    _, children = runs(drop.sweep)
    assert ["FINISHED"] * 6 == statuses(children)
    assert half.info.run_id not in {child.info.run_id for child in children}
    assert [(number(child), child.info.run_id) for child in children] == versions()


def test_planning_again_leaves_only_the_rest(submit, settings, runs, run):
    """A plan after an interruption holds what is left, and ends with exactly the whole."""
    drop = submit()
    (batch,) = sweep.plan(drop, settings)
    interrupt(batch, settings, 4)
    (rest,) = sweep.plan(drop, settings)
    assert ((0, 1), "trials 0004 to 0005") == ((rest.first, rest.last), rest.label)
    run(drop)
    parents, children = runs(drop.sweep)
    assert (1, [0, 1, 2, 3, 4, 5]) == (len(parents), [number(child) for child in children])


def test_a_trial_that_cannot_be_fitted_fails_alone(submit, run, runs, versions, monkeypatch):
    """Its run is FAILED with the error in plain words; the other trials and the sweep go on."""
    fit = DecisionTreeClassifier.fit

    def refuse(self, *args, **kwargs):
        if self.max_depth == 2 and self.criterion == "gini" and len(args[0]) > 60:
            message = "two\n is  too few"
            raise ValueError(message)
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(DecisionTreeClassifier, "fit", refuse)
    (parent,), children = runs(run(submit()))
    failed = [child for child in children if child.info.status == "FAILED"]
    expected = [(1, "ValueError: two is too few")]
    assert expected == [(number(run), run.data.tags["sweepstake.error"]) for run in failed]
    assert ("FINISHED", [0, 2, 3, 4, 5]) == (parent.info.status, [each for each, _ in versions()])


NEIGHBOURS = {
    "estimator": "KNeighborsClassifier",
    "grid": {"n_neighbors": [3, 500, 7, 600]},
    "on_invalid": "skip",
    "limits": {"max_failed": 0, "trials_per_task": 4},
}


def test_points_that_scikit_learn_refuses_are_skipped(submit, settings, either_uri):
    """They are shown with their reasons, count as no failures and are not tried again."""
    settings = replace(settings, tracking_uri=either_uri)
    drop = submit(**NEIGHBOURS)
    (batch,) = sweep.plan(drop, settings)
    sweep.train(batch, settings)
    sweep.close(drop.sweep, settings)
    board = leaderboard.read(drop.sweep, settings)
    assert [
        (0, "COMPLETE", True),
        (2, "COMPLETE", True),
        (1, "SKIPPED", False),
        (3, "SKIPPED", False),
    ] == sorted(
        ((each.number, str(each.state), bool(each.version)) for each in board.standings),
        key=lambda row: (row[1], row[0]),
    )
    assert "n_neighbors = 500" in board.standings[2].reason
    found = progress.look(drop.sweep, settings)
    assert (4, 2, 0, 2) == (found.total, found.complete, found.failed, found.skipped)
    assert ("FINISHED", ()) == (board.state, sweep.plan(drop, settings))


def test_a_sweep_of_which_every_point_is_skipped_fails(submit, settings, runs, monkeypatch):
    """There is nothing to choose from, and the sweep says so."""
    monkeypatch.setattr(refusals, "find", lambda *_: ([], True))  # as if there were no time
    drop = submit(**{**NEIGHBOURS, "grid": {"n_neighbors": [500, 600]}})
    (batch,) = sweep.plan(drop, settings)
    sweep.train(batch, settings)
    with pytest.raises(SweepFailedError, match=r"must be fitted, but all 2 were skipped\. Read"):
        sweep.close(drop.sweep, settings)
    assert ["FAILED"] == statuses(runs(drop.sweep)[0])


def test_more_failures_than_allowed_fail_the_sweep(submit, settings, runs, client):
    """`limits.max_failed` is held: the sweep says how many failed, and its parent is FAILED."""
    drop = submit(limits={"max_failed": 1})
    (batch,) = sweep.plan(drop, settings)
    sweep.train(batch, settings)
    _, children = runs(drop.sweep)
    for child in children[:2]:
        client.update_run(child.info.run_id, status="FAILED")
    with pytest.raises(SweepFailedError, match=r"at most 1 of the trials may fail .*, but 2 of 6"):
        sweep.close(drop.sweep, settings)
    assert ["FAILED"] == statuses(runs(drop.sweep)[0])


def test_closing_ends_what_lost_its_task(submit, settings, runs, client):
    """A child still RUNNING, and a trial that never began, are FAILED trials with a reason."""
    drop = submit()
    (batch,) = sweep.plan(drop, settings)
    interrupt(batch, settings, 5)
    orphan = runs(drop.sweep)[1][4]
    client.update_run(orphan.info.run_id, status="RUNNING")
    sweep.close(drop.sweep, settings)
    board = leaderboard.read(drop.sweep, settings)
    _, children = runs(drop.sweep)
    assert ["FINISHED"] * 4 + ["FAILED"] == statuses(children)
    assert "task ended before" in children[4].data.tags["sweepstake.error"]
    assert {4: "FAILED", 5: "PENDING"} == {
        each.number: each.state for each in board.standings if each.state != "COMPLETE"
    }


def test_closing_twice_changes_nothing(submit, settings, run, runs, versions, client):
    """The second close finds the same children, versions and figures."""
    sweep_id = run(submit())

    def state():
        (parent,), children = runs(sweep_id)
        history = {
            name: client.get_metric_history(parent.info.run_id, name)
            for name in parent.data.metrics
        }
        figures = {name: {point.value for point in points} for name, points in history.items()}
        return identity([parent, *children]), versions(), figures

    before = state()
    sweep.close(sweep_id, settings)
    assert before == state()


@pytest.mark.parametrize(("register", "count"), [("best", 1), ({"top": 2}, 2)])
def test_only_the_best_become_versions(submit, settings, run, versions, register, count):
    """`register` names how many of the leaderboard's head are registered, at close."""
    board = leaderboard.read(run(submit(register=register)), settings)
    head = [(each.number, each.run_id) for each in board.standings[:count]]
    assert sorted(head) == versions()


def test_what_an_earlier_sweep_trained_is_registered(submit, settings, run, versions, no_fits):
    """After `best`, `all` makes versions of the other runs; that of the best is not made twice."""
    first = run(submit(register="best"))
    (best,) = versions()
    no_fits()
    second = run(submit(register="all"))
    board = leaderboard.read(second, settings)
    assert sorted((each.number, each.run_id) for each in board.standings) == versions()
    assert best in versions()
    assert {first} == {each.run_of for each in board.standings}
    assert {str(number) for number in range(1, 7)} == {each.version for each in board.standings}


def test_closing_again_keeps_the_versions_of_reused_trials(submit, settings, run, versions):
    """A version of an earlier sweep's run is none that a fault has left."""
    run(submit(register="best"))
    second = run(submit(register={"top": 3}))
    before = versions()
    sweep.close(second, settings)
    assert (3, before) == (len(before), versions())


@pytest.mark.parametrize("changes", [{}, {"register": {"top": 6}}], ids=["same", "edited"])
def test_a_model_that_was_deleted_is_filled_again(submit, run, versions, client, name, changes):
    """What was trained before is registered again, by the same sweep or by another."""
    run(submit())
    before = versions()
    client.delete_registered_model(name)
    run(submit(**changes))
    assert (6, before) == (len(before), versions())


def test_a_reused_trial_competes_for_the_champion(submit, settings, run, client, name):
    """Its version is scored on the rows of the sweep that registered it, and may be promoted."""
    run(submit())
    client.delete_registered_model(name)
    run(submit(register={"top": 1}))
    (entry,) = rounds.judge_all(settings)
    assert ("1", "promote") == (entry.version, str(entry.verdict))


def test_the_page_says_whose_run_each_trial_is(submit, settings, run, runs, client):
    """The description and the table name the sweep that trained it."""
    first = run(submit())
    second = run(submit(grid={"criterion": ["gini", "entropy"], "max_depth": [1, 2, 3, 4]}))
    ((parent,), _) = runs(second)
    note = parent.data.tags["mlflow.note.content"]
    path = Path(client.download_artifacts(parent.info.run_id, "leaderboard.json"))
    rows = json.loads(path.read_text())
    named = first.replace("_", r"\_")
    assert (6, 2) == (note.count(f"| {named} |"), note.count("| this sweep |"))
    assert {first: 6, second: 2} == Counter(row["run_of"] for row in rows)


def test_other_training_code_trains_anew(submit, settings, run, runs, monkeypatch):
    """A revision that was raised reuses nothing, also where the grid file is the same."""
    drop = submit()
    run(drop)
    old = {child.info.run_id for child in runs(drop.sweep)[1]}
    changed = {**revision.origin(), "revision": "0"}
    monkeypatch.setattr(revision, "origin", lambda: changed)
    run(drop)
    board = leaderboard.read(drop.sweep, settings)
    assert (6, set()) == (len(board.standings), old & {each.run_id for each in board.standings})
    assert 2 == len(runs(drop.sweep)[0])


def test_an_edited_grid_trains_only_what_is_new(submit, settings, run, runs, client):
    """Points that were trained before are shown with their figures and not trained again."""
    first = run(submit())
    grid = {"criterion": ["gini", "entropy"], "max_depth": [1, 2, 3, 4]}
    second = run(submit(grid=grid))
    board = leaderboard.read(second, settings)
    known = {each.run_id for each in board.standings if each.reused_from}
    _, children = runs(second)
    assert ["4", "4"] == [child.data.params["max_depth"] for child in children]
    assert {child.info.run_id for child in runs(first)[1]} == known
    assert (8, {"COMPLETE"}) == (len(board.standings), {each.state for each in board.standings})
    assert 8 == progress.look(second, settings).complete


def test_the_same_grid_again_trains_nothing(submit, settings, run, runs, versions, no_fits):
    """Planning what is done leaves no batch, and closing it changes no trial."""
    drop = submit()
    run(drop)
    before = identity(runs(drop.sweep)[1]), versions()
    no_fits()
    assert () == sweep.plan(drop, settings)
    sweep.close(drop.sweep, settings)
    parents, children = runs(drop.sweep)
    assert (["FINISHED"], before) == (statuses(parents), (identity(children), versions()))


def test_the_same_grid_on_other_data_is_trained_anew(submit, settings, run, runs):
    """A file may be replaced under its name: what was trained on the old rows does not count."""
    rows = ["a,b,label", *(f"{i % 7},{i % 11},{'yes' if i % 3 else 'no'}" for i in range(60))]
    source = settings.grids / "rows.csv"
    source.write_text("\n".join(rows))
    drop = submit(data={"source": "rows.csv", "target": "label"})
    run(drop)
    old = {child.info.run_id for child in runs(drop.sweep)[1]}
    source.write_text("\n".join([*rows, "5,5,yes"]))
    run(drop)
    board = leaderboard.read(drop.sweep, settings)
    assert {"COMPLETE"} == {each.state for each in board.standings}
    assert set() == old & {each.run_id for each in board.standings}
    assert 6 == progress.look(drop.sweep, settings).complete


def test_a_bad_grid_file_opens_no_run(submit, settings, client, name):
    """Mistakes are found before anything is tracked, and reported beside the file until fixed."""
    drop = submit(data={"source": "sklearn:irises"})
    report = settings.grids / f"{name}.json.errors.txt"
    with pytest.raises(GridFileError) as caught:
        sweep.plan(drop, settings)
    assert (f"{caught.value}\n", None) == (report.read_text(), client.get_experiment_by_name(name))
    sweep.plan(submit(), settings)
    assert not report.exists()


def test_a_mistake_elsewhere_is_not_reported_in_the_watched_folder(submit, settings, name):
    """A grid file that does not lie there gets no report there."""
    drop = submit(data={"source": "sklearn:irises"})
    (settings.grids / f"{name}.json").unlink()
    with pytest.raises(GridFileError):
        sweep.plan(drop, settings)
    assert [] == list(settings.grids.iterdir())


def test_progress_counts_what_is_done(submit, settings):
    """While a sweep runs, its progress says how many trials are done and how good the best is."""
    drop = submit()
    (batch,) = sweep.plan(drop, settings)
    before = progress.look(drop.sweep, settings)
    interrupt(batch, settings, 3)
    half = progress.look(drop.sweep, settings)
    assert (6, 0, None, None) == (before.total, before.complete, before.best, before.seconds_left)
    assert (6, 3, 0, 0) == (half.total, half.complete, half.running, half.failed)
    assert (True, True) == (half.best > 0.5, half.seconds_left > 0)


@pytest.mark.parametrize("use", [sweep.close, progress.look, leaderboard.read])
def test_a_sweep_that_was_never_planned_is_not_found(settings, mlflow_uri, use):
    """Asking about what does not exist is answered as such."""
    with pytest.raises(NotFoundError):
        use("nowhere__0123456789ab", settings)


def test_a_sweep_that_was_cancelled_before_it_began_is_told_as_such(submit, settings, name):
    """There is no leaderboard to wait for."""
    drop = submit()
    with pytest.raises(NotFoundError, match="is not planned yet"):
        leaderboard.read(name, settings)
    cancellation.note(Workspace(settings.workspace), drop.sweep, "ann", "wrong data")
    with pytest.raises(NotFoundError) as caught:
        leaderboard.read(name, settings)
    told = (
        f"{drop.sweep}: cancelled by ann (wrong data). It had not begun. Go on by sweepstake retry"
    )
    assert f"{told} {name}" == str(caught.value)
