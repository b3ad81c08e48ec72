"""Sweeps that share trials with one that is in work."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from sweepstake.errors import NotFoundError, OverlapError
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import asking, cancellation, leaderboard, overlap, sweep

LIVE = {}
"""The sweeps that are in work."""


@pytest.fixture
def plan(settings):
    """A function that plans a drop while the sweeps of `LIVE` are in work, its own among them."""
    LIVE.clear()

    def made(drop, *, again=False):
        LIVE[drop.sweep] = True
        return sweep.plan(drop, settings, lambda each: LIVE.get(each, False), again=again)

    return made


@pytest.fixture
def finish(settings):
    """A function that trains the batches of a sweep and closes it."""

    def done(drop, batches):
        for batch in batches:
            sweep.train(batch, settings)
        sweep.close(drop.sweep, settings)
        LIVE[drop.sweep] = False

    return done


def keys(uri, name):
    """The keys of all trials that were ever begun, deleted ones among them."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(name).experiment_id
    found = client.search_runs([experiment], "tags.`sweepstake.role` = 'trial'", ViewType.ALL)
    return [run.data.tags["sweepstake.trial_key"] for run in found]


def test_trials_of_a_sweep_in_work_are_waited_for(submit, plan, finish, settings, name):
    """A file that was edited twice while its sweep runs: no trial is trained twice."""
    first = submit()
    batches = plan(first)
    second = submit(grid={"criterion": ["gini", "entropy"], "max_depth": [2, 3, 4]})
    third = submit(grid={"criterion": ["gini"], "max_depth": [4, 5]})
    with pytest.raises(OverlapError, match=f"{second.sweep}: waits for {first.sweep}, to reuse"):
        plan(second)
    with pytest.raises(OverlapError, match=f"waits for {second.sweep}, to reuse"):
        plan(third)
    with pytest.raises(OverlapError, match=f"waits for {first.sweep}"):
        plan(second)
    assert [first.sweep] == overlap.waits_for(second.sweep, Workspace(settings.workspace))
    with pytest.raises(NotFoundError, match=f"{second.sweep}: waits for {first.sweep}"):
        leaderboard.read(second.sweep, settings)
    finish(first, batches)
    batches = plan(second)
    assert [] == overlap.waits_for(second.sweep, Workspace(settings.workspace))
    assert 2 == sum(batch.last - batch.first + 1 for batch in batches)
    with pytest.raises(OverlapError, match=f"waits for {second.sweep}"):
        plan(third)
    finish(second, batches)
    finish(third, plan(third))
    found = keys(settings.tracking_uri, name)
    assert 9 == len(found) == len(set(found))


def test_nobody_waits_for_a_sweep_that_shares_nothing_or_is_over(submit, plan, finish, settings):
    """Nor for one whose tasks are gone, though its parent run is still open."""
    first = submit()
    plan(first)
    finish(other := submit(grid={"max_depth": [7]}), plan(other))
    LIVE[first.sweep] = False
    second = submit(grid={"criterion": ["gini"], "max_depth": [1, 9]})
    finish(second, plan(second))


def test_a_sweep_that_began_first_does_not_wait(submit, plan):
    """Two that are planned again at the same time would wait for each other."""
    first = submit()
    plan(first)
    second = submit(grid={"criterion": ["gini"], "max_depth": [1, 9]})
    with pytest.raises(OverlapError):
        plan(second)
    assert plan(first)


def test_a_sweep_that_is_asked_for_again_begins_again(submit, plan, finish, settings, name):
    """Retried while a younger one trains what it lacks, it waits; never both for each other."""
    first = submit()
    plan(first, again=True)
    second = submit(grid={"criterion": ["gini"], "max_depth": [1, 9]})
    with pytest.raises(OverlapError):
        plan(second, again=True)
    with pytest.raises(OverlapError, match=f"waits for {first.sweep}"):
        plan(second, again=True)  # Airflow tries again; it does not begin again meanwhile
    LIVE[first.sweep] = False  # its tasks are lost
    batches = plan(second, again=True)
    with pytest.raises(OverlapError, match=f"{first.sweep}: waits for {second.sweep}"):
        plan(first, again=True)
    assert plan(second)  # its task was killed, and is tried again: it is the older one now
    finish(second, batches)
    finish(first, plan(first, again=True))
    found = keys(settings.tracking_uri, name)
    assert len(found) == len(set(found))


