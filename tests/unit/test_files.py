import os
import socket
from pathlib import Path

import pytest

from sweepstake.storage import files

MOST = 100


@pytest.fixture
def folder(tmp_path):
    """A folder with a file in it, and a secret beside it."""
    home = tmp_path / "grids"
    (home / "sub").mkdir(parents=True)
    (home / "a.yaml").write_bytes(b"content")
    (home / "sub" / "b.yaml").write_bytes(b"inner")
    (tmp_path / "secret").write_bytes(b"t0psecret")
    return home


def open_handles():
    """How many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("a.yaml", b"content"),
        ("./sub/../a.yaml", b"content"),
        ("sub/b.yaml", b"inner"),
        ("sub/back/a.yaml", b"content"),
        ("down/b.yaml", b"inner"),
        ("sub/up.yaml", b"content"),
        ("ABSOLUTE", b"content"),
    ],
)
def test_links_inside_the_folder_are_followed(folder, target, expected):
    """Relative and absolute ones, through folders and other links, as mounted configuration has."""
    (folder / "sub" / "back").symlink_to("..")
    (folder / "sub" / "up.yaml").symlink_to("../a.yaml")
    (folder / "down").symlink_to("sub")
    (folder / "link.yaml").symlink_to(target.replace("ABSOLUTE", str(folder / "a.yaml")))
    before = open_handles()
    assert (expected, before) == (files.read_inside(folder, "link.yaml", MOST), open_handles())


@pytest.mark.parametrize(
    "target",
    ["../secret", "SECRET", "sub/../../secret", "out/secret", "/etc/passwd", "/proc/self/environ"],
)
def test_no_link_leads_out_of_the_folder(folder, target):
    """Neither by steps up, nor by an absolute path, nor by a folder that is a link."""
    (folder / "out").symlink_to(folder.parent)
    (folder / "link.yaml").symlink_to(target.replace("SECRET", str(folder.parent / "secret")))
    before = open_handles()
    with pytest.raises(files.OutsideError):
        files.read_inside(folder, "link.yaml", MOST)
    assert before == open_handles()


def test_the_folder_itself_may_be_a_link(folder, tmp_path):
    """What the operator configures is followed."""
    (tmp_path / "alias").symlink_to(folder)
    (folder / "link.yaml").symlink_to(tmp_path / "alias" / "a.yaml")
    (folder / "real.yaml").symlink_to(folder / "a.yaml")
    for name in ("a.yaml", "link.yaml", "real.yaml"):
        assert b"content" == files.read_inside(tmp_path / "alias", name, MOST)


def test_links_in_a_circle_end(folder):
    """A link to itself is an error, not a loop."""
    (folder / "loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(OSError, match="Too many levels"):
        files.read_inside(folder, "loop.yaml", MOST)


def test_a_link_to_nothing_is_not_there(folder):
    """The error is the one of a file that is missing."""
    (folder / "link.yaml").symlink_to("sub/none.yaml")
    with pytest.raises(FileNotFoundError):
        files.read_inside(folder, "link.yaml", MOST)


def make(kind, path):
    """Something that is no file."""
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("pipe", "it is a pipe"),
        ("socket", "No such device or address"),
        ("folder", "Is a directory"),
        ("device", "it is a device"),
    ],
)
def test_what_is_no_file_is_refused_without_waiting(folder, kind, reason):
    """Nobody writes into the pipe and the device never ends: neither blocks, neither is read."""
    path = folder / "x.yaml"
    make(kind, path)
    before = open_handles()
    with pytest.raises(OSError, match=reason):
        files.read(path, MOST)
    with pytest.raises(OSError, match="leads out" if kind == "device" else reason):
        files.read_inside(folder, "x.yaml", MOST)
    assert before == open_handles()


def test_a_large_file_is_read_up_to_its_bound(folder):
    """A hole of a terabyte costs a hundred bytes."""
    with (folder / "huge.yaml").open("wb") as file:
        file.truncate(10**12)
    assert [101, 101] == [
        len(files.read(folder / "huge.yaml", MOST)),
        len(files.read_inside(folder, "huge.yaml", MOST)),
    ]


@pytest.mark.parametrize(
    ("exchanged", "target"), [("a.yaml", "../secret"), ("sub", ".."), ("sub", "../other")]
)
def test_what_is_exchanged_on_the_way_leads_nowhere(folder, monkeypatch, exchanged, target):
    """A file or folder that becomes a link between the look and the opening is not opened."""
    (folder.parent / "other").mkdir()
    (folder.parent / "other" / "b.yaml").write_bytes(b"t0psecret")
    look = files.link_of

    def exchange(part, handle):
        found = look(part, handle)
        if part == exchanged:
            (folder / exchanged).rename(folder / "away")
            (folder / exchanged).symlink_to(target)
        return found

    monkeypatch.setattr(files, "link_of", exchange)
    before = open_handles()
    with pytest.raises(OSError, match=r"Too many levels|Not a directory"):
        files.read_inside(folder, "sub/b.yaml" if exchanged == "sub" else exchanged, MOST)
    assert before == open_handles()


def test_a_pinned_file_stays_what_it_was(folder, tmp_path):
    """Whoever puts a link in its place meanwhile changes nothing for who reads it by the path."""
    before = open_handles()
    with files.pinned(folder, "sub/b.yaml") as path:
        (folder / "sub" / "b.yaml").unlink()
        (folder / "sub" / "b.yaml").symlink_to(tmp_path / "secret")
        assert ("b.yaml", b"inner", b"inner") == (path.name, path.read_bytes(), path.read_bytes())
        assert 5 == path.stat().st_size
    assert (before, False) == (open_handles(), Path(path).exists())
