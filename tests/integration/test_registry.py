"""Versions, champion and ledger on a real server, also after a kill."""

from __future__ import annotations

import pickle
from hashlib import sha256

import pytest
from mlflow import MlflowClient

from sweepstake.domain.promotion import Ruling, Verdict
from sweepstake.errors import ModelFileError, NotFoundError
from sweepstake.mlflow_client.bulk import VERSION_TAGS
from sweepstake.mlflow_client.ledger import Act
from sweepstake.mlflow_client.registry import Registry
from sweepstake.modelfile.model_file import digest, dump

KEEP, PROMOTE, REFUSE = Verdict.KEEP, Verdict.PROMOTE, Verdict.REFUSE


PICKLE = pickle.dumps(pytest.fail)
PICKLE_SHA256 = sha256(PICKLE).hexdigest()


@pytest.fixture
def registry(either_uri):
    """The registry of a server of either kind."""
    return Registry(either_uri)


@pytest.fixture
def client(either_uri):
    """MLflow's own client, to look at what was written."""
    return MlflowClient(either_uri)


@pytest.fixture
def model(registry, name):
    """A registered model without versions."""
    registry.ensure_model(name)
    return name


@pytest.fixture
def add(registry, client, model):
    """A function that registers one more version, of a run of its own."""
    experiment = client.create_experiment(model)

    def add_version(key, sweep="s1", **tags):
        info = client.create_run(experiment).info
        given = {"sweepstake.sweep": sweep, "sweepstake.trial_key": key, **tags}
        return registry.register(model, info.run_id, given)

    return add_version


def decision(version, verdict, score=0.5, champion="", champion_score=None):
    """What is decided about ``version``, with a reason that names the verdict."""
    return Act(verdict, version, champion, f"Because: {verdict}.", score, champion_score)


def apply(registry, model, decisions, key):
    """Carry a round out whose last promotion, or else last decision, is about the finalist."""
    promoted = [each for each in decisions if each.verdict is not KEEP and each.verdict != REFUSE]
    act = (promoted or decisions)[-1]
    rulings = {e.version: Ruling(e.verdict, e.reason, e.candidate_score) for e in decisions}
    return registry.apply(model, act, key, rulings)


def stages(client, model):
    """Stage by version, of all versions."""
    found = client.search_model_versions(f"name = '{model}'")
    return {version.version: version.current_stage for version in found}


def aliases(client, model):
    """Version by alias."""
    return {
        alias: str(version) for alias, version in client.get_registered_model(model).aliases.items()
    }


def test_a_trial_becomes_one_version_however_often_it_is_registered(registry, add, model):
    """The second registration of the same trial of the same sweep finds the first one's version."""
    first, second, other_sweep = add("k1"), add("k1"), add("k1", sweep="s2")
    assert (first, "2") == (second, other_sweep.version)
    assert [first, other_sweep] == list(registry.pending(model))
    assert [first] == list(registry.versions(model, "s1"))


@pytest.mark.parametrize("ending", [" it's", ' the "odd"', " a\\b", "' or name != '", "; -- %"])
def test_a_name_with_quotes_is_searched_for_as_it_is(registry, client, name, ending):
    """What MLflow takes as the name of a model ends no filter, and none of its text is one."""
    model = name + ending
    registry.ensure_model(model)
    run = client.create_run(client.create_experiment(name)).info.run_id
    tags = {"sweepstake.sweep": f"of{ending}", "sweepstake.trial_key": ending}
    version = registry.register(model, run, tags)
    assert version == registry.register(model, run, tags)
    assert (version,) == registry.pending(model) == registry.versions(model, f"of{ending}")
    apply(registry, model, [decision(version.version, PROMOTE)], f"r{ending}")
    assert [PROMOTE] == [entry.verdict for entry in registry.history(model)]


@pytest.mark.parametrize("ending", [' it\'s "odd"', "\\"])
def test_a_name_that_no_filter_of_mlflow_holds_is_not_found(registry, name, ending):
    """Quotes of both kinds, or a last backslash, cannot be written in a filter; that is said."""
    with pytest.raises(NotFoundError, match="must hold quotes of one kind"):
        registry.pending(name + ending)


def test_a_model_without_champion_is_told_from_one_that_does_not_exist(registry, model):
    """No champion is an answer; no model is an error."""
    assert registry.champion(model) is None
    with pytest.raises(NotFoundError):
        registry.champion(f"{model}-unknown")


