"""Backfills on the real stack: three days by Airflow's own command, its scheduler killed half-way.

`make test` runs the days; what takes long beside it is in `make test-long`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx
import mlflow
import numpy as np
import pandas as pd
import psutil
import pytest

from sweepstake import embedded
from sweepstake.airflow_client.backfill_api import BackfillApi, BackfillRequest
from sweepstake.airflow_client.backfilling import Day, backfill
from sweepstake.data import dataset, partitions, splitting
from sweepstake.gridfile import loader

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(1800),
    # MLflow's import of its own agent types warns about them
    pytest.mark.filterwarnings("ignore:(?s).*Any type hint is inferred as AnyType:UserWarning"),
]

PATIENCE_SECONDS = 1500
MODEL = "visits"
DAG = "sweep__visits-daily"
FIRST = date(2026, 1, 4)
DAYS = [FIRST + timedelta(days=n) for n in range(3)]
TRIALS = 6
GRID = f"""\
name: visits-daily
model: {MODEL}
data: {{source: data/visits.csv, target: likes, time_column: time, window: 3d, holdout: 0.25}}
estimator: DecisionTreeClassifier
grid: {{max_depth: [1, 2, 4], min_samples_leaf: [1, 8]}}
metric: accuracy
cv: 3
limits: {{trials_per_task: 2}}
"""
TODAY = f"""\
name: visits-today
model: {MODEL}
data: {{source: data/today.csv, target: likes}}
estimator: DecisionTreeClassifier
metric: accuracy
cv: 3
"""


@dataclass(frozen=True)
class Days:
    """The backfilled days, and the clients to ask about it."""

    stack: Any
    spec: Any
    client: mlflow.MlflowClient
    today: str
    """The version in service before the backfill."""
    days: tuple[Day, ...]
    said: list[str]
    """What came of the days, and what was said, to whoever followed Airflow's own backfill."""

    @property
    def settings(self):
        """Where the stack is."""
        return self.stack.settings

    def runs(self, role):
        """The runs of the days, as parents or as trials, by day and number."""
        experiment = self.client.get_experiment_by_name(MODEL).experiment_id
        query = f"tags.`sweepstake.role` = '{role}' and tags.`sweepstake.partition` LIKE '2026-%'"
        found = self.client.search_runs([experiment], query, max_results=1000)
        return sorted(found, key=lambda run: run.data.tags["mlflow.runName"])

    def versions(self):
        """The versions of the model that have a day."""
        found = self.client.search_model_versions(f"name = '{MODEL}'", max_results=1000)
        return [version for version in found if "sweepstake.partition" in version.tags]

    def aliases(self):
        """The aliases of the model."""
        return dict(self.client.get_registered_model(MODEL).aliases)


def rows():
    """Twelve days of visits, forty a day; what makes them liked drifts from day to day."""
    random = np.random.default_rng(12)
    times = pd.date_range("2026-01-01T00:18", periods=480, freq="36min")
    minutes, pages = random.gamma(2.0, 10.0, 480), random.poisson(6, 480)
    likes = minutes + 2 * pages + random.normal(0, 8, 480) > 28 + np.arange(480) / 30
    frame = pd.DataFrame({"time": times.strftime("%Y-%m-%dT%H:%M:%S"), "minutes": minutes.round(1)})
    return frame.assign(pages=pages, likes=np.where(likes, "yes", "no"))


def wait(what, condition):
    """Wait until ``condition`` gives something true, and return it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            found = condition()
        except (httpx.HTTPError, mlflow.MlflowException):
            found = None
        if found:
            return found
        time.sleep(1)
    raise TimeoutError(what)


def ask(reprocess="none"):
    """The backfill of the days."""
    return BackfillRequest(DAG, DAYS[0], DAYS[-1], 2, reprocess)


def trials(client):
    """How many trials of the days there are."""
    query = "tags.`sweepstake.role` = 'trial' and tags.`sweepstake.partition` LIKE '2026-%'"
    experiment = client.get_experiment_by_name(MODEL).experiment_id
    return len(client.search_runs([experiment], query))


def airflow(stack, *arguments):
    """Airflow's own command, in the environment of the running scheduler."""
    scheduler = component(stack, "scheduler")
    command = [sys.executable, "-m", "airflow", *arguments]
    environ = psutil.Process(scheduler.pid).environ()
    subprocess.run(command, env=environ, check=True, capture_output=True)


def component(stack, name):
    """One component of the stack, with its process."""
    return next(each for each in embedded.status(stack.settings) if each.name == name)


