"""Scratch folders: what is removed, and what is not."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import suppress

import pytest

from sweepstake.storage import scratch as module
from sweepstake.storage.scratch import scratch


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """A temporary folder of the test, in which no process has cleared yet."""
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    module.clear_left.cache_clear()
    return tmp_path


@pytest.fixture
def left(temporary):
    """What a killed process has left."""

    def work():
        with scratch() as folder:
            (folder / "rows.csv").write_text("1")
            os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    module.clear_left.cache_clear()
    (home,) = temporary.iterdir()
    return home


def age(home):
    """Make a folder two hours old."""
    os.utime(home, (home.stat().st_mtime - 7200,) * 2)


def test_a_folder_goes_with_its_block(temporary):
    """It is empty at first, and gone also where the block raises."""
    with suppress(KeyError), scratch() as folder:
        assert [] == list(folder.iterdir())
        raise KeyError
    assert [] == list(temporary.iterdir())


def test_what_a_killed_process_left_is_removed(left, temporary):
    """By the next process that needs a folder."""
    age(left)
    with scratch():
        assert not left.exists()
    assert [] == list(temporary.iterdir())


def test_what_another_user_left_stays(left, temporary, monkeypatch):
    """Only one's own is removed, also by whoever may remove everything."""
    age(left)
    monkeypatch.setattr(module.os, "geteuid", lambda: os.getuid() + 1)
    with scratch():
        assert left.exists()


def test_what_is_used_or_young_or_no_scratch_folder_stays(left, temporary):
    """A lock is a process that lives; a young folder may not have its lock yet."""
    others = [temporary / "sweepstake-theirs", temporary / "theirs"]
    for other in others:
        other.mkdir()
        age(other)
    link = temporary / "sweepstake-link"
    link.symlink_to(others[0])
    with scratch() as folder:
        age(folder.parent)
        module.clear_left.cache_clear()
        with scratch():
            kept = (left, folder, link, *others)
            assert [True] * 5 == [each.exists() for each in kept]
