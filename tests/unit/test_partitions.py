from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from sweepstake.data import dataset, partitions
from sweepstake.domain.spec import Candidate, DataSpec, EstimatorSpec, SweepSpec
from sweepstake.errors import DataError
from sweepstake.gridfile import search_space

HOURS = pd.date_range("2026-01-01T00:00", periods=96, freq="h")
JANUARY_2 = date(2026, 1, 2)


@pytest.fixture
def folder(tmp_path):
    """A data folder with four days of hourly rows in one file and in two files by day."""
    frame = pd.DataFrame(
        {"time": HOURS.strftime("%Y-%m-%dT%H:%M:%S"), "x": range(96), "y": list("ab") * 48}
    )
    frame.to_csv(tmp_path / "rows.csv", index=False)
    for day in ("2026-01-01", "2026-01-02"):
        frame[frame.time.str.startswith(day)].to_csv(tmp_path / f"rows-{day}.csv", index=False)
    (tmp_path / "rows-2026-02-31.csv").write_text("no day has this name")
    return tmp_path


def spec(source="rows.csv", **changes):
    """Data with a time column, on the second of January."""
    known = {"target": ("y",), "time_column": "time", "partition": JANUARY_2}
    return DataSpec(source, **{**known, **changes})


def numbers(folder, **changes):
    """The first and last ``x`` of the rows that a partition has."""
    source, _ = partitions.load(spec(**changes), [folder])
    return (int(source.frame.x.min()), int(source.frame.x.max()), len(source.frame))


@pytest.mark.parametrize(
    ("window", "expected"), [(None, (0, 47, 48)), (1, (24, 47, 24)), (2, (0, 47, 48))]
)
def test_a_window_ends_with_the_day_itself(folder, window, expected):
    """The rows of the day and of those before it in the window are there, and no later one."""
    assert expected == numbers(folder, window_days=window)


@pytest.mark.parametrize(
    ("zone", "expected"), [("UTC", (24, 47, 24)), ("Asia/Tokyo", (24, 47, 24))]
)
def test_times_without_an_offset_are_local(folder, zone, expected):
    """A day has the same rows wherever it begins, as long as the times say no zone."""
    assert expected == numbers(folder, window_days=1, timezone=zone)


def test_times_with_an_offset_are_taken_to_the_zone_of_the_days(folder):
    """A row belongs to the day that its moment falls into there."""
    rows = pd.DataFrame({"time": [f"{t.isoformat()}+00:00" for t in HOURS], "x": range(96)})
    rows.assign(y=list("ab") * 48).to_csv(folder / "rows.csv", index=False)
    assert (15, 38, 24) == numbers(folder, window_days=1, timezone="Asia/Tokyo")


def test_a_day_of_25_hours_has_25_hours():
    """Days begin and end at midnight, also when clocks are set back."""
    first, end = partitions.window(
        spec(window_days=1, timezone="Europe/Madrid", partition=date(2026, 10, 25))
    )
    assert 25 * 3600 == end.timestamp() - first.timestamp()
    assert datetime(2026, 10, 26, tzinfo=ZoneInfo("Europe/Madrid")) == end


def test_the_span_tells_where_the_rows_stood(folder):
    """Number, positions and times of the rows, for whoever checks that none is from the future."""
    _, span = partitions.load(spec(window_days=1), [folder])
    times = ("2026-01-02T00:00:00+00:00", "2026-01-02T23:00:00+00:00")
    assert partitions.Span(24, 25, 48, *times) == span


@pytest.mark.parametrize("kind", ["datetime64[ns]", "datetime64[ns, Asia/Tokyo]", "date"])
def test_parquet_keeps_times_as_they_are(folder, kind):
    """Timestamps with and without a zone and dates are times as well as text is."""
    times = (
        HOURS.date
        if kind == "date"
        else pd.Series(HOURS.tz_localize("UTC")).astype(
            kind if "," in kind else "datetime64[ns, UTC]"
        )
    )
    rows = pd.DataFrame({"time": times, "x": range(96), "y": list("ab") * 48})
    rows.to_parquet(folder / "rows.parquet")
    assert (24, 47, 24) == numbers(folder, source="rows.parquet", window_days=1)


def test_the_time_is_no_feature(folder):
    """Classifiers do not see the time column."""
    table = dataset.read(spec(), [folder])
    assert ["x"] == list(table.X.columns)


