"""Judging rounds on a real server: who becomes champion, who stays, who is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sweepstake.champions import approval, notices, rounds
from sweepstake.champions.telling import digest_of
from sweepstake.domain.promotion import Verdict
from sweepstake.errors import StackError
from sweepstake.mlflow_client import aliases, version_tags
from sweepstake.mlflow_client.ledger import Act
from sweepstake.mlflow_client.registry import Registry
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps import leaderboard, sweep


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
    """A function that judges what there is to judge; returns the ledger's first new entry."""

    def hold():
        return next(iter(rounds.judge(name, settings)), None)

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


def test_the_best_by_cross_validation_is_the_first_champion(train, judge, seen, client, name):
    """Alias, stage, tags and ledger move together, and say why."""
    train(1, 3)
    entry = judge()
    champion_tags = client.get_model_version(name, "2").tags
    assert ({"champion": 2}, {1: "None", 2: "Production"}, {1: "keep", 2: "promote"}) == seen()
    assert ("2", "") == (entry.version, entry.previous)
    assert entry.reason == (
        "Trial 1 (v2), the best of 2 by cross-validation, scored "
        f"{entry.candidate_score:.4f} accuracy on 30 held-out rows, and there was no champion."
    )
    assert champion_tags["sweepstake.score"] == repr(entry.candidate_score)
    assert champion_tags["sweepstake.reason"] == entry.reason


def test_the_parent_run_tells_the_decision(train, judge, client, name):
    """Whoever looks at the sweep reads what became of its best trial, above the table."""
    sweep_id = train(1, 3)
    reason = judge().reason
    experiment = client.get_experiment_by_name(name).experiment_id
    query = f"tags.`sweepstake.sweep` = '{sweep_id}' and tags.`sweepstake.role` = 'sweep'"
    (parent,) = client.search_runs([experiment], query)
    note = parent.data.tags["mlflow.note.content"]
    assert ("promote", reason) == tuple(
        parent.data.tags[f"sweepstake.{key}"] for key in ("decision", "reason")
    )
    assert note.split("\n\n")[1].startswith("**Decision: promote.** Trial 1 (v2), the best of 2")
    assert note.startswith("**Best: trial 1")
    assert note.split("\n\n")[2].startswith("[Compare all trials](#/experiments/")


def test_the_others_are_told_who_is_better(train, judge, client, name):
    """A version that is not its sweep's finalist is kept, with the finalist's figure."""
    train(1, 3)
    judge()
    reason = client.get_model_version(name, "1").tags["sweepstake.reason"]
    assert reason.startswith("It is not the best of its sweep by cross-validation: v2 is, with 0.9")


def test_the_score_is_that_of_the_holdout(train, judge, client):
    """The finalist is judged on the rows that no trial has seen: its run's own test figure."""
    sweep_id = train(3)
    entry = judge()
    experiment = client.get_experiment_by_name(sweep_id.rpartition("__")[0])
    query = f"tags.`sweepstake.sweep` = '{sweep_id}' and tags.`sweepstake.role` = 'trial'"
    (trial,) = client.search_runs([experiment.experiment_id], query)
    assert trial.data.metrics["test_accuracy"] == entry.candidate_score


def test_a_worse_finalist_does_not_take_over(train, judge, seen):
    """The champion stays where it is; the finalist is marked as judged."""
    train(3)
    judge()
    train(1)
    entry = judge()
    assert ({"champion": 1}, {1: "Production", 2: "None"}, {1: "promote", 2: "keep"}) == seen()
    assert "on champion v1" in entry.reason
    assert "The champion stays: the finalist is not better." in entry.reason


def test_a_better_finalist_takes_over(train, judge, seen):
    """The previous champion becomes challenger and is archived; the record has the figures."""
    train(1)
    judge()
    train(3)
    entry = judge()
    aliases, stages, verdicts = seen()
    assert ({"champion": 2, "challenger": 1}, {1: "Archived", 2: "Production"}) == (aliases, stages)
    assert ({1: "promote", 2: "promote"}, "1") == (verdicts, entry.previous)
    gain = entry.record["gain"]
    assert entry.candidate_score - entry.champion_score == pytest.approx(gain["gain"])
    assert (30, True) == (gain["rows"], gain["p"] <= 0.05)


def test_an_equal_sweep_does_not_take_over(train, judge, seen):
    """Many trials that are as good as the champion change nothing, however many there are."""
    train(3)
    judge()
    train(3, 4, 5, 6, 7, params={"min_samples_leaf": 1})
    judge()
    assert {"champion": 1} == seen()[0]


