"""The workspace in a bucket of a real S3 server."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from sweepstake.champions import rounds
from sweepstake.data import bucket_files, partitions, reading, sources
from sweepstake.domain.spec import DataSpec
from sweepstake.errors import DataError, SettingsError, StoreUnavailableError
from sweepstake.intake import intake
from sweepstake.storage.bucket import Bucket, BucketStore, open_store
from sweepstake.sweeps import leaderboard, sweep


def test_files_are_kept_in_a_bucket(s3, tmp_path):
    """Written, listed, created once, read and taken away."""
    store = open_store(Bucket("s3://team/deep", tmp_path / "cache"))
    store.write("a/1", b"one")
    store.create("a/1", b"two")
    assert ([], ["a/1"], b"one") == (store.names("b"), store.names("a"), store.read("a/1"))
    assert 0 < store.written("a/1")
    store.remove("a/1")
    with pytest.raises(FileNotFoundError):
        store.read("a/1")


def test_a_bucket_that_does_not_exist_is_a_mistake(s3, tmp_path):
    """No retry makes a bucket, so the error is permanent and says what to do."""
    with pytest.raises(SettingsError, match="must be in a bucket that exists"):
        open_store(Bucket("s3://other/deep", tmp_path)).write("a", b"")


def test_wrong_keys_are_a_mistake_and_stay_secret(s3, tmp_path, monkeypatch):
    """A refusal is permanent, and no key stands in its message."""
    import s3fs

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "bob:team")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(SettingsError, match="must be open to the credentials") as caught:
        open_store(Bucket("s3://team/deep", tmp_path)).read("a")
    s3fs.S3FileSystem.clear_instance_cache()
    assert "bob" not in str(caught.value)


def test_the_first_of_two_writers_stays_on_a_strict_server(s3, tmp_path):
    """Swift obeys ``If-None-Match`` as Amazon does; rclone does not (decision 13)."""
    store = open_store(Bucket("s3://team/deep", tmp_path / "cache"))
    for content in (b"first", b"second"):
        store.add("a", content)
    assert {"swift": b"first", "rclone": b"second"}[s3.kind] == store.read("a")


def test_two_hosts_share_a_sweep_through_a_bucket(s3, settings, submit, name, tmp_path):
    """One host plans, another trains and closes: each has its own copy of the data."""
    one, two = (
        replace(settings, workspace=Bucket("s3://team/sweeps", tmp_path / host))
        for host in ("one", "two")
    )
    drop = submit()
    content = (settings.grids / drop.file).read_bytes()
    claimed = intake.claim(content, name, drop.file, one)
    for batch in sweep.plan(claimed, one):
        sweep.train(batch, two)
    sweep.close(claimed.sweep, two)
    assert 6 == len(leaderboard.read(claimed.sweep, one).standings)
    (entry,) = (each for each in rounds.judge_all(one) if each.model == name)
    assert (True, "promote") == (entry.complete, str(entry.verdict))
    copies = [sorted(each.workspace.cache.rglob("train_numbers.npy")) for each in (one, two)]
    assert [1, 1] == [len(found) for found in copies]


def test_a_server_that_is_gone_is_a_fault_that_passes(start_s3, tmp_path, monkeypatch):
    """Nothing that listens is an error that a retry may not meet."""
    server = start_s3("rclone")
    server.make_known(monkeypatch)
    store = open_store(Bucket("s3://team/deep", tmp_path))
    server.kill()
    with pytest.raises(StoreUnavailableError, match="must answer"):
        store.read("a")


@pytest.fixture
def lake(s3, tmp_path):
    """Data roots with a bucket that holds three days of a table."""
    days = {f"2026-01-0{day}": 40 + day for day in (1, 2, 3)}
    root = Bucket("s3://team/daily", tmp_path / "cache")
    for day, rows in days.items():
        frame = pd.DataFrame({"a": range(rows), "label": [row % 2 for row in range(rows)]})
        open_store(root).write(f"churn-{day}.parquet", frame.to_parquet())
        open_store(root).write(f"churn-{day}.csv", frame.to_csv(index=False).encode())
    return (root,)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_daily_data_are_read_from_a_bucket(lake, kind):
    """Each day is a file of the bucket, found and read by its address."""
    source = "s3://team/daily/churn-{partition}." + kind
    spec = DataSpec(source=source, target=("label",), partition=date(2026, 1, 2))
    assert [date(2026, 1, day) for day in (1, 2, 3)] == partitions.days(spec, lake)
    source, span = partitions.load(spec, lake)
    frame = source.frame
    assert (42, 42, ["a", "label"]) == (len(frame), span.rows, list(frame.columns))


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("s3://team/daily/churn-2026-01-4.csv", "Did you mean 's3://team/daily/churn-2026-01-0"),
        ("s3://team/daily-too/a.csv", "must lie below an address in SWEEPSTAKE_DATA_ROOTS"),
        ("s3://ann:secret@team/daily/a.csv", "must not hold a key"),
        ("s3://team/daily/a.xlsx", "must end in .csv, .tsv (also with .gz or .zst), .parquet"),
    ],
)
def test_other_addresses_are_refused(lake, source, rule):
    """What is missing, elsewhere or no table is told as such, and keys are not repeated."""
    with pytest.raises(DataError) as caught:
        sources.load(DataSpec(source), lake)
    assert rule in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["s3://team/daily/shop", "s3://team/daily/shop/"])
def test_a_folder_of_parquet_files_is_read_from_a_bucket(lake, address):
    """In the order of the paths, with the columns that its folders give, hidden files left out."""
    for name, rows in {"b=2/x": 3, "b=1/z": 2, "b=1/y": 1, "_temporary/t": 4, "b=1/.h": 5}.items():
        content = pd.DataFrame({"a": [name] * rows, "label": [0] * rows}).to_parquet()
        open_store(lake[0]).write(f"shop/{name}.parquet", content)
    open_store(lake[0]).write("shop/_SUCCESS", b"")
    open_store(lake[0]).write("shopping/b=1/x.parquet", b"another table")
    frame = sources.load(DataSpec(address), lake).frame
    assert ["b=1/y", *["b=1/z"] * 2, *["b=2/x"] * 3] == frame["a"].tolist()
    assert [1, 1, 1, 2, 2, 2] == frame["b"].tolist()


def test_a_folder_of_a_bucket_is_held_to_its_size(lake, monkeypatch):
    """Before anything of it is copied."""
    open_store(lake[0]).write("shop/a.parquet", b"x" * 2000)
    monkeypatch.setattr(reading, "most_memory", lambda: 1000.0)
    with pytest.raises(DataError, match="must fit into half of the memory"):
        sources.load(DataSpec("s3://team/daily/shop"), lake)
    monkeypatch.setattr(reading, "most_memory", lambda: 1e9)
    monkeypatch.setattr(bucket_files, "MOST_FILES", 2)
    with pytest.raises(DataError, match="at most 2 files, but 's3://team/daily' has 4"):
        sources.load(DataSpec("s3://team/daily"), (Bucket("s3://team", lake[0].cache),))


def test_a_name_that_is_a_file_and_a_folder_is_refused(lake, monkeypatch):
    """A bucket may have both, no disk can."""
    sizes = {"shop/a.parquet/b.parquet": 1, "shop/a.parquet": 1}
    monkeypatch.setattr(BucketStore, "sizes", lambda *_: sizes)
    monkeypatch.setattr(BucketStore, "fetch", lambda _, __, path: path.touch())
    with pytest.raises(DataError, match=r"but 'shop/a.parquet/b.parquet' is both"):
        sources.load(DataSpec("s3://team/daily/shop"), lake)


def test_a_missing_day_of_a_bucket_is_named(lake):
    """The failure names the day and those that are there."""
    spec = DataSpec(
        source="s3://team/daily/churn-{partition}.csv",
        target=("label",),
        partition=date(2026, 1, 9),
    )
    with pytest.raises(DataError, match=r"partition 2026-01-09 must have a file.*3 days from"):
        partitions.load(spec, lake)