def test_the_newest_day_is_found_by_name_or_by_time(folder):
    """Without a partition the last day that has data is meant."""
    days = [
        partitions.newest(spec(name), [folder]) for name in ("rows-{partition}.csv", "rows.csv")
    ]
    assert [JANUARY_2, date(2026, 1, 4)] == days
    assert partitions.newest(DataSpec("sklearn:iris"), [folder]) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": "rows-{partition}.csv", "partition": date(2026, 1, 9)}, "2 days from"),
        ({"partition": date(2025, 1, 1)}, "partition 2025-01-01 must have rows"),
        ({"partition": None}, "Name a partition"),
        ({"time_column": "tim"}, "Did you mean 'time'?"),
        ({"time_column": "y"}, "row 1 of 'y' has 'a'"),
        ({"time_column": "x"}, "holds numbers"),
    ],
)
def test_a_day_without_data_is_refused_in_plain_words(folder, changes, words):
    """What is missing is named, with the way out."""
    with pytest.raises(DataError, match=words):
        dataset.read(spec(**changes), [folder])


def test_only_data_by_day_have_partitions(folder):
    """A day asked of data that have none is a mistake."""
    with pytest.raises(DataError, match="so it has no partition 2026-01-02"):
        partitions.choose(DataSpec("sklearn:iris"), [folder], JANUARY_2)


def test_the_partition_is_part_of_every_trial_key():
    """The same point on two days is two trials, on the same day one."""
    sweep = SweepSpec("s", "m", spec(), (Candidate(EstimatorSpec("a.B")),), "accuracy")
    days = (JANUARY_2, date(2026, 1, 3), JANUARY_2, None)
    first, second, again, never = (search_space.trials(sweep.at(day), "d")[0].key for day in days)
    assert (first, 3) == (again, len({first, second, never}))


@pytest.fixture
def outside(folder):
    """A folder beside the roots, with files by day, and links that lead to it."""
    other = folder.parent / f"{folder.name}-outside"
    (other / "2026-01-05").mkdir(parents=True)
    for name in ("x-2026-01-05.csv", "2026-01-05/x.csv", "2026-01-05/x-2026-01-05.csv"):
        (other / name).write_text("y\na\n")
    (folder / "link").symlink_to(other)
    (folder / "2026-01-05").symlink_to(other / "2026-01-05")
    (folder / "l-2026-01-05.csv").symlink_to(other / "x-2026-01-05.csv")
    return other


@pytest.mark.parametrize(
    "source",
    [
        "../OUTSIDE/x-{partition}.csv",
        "sub/../../OUTSIDE/x-{partition}.csv",
        "../OUTSIDE/{partition}/x.csv",
        "{partition}/../../OUTSIDE/x-{partition}.csv",
    ],
)
def test_no_day_is_looked_for_by_steps_up(folder, outside, source):
    """A path with ``..`` is refused before any folder is listed, and names no file."""
    asked = spec(source.replace("OUTSIDE", outside.name), time_column="")
    for look in (partitions.days, partitions.newest):
        with pytest.raises(DataError, match="must be a path without") as refused:
            look(asked, [folder])
        assert "2026-01-05" not in str(refused.value)
    with pytest.raises(DataError, match="must be a path without"):
        partitions.load(asked, [folder])


@pytest.mark.parametrize(
    "source",
    [
        "link/x-{partition}.csv",
        "link/{partition}/x.csv",
        "{partition}/x.csv",
        "{partition}/x-{partition}.csv",
        "l-{partition}.csv",
    ],
)
def test_no_day_is_found_through_a_link_that_leads_out(folder, outside, source):
    """The file by day of another folder is no day of the source, and is not named."""
    asked = spec(source, time_column="", partition=JANUARY_2)
    assert [] == partitions.days(asked, [folder])
    with pytest.raises(DataError) as refused:
        partitions.load(asked, [folder])
    assert "2026-01-05" not in str(refused.value)


def test_a_link_that_leads_out_is_not_listed(folder, outside, monkeypatch):
    """Whether a folder lies inside is asked before its files are."""
    monkeypatch.setattr(type(folder), "glob", lambda path, _: pytest.fail(f"{path} was listed"))
    assert [] == partitions.days(spec("link/x-{partition}.csv", time_column=""), [folder])


@pytest.mark.parametrize("name", ["a*", "a?", "[ab]", "**", "a[!b]"])
def test_signs_of_patterns_in_a_source_are_themselves(folder, name):
    """Only the day is open: a star in the path is a star in a name."""
    (folder / name).mkdir()
    (folder / "ab").mkdir()
    (folder / name / "x-2026-01-01.csv").touch()
    (folder / "ab" / "x-2026-01-02.csv").touch()
    found = partitions.days(spec(f"{name}/x-{{partition}}.csv", time_column=""), [folder])
    assert [date(2026, 1, 1)] == found
