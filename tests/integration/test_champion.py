"""Judging rounds on a real server: who becomes champion, who stays, who is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sweepstake import champion
from sweepstake.errors import StackError
from sweepstake.registry import Registry
from sweepstake.workspace import Workspace


@pytest.fixture
def registry(mlflow_uri):
    """The registry of the session's server."""
    return Registry(mlflow_uri)


@pytest.fixture
def client(mlflow_uri):
    """MLflow's own client, to look at what was written."""
    return MlflowClient(mlflow_uri)


@pytest.fixture
def train(submit, run):
    """A function that sweeps over trees of the given depths, and so registers them."""

    def versions_of(*depths, **changes):
        return run(submit(grid={"max_depth": list(depths)}, **changes))

    return versions_of


@pytest.fixture
def judge(settings, name):
    """A function that holds a round; returns the ledger's entry about this test's model."""

    def hold(key):
        return next((e for e in champion.hold_round(key, settings) if e.model == name), None)

    return hold


@pytest.fixture
def seen(client, name):
    """A function that tells aliases, stages and verdicts as MLflow's client has them."""

    def look():
        aliases = client.get_registered_model(name).aliases
        found = client.search_model_versions(f"name = '{name}'")
        stages = {int(each.version): each.current_stage for each in found}
        verdicts = {int(each.version): each.tags["sweepstake.decision"] for each in found}
        return (
            {alias: int(number) for alias, number in aliases.items()},
            dict(sorted(stages.items())),
            dict(sorted(verdicts.items())),
        )

    return look


def tamper(client, name, version):
    """Change a byte of a version's model file on disk."""
    run = client.get_run(client.get_model_version(name, version).run_id)
    (path,) = Path(run.info.artifact_uri.removeprefix("file://")).glob("model/*.skops")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def everything(client, name):
    """All that stands in the registry about a model."""
    found = client.search_model_versions(f"name = '{name}'")
    return sorted((each.version, each.current_stage, sorted(each.tags.items())) for each in found)


def test_the_best_of_the_first_round_is_champion(train, judge, seen, client, name):
    """Alias, stage, tags and ledger move together, and say why."""
    train(1, 3)
    entry = judge("r1")
    champion_tags = client.get_model_version(name, "2").tags
    assert ({"champion": 2}, {1: "None", 2: "Production"}, {1: "keep", 2: "promote"}) == seen()
    assert (entry.version, entry.previous, entry.reason) == (
        "2",
        "",
        f"It scored {entry.candidate_score:.6g} and there was no champion.",
    )
    assert champion_tags["sweepstake.score"] == repr(entry.candidate_score)
    assert champion_tags["sweepstake.reason"] == entry.reason


def test_the_score_is_that_of_the_holdout(train, judge, client):
    """A candidate is judged on the rows that no trial has seen: its run's own test figure."""
    sweep_id = train(3)
    entry = judge("r1")
    experiment = client.get_experiment_by_name(sweep_id.rpartition("__")[0])
    query = f"tags.`sweepstake.sweep` = '{sweep_id}' and tags.`sweepstake.role` = 'trial'"
    (trial,) = client.search_runs([experiment.experiment_id], query)
    assert trial.data.metrics["test_accuracy"] == entry.candidate_score


def test_a_worse_candidate_does_not_take_over(train, judge, seen):
    """The champion stays where it is; the candidate is marked as judged."""
    train(3)
    judge("r1")
    train(1)
    entry = judge("r2")
    assert ({"champion": 1}, {1: "Production", 2: "None"}, {1: "promote", 2: "keep"}) == seen()
    assert f"does not beat champion version 1 with {entry.champion_score:.6g}" in entry.reason


def test_a_better_candidate_takes_over(train, judge, seen):
    """The previous champion becomes challenger and is archived."""
    train(1)
    judge("r1")
    train(3)
    entry = judge("r2")
    aliases, stages, verdicts = seen()
    assert ({"champion": 2, "challenger": 1}, {1: "Archived", 2: "Production"}) == (aliases, stages)
    assert ({1: "promote", 2: "promote"}, "1") == (verdicts, entry.previous)


def test_an_equal_candidate_does_not_take_over(train, judge, seen):
    """A model that predicts the same is no gain: a tie keeps the champion."""
    train(1)
    judge("r1")
    train(1, params={"min_samples_leaf": 1})
    entry = judge("r2")
    assert (entry.candidate_score, {"champion": 1}) == (entry.champion_score, seen()[0])


def test_a_gain_below_min_delta_does_not_take_over(train, judge, seen):
    """The grid file says how much better is better."""
    train(1)
    judge("r1")
    train(3, promotion={"min_delta": 0.9})
    entry = judge("r2")
    assert ({"champion": 1}, True) == (seen()[0], entry.candidate_score > entry.champion_score)
    assert "by more than 0.9 (promotion.min_delta)" in entry.reason


def test_a_tampered_candidate_is_refused(train, judge, seen, client, name):
    """A model file that was changed on disk is not scored; the others are."""
    train(3, 1)
    tamper(client, name, "1")
    judge("r1")
    reason = client.get_model_version(name, "1").tags["sweepstake.reason"]
    assert ({"champion": 2}, {1: "refuse", 2: "promote"}) == (seen()[0], seen()[2])
    assert reason.startswith("model.skops: must have sha256 ")