def test_a_gain_below_min_delta_does_not_take_over(train, judge, seen):
    """The grid file says how much better is better."""
    train(1)
    judge()
    train(3, promotion={"min_delta": 0.9})
    entry = judge()
    assert ({"champion": 1}, True) == (seen()[0], entry.candidate_score > entry.champion_score)
    assert "the gain must exceed 0.9 (promotion.min_delta)" in entry.reason


def test_a_tampered_finalist_is_refused_and_the_next_takes_its_place(
    train, judge, seen, client, name
):
    """A model file that was changed on disk is not asked; the second best is the finalist."""
    train(3, 1)
    tamper(client, name, "1")
    judge()
    reason = client.get_model_version(name, "1").tags["sweepstake.reason"]
    assert ({"champion": 2}, {1: "refuse", 2: "promote"}) == (seen()[0], seen()[2])
    assert reason.startswith("model.skops: must have sha256 ")


def test_a_round_of_refused_versions_promotes_none(train, judge, seen, client, name):
    """Where nothing can be asked there is no champion, and the round still ends."""
    train(3)
    tamper(client, name, "1")
    entry = judge()
    assert (({}, {1: "None"}, {1: "refuse"}), None) == (seen(), entry.candidate_score)


def test_a_champion_that_cannot_be_scored_stays(train, judge, seen, client, name):
    """Nobody is promoted past it; the reason says why, and which command replaces it."""
    train(3)
    judge()
    tamper(client, name, "1")
    train(1)
    entry = judge()
    assert {"champion": 1} == seen()[0]
    assert "champion v1 cannot be scored on its rows (model.skops: must have sha256" in entry.reason
    assert f"sweepstake champion {name} --replace --why TEXT" in entry.reason


def test_a_dropped_column_does_not_dethrone(train, judge, seen):
    """A champion that needs a column which the data no longer have stays in service."""
    train(3)
    judge()
    train(1, data={"source": "sklearn:iris", "drop": ["petal width (cm)"]})
    entry = judge()
    assert {"champion": 1} == seen()[0]
    assert "the data have no column 'petal width (cm)' any more" in entry.reason


def test_a_champion_is_asked_about_its_own_columns(train, judge, seen):
    """More columns than the champion knows do not keep a better finalist out."""
    few = ["petal width (cm)", "petal length (cm)", "sepal length (cm)"]
    train(3, data={"source": "sklearn:iris", "drop": few})
    judge()
    train(3)
    entry = judge()
    assert entry.record["terrain"]["excluded"] > 0
    assert "was not compared" not in entry.reason


def test_rows_that_the_champion_was_trained_on_are_left_out(train, judge, seen):
    """Another seed divides the rows again: the champion is not scored on rows that it knows."""
    train(3)
    judge()
    train(1, 3, seed=1)
    entry = judge()
    terrain = entry.record["terrain"]
    assert {"champion": 1} == seen()[0]
    assert 15 < terrain["excluded"] <= 30
    assert entry.record["rows"] == 30 - terrain["excluded"]
    assert f"{terrain['excluded']} " in entry.reason


def test_tests_on_a_holdout_are_counted(train, judge):
    """The reader learns how often these rows were used up."""
    train(1)
    judge()
    numbers = []
    for leaf in (2, 3, 4):
        train(1, params={"min_samples_leaf": leaf})
        numbers.append(judge().record["terrain"]["test"])
    assert [1, 2, 3] == numbers


def test_a_running_sweep_is_not_judged(submit, settings, judge, seen, run):
    """What it has registered waits until it closes, whoever judges meanwhile."""
    drop = submit(limits={"trials_per_task": 2})
    first, *rest = sweep.plan(drop, settings)
    sweep.train(first, settings)
    assert judge() is None
    assert {"pending"} == set(seen()[2].values())
    for batch in rest:
        sweep.train(batch, settings)
    assert judge() is None
    sweep.close(drop.sweep, settings)
    assert "promote" == judge().verdict


def test_closed_sweeps_are_judged_one_by_one_in_their_order(train, settings, name):
    """Two sweeps that wait are two rounds, and the second meets the winner of the first."""
    train(1)
    train(3)
    first, second = rounds.judge(name, settings)
    assert [("1", ""), ("2", "1")] == [(e.version, e.previous) for e in (first, second)]


def test_equal_scores_go_to_the_lower_trial(train, judge):
    """Of trials that are equal in cross-validation the first in the grid is the finalist."""
    train(3, params={"min_samples_leaf": 1}, estimator="DecisionTreeClassifier")
    entry = judge()
    assert 0 == entry.record["finalist"]["trial"]


