import os
import stat
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from threading import Barrier

import pytest

from sweepstake.errors import NotFoundError
from sweepstake.storage.store import write_atomically
from sweepstake.storage.workspace import Claim, Workspace


@pytest.fixture
def workspace(tmp_path):
    """An empty workspace whose folder does not exist yet."""
    return Workspace(tmp_path / "deep" / "workspace")


def files(folder):
    """Every file below a folder, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_snapshot_is_kept_under_its_hash(workspace):
    """The bytes come back unchanged by the SHA-256 that keeping them returned."""
    content = b"a: 1\r\n\xff"
    digest = workspace.keep_snapshot(content)
    assert (sha256(content).hexdigest(), content) == (digest, workspace.read_snapshot(digest))


def test_many_may_keep_the_same_snapshot_at_once(workspace):
    """Threads that keep the same bytes leave one complete file and no rest."""
    content = b"x" * 200_000
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(lambda _: workspace.keep_snapshot(content), range(40)))
    (digest,) = digests
    assert [f"snapshots/{digest}"] == files(workspace.root)
    assert content == workspace.read_snapshot(digest)


def test_readers_see_all_of_a_write_or_nothing(tmp_path):
    """While a file is replaced again and again, each read finds one whole content."""
    path = tmp_path / "record"
    contents = [bytes([letter]) * 300_000 for letter in b"abcd"]
    write_atomically(path, contents[0])
    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(write_atomically, path, content) for content in contents * 5]
        seen = set()
        while not all(writer.done() for writer in writers):
            seen.add(path.read_bytes())
    assert set() == seen - set(contents)


def test_a_failed_write_leaves_the_old_content(tmp_path, monkeypatch):
    """A disk that is full at the last moment costs the new content, not the old one."""

    def full(_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "record"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert (b"old", ["record"]) == (path.read_bytes(), files(tmp_path))


def test_others_may_read_what_the_umask_lets_them(tmp_path):
    """Submitting user and Airflow may be two users: a file is no more private than any other."""
    path, plain = tmp_path / "grid.yaml", tmp_path / "plain"
    write_atomically(path, b"")
    plain.touch()
    assert stat.S_IMODE(plain.stat().st_mode) == stat.S_IMODE(path.stat().st_mode)


def test_a_missing_snapshot_is_named_with_the_way_out(workspace):
    """An unknown digest is an error that says where it was looked for."""
    with pytest.raises(NotFoundError) as caught:
        workspace.read_snapshot("0" * 64)
    assert str(caught.value) == (
        f"snapshots/{'0' * 64}: not in the workspace {workspace.root}. "
        "Submit the grid file again, or check SWEEPSTAKE_WORKSPACE."
    )


def test_records_come_back_and_are_replaced(workspace):
    """A record of the same name takes the place of the one before."""
    workspace.write_record("rounds/1/round", {"a": [1]})
    workspace.write_record("rounds/1/round", {"a": [2]})
    assert {"a": [2]} == workspace.read_record("rounds/1/round")


def test_records_of_a_folder_are_listed_by_name(workspace):
    """The order is that of the names, and records of other folders are left out."""
    for name in ("scores/000020", "scores/000000", "decisions", "scores/000100"):
        workspace.write_record(f"rounds/1/{name}", name)
    expected = ["scores/000000", "scores/000020", "scores/000100"]
    assert expected == workspace.records("rounds/1/scores")
    assert [] == workspace.records("rounds/2/scores")


def test_of_many_who_claim_at_once_one_is_first(workspace):
    """Every claimant of a snapshot is told the same sweep, and no rest is left."""
    digest = "a" * 64
    start = Barrier(8)

    def claim(number):
        start.wait()
        return workspace.claim(digest, f"sweep-{number}", f"{number}.yaml")

    with ThreadPoolExecutor(8) as pool:
        (winner,) = set(pool.map(claim, range(8)))
    assert winner == workspace.claim(digest, "late", "late.yaml") == workspace.claimed(digest)
    assert winner.sweep == f"sweep-{winner.file.removesuffix('.yaml')}"
    assert [f"snapshots/{digest}.json"] == files(workspace.root)


def test_who_sees_no_claim_but_comes_second_is_told_the_first(workspace, monkeypatch):
    """A claim that another made between the look and the write stays as it is."""
    digest = "a" * 64
    workspace.claim(digest, "first", "a.yaml")
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert Claim("first", "a.yaml") == workspace.claim(digest, "second", "b.yaml")


@pytest.mark.parametrize("digest", ["", "../sweeps/x/plan", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_a_digest_can_be_claimed(workspace, digest):
    """Whoever may trigger a DAG run writes what it asks for: it names no place of its own."""
    with pytest.raises(NotFoundError, match="must be the SHA-256 of a grid file"):
        workspace.claimed(digest)


NOWHERE = ["../out", "a/../../out", "/etc/passwd", "a/./b", "a\0b", "a\ud800", "a" * 300]


@pytest.mark.parametrize("name", NOWHERE)
def test_no_name_leads_out_of_the_workspace(workspace, tmp_path, name):
    """Sweeps and models are named by tags that others may write: none reaches another place."""
    for attempt in (
        lambda: workspace.read_record(name),
        lambda: workspace.write_record(name, {}),
        lambda: workspace.remove_record(name),
        lambda: workspace.records(name),
    ):
        with pytest.raises(NotFoundError, match="must name a place inside the workspace"):
            attempt()