def is_known(settings):
    """Whether Airflow has made the DAG of the grid file."""
    with BackfillApi.of(settings) as api:
        return api.would_run(ask())


@pytest.fixture(scope="module")
def backfilled(stack):
    """Put a champion in service; backfill three days by command; kill the scheduler half-way."""
    settings = stack.settings
    folder = settings.grids / "data"
    folder.mkdir(exist_ok=True)
    rows().to_csv(folder / "visits.csv", index=False)
    rows().drop(columns="time").to_csv(folder / "today.csv", index=False)
    (settings.grids / "visits-today.yaml").write_text(TODAY, encoding="utf-8")
    client = mlflow.MlflowClient(settings.tracking_uri)
    today = wait("a champion", lambda: client.get_model_version_by_alias(MODEL, "champion").version)
    (settings.grids / "visits-daily.yaml").write_text(GRID, encoding="utf-8")
    assert len(DAYS) == len(wait("the DAG", lambda: is_known(settings)))
    dates = ("--from-date", str(DAYS[0]), "--to-date", str(DAYS[-1]))
    airflow(stack, "backfill", "create", "--dag-id", DAG, *dates, "--max-active-runs", "2")
    spec = loader.parse(GRID.encode(), "visits-daily.yaml", settings).spec
    wait("some trials", lambda: trials(client) > TRIALS)
    psutil.Process(component(stack, "scheduler").pid).kill()
    said = []
    days = backfill(ask(), settings, lambda _: None, said.append)
    found = Days(stack, spec, client, today, days, said)
    wait("its champions", lambda: len(dated(found)) == len(DAYS))
    return found


def dated(backfilled):
    """The versions that are champion as of a day, by day."""
    aliases = backfilled.aliases().items()
    return {name[9:]: version for name, version in aliases if name.startswith("champion-")}


def test_the_days_are_done_though_its_scheduler_was_killed(backfilled):
    """Whoever gives the same backfill to our command follows Airflow's, and every day succeeds."""
    assert {"success"} == {day.state for day in backfilled.days}
    assert any("the same backfill is running" in text for text in backfilled.said)


def test_each_day_is_one_parent_with_its_trials(backfilled):
    """One parent a day with all its children, none doubled or lost by the killed scheduler."""
    parents, trials = backfilled.runs("sweep"), backfilled.runs("trial")
    keys = {run.data.tags["sweepstake.trial_key"] for run in trials}
    above = [run.data.tags["mlflow.parentRunId"] for run in trials]
    children = TRIALS * len(DAYS)
    assert (len(DAYS), children, children) == (len(parents), len(trials), len(keys))
    assert {TRIALS} == {above.count(run.info.run_id) for run in parents}
    assert {"FINISHED"} == {run.info.status for run in (*parents, *trials)}


def test_each_trial_is_one_version_of_its_day(backfilled):
    """As many versions as trials, each with the day of its run."""
    days = {
        run.info.run_id: run.data.tags["sweepstake.partition"] for run in backfilled.runs("trial")
    }
    found = {
        version.run_id: version.tags["sweepstake.partition"] for version in backfilled.versions()
    }
    assert (days, TRIALS * len(DAYS)) == (found, len(backfilled.versions()))


def test_no_row_is_from_the_future(backfilled):
    """What each parent says of its rows is true, and ends with its day."""
    frame = pd.read_csv(backfilled.settings.grids / "data" / "visits.csv")
    for run, day in zip(backfilled.runs("sweep"), DAYS, strict=True):
        tags = {name.removeprefix("sweepstake."): text for name, text in run.data.tags.items()}
        used = frame.iloc[int(tags["first_row"]) - 1 : int(tags["last_row"])]
        assert str(day) == tags["partition"] == used["time"].max()[:10] == tags["last_time"][:10]
        assert str(day - timedelta(days=2)) == used["time"].min()[:10] == tags["first_time"][:10]
        assert len(used) == int(tags["rows"])


def test_the_data_digests_are_those_of_the_windows(backfilled):
    """Every trial of a day names the digest of exactly the rows of its window."""
    for day in DAYS:
        spec = backfilled.spec.at(day)
        table = dataset.read(spec.data, backfilled.settings.data_roots)
        first, end = partitions.window(spec.data)
        assert (timedelta(days=3), 120) == (end - first, len(table.X))
        split = splitting.split(table, spec.data.holdout, spec.seed)
        named = {
            run.data.tags["sweepstake.data_digest"]
            for run in backfilled.runs("trial")
            if run.data.tags["sweepstake.partition"] == str(day)
        }
        assert {dataset.divide(table, split).digest} == named