def test_a_model_past_a_limit_is_refused(train, judge, seen, client, name):
    """What is too large or too slow is no finalist; the reason names the limit."""
    train(3, promotion={"max_size": 10})
    judge()
    assert (
        "promotion.max_size allows (10)"
        in (client.get_model_version(name, "1").tags["sweepstake.reason"])
    )
    train(3, promotion={"max_latency": 1e-9}, params={"min_samples_leaf": 2})
    judge()
    assert (
        "promotion.max_latency is 1e-09"
        in (client.get_model_version(name, "2").tags["sweepstake.reason"])
    )
    assert {} == seen()[0]


def test_a_floor_keeps_the_first_champion_out(train, judge, seen):
    """No champion is better than one below the floor."""
    train(1, promotion={"floor": 0.9})
    assert "below promotion.floor 0.9" in judge().reason
    assert ({}, {1: "keep"}) == seen()[::2]


def test_a_second_round_changes_nothing(train, judge, client, name, registry):
    """Without new versions there is nothing to judge."""
    train(1, 3)
    judge()
    before = everything(client, name), registry.history(name)
    assert judge() is None
    assert before == (everything(client, name), registry.history(name))


@pytest.mark.parametrize("step", [(aliases, "move"), (version_tags, "tag_all")])
def test_a_killed_round_is_ended_and_its_sweep_is_not_tested_again(  # noqa: PLR0913, PLR0917
    train, judge, seen, registry, name, monkeypatch, step
):
    """The round's finalist takes over; the others are judged, and the second best is not tested."""
    train(1, 3)
    with monkeypatch.context() as patch:
        patch.setattr(*step, lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            judge()
    assert judge() is None
    assert ({"champion": 2}, {1: "keep", 2: "promote"}) == seen()[::2]
    assert [True] == [entry.complete for entry in registry.history(name)]


def test_a_version_that_was_deleted_does_not_stop_the_round(train, settings, client, name, seen):
    """Someone may clean up before a round: the next best is the finalist."""
    train(3, 1)
    client.delete_model_version(name, "1")
    rounds.judge(name, settings)
    assert ({"champion": 2}, {2: "promote"}) == seen()[::2]


def test_versions_of_another_workspace_are_left_to_it(train, settings, tmp_path, seen, judge):
    """Two workspaces may share a server: each judges what it has planned itself."""
    train(3)
    elsewhere = replace(settings, workspace=tmp_path / "other")
    assert () == rounds.find(elsewhere)
    judge()
    assert {1: "promote"} == seen()[2]


def test_a_round_about_a_champion_of_before_is_not_carried_out(train, judge, registry, name):
    """Who was decided about must still be in service when the decision is carried out."""
    train(1)
    judge()
    act = Act(Verdict.PROMOTE, "1", "7", "Because.")
    with pytest.raises(StackError, match="champion must still be v7, but is v1"):
        registry.apply(name, act, "stale", {})


def test_a_promotion_waits_for_approval(train, judge, settings, name, seen):
    """Until somebody says so, the champion stays, and what closed later waits behind it."""
    workspace = Workspace(settings.workspace)
    train(1)
    judge()
    train(3, promotion={"approval": True})
    train(2)
    assert judge() is None
    assert {"champion": 1} == seen()[0]
    approval.answer(workspace, name, approval.Answer(approved=True, by="ann", why="fine"))
    first, second = rounds.judge(name, settings)
    assert ("2", "ann", "1") == (first.version, first.by, first.previous)
    assert first.reason.endswith("It may take over. Approved by ann: fine.")
    assert ({"champion": 2, "challenger": 1}, "2") == (seen()[0], second.previous)
    assert () == approval.every(workspace)


def test_a_declined_promotion_is_kept_out(train, judge, settings, name, seen):
    """The version is judged, and the ledger says who declined."""
    train(3, promotion={"approval": True})
    assert judge() is None
    approval.answer(Workspace(settings.workspace), name, approval.Answer(approved=False, by="bob"))
    assert judge().reason.endswith("Declined by bob.")
    assert ({}, {1: "keep"}) == seen()[::2]


def test_a_sweep_of_judged_trials_says_what_was_decided(train, judge, settings):
    """The same trial is the same evidence: it is not contested again, and that is told."""
    train(3)
    judge()
    second = train(1)
    reason = judge().reason
    third = train(1, promotion={"min_delta": 0.1})
    assert judge() is None
    told = leaderboard.read(third, settings).decision
    assert told.startswith(
        f"Its best, v2, was judged in sweep {second}: {reason} Put it into service"
    )
    assert told.endswith("--replace --to v2 --why ...")
    assert told == digest_of(notices.of_run(third, "sweep", third), settings, failed=False).reason
