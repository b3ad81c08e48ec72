"""Sweeps of days on a real MLflow: their runs, their versions, and who would have been champion."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from sweepstake.champions import past_days, rounds
from sweepstake.data.dataset import open_staged
from sweepstake.domain.promotion import Verdict
from sweepstake.errors import GridFileError, NotFoundError
from sweepstake.intake import intake, sightings
from sweepstake.mlflow_client import aliases
from sweepstake.mlflow_client.connection import Connection
from sweepstake.mlflow_client.ledger import LedgerEntry
from sweepstake.mlflow_client.registry import Registry
from sweepstake.storage.workspace import Workspace

FIRST = date(2026, 1, 1)
DEPTHS = [1, 2, 6]


class Days:
    """A grid file with data by day, and what becomes of its sweeps."""

    def __init__(self, settings, name, run):
        self.settings, self.name, self._run = settings, name, run
        self.registry = Registry(settings.tracking_uri)
        (settings.grids / "data").mkdir()

    def put_data(self, day, seed=0):
        """Write the rows of a day; ``x`` tells ``y``, a little worse every day."""
        random = np.random.default_rng(100 * seed + day)
        x, z = random.normal(0, 1, 160), random.normal(0, 1, 160)
        y = np.where(x * z + random.normal(0, 0.1 + 0.2 * day, 160) > 0, "yes", "no")
        rows = pd.DataFrame({"x": x, "z": z, "y": y})
        rows.to_csv(self.settings.grids / "data" / f"{at(day)}.csv", index=False)

    def put_grid(self, **changes):
        """Publish the grid file, as intake would."""
        grid = {
            "name": self.name,
            "data": {"source": "data/{partition}.csv", "target": "y", "holdout": 0.3},
            "estimator": "DecisionTreeClassifier",
            "grid": {"max_depth": DEPTHS},
            "cv": 2,
            "metric": "accuracy",
            **changes,
        }
        path = self.settings.grids / f"{self.name}.json"
        path.write_text(json.dumps(grid), encoding="utf-8")

    def sweep(self, day, *, backfill=True):
        """Run the sweep of a day and return its id."""
        return self._run(intake.take(self.name, at(day), self.settings, backfill=backfill))

    def dated(self):
        """The champion's version by day."""
        return self.registry.dated(self.name)

    def scores(self):
        """Day and score of each champion."""
        return [
            (each.day, each.score) for each in past_days.day_champions(self.name, self.settings)
        ]

    def runs(self, role, day):
        """The runs of a day in MLflow, as parents or as trials."""
        query = f"tags.`sweepstake.role` = '{role}' and tags.`sweepstake.partition` = '{at(day)}'"
        client = Connection(self.settings.tracking_uri)
        experiment = client.experiment(self.name).experiment_id
        return list(client.every("search_runs", experiment_ids=[experiment], filter_string=query))


def at(day):
    """The date of a day's number."""
    return FIRST + timedelta(days=day)


@pytest.fixture
def days(settings, name, run, monkeypatch):
    """Three days of data and their published grid file."""
    monkeypatch.setattr(sightings, "QUIET_SECONDS", 0.0)
    made = Days(settings, name, run)
    for day in range(3):
        made.put_data(day)
    made.put_grid()
    assert () == intake.scan(settings)
    return made


def test_the_day_is_on_parent_children_and_versions(days):
    """Whoever looks in MLflow sees which day a run or a version is about, and which rows it had."""
    sweep_id = days.sweep(1)
    (parent,) = days.runs("sweep", 1)
    versions = days.registry.versions(days.name, sweep_id)
    assert sweep_id.endswith(f"__{at(1)}")
    assert (3, 3) == (len(days.runs("trial", 1)), len(versions))
    assert {str(at(1))} == {version.partition for version in versions}
    rows = [parent.data.tags[f"sweepstake.{name}"] for name in ("rows", "first_row", "last_row")]
    assert (f"data/{at(1)}.csv", ["160", "1", "160"]) == (parent.data.tags["sweepstake.data"], rows)


def test_a_backfill_never_touches_the_champion_in_service(days):
    """Without being asked to, no version of a past day gets the alias `champion`."""
    days.sweep(0, backfill=False)
    (live,) = rounds.judge_all(days.settings)
    days.sweep(1)
    assert () == rounds.judge_all(days.settings)
    past_days.replay(days.name, days.settings)
    assert live.version == days.registry.champion(days.name).version
    assert [str(at(0)), str(at(1))] == list(days.dated())


def test_a_backfill_may_be_asked_to_compete_in_service(days):
    """With `promotion.backfill: live` the best of a past day becomes champion like any other."""
    days.put_grid(promotion={"backfill": "live"})
    days.sweep(1)
    (entry,) = rounds.judge_all(days.settings)
    assert entry.version == days.registry.champion(days.name).version
    assert {str(at(1)): entry.version} == days.dated()


def test_a_backfill_may_be_kept_from_every_contest(days):
    """With `promotion.backfill: never` its versions are there and judged by nobody."""
    days.put_grid(promotion={"backfill": "never"})
    sweep_id = days.sweep(1)
    assert () == rounds.judge_all(days.settings)
    assert days.name not in past_days.models(days.settings)
    decisions = {each.decision for each in days.registry.versions(days.name, sweep_id)}
    assert ({"exempt"}, {}) == (decisions, days.dated())


ORDERS = [
    pytest.param(
        order, id="".join(map(str, order)), marks=[] if order == (2, 0, 1) else pytest.mark.long
    )
    for order in list(itertools.permutations(range(3)))[1:]
]
"""One that goes back and forth, and the others for `make test-long`."""


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_backfills_does_not_matter(days, order):
    """However the days come in, each has the champion that it has in their natural order."""
    for day in order:
        days.sweep(day)
        past_days.replay(days.name, days.settings)
    played = days.scores()
    winners = [days.registry.version(days.name, each).partition for each in days.dated().values()]
    expected = in_their_order(days)
    assert expected == list(zip(winners, [score for _, score in played], strict=True))