def test_each_day_has_its_champion(backfilled):
    """A champion as of each day, each of a version from that day or an earlier one."""
    days = {
        version.version: version.tags["sweepstake.partition"] for version in backfilled.versions()
    }
    champions = dated(backfilled)
    assert [str(day) for day in DAYS] == sorted(champions)
    assert all(days[version] <= day for day, version in champions.items())


def test_the_champion_in_service_is_untouched(backfilled):
    """The alias `champion` is where it was, and no backfilled version has a stage."""
    assert backfilled.today == backfilled.aliases()["champion"]
    assert {"None"} == {version.current_stage for version in backfilled.versions()}


def test_a_second_backfill_trains_nothing(backfilled):
    """Run again by our own command, every day succeeds and no trial is new."""
    before = [run.info.run_id for run in backfilled.runs("trial")]
    days = backfill(ask("completed"), backfilled.settings, lambda _: None, lambda _: None)
    assert {"success"} == {day.state for day in days}
    assert before == [run.info.run_id for run in backfilled.runs("trial")]


@pytest.mark.long
def test_days_that_ran_are_skipped(backfilled):
    """Asked for again without reprocessing, no day has another run."""
    days = backfill(ask(), backfilled.settings, lambda _: None, lambda _: None)
    assert ({"skipped"}, TRIALS) == ({day.state for day in days}, days[0].progress.complete)


@pytest.mark.long
def test_a_missing_day_fails_alone(backfilled):
    """Before the first row there is no day: its run fails, says so, and is told as failed."""
    lost = BackfillRequest(DAG, date(2025, 12, 31), date(2026, 1, 1), 2, "none")
    days = backfill(lost, backfilled.settings, lambda _: None, lambda _: None)
    assert {"2025-12-31": "failed", "2026-01-01": "success"} == {d.day: d.state for d in days}


@pytest.mark.long
def test_a_run_queued_for_a_dead_backfill_is_done_all_the_same(backfilled):
    """Airflow would leave a cleared run of a cancelled backfill queued forever."""
    said = []
    later = BackfillRequest(DAG, date(2026, 1, 11), date(2026, 1, 11), 1, "none")
    with BackfillApi.of(backfilled.settings) as api:
        number = wait("a free DAG", lambda: api.start(later))
        api.cancel(number)
        run = wait("the cancelled run", lambda: api.day_runs(later)["2026-01-11"])
        wait("its end", lambda: api.day_runs(later)["2026-01-11"].is_over)
        api.clear(DAG, run.run_id, "plan")
        wait("its queue", lambda: api.day_runs(later)["2026-01-11"].state == "queued")
    days = backfill(later, backfilled.settings, lambda _: None, said.append)
    assert ["success"] == [day.state for day in days]
    assert any("queued for a backfill that is over" in text for text in said)


@pytest.mark.long
def test_two_sweeps_are_backfilled_at_once(backfilled):
    """Airflow allows one backfill for each DAG; two sweeps are two DAGs."""
    names = ("visits-left", "visits-right")
    asks = [
        BackfillRequest(f"sweep__{name}", date(2026, 1, 5), date(2026, 1, 6), 2, "none")
        for name in names
    ]
    for name in names:
        content = GRID.replace("visits-daily", name).replace(f"model: {MODEL}", f"model: {name}")
        content = content.replace("[1, 2, 4]", "[2]").replace("[1, 8]", "[1]")
        (backfilled.settings.grids / f"{name}.yaml").write_text(content, encoding="utf-8")
    with BackfillApi.of(backfilled.settings) as api:
        wait("both DAGs", lambda: all(len(api.would_run(each)) == 2 for each in asks))
        assert None not in [api.start(each) for each in asks]
        assert None not in [api.active(each.dag_id) for each in asks]
    ends = [backfill(each, backfilled.settings, lambda _: None, lambda _: None) for each in asks]
    assert [["success"] * 2] * 2 == [[day.state for day in days] for days in ends]


def test_the_dag_goes_with_its_file(backfilled):
    """Without its grid file, Airflow has no such DAG any more."""
    (backfilled.settings.grids / "visits-daily.yaml").unlink()

    def gone():
        with BackfillApi.of(backfilled.settings) as api:
            answer = api.call("GET", f"/dags/{DAG}", allow={404})
            return answer.status_code == 404 or answer.json()["is_stale"]

    assert wait("the DAG to go", gone)