def test_a_round_of_refused_candidates_crowns_no_one(train, judge, seen, client, name):
    """Where nothing can be scored there is no champion, and the round still ends."""
    train(3)
    tamper(client, name, "1")
    entry = judge("r1")
    assert (({}, {1: "None"}, {1: "refuse"}), None) == (seen(), entry.candidate_score)


def test_a_champion_that_cannot_be_scored_gives_way(train, judge, seen, client, name):
    """A candidate that can be scored beats one that cannot, and the reason says so."""
    train(3)
    judge("r1")
    tamper(client, name, "1")
    train(1)
    entry = judge("r2")
    assert {"champion": 2, "challenger": 1} == seen()[0]
    assert "champion version 1 has no score: model.skops: must have sha256" in entry.reason


def test_a_candidate_of_other_columns_is_refused(train, judge, seen, client, name):
    """A model that does not know the round's columns cannot be scored on them."""
    train(2, data={"source": "sklearn:wine"})
    train(3)
    judge("r1")
    reason = client.get_model_version(name, "1").tags["sweepstake.reason"]
    assert ({"champion": 2}, {1: "refuse", 2: "promote"}) == (seen()[0], seen()[2])
    assert reason.startswith("ValueError: ")


def test_a_second_round_changes_nothing(train, judge, client, name, registry):
    """Without new versions there is nothing to judge."""
    train(1, 3)
    judge("r1")
    before = everything(client, name), registry.history(name)
    assert judge("r2") is None
    assert before == (everything(client, name), registry.history(name))


def test_a_round_that_is_carried_out_twice_is_one(train, judge, settings, client, name, registry):
    """A retried promotion finds the round ended, in registry and ledger."""
    train(1, 3)
    entry = judge("r1")
    before = everything(client, name), registry.history(name)
    again = champion.promote("r1", name, settings)
    assert (entry.run_id, before) == (
        again.run_id,
        (everything(client, name), registry.history(name)),
    )


def test_versions_that_arrive_meanwhile_wait_for_the_next_round(train, settings, seen, name, judge):
    """A round judges what it found when it was opened."""
    train(1)
    champion.find("r1", settings)
    train(3)
    for heat in champion.divide("r1", name, settings):
        champion.score(heat, settings)
    champion.judge("r1", name, settings)
    champion.promote("r1", name, settings)
    assert ({"champion": 1}, {1: "promote", 2: "pending"}) == (seen()[0], seen()[2])
    judge("r2")
    assert ({"champion": 2, "challenger": 1}, {1: "promote", 2: "promote"}) == seen()[::2]


def test_many_entrants_are_cut_into_heats(train, settings, name, monkeypatch, seen):
    """Each entrant is in exactly one heat; a heat that failed leaves its candidates unjudged."""
    monkeypatch.setattr(champion, "VERSIONS_PER_TASK", 2)
    train(1, 2, 3)
    champion.find("r1", settings)
    first, second = champion.divide("r1", name, settings)
    champion.score(first, settings)
    champion.judge("r1", name, settings)
    champion.promote("r1", name, settings)
    assert ((0, 1), (2, 2)) == ((first.first, first.last), (second.first, second.last))
    assert ("pending", f"{name} v3 to v3") == (seen()[2][3], second.label)


def test_nothing_is_decided_while_the_champion_was_not_scored(train, judge, settings, name):
    """Without the incumbent's score on these rows no one can beat it."""
    train(1)
    judge("r1")
    train(3)
    champion.find("r2", settings)
    with pytest.raises(StackError, match="champion v1 must be scored"):
        champion.judge("r2", name, settings)


def test_a_version_that_was_deleted_meanwhile_does_not_stop_the_round(
    train, settings, client, name, seen
):
    """Someone may clean up while a round is on: the next round judges the others."""
    train(3, 1)
    champion.find("r1", settings)
    client.delete_model_version(name, "1")
    for heat in champion.divide("r1", name, settings):
        champion.score(heat, settings)
    champion.judge("r1", name, settings)
    champion.promote("r1", name, settings)
    champion.hold_round("r2", settings)
    assert ({"champion": 2}, {2: "promote"}) == seen()[::2]


def test_versions_of_another_workspace_are_left_to_it(train, settings, tmp_path, seen, judge):
    """Two workspaces may share a server: each judges what it has planned itself."""
    train(3)
    elsewhere = replace(settings, workspace=tmp_path / "other")
    assert () == champion.find("r1", elsewhere)
    judge("r1")
    assert {1: "promote"} == seen()[2]


def test_a_round_leaves_its_scores_in_the_workspace(train, judge, settings, name):
    """What was decided can be looked up, whatever happens to the server."""
    train(1, 3)
    judge("r1")
    decisions = Workspace(settings.workspace).read_record(f"rounds/r1/{name}/decisions")
    assert ["keep", "promote"] == [decision["verdict"] for decision in decisions]
