"""Pruning on a real server: what goes, and what must never go."""

from __future__ import annotations

import os
import time

import pytest

from sweepstake.champions import pruning, rounds
from sweepstake.champions.pruning import Kind
from sweepstake.domain.spec import Keep
from sweepstake.errors import ModelFileError
from sweepstake.mlflow_client.registry import Registry
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps.plan import Plan

DEPTHS = {"max_depth": [1, 2, 3, 4]}


@pytest.fixture
def registry(mlflow_uri):
    """The registry of the session's server."""
    return Registry(mlflow_uri)


@pytest.fixture
def swept(submit, run, settings, name):
    """A function that sweeps four trees and lets them be judged; returns the sweep's id."""

    def sweep(*, judged=True, **changes):
        sweep_id = run(submit(grid=DEPTHS, **changes))
        if judged:
            rounds.judge(name, settings)
        return sweep_id

    return sweep


@pytest.fixture
def aged(settings):
    """A function that makes all staged data two days old."""

    def age():
        past = time.time() - 2 * pruning.YOUNG_SECONDS
        for file in Workspace(settings.workspace).data.rglob("*"):
            os.utime(file, (past, past))

    return age


def kinds(found):
    """How many of each kind were found."""
    return {kind: sum(each.kind is kind for each in found) for kind in Kind}


def readable(registry, name, sweep_id):
    """The trial numbers of the versions of a sweep whose model files can be read."""
    numbers = set()
    for version in registry.versions(name, sweep_id):
        try:
            registry.files.read(version)
            numbers.add(version.trial_number)
        except ModelFileError:
            pass
    return numbers


def champion(registry, name):
    """The trial number of the champion."""
    return registry.champion(name).trial_number


def test_nothing_is_pruned_without_a_policy(swept, settings):
    """Of a sweep that has ended only the template may go; a retry writes it again."""
    swept()
    assert {Kind.MODEL: 0, Kind.DATA: 0, Kind.TEMPLATE: 1} == kinds(pruning.find(settings))


def test_what_is_found_is_not_touched(swept, settings, registry, name):
    """Looking deletes nothing."""
    sweep_id = swept(keep={"top": 0})
    pruning.find(settings)
    assert {0, 1, 2, 3} == readable(registry, name, sweep_id)


@pytest.mark.parametrize("top", [0, 3])
def test_losers_go_but_for_the_best(swept, settings, registry, name, top):
    """The policy of the grid file holds; the champion stays even where the policy keeps none."""
    sweep_id = swept(keep={"top": top})
    found = pruning.find(settings)
    pruning.prune(found, settings)
    assert 4 - max(top, 1) == kinds(found)[Kind.MODEL]
    assert max(top, 1) == len(readable(registry, name, sweep_id))
    assert champion(registry, name) in readable(registry, name, sweep_id)
    assert 0 == len(pruning.find(settings))


def test_the_command_gives_a_policy_to_sweeps_without_one(swept, settings):
    """The grid file's own goes first."""
    swept()
    swept(keep={"top": 4}, seed=1)
    assert 3 == kinds(pruning.find(settings, Keep(1, 0)))[Kind.MODEL]


def test_young_sweeps_keep_all(swept, settings):
    """The days count from the end of the sweep."""
    swept(keep={"top": 1, "days": 1})
    assert 0 == kinds(pruning.find(settings))[Kind.MODEL]


def test_what_waits_for_its_verdict_stays(swept, settings, aged):
    """Neither a model nor the data of a sweep goes before it is judged."""
    swept(judged=False, keep={"top": 0})
    aged()
    assert {Kind.MODEL: 0, Kind.DATA: 0, Kind.TEMPLATE: 1} == kinds(pruning.find(settings))


def test_the_data_of_a_champion_stay(swept, settings, aged):
    """Its training rows are left out of the next test; the data of those that lost may go."""
    first, second = swept(), swept(seed=1)
    aged()
    plans = [Plan.load(Workspace(settings.workspace), each) for each in (first, second)]
    found = [each for each in pruning.find(settings) if each.kind is Kind.DATA]
    assert [plans[1].data_digest] == [each.name for each in found]
    pruning.prune(found, settings)
    assert [plans[0].data_digest] == list(Workspace(settings.workspace).data_sets())


def test_data_just_staged_stay(swept, settings):
    """A plan may be about to open its parent run."""
    swept()
    swept(seed=1)
    assert 0 == kinds(pruning.find(settings))[Kind.DATA]


def test_what_came_into_use_meanwhile_stays(swept, settings, registry, name, aged):
    """Somebody may put a version into service, or stage data, between looking and deleting."""
    sweep_id = swept(keep={"top": 0})
    swept(seed=1)
    aged()
    found = pruning.find(settings)
    lost = next(each.name for each in found if each.kind is Kind.MODEL)
    (version,) = registry.of_runs(name, [lost])
    registry.client.set_registered_model_alias(name, "shadow", version.version)
    for file in Workspace(settings.workspace).data.rglob("*"):
        os.utime(file)
    pruning.prune(found, settings)
    assert {champion(registry, name), version.trial_number} == readable(registry, name, sweep_id)
    assert 2 == len(Workspace(settings.workspace).data_sets())


def test_a_pruned_sweep_can_be_swept_again(swept, settings, submit, run, registry, name):
    """A new sweep stages its data and writes its template again, and its champion is served."""
    swept(keep={"top": 0})
    pruning.prune(pruning.find(settings), settings)
    sweep_id = run(submit(grid={"max_depth": [1, 2, 3, 4, 5]}, keep={"top": 0}))
    rounds.judge(name, settings)
    assert {4} == readable(registry, name, sweep_id)


def test_versions_say_that_their_files_are_gone(swept, settings, registry, name):
    """People who look at the registry are told why a model cannot be loaded."""
    sweep_id = swept(keep={"top": 1})
    pruning.prune(pruning.find(settings), settings)
    pruned = [each.tags.get("sweepstake.pruned") for each in registry.versions(name, sweep_id)]
    assert [None, "true", "true", "true"] == sorted(pruned, key=str)


def test_an_unreadable_plan_keeps_all_data(swept, settings, aged):
    """What its sweep needs is not known."""
    sweep_id, _ = swept(), swept(seed=1)
    aged()
    workspace = Workspace(settings.workspace)
    plan = workspace.read_record(f"sweeps/{sweep_id}/plan")
    workspace.write_record(
        f"sweeps/{sweep_id}/plan", {key: plan[key] for key in plan if key != "spec"} | {"file": "x"}
    )
    workspace.store.remove(f"snapshots/{plan['snapshot']}")
    assert 0 == kinds(pruning.find(settings))[Kind.DATA]
