"""The DAGs that grid files with data by day make, in a real Airflow."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sweepstake.intake import daily_files
from sweepstake.intake.daily_files import Daily
from sweepstake.storage.workspace import Workspace

DAGS = Path(__file__).parents[2] / "src" / "sweepstake" / "dags"
DAILY = Daily("churn", "churn.yaml", "30 6 * * *", "2026-01-10", "Europe/Madrid")
ASKED = Daily("visits", "visits.yaml", "", "", "UTC")


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """A home for Airflow of its own, set before anything of Airflow is imported."""
    folder = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(folder))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "false")
        patch.setenv("SWEEPSTAKE_HOME", str(folder))
        patch.setenv("SWEEPSTAKE_POOL", "training")  # as in the other tests of this process
        yield folder


@pytest.fixture
def dags(home):
    """A function that publishes dailies and returns the DAGs that Airflow then sees."""
    from airflow.dag_processing.dagbag import DagBag

    def collect(*published, junk=""):
        workspace = Workspace(home / "workspace")
        shutil.rmtree(workspace.root / daily_files.FOLDER, ignore_errors=True)
        daily_files.publish(published, (), workspace)
        if junk:
            (workspace.root / daily_files.FOLDER / "junk.json").write_text(junk)
        bag = DagBag(
            DAGS / "scheduled_sweeps.py", bundle_path=DAGS, bundle_name="dags", collect_dags=True
        )
        assert {} == bag.import_errors
        return bag.dags

    return collect


def stored(dag):
    """A DAG as the scheduler gets it: through JSON."""
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))


def backfilled(dag, first, last):
    """The partitions that a backfill of these days would run."""
    days = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first, last)]
    return [info.partition_key for info in stored(dag).iter_dagrun_infos_between(*days)]


def test_each_grid_file_by_day_is_a_dag(dags):
    """The DAG is named after the sweep and has the tasks of every sweep."""
    found = dags(DAILY, ASKED)
    assert ["sweep__churn", "sweep__visits"] == sorted(found)
    assert {"plan", "train", "close", "report"} == set(found["sweep__churn"].task_ids)


def test_a_dag_changes_and_goes_with_its_record(dags):
    """What is published last is what there is."""
    assert ["sweep__churn"] == list(dags(DAILY))
    later = dags(replace(DAILY, cron="0 9 * * *"))["sweep__churn"]
    assert "0 9 * * *" == later.timetable.summary
    assert {} == dags()


def test_a_bad_record_hurts_no_other(dags):
    """A record that makes no DAG, or is none, leaves the others as they are."""
    bad = replace(ASKED, name="bad", cron="not a cron")
    assert ["sweep__churn"] == sorted(dags(bad, DAILY, junk='{"some": "thing"}'))


@pytest.mark.parametrize("daily", [DAILY, ASKED], ids=lambda daily: daily.name)
def test_a_backfill_has_every_day_from_first_to_last(dags, daily):
    """Both ends are days of their own, whatever the time of day and the zone of the schedule."""
    expected = [f"2026-03-{day}" for day in (27, 28, 29, 30, 31)]
    assert expected == backfilled(dags(daily)[daily.dag_id], "2026-03-27", "2026-03-31")


def test_a_backfill_follows_the_days_of_its_cron(dags):
    """A weekly schedule has one partition a week: the day before each tick."""
    weekly = dags(replace(DAILY, cron="0 6 * * 1"))["sweep__churn"]
    assert ["2026-01-04", "2026-01-11"] == backfilled(weekly, "2026-01-01", "2026-01-17")


def test_a_day_that_is_not_over_is_not_backfilled(dags):
    """However far the range reaches into the future, the last partition is in the past."""
    now = datetime.now(UTC)
    days = backfilled(
        dags(ASKED)["sweep__visits"], f"{now.year - 1}-01-01", f"{now.year + 1}-01-01"
    )
    assert days[-1] < now.date().isoformat()


def test_a_scheduled_run_is_about_the_day_before(dags):
    """The first tick after the first day makes the run of that day."""
    dag = stored(dags(replace(DAILY, start="2036-01-10"))["sweep__churn"])
    info = dag.next_dagrun_info(last_automated_run_info=None)
    tick = datetime(2036, 1, 11, 5, 30, tzinfo=UTC)
    assert ("2036-01-10", tick) == (info.partition_key, info.run_after)


def test_without_a_schedule_nothing_runs_by_itself(dags):
    """It can be backfilled, and the scheduler never makes a run of it."""
    dag = stored(dags(ASKED)["sweep__visits"])
    assert dag.next_dagrun_info(last_automated_run_info=None) is None
    assert (True, True) == (dag.timetable.periodic, dag.timetable.partitioned)


def test_a_partition_key_is_a_day(dags):
    """A key that people write is the same partition as the one that Airflow makes."""
    dag = stored(dags(DAILY)["sweep__churn"])
    (info,) = dag.iter_dagrun_infos_between(
        *[datetime(2026, 3, 29, hour, tzinfo=UTC) for hour in (0, 12)]
    )
    assert info.partition_date == dag.timetable.resolve_partition_date("2026-03-29")


def test_airflow_knows_the_timetables():
    """The plugin registers them; without it no component could read these DAGs."""
    from sweepstake.airflow.adapter import SweepstakePlugin

    names = [timetable.__name__ for timetable in SweepstakePlugin.timetables]
    assert ["DayPartitions", "DayPartitionsOnDemand"] == names
