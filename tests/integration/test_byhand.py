"""What somebody decides by hand: in one step, told in the ledger, not undone by the next round."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sweepstake.champions import by_hand, rounds
from sweepstake.domain.promotion import Verdict
from sweepstake.errors import ModelFileError, NotFoundError, SettingsError
from sweepstake.mlflow_client.registry import Registry


@pytest.fixture
def client(mlflow_uri):
    """MLflow's own client, to look at what was written."""
    return MlflowClient(mlflow_uri)


@pytest.fixture
def sweep_of(submit, run, settings, name):
    """A function that sweeps over trees of the given depths and judges them."""

    def swept(*depths, **changes):
        run(submit(grid={"max_depth": list(depths)}, **changes))
        return rounds.judge(name, settings)

    return swept


@pytest.fixture
def twice(sweep_of):
    """A model whose second version has taken over from its first."""
    sweep_of(1)
    sweep_of(3)


def in_service(client, name):
    """Who is champion by alias and by stage."""
    (production,) = (
        each.version
        for each in client.search_model_versions(f"name = '{name}'")
        if each.current_stage == "Production"
    )
    return str(client.get_registered_model(name).aliases["champion"]), str(production)


def test_a_rollback_puts_the_former_champion_back(twice, client, name, settings):
    """Alias, stage and ledger agree, and the ledger says who did it and why."""
    entry = by_hand.roll_back(name, "", "slow on  large\norders", settings)
    assert ("1", "1") == in_service(client, name)
    assert (Verdict.ROLLBACK, "1", "2", True) == (
        entry.verdict,
        entry.version,
        entry.previous,
        bool(entry.by),
    )
    assert entry.reason.endswith(": slow on large orders")


def test_who_rolls_back_may_be_told(twice, client, name, settings):
    """As where a page acts for its reader; the name is data, and no longer than a name."""
    entry = by_hand.roll_back(name, "", "slow", settings, by="ann\x1b" + "n" * 200)
    assert f"Rolled back to v1 by {entry.by}: slow" == entry.reason
    assert ("ann\\x1b", 100) == (entry.by[:7], len(entry.by))


def test_the_same_model_is_not_promoted_again(twice, sweep_of, client, name, settings, monkeypatch):
    """The trial of a version that was rolled back is barred, in whatever sweep it comes again."""
    registry = Registry(settings.tracking_uri)
    by_hand.roll_back(name, "", "wrong on Sundays", settings)
    (key,) = rounds.barred(registry.history(name))
    assert registry.version(name, "2").trial_key == key
    monkeypatch.setattr(rounds, "barred", lambda _: {new_key(registry, name): "Rolled back."})
    (entry,) = sweep_of(4)
    assert (Verdict.REFUSE, "Rolled back.") == (entry.verdict, entry.reason)
    assert ("1", "1") == in_service(client, name)


def new_key(registry, name):
    """The trial key of the one version that waits."""
    (version,) = registry.pending(name)
    return version.trial_key


def test_a_version_that_was_put_back_may_win_again(twice, client, name, settings):
    """Whoever puts it into service again lifts the bar."""
    by_hand.roll_back(name, "", "wrong on Sundays", settings)
    by_hand.replace(name, "v2", "fixed upstream", settings)
    assert ("2", "2") == in_service(client, name)
    assert {} == rounds.barred(Registry(settings.tracking_uri).history(name))


def test_a_champion_is_replaced_knowingly(sweep_of, client, name, settings):
    """The last finalist that was kept out takes over, without a test."""
    sweep_of(3)
    sweep_of(1)
    entry = by_hand.replace(name, "", "the file lost a column", settings)
    assert ("2", "2") == in_service(client, name)
    assert (Verdict.REPLACE, "2", "1") == (entry.verdict, entry.version, entry.previous)


IMPOSSIBLE = [
    ("", " ", SettingsError, "--why: must be a reason"),
    ("", "x" * 1001, SettingsError, "--why: must be a reason"),
    ("9", "why not", NotFoundError, "must have version 9, but MLflow knows none such"),
    ("29x", "why not", NotFoundError, "a version by its number, but got '29x'"),
    ("2", "why not", NotFoundError, "is champion already"),
]


def test_what_cannot_be_done_is_said(twice, client, name, settings):
    """A version that does not exist or is in service, and a missing reason, change nothing."""
    for to, why, error, rule in IMPOSSIBLE:
        with pytest.raises(error, match=rule):
            by_hand.roll_back(name, to, why, settings)
        assert ("2", "2") == in_service(client, name)


def test_only_a_champion_of_before_is_gone_back_to(twice, sweep_of, name, settings):
    """Who never was one is put into service by another command."""
    sweep_of(2)
    with pytest.raises(NotFoundError, match=r"never was\. Use sweepstake champion .+ --to v3\."):
        by_hand.roll_back(name, "v3", "why not", settings)


def test_there_must_be_somebody_to_go_back_to(sweep_of, name, settings):
    """The first champion has nobody before it."""
    sweep_of(3)
    with pytest.raises(NotFoundError, match="must have had a champion before"):
        by_hand.roll_back(name, "", "why not", settings)


def test_a_broken_version_does_not_come_back(twice, client, name, settings):
    """A file that was altered is not put into service, whoever asks."""
    run = client.get_run(client.get_model_version(name, "1").run_id)
    (path,) = Path(run.info.artifact_uri.removeprefix("file://")).glob("model/*.skops")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelFileError):
        by_hand.roll_back(name, "", "why not", settings)
    assert ("2", "2") == in_service(client, name)


def test_the_ledger_tells_who_was_champion_at_any_moment(twice, name, settings):
    """Promotions and rollbacks alike are answered from the ledger."""
    registry = Registry(settings.tracking_uri)
    by_hand.roll_back(name, "", "why not", settings)
    moments = [entry.decided for entry in reversed(registry.history(name))]
    champions = [registry.champion_at(name, moment).champion for moment in moments]
    assert ["1", "2", "1"] == champions
    assert registry.champion_at(name, datetime(2020, 1, 1, tzinfo=UTC)) is None