def in_their_order(days):
    """Day of origin and score of each day's champion, found from the trials' runs alone."""
    found, incumbent = [], None
    for day in range(3):
        trials = days.runs("trial", day)
        best = max(trials, key=lambda run: run.data.metrics["mean_cv_accuracy"])
        right = hits(days, best, day)
        bar = hits(days, incumbent, day) if incumbent else ~right
        wins, losses = (right & ~bar).sum(), (bar & ~right).sum()
        sure = not incumbent or binomtest(wins, wins + losses, alternative="greater").pvalue <= 0.05
        incumbent, bar = (best, right) if sure else (incumbent, bar)
        found.append((incumbent.data.tags["sweepstake.partition"], bar.mean()))
    return found


def hits(days, trial, day):
    """Which rows of a day's holdout the model of a trial has right."""
    digest = days.runs("trial", day)[0].data.tags["sweepstake.data_digest"]
    versions = days.registry.backfilled(days.name)
    (version,) = [each for each in versions if each.run_id == trial.info.run_id]
    dataset = open_staged(Workspace(days.settings.workspace).data, digest)
    return days.registry.files.load(version).predict(dataset.X_holdout) == dataset.y_holdout


def test_playing_again_changes_nothing(days):
    """Without new versions a replay writes no entry and moves no alias."""
    days.sweep(0)
    assert 1 == len(past_days.replay(days.name, days.settings))
    before = days.dated(), days.registry.history(days.name)
    assert () == past_days.replay(days.name, days.settings)
    assert before == (days.dated(), days.registry.history(days.name))


def test_every_version_of_a_past_day_gets_its_verdict(days):
    """Nothing waits once the days are played, and the reason is on each version."""
    sweep_id = days.sweep(0)
    assert days.name in past_days.models(days.settings)
    past_days.replay_all(days.settings)
    assert days.name not in past_days.models(days.settings)
    verdicts = sorted(each.decision for each in days.registry.versions(days.name, sweep_id))
    assert ["keep", "keep", "promote"] == verdicts


def test_a_day_is_not_trained_twice_and_a_changed_one_is(days):
    """The same day again trains nothing; other rows for it train everything, and win the day."""
    days.sweep(0)
    days.sweep(0)
    assert 3 == len(days.runs("trial", 0))
    past_days.replay(days.name, days.settings)
    old = days.dated()[str(at(0))]
    days.put_data(0, seed=1)
    days.sweep(0)
    past_days.replay(days.name, days.settings)
    new = days.dated()[str(at(0))]
    assert (6, True) == (len(days.runs("trial", 0)), int(new) > int(old))
    assert "refuse" == days.registry.version(days.name, old).decision


def test_an_edited_grid_trains_only_its_new_points(days):
    """Points that an earlier backfill of the day trained are reused, and compete with the new."""
    days.sweep(0)
    days.put_grid(grid={"max_depth": [*DEPTHS, 3]})
    days.sweep(0)
    assert 4 == len(days.runs("trial", 0))


def test_a_scheduled_run_takes_up_what_a_backfill_trained(days):
    """If the day was backfilled before its scheduled run, its versions compete in service then."""
    days.sweep(2)
    days.sweep(2, backfill=False)
    (entry,) = rounds.judge_all(days.settings)
    assert 3 == len(days.runs("trial", 2))
    assert entry.version == days.registry.champion(days.name).version


def test_a_missing_day_fails_alone(days):
    """A day without data is refused in plain words; the next one is swept."""
    with pytest.raises(GridFileError, match="partition 2026-01-09 must have a file"):
        days.sweep(8)
    assert days.sweep(2)


def test_who_was_champion_at_a_day(days):
    """The last day with a champion up to then answers; before the first there was none."""
    days.sweep(1)
    past_days.replay(days.name, days.settings)
    held = past_days.champion_at(days.name, "2026-02-01", days.settings)
    assert (str(at(1)), days.dated()[str(at(1))]) == (held.day, held.version)
    with pytest.raises(NotFoundError, match="no day up to then has one"):
        past_days.champion_at(days.name, "2025-12-31", days.settings)


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict.PROMOTE, "It scored 0.9."),
        (Verdict.KEEP, "v4 was the best of the day. It scored 0.9."),
        (Verdict.REFUSE, "It scored 0.9."),
    ],
)
def test_a_reason_says_whose_it_is(verdict, reason):
    """Where the champion stayed, the reason speaks of the one that did not beat it."""
    won = verdict is Verdict.PROMOTE
    entry = LedgerEntry(
        round="r",
        model="m",
        verdict=verdict,
        version="4",
        previous="" if won else "3",
        reason="It scored 0.9.",
        candidate_score=0.9,
        champion_score=None if won else 0.95,
        decided=datetime(2026, 1, 1, tzinfo=UTC),
        run_id="run",
        complete=True,
        partition="2026-01-01",
        as_of=True,
    )
    champion = "4" if won else "3"
    assert reason == past_days.day_champion("2026-01-01", champion, entry).reason


def test_a_killed_replay_is_ended_by_the_next(days, monkeypatch):
    """A round that was written down and not carried out is carried out."""
    days.sweep(0)
    with monkeypatch.context() as patch:
        patch.setattr(aliases, "move", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            past_days.replay(days.name, days.settings)
    assert {} == days.dated()
    past_days.replay(days.name, days.settings)
    assert [str(at(0))] == list(days.dated())
    assert {True} == {entry.complete for entry in days.registry.history(days.name)}
    assert () == days.registry.pending(days.name)
