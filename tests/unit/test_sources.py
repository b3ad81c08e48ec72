"""Where data may be read from."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing import active_children

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sweepstake.data import reading, sources
from sweepstake.domain.spec import DataSpec
from sweepstake.errors import DataError, TransientError
from sweepstake.processes import isolation

TEXT = "a,label\n1,x\n2,y\n"


@pytest.fixture
def roots(tmp_path):
    """Two data roots, and a file outside of both."""
    for name in ("one", "two"):
        (tmp_path / name / "deep").mkdir(parents=True)
    (tmp_path / "secret.csv").write_text(TEXT, encoding="utf-8")
    (tmp_path / "two" / "deep" / "sales.csv").write_text(TEXT, encoding="utf-8")
    return (tmp_path / "one", tmp_path / "two")


def test_roots_are_searched_in_their_order(roots):
    """The first root that has the file wins."""
    assert roots[1] / "deep" / "sales.csv" == sources.locate("deep/sales.csv", roots)
    (roots[0] / "deep" / "sales.csv").write_text(TEXT, encoding="utf-8")
    assert roots[0] / "deep" / "sales.csv" == sources.locate("deep/sales.csv", roots)


def test_an_absolute_path_inside_a_root_is_allowed(roots):
    """A full path is as good as a relative one, if it lies inside."""
    path = roots[1] / "deep" / "sales.csv"
    assert path == sources.locate(str(path), roots)


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("../secret.csv", "must be a path without '..', but got '../secret.csv'"),
        ("deep/../../secret.csv", "must be a path without '..'"),
        ("", "must be a path without '..', but got ''"),
        ("a\0b.csv", "must be a path without '..'"),
        ("file:///etc/passwd.csv", "the scheme 'file:' is not supported"),
        ("s3://bucket/a.csv", "must lie below an address in SWEEPSTAKE_DATA_ROOTS, which has none"),
        ("s3://bucket/../a.csv", "must be a path without '..'"),
        ("http://host/a.csv", "the scheme 'http:' is not supported"),
        ("C:\\a.csv", "must not begin with a drive, but got"),
        (
            "deep/sales.xlsx",
            "be a folder of Parquet files, but got 'deep/sales.xlsx'. Save its sheet",
        ),
        ("deep", "must end in .csv, .tsv (also with .gz or .zst), .parquet or .pq, or be a folder"),
        ("/etc/hosts.csv", "must lie inside a data folder"),
        ("deep/sale.csv", "Did you mean 'deep/sales.csv'?"),
        ("sklearn:irs", "but got 'irs'. Did you mean 'iris'?"),
        ("sklearn:", "data sets here are 'breast_cancer', 'diabetes', 'digits', 'iris' and 'wine'"),
    ],
)
def test_other_sources_are_refused_by_name(roots, source, rule):
    """Paths that leave the roots, schemes and formats that are not known are told as such."""
    with pytest.raises(DataError) as caught:
        sources.load(DataSpec(source), roots)
    assert str(caught.value).startswith("data.source: ")
    assert rule in str(caught.value)


def test_links_out_of_the_roots_are_refused(roots, tmp_path):
    """A symbolic link inside a root must not lead out of it, as a file or as a folder."""
    (roots[0] / "link.csv").symlink_to(tmp_path / "secret.csv")
    (roots[0] / "out").symlink_to(tmp_path)
    for source in ("link.csv", "out/secret.csv", "out/secre.csv"):
        with pytest.raises(DataError, match=r"must lie inside|must be a file") as caught:
            sources.load(DataSpec(source), roots)
        assert "Did you mean" not in str(caught.value)


def test_a_file_that_is_exchanged_meanwhile_is_not_read(roots, tmp_path):
    """Once a source is opened, its path leads to the same file whatever lies there now."""
    file = roots[1] / "deep" / "sales.csv"
    with sources.on_this_host("deep/sales.csv", roots) as path:
        file.unlink()
        file.symlink_to(tmp_path / "secret.csv")
        (tmp_path / "secret.csv").write_text("t0psecret")
        assert (TEXT, "sales.csv") == (path.read_text(encoding="utf-8"), path.name)


def test_a_file_that_is_exchanged_before_it_is_opened_is_refused(roots, tmp_path, monkeypatch):
    """Between the look at a path and its opening a link may come: it leads nowhere."""
    file, locate = roots[1] / "deep" / "sales.csv", sources.locate

    def exchange(*arguments):
        found = locate(*arguments)
        file.unlink()
        file.symlink_to(tmp_path / "secret.csv")
        return found

    monkeypatch.setattr(sources, "locate", exchange)
    with (
        pytest.raises(DataError, match="no link that leads out of the data folders"),
        sources.on_this_host("deep/sales.csv", roots),
    ):
        pass


def test_a_link_that_stays_inside_is_followed(roots):
    """A symbolic link to a file in the same root is fine."""
    (roots[1] / "link.csv").symlink_to(roots[1] / "deep" / "sales.csv")
    assert roots[1] / "deep" / "sales.csv" == sources.locate("link.csv", roots)


def test_a_folder_is_no_source(roots):
    """A folder with the name of a file is refused."""
    (roots[0] / "folder.csv").mkdir()
    with pytest.raises(DataError, match="must be a file under"):
        sources.load(DataSpec("folder.csv"), roots)


def test_a_byte_order_mark_is_no_part_of_the_first_name(roots):
    """Files written by spreadsheets read as others do."""
    (roots[0] / "bom.csv").write_text(TEXT, encoding="utf-8-sig")
    assert ["a", "label"] == list(sources.load(DataSpec("bom.csv"), roots).frame.columns)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_queues_and_devices_are_no_source(roots, name):
    """What would block or never end is not opened."""
    os.mkfifo(roots[0] / name)
    (roots[0] / f"null{name}").symlink_to("/dev/zero")
    for source in (name, f"null{name}"):
        with pytest.raises(DataError, match=r"must be a file under|must lie inside"):
            sources.load(DataSpec(source), roots)


def test_a_file_that_no_memory_holds_is_refused_unread(roots, monkeypatch):
    """Neither a huge file nor a small one that unpacks to a huge table is read."""
    with (roots[0] / "huge.csv").open("wb") as file:
        file.truncate(10**13)
    values = pa.array([0.0]).take(pa.array([0] * 1_000_000))
    table = pa.table({f"c{number}": values for number in range(20)})
    with pq.ParquetWriter(roots[0] / "bomb.parquet", table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match=r"'huge\.csv' needs about 40,000\.0 GB"):
        sources.load(DataSpec("huge.csv"), roots)
    monkeypatch.setattr(reading, "_memory", lambda: 100_000_000)
    with pytest.raises(DataError, match=r"'bomb\.parquet' needs about 0\.2 GB"):
        sources.load(DataSpec("bomb.parquet"), roots)
    assert (roots[0] / "bomb.parquet").stat().st_size < 100_000


def hang(*_):
    """Read forever."""
    time.sleep(3600)


def hoard(*_):
    """Take memory and go on."""
    kept = bytearray(os.urandom(1 << 16) * 4096)
    time.sleep(3600)
    return kept


def crash(*_):
    """End the process as a fault in C code does."""
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize("read", [hang, hoard, crash])
def test_a_file_that_ends_or_holds_its_reader_is_refused(roots, monkeypatch, read):
    """Rows are read in a process of their own, which is cut off or may crash; ours goes on."""
    monkeypatch.setattr(reading, "_of_csv", read)
    if read is hang:
        monkeypatch.setattr(reading, "LONGEST_SECONDS", 0.3)
    if read is hoard:
        monkeypatch.setattr(reading, "_memory", lambda: 200_000_000)
    with pytest.raises(DataError, match=r"'deep/sales\.csv' was not, and reading was cut off"):
        sources.load(DataSpec("deep/sales.csv"), roots)
    assert [] == active_children()


@pytest.mark.slow
def test_a_reader_that_stands_still_is_tried_again_later(roots, monkeypatch):
    """A disk that does not answer is no fault of the file."""
    monkeypatch.setattr(reading, "_of_csv", hang)
    monkeypatch.setattr(isolation, "STILL_SECONDS", 0.5)
    with pytest.raises(
        TransientError, match=r"to its end, but 'deep/sales\.csv' was not, twice: It used no"
    ):
        sources.load(DataSpec("deep/sales.csv"), roots)
    assert [] == active_children()


def test_what_a_reader_stumbles_over_is_told(roots, monkeypatch):
    """An error that nobody thought of is a sentence about the file, and no traceback."""
    monkeypatch.setattr(reading, "_of_csv", lambda *_: {}["lost"])
    with pytest.raises(DataError, match=r"cannot be read as one \(KeyError: 'lost'\)\. Write it"):
        sources.load(DataSpec("deep/sales.csv"), roots)


@pytest.mark.parametrize(
    "source",
    ["https://ann:t0psecret@host/a.csv", "s3://key:t0psecret@bucket/a.csv", "ftp:t0psecret"],
)
def test_an_address_with_a_password_is_refused_without_repeating_it(roots, source):
    """The message names the scheme alone."""
    with pytest.raises(DataError) as caught:
        sources.load(DataSpec(source), roots)
    assert "t0psecret" not in str(caught.value)


def test_text_that_is_not_utf_8_is_refused(roots):
    """A Parquet file may say that its bytes are text: what is not ends in a sentence."""
    text = pa.array([b"fine", b"\xaf"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"a": [1, 2], "t": text}), roots[0] / "text.parquet")
    with pytest.raises(DataError, match=r"^data.source: 'text.parquet' must be Parquet, but"):
        sources.load(DataSpec("text.parquet"), roots)