def test_the_first_winner_takes_production(registry, client, add, model):
    """Alias, stage and tags say the same; the others are judged; nothing is pending."""
    first, second, third = add("k1"), add("k2"), add("k3")
    decisions = [
        decision(first.version, KEEP),
        decision(second.version, PROMOTE, 0.9),
        decision(third.version, REFUSE, None),
    ]

    entry = apply(registry, model, decisions, "r1")

    champion = registry.champion(model)
    assert (champion.version, champion.stage) == (second.version, "Production")
    assert aliases(client, model) == {"champion": second.version}
    assert {"1": "None", "2": "Production", "3": "None"} == stages(client, model)
    assert () == registry.pending(model)
    verdicts = [v.tags["sweepstake.decision"] for v in registry.versions(model, "s1")]
    assert ["keep", "promote", "refuse"] == verdicts
    assert "0.9" == champion.tags["sweepstake.score"]
    assert "Because: promote." == champion.tags["sweepstake.reason"]
    assert (entry.version, entry.previous, entry.candidate_score, entry.champion_score) == (
        second.version,
        "",
        0.9,
        None,
    )


def test_the_next_winner_makes_the_champion_challenger(registry, client, add, model):
    """The previous champion is archived and carries the alias challenger."""
    apply(registry, model, [decision(add("k1").version, PROMOTE)], "r1")
    apply(registry, model, [decision(add("k2").version, PROMOTE, 0.9, "1", 0.5)], "r2")
    assert {"champion": "2", "challenger": "1"} == aliases(client, model)
    assert {"1": "Archived", "2": "Production"} == stages(client, model)


def test_a_round_that_is_applied_twice_changes_nothing(registry, client, add, model):
    """Not even when a later round has moved on in between."""
    rounds = {
        "r1": [decision(add("k1").version, PROMOTE)],
        "r2": [decision(add("k2").version, PROMOTE, 0.9, "1", 0.5)],
    }
    for key in ("r1", "r2", "r2", "r1"):
        apply(registry, model, rounds[key], key)
    assert {"champion": "2", "challenger": "1"} == aliases(client, model)
    assert ["r2", "r1"] == [entry.round for entry in registry.history(model)]


def test_the_ledger_tells_every_round_newest_first(registry, add, model):
    """A round that keeps the champion is told with its figures too."""
    apply(registry, model, [decision(add("k1").version, PROMOTE, 0.5)], "r1")
    apply(registry, model, [decision(add("k2").version, KEEP, 0.25, "1", 0.5)], "r2")
    told = [
        (e.round, e.verdict, e.version, e.previous, e.candidate_score, e.champion_score)
        for e in registry.history(model)
    ]
    assert told == [("r2", KEEP, "2", "1", 0.25, 0.5), ("r1", PROMOTE, "1", "", 0.5, None)]


STEPS = (
    "log_batch",
    "set_registered_model_alias",
    "transition_model_version_stage",
    "set_terminated",
    "tag",
)


@pytest.mark.parametrize(
    ("either_uri", "verdict"),
    [
        ("bulk", PROMOTE),
        ("bulk", Verdict.ROLLBACK),
        ("bulk", Verdict.REPLACE),
        ("plain", PROMOTE),
        pytest.param("plain", Verdict.ROLLBACK, marks=pytest.mark.long),
        pytest.param("plain", Verdict.REPLACE, marks=pytest.mark.long),
    ],
    indirect=["either_uri"],
)
@pytest.mark.parametrize("ending", ["apply", "resume"])
@pytest.mark.parametrize("step", STEPS)
def test_a_round_killed_at_any_step_converges(  # noqa: PLR0913, PLR0917 - each is a fixture
    registry, client, add, model, step, ending, verdict
):
    """Killed before a step, ended by a retry or by the next round: one champion, one Production."""
    if step == "tag":
        step = "post" if registry.client.offers(VERSION_TAGS) else "set_model_version_tag"
    apply(registry, model, [decision(add("k1").version, PROMOTE)], "r1")
    decisions = [decision(add("k2").version, verdict, 0.9, "1", 0.5)]
    setattr(registry.client, step, _killed)
    with pytest.raises(KeyboardInterrupt):
        apply(registry, model, decisions, "r2")
    delattr(registry.client, step)

    if ending == "apply":
        apply(registry, model, decisions, "r2")
    else:
        registry.resume(model)

    assert {"champion": "2", "challenger": "1"} == aliases(client, model)
    assert {"1": "Archived", "2": "Production"} == stages(client, model)
    assert () == registry.pending(model)
    told = [(entry.round, entry.complete) for entry in registry.history(model)]
    assert [("r2", True), ("r1", True)] == told


