"""Searches on a real MLflow server: random, by TPE and by halving, ended early and gone on with."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from dataclasses import replace
from multiprocessing import get_context

import pytest

from sweepstake.domain.trial import TrialState
from sweepstake.errors import SweepFailedError
from sweepstake.mlflow_client.tracking import Tracking
from sweepstake.sweeps import asked_waves, asking, budget, leaderboard, progress, sweep
from sweepstake.sweeps.planned_sweep import open_planned

GRID = {
    "max_depth": {"min": 1, "max": 8},
    "min_impurity_decrease": {"min": 0.0001, "max": 0.1, "log": True},
    "criterion": ["gini", "entropy"],
}


@pytest.fixture
def whole(settings):
    """A function that plans a drop, trains every wave and closes it; returns the sweep's id."""

    def run(drop, settings=settings):
        first = sweep.plan(drop, settings, again=True)
        for batches in itertools.chain([first], asking.later_waves(drop.sweep, settings)):
            for batch in batches:
                sweep.train(batch, settings)
        sweep.close(drop.sweep, settings)
        return drop.sweep

    return run


def points(sweep_id, settings):
    """The parameters of the trials of a sweep, in their order."""
    return [dict(each.estimator.params) for each in open_planned(sweep_id, settings).trials]


def note_of(sweep_id, settings):
    """The description of a sweep's parent run."""
    planned = open_planned(sweep_id, settings)
    return Tracking(settings.tracking_uri).tags_of(planned.plan.parent_run_id)[
        "mlflow.note.content"
    ]


def test_a_random_search_trains_its_draws(submit, whole, settings):
    """As many trials as are asked for are trained, tracked and registered."""
    found = whole(submit(grid=GRID, search={"method": "random", "trials": 5}))
    board = leaderboard.read(found, settings)
    assert [TrialState.COMPLETE] * 5 == [each.state for each in board.standings]
    assert 5 == len({each.version for each in board.standings} - {""})


def test_more_trials_train_only_what_is_new(submit, whole, settings):
    """A search that asks for more has the same trials first, and reuses them."""
    less = whole(submit(grid=GRID, search={"method": "random", "trials": 3}))
    more = whole(submit(grid=GRID, search={"method": "random", "trials": 5}))
    assert points(less, settings) == points(more, settings)[:3]
    assert [0, 1, 2] == sorted(open_planned(more, settings).plan.reused)


def test_tpe_chooses_in_waves_and_takes_no_point_twice(submit, whole, settings):
    """After ten draws come waves of twice the slots; which wave it was stands with each trial."""
    slots = replace(settings, slots=2)
    found = whole(submit(grid=GRID, search={"method": "tpe", "trials": 15}), slots)
    taken = points(found, settings)
    waves = [each.wave for each in leaderboard.read(found, settings).standings]
    assert (15, 15) == (len(taken), len({json.dumps(each) for each in taken}))
    assert [10, 4, 1] == [waves.count(wave) for wave in range(3)]
    assert "Search by tpe: 15 of at most 15 trials in 3 of 3 waves." in note_of(found, settings)


def test_a_wave_that_is_asked_for_again_is_the_same(submit, settings):
    """Whoever is killed after it asked trains what was chosen, and nothing else."""
    drop = submit(grid=GRID, search={"method": "tpe", "trials": 14})
    for batch in sweep.plan(drop, settings):
        sweep.train(batch, settings)
    first = asking.ask(drop.sweep, 1, settings)
    chosen = points(drop.sweep, settings)
    assert (first, chosen) == (asking.ask(drop.sweep, 1, settings), points(drop.sweep, settings))
    assert asking.ask(drop.sweep, 2, settings) is None


@pytest.mark.parametrize("kept", [False, True], ids=["before", "after"])
def test_who_is_killed_while_a_wave_is_kept_is_asked_again(kept, submit, settings, monkeypatch):
    """Killed right before or right after: the next try has the wave, each trial is there once."""
    drop = submit(grid=GRID, search={"method": "tpe", "trials": 14})
    for batch in sweep.plan(drop, settings):
        sweep.train(batch, settings)
    keep = asked_waves.keep

    def be_killed(*wave):
        if kept:
            keep(*wave)
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(asked_waves, "keep", be_killed)
        task = get_context("fork").Process(target=asking.ask, args=(drop.sweep, 1, settings))
        task.start()
        task.join()
    assert -signal.SIGKILL == task.exitcode
    assert kept == bool(open_planned(drop.sweep, settings).plan.asked)
    for batch in asking.ask(drop.sweep, 1, settings):
        sweep.train(batch, settings)
    sweep.close(drop.sweep, settings)
    standings = leaderboard.read(drop.sweep, settings).standings
    assert ([TrialState.COMPLETE] * 14, 14) == (
        [each.state for each in standings],
        len({each.run_id for each in standings}),
    )


