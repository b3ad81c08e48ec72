from datetime import date

import pytest

from sweepstake.domain.spec import BackfillPolicy, DataSpec, Schedule
from sweepstake.gridfile import loader, schedules
from sweepstake.settings import load_settings

GRID = """\
name: daily
data: {source: "d-{partition}.csv", target: y}
estimator: GaussianNB
"""


def spec(text):
    """The spec of the grid file with some more lines."""
    return loader.parse((GRID + text).encode(), "daily.yaml", load_settings({})).spec


def test_presets_are_written_out():
    """`@weekly` is the cron expression that it stands for."""
    assert Schedule("0 0 * * 0") == spec("schedule: {cron: '@weekly'}").schedule


def test_a_file_without_a_schedule_has_none():
    """Data by day alone make no schedule."""
    assert spec("").schedule is None


def test_the_data_know_window_and_zone_of_the_schedule():
    """A window in the schedule means the same as one in the data."""
    raw = {"schedule": {"window": "7d", "timezone": "Asia/Tokyo"}}
    assert {"window_days": 7, "timezone": "Asia/Tokyo"} == schedules.days(raw)


def test_backfills_win_as_of_their_day_unless_told_otherwise():
    """The default policy never touches the champion in service."""
    told = spec("promotion: {backfill: never}").promotion.backfill
    assert (BackfillPolicy.AS_OF, BackfillPolicy.NEVER) == (spec("").promotion.backfill, told)


def test_a_sweep_of_a_day_is_named_after_it():
    """The sweep id ends with the partition, and only the data change."""
    grid = loader.parse(GRID.encode(), "daily.yaml", load_settings({}))
    day = date(2026, 1, 15)
    assert "d-2026-01-15.csv" == grid.spec.at(day).data.filled_source
    assert grid.spec == grid.spec.at(day).at(None)


@pytest.mark.parametrize(
    ("source", "expected"), [("a.csv", False), ("a-{partition}.csv", True), ("sklearn:iris", False)]
)
def test_a_partition_in_the_source_makes_data_by_day(source, expected):
    """Only a source that names the day, or a time column, has days."""
    assert expected == DataSpec(source).by_day