def test_a_round_whose_winner_was_deleted_ends_without_a_promotion(registry, client, add, model):
    """Someone's clean-up does not block the rounds that follow."""
    apply(registry, model, [decision(add("k1").version, PROMOTE)], "r1")
    decisions = [decision(add("k2").version, PROMOTE, 0.9, "1", 0.5)]
    registry.client.set_registered_model_alias = _killed
    with pytest.raises(KeyboardInterrupt):
        apply(registry, model, decisions, "r2")
    del registry.client.set_registered_model_alias
    client.delete_model_version(model, "2")

    registry.resume(model)

    assert "1" == registry.champion(model).version
    assert [True, True] == [entry.complete for entry in registry.history(model)]


def test_a_version_that_was_doubled_is_removed(registry, client, add, model):
    """What a lost reply doubled goes; a judged version and one of another sweep stay."""
    run = client.create_run(client.create_experiment(f"{model}-runs")).info
    tags = {"sweepstake.sweep": "s1", "sweepstake.trial_key": "k1"}
    for _ in range(2):
        registry.register(model, run.run_id, tags, fresh=True)
    add("k1", sweep="s2")
    kept = registry.deduplicate(registry.pending(model))
    assert ["1", "3"] == [version.version for version in kept]
    assert kept == registry.pending(model)


def test_a_version_loads_by_the_hash_on_it(registry, add, client):
    """The file that was trained is loaded; one that was put in its place is refused."""
    content = dump({"weights": [1, 2]})
    version = add("k1", **{"sweepstake.sha256": digest(content)})
    for stored in (content, dump({"weights": [6, 6, 6]})):
        client.log_text(version.run_id, "", "model/MLmodel")
        _store(registry, client, version, stored)
        if stored == content:
            assert {"weights": [1, 2]} == registry.files.load(version)
    with pytest.raises(ModelFileError, match="must have sha256"):
        registry.files.load(version)


@pytest.mark.parametrize(
    ("tags", "rule"),
    [({}, r"\(none known\)"), ({"sweepstake.sha256": PICKLE_SHA256}, "must be a skops file")],
)
def test_a_pickle_under_the_name_of_the_model_is_never_opened(registry, add, client, tags, rule):
    """Without a hash on the version it is refused, and with the one of the pickle as well."""
    version = add("k1", **tags)
    client.log_text(version.run_id, "", "model/MLmodel")
    _store(registry, client, version, PICKLE)
    with pytest.raises(ModelFileError, match=rule):
        registry.files.load(version)


def test_a_version_without_a_file_is_an_error_of_that_version(registry, add):
    """A model file that was deleted is a permanent error with its name."""
    version = add("k1", **{"sweepstake.sha256": "0" * 64})
    with pytest.raises(ModelFileError, match=r"model\.skops"):
        registry.files.load(version)


def _killed(*_args, **_kwargs):
    raise KeyboardInterrupt


def _store(registry, client, version, content):
    from pathlib import Path
    from tempfile import TemporaryDirectory

    place = client.get_run(version.run_id).info.artifact_uri
    repository = registry.client.artifacts(f"{place}/model")
    with TemporaryDirectory() as folder:
        (Path(folder) / "model.skops").write_bytes(content)
        repository.log_artifacts(folder)


def test_a_decision_about_many_classes_is_kept_whole(registry, client, add, model):
    """However long its record and its texts are: each tag is one that every database takes."""
    record = {"guards": [{"name": f"recall of class {number}"} for number in range(2000)]}
    act = Act(PROMOTE, add("k1").version, "", "<" * 9000, record=record, by="ann")
    registry.apply(model, act, "r1", {})
    (entry,) = registry.history(model)
    tags = client.get_run(entry.run_id).data.tags
    assert (record, 8000) == (entry.record, max(map(len, tags.values())))
    assert "promote" == entry.verdict


def test_a_run_that_is_no_act_is_passed_over(registry, client, add, model):
    """What others put into the ledger's experiment stops no round."""
    apply(registry, model, [decision(add("k1").version, PROMOTE)], "r1")
    ledger = client.get_experiment_by_name("sweepstake-ledger").experiment_id
    client.create_run(ledger, tags={"sweepstake.model": model})
    tags = {"sweepstake.model": model, "sweepstake.round": "r", "sweepstake.verdict": "odd"}
    client.create_run(ledger, tags=tags)
    assert ["r1"] == [entry.round.rpartition("/")[2] for entry in registry.history(model)]
