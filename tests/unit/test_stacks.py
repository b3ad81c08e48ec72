"""Where the stack of a command is, wherever the command was called."""

import os
import socket

import pytest

from sweepstake import reach, stacks
from sweepstake.errors import SettingsError, StackError
from sweepstake.settings import load_settings


def started(folder, port=9):
    """A state folder in which a stack was up whose Airflow is at this port."""
    home = folder / stacks.FOLDER
    home.mkdir(parents=True)
    lines = [
        f"SWEEPSTAKE_AIRFLOW_URL=http://127.0.0.1:{port}",
        f"SWEEPSTAKE_GRIDS={folder / 'grids'}",
    ]
    (home / stacks.CLIENT).write_text("\n".join(lines), encoding="utf-8")
    return home


@pytest.fixture
def port():
    """A port at which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def env(tmp_path):
    """The environment of a user who has noted no stack yet."""
    return {"HOME": str(tmp_path / "user")}


def test_the_nearest_stack_upwards_is_meant(tmp_path, env):
    """From a folder of a clone, and from one below it."""
    home = started(tmp_path / "clone")
    (tmp_path / "clone" / "a" / "b").mkdir(parents=True)
    assert home == stacks.find(env, tmp_path / "clone") == stacks.find(env, tmp_path / "clone/a/b")


def test_a_folder_of_another_user_is_no_stack(tmp_path, env, monkeypatch):
    """Whoever may write above a folder, or in it, must not choose whom its commands talk to."""
    home = started(tmp_path)
    (tmp_path / "mine").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert tmp_path / "mine" / stacks.FOLDER == stacks.find(env, tmp_path / "mine")
    with pytest.raises(SettingsError, match=r"must be yours, .+ is another user"):
        stacks.find(env, tmp_path)
    assert home == stacks.find({**env, stacks.HOME: str(home)}, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a link to another user")
def test_a_link_of_another_user_is_no_stack(tmp_path, env):
    """Whoever may put a link above a folder must not choose a stack for it either."""
    link, mine = tmp_path / "open" / stacks.FOLDER, tmp_path / "open" / "mine"
    mine.mkdir(parents=True)
    link.symlink_to(started(tmp_path / "clone"))
    assert link == stacks.find(env, mine)
    os.lchown(link, 65534, 65534)
    assert mine / stacks.FOLDER == stacks.find(env, mine)


def test_the_one_stack_that_runs_is_found_from_anywhere(tmp_path, env, port):
    """It is noted when it comes up; one that is down, or was forgotten, is not meant."""
    home, down = started(tmp_path / "clone", port), started(tmp_path / "other")
    (tmp_path / "far").mkdir()
    for each in (home, down):
        stacks.remember(each, env)
    assert home == stacks.find(env, tmp_path / "far")
    assert tmp_path / "far" / stacks.FOLDER == stacks.near(env, tmp_path / "far")
    stacks.forget(home, env)
    assert tmp_path / "far" / stacks.FOLDER == stacks.find(env, tmp_path / "far")


def test_of_several_that_run_one_must_be_named(tmp_path, env, port):
    """A guess would put work where nobody looks for it."""
    for name in ("one", "two"):
        stacks.remember(started(tmp_path / name, port), env)
    with pytest.raises(SettingsError, match="which stack is meant, as 2 run"):
        stacks.find(env, tmp_path)


@pytest.mark.parametrize("name", [*stacks.ELSEWHERE, stacks.HOME])
def test_who_names_servers_gets_no_others(tmp_path, env, port, name):
    """A client of a deployment is not taken to a stack that happens to run on its machine."""
    stacks.remember(started(tmp_path / "clone", port), env)
    found = stacks.find({**env, name: "http://there"}, tmp_path)
    assert tmp_path / "clone" / stacks.FOLDER != found


def test_a_command_elsewhere_gets_the_folder_that_is_watched(tmp_path, env, port, monkeypatch):
    """Its grid files go where the stack looks, and a start elsewhere is a stack of its own."""
    stacks.remember(started(tmp_path / "clone", port), env)
    (tmp_path / "far").mkdir()
    monkeypatch.chdir(tmp_path / "far")
    assert tmp_path / "clone" / "grids" == load_settings(env).grids
    assert tmp_path / "far" / "grids" == load_settings(env, own=True).grids
    assert f"The stack is that in {tmp_path / 'clone'}" in reach.elsewhere(load_settings(env))


def test_another_stack_does_not_answer_for_one_that_is_down(tmp_path, env, port, monkeypatch):
    """It has the same ports: reads would come from it, and writes go to it."""
    other, down = started(tmp_path / "other", port), started(tmp_path / "down", port)
    stacks.remember(other, env)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    meant = load_settings({**env, stacks.HOME: str(down)})
    for check in (reach.must_be_own, reach.must_track, reach.must_schedule):
        with pytest.raises(StackError) as caught:
            check(meant)
        assert str(caught.value) == (
            f"{down}: its stack must be up, but is not: that in {other} has its ports. "
            f"Start it by sweepstake up, or set SWEEPSTAKE_HOME={other}."
        )
    reach.must_be_own(load_settings({**env, stacks.HOME: str(other)}))
    monkeypatch.setenv("SWEEPSTAKE_AIRFLOW_URL", f"http://127.0.0.1:{port}")
    reach.must_be_own(meant)


def test_a_note_that_cannot_be_written_stops_no_stack(tmp_path):
    """A home that is read-only, or none, costs the comfort alone."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    for env in ({}, {"HOME": str(tmp_path / "file")}):
        stacks.remember(tmp_path, env)
        stacks.forget(tmp_path, env)
        assert tmp_path / stacks.FOLDER == stacks.find(env, tmp_path)


def test_a_server_that_is_away_is_told_at_once(tmp_path, port):
    """With what is needed, and without a password that its address may hold."""
    env = {"SWEEPSTAKE_HOME": str(tmp_path), "MLFLOW_TRACKING_URI": "http://a:hush@127.0.0.1:9"}
    with pytest.raises(StackError, match=r"http://127\.0\.0\.1:9: MLflow must listen") as caught:
        reach.must_track(load_settings(env))
    assert "hush" not in str(caught.value)
    reach.must_track(load_settings({**env, "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}))
    reach.must_track(load_settings({**env, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/a.db"}))


def test_a_server_that_takes_no_connection_is_not_waited_for(monkeypatch):
    """One second is what it gets; then it counts as away."""
    asked = []

    def connect(address, seconds):
        asked.append((address, seconds))
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    assert (False, [(("there", 80), 1.0)]) == (stacks.listens("http://there"), asked)


@pytest.mark.parametrize("address", ["", "http://", "http://127.0.0.1:none", "http://[::1"])
def test_what_is_no_address_is_nobody(address):
    """Neither is an error, and none of them is this machine by default."""
    assert not stacks.listens(address)