def test_who_waited_goes_on_when_the_other_begins_again(submit, plan):
    """Between two looks the other has ended, and was asked for once more."""
    first = submit()
    plan(first, again=True)
    second = submit(grid={"criterion": ["gini"], "max_depth": [1, 9]})
    with pytest.raises(OverlapError):
        plan(second, again=True)
    with pytest.raises(OverlapError, match=f"{first.sweep}: waits for {second.sweep}"):
        plan(first, again=True)
    assert plan(second, again=True)


def test_a_cancelled_sweep_does_not_wait(submit, plan, settings):
    """It has nothing to train, and ends at once."""
    plan(submit())
    second = submit(grid={"criterion": ["gini"], "max_depth": [1, 9]})
    with pytest.raises(OverlapError):
        plan(second)
    cancellation.note(Workspace(settings.workspace), second.sweep, "ann", "")
    assert plan(second)


def test_nobody_waits_for_what_others_wrote_in_mlflow(submit, plan, settings, name):
    """A run that says to be an older sweep, with a grid file of anybody's, holds nothing up."""
    first = submit()
    plan(first)
    client = MlflowClient(settings.tracking_uri)
    experiment = client.get_experiment_by_name(name).experiment_id
    (parent,) = client.search_runs([experiment], "tags.`sweepstake.role` = 'sweep'")
    second = submit(grid={"criterion": ["gini"], "max_depth": [1, 9]})
    LIVE["stranger__0123456789ab"] = True
    forged = (f"{second.sweep}.json/x", "a/" * 2100 + "b", "../plan", "nul\0")
    for sweep_id in (second.sweep, "stranger__0123456789ab", *forged):
        tags = {**parent.data.tags, "sweepstake.sweep": sweep_id, "mlflow.runName": sweep_id}
        client.create_run(experiment, start_time=1, tags=tags)
    for tags in ({}, {"sweepstake.trial_key": "k"}, {"sweepstake.trial_number": "x"}):
        role = {"sweepstake.role": "trial", "mlflow.parentRunId": parent.info.run_id}
        run = client.create_run(experiment, tags={**parent.data.tags, **role, **tags})
        client.set_terminated(run.info.run_id)
    LIVE[second.sweep] = True
    assert plan(first)
    LIVE[first.sweep] = False
    assert plan(second)


def test_nobody_waits_for_points_of_a_rung(submit, plan):
    """They are scored on a part of the data: a grid of the same points trains them on all of it."""
    plan(submit(search={"method": "halving"}))
    batches = plan(submit(on_invalid="skip"))
    assert 6 == sum(batch.last - batch.first + 1 for batch in batches)


def test_the_points_that_a_search_chose_are_waited_for(submit, plan):
    """Of a random search that is in work, those it has drawn and no others."""
    first = submit(search={"method": "random", "trials": 4})
    plan(first)
    with pytest.raises(OverlapError, match=f"waits for {first.sweep}"):
        plan(submit(on_invalid="skip"))


def test_a_later_wave_waits_for_the_points_that_another_search_trains(
    submit, plan, finish, settings, name
):
    """Two searches of one space and seed choose the same points: each is trained once."""
    space = {"criterion": ["gini", "entropy"], "max_depth": list(range(1, 12))}
    first = submit(grid=space, search={"method": "tpe", "trials": 14})
    for batch in plan(first):
        sweep.train(batch, settings)
    chosen = asking.ask(first.sweep, 1, settings)
    second = submit(grid=space, search={"method": "tpe", "trials": 18})
    assert not plan(second)  # its first wave is trained
    workspace = Workspace(settings.workspace)
    for _ in range(2):
        with pytest.raises(OverlapError, match=f"{second.sweep}: waits for {first.sweep}"):
            asking.ask(second.sweep, 1, settings, LIVE.__getitem__)
        assert [first.sweep] == overlap.waits_for(second.sweep, workspace)
    finish(first, chosen)
    for wave in (1, 2):
        for batch in asking.ask(second.sweep, wave, settings, LIVE.__getitem__):
            sweep.train(batch, settings)
        assert [] == overlap.waits_for(second.sweep, workspace)
    sweep.close(second.sweep, settings)
    found = keys(settings.tracking_uri, name)
    assert 18 == len(found) == len(set(found))