def test_a_task_killed_in_a_later_wave_is_done_by_its_next_try(submit, settings, monkeypatch):
    """Killed after its first trial was recorded: the next try trains the others alone."""
    drop = submit(grid=GRID, search={"method": "tpe", "trials": 14})
    for batch in sweep.plan(drop, settings):
        sweep.train(batch, settings)
    (batch,) = asking.ask(drop.sweep, 1, settings)

    def train():
        sweep.train(batch, settings, lambda: os.kill(os.getpid(), signal.SIGKILL))

    task = get_context("fork").Process(target=train)
    task.start()
    task.join()
    assert -signal.SIGKILL == task.exitcode
    sweep.train(batch, settings)
    sweep.close(drop.sweep, settings)
    standings = leaderboard.read(drop.sweep, settings).standings
    assert [TrialState.COMPLETE] * 14 == [each.state for each in standings]
    assert 14 == len({each.version for each in standings})


def test_the_same_search_has_the_same_trials(submit, whole, settings):
    """Trained anew, by other names, the scores lead to the same points in the same order."""
    search = {"method": "tpe", "trials": 14}
    found = [whole(submit(grid=GRID, search=search, name=name)) for name in ("one-a", "one-b")]
    assert points(found[0], settings) == points(found[1], settings)


def test_halving_goes_on_with_the_best_third(submit, whole, settings):
    """On few rows a rung has a part of the folds; what stops there is complete and no version."""
    found = whole(submit(grid=GRID, search={"method": "halving", "trials": 9}, cv=5))
    standings = leaderboard.read(found, settings).standings
    rungs = [each.rung for each in standings]
    assert [None] * 3 + [0] * 9 == rungs
    assert {TrialState.COMPLETE} == {each.state for each in standings}
    assert [True] * 3 + [False] * 9 == [bool(each.version) for each in standings]
    planned = open_planned(found, settings)
    lower = [each for each in standings if each.rung == 0]
    best = [planned.trials[each.number].estimator.params for each in standings[:3]]
    assert all(planned.trials[each.number].estimator.params in best for each in lower[:3])


def test_on_many_rows_a_rung_has_a_part_of_them(submit, whole, settings):
    """From a thousand training rows on, rungs differ in rows, and each run says in how many."""
    drop = submit(
        grid=GRID,
        search={"method": "halving", "trials": 9},
        data={"source": "sklearn:digits"},
        cv=3,
    )
    found = whole(drop)
    planned = open_planned(found, settings)
    client = Tracking(settings.tracking_uri).client
    told = [
        client.get_run(each.run_id).data.tags.get("sweepstake.portion")
        for each in leaderboard.read(found, settings).standings
    ]
    rows = [wave.portion.rows if wave.portion else None for wave in planned.plan.waves]
    assert [f"{rows[0]} training rows"] * 9 == told[-9:]
    assert [None] == told[:1]


def test_a_search_that_reaches_its_target_ends_well(submit, whole, settings):
    """No further trial begins, the sweep is complete, and its note says why."""
    search = {"method": "random", "trials": 40, "stop": {"target": 0.5}}
    found = whole(submit(grid=GRID, search=search))
    board = leaderboard.read(found, settings)
    assert "FINISHED" == board.state
    assert len(board.standings) < 40
    assert "A trial reached the target of 0.5." in note_of(found, settings)


def test_a_search_whose_time_is_over_starts_no_trial(submit, settings):
    """What was trained counts; a second go has its time once more and does the rest."""
    drop = submit(grid=GRID, search={"method": "random", "trials": 4, "max_time": "1m"})
    batches = sweep.plan(drop, settings, again=True)
    planned = open_planned(drop.sweep, settings)
    record = f"{planned.plan.search_folder}/begun"
    planned.workspace.write_record(record, time.time() - 61)
    for batch in batches:
        sweep.train(batch, settings)
    with pytest.raises(SweepFailedError, match=r"none did\. Its time \(0:01:00"):
        sweep.close(drop.sweep, settings)
    for batch in sweep.plan(drop, settings, again=True):
        sweep.train(batch, settings)
    sweep.close(drop.sweep, settings)
    assert 4 == progress.look(drop.sweep, settings).complete


def test_patience_ends_a_search(submit, whole, settings):
    """Waves that bring no better score are counted, and the sweep ends complete."""
    axes = {"max_depth": [3, 4, 5, 6], "random_state": {"min": 0, "max": 99}}
    search = {"method": "tpe", "trials": 60, "wave": 4, "stop": {"patience": 1}}
    found = whole(submit(grid=axes, search=search))
    planned = open_planned(found, settings)
    assert "No score was better in the last 1 waves" in budget.ended(
        planned.workspace, planned.plan
    )
    assert len(planned.trials) < 60


def test_a_space_that_is_used_up_ends_as_done(submit, whole, settings):
    """A search may ask for more points than there are; it is complete with those."""
    axes = {"max_depth": [1, 2, 3], "criterion": ["gini", "entropy", "log_loss"]}
    search = {"method": "tpe", "trials": 50}
    found = whole(submit(grid=axes, search=search))
    assert 9 == len(leaderboard.read(found, settings).standings)


def test_a_search_that_was_left_fails_honestly(submit, settings):
    """A sweep whose next wave nobody asked for does not pass for one that is over."""
    drop = submit(grid=GRID, search={"method": "halving", "trials": 3})
    for batch in sweep.plan(drop, settings):
        sweep.train(batch, settings)
    with pytest.raises(SweepFailedError, match="stopped after 1 of 2 rungs"):
        sweep.close(drop.sweep, settings)
