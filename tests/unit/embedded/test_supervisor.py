import shlex
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from sweepstake.embedded import supervisor
from sweepstake.embedded.layout import Layout
from sweepstake.embedded.programs import Program
from sweepstake.errors import SettingsError

LOG = """\
2026-01-01 00:00:00,000 INFO supervisord started with pid 1
2026-01-01 00:00:01,000 INFO spawned: 'mlflow' with pid 2
2026-01-01 00:00:02,000 INFO spawned: 'mlflow' with pid 3
2026-01-02 00:00:00,000 INFO supervisord started with pid 4
2026-01-02 00:00:01,000 INFO spawned: 'mlflow' with pid 5
2026-01-02 00:00:02,000 INFO spawned: 'dag-processor' with pid 6
2026-01-02 00:00:03,000 INFO spawned: 'dag-processor' with pid 7
2026-01-02 00:00:04,000 INFO spawned: 'dag-processor' with pid 8
"""


def parse(folder, program):
    """What supervisord itself reads from the configuration of ``program``."""
    text = supervisor.render([program], folder, folder, folder / "socket")
    (folder / "supervisord.conf").write_text(text)
    options = ServerOptions()
    options.realize(["-c", str(folder / "supervisord.conf")])
    (group,) = options.configroot.supervisord.process_group_configs
    return group.process_configs[0]


def test_commands_reach_supervisord_unchanged(tmp_path):
    """Spaces, quotes and percent signs in a command arrive as they are."""
    command = ("/usr/bin/env", "100% o'clock here", "%(here)s", 'say "hi"')
    assert shlex.split(parse(tmp_path, Program("one", command)).command) == list(command)


def test_programs_wait_to_be_started_and_never_give_up(tmp_path):
    """Order is ours; a program that dies again and again is tried again and again."""
    config = parse(tmp_path, Program("one", ("/bin/true",)))
    actual = (config.autostart, config.startretries >= 10**6, config.startsecs)
    assert actual == (False, True, supervisor.STEADY_SECONDS)


@pytest.mark.parametrize("whole_group", [True, False])
def test_stopping_reaches_children_where_they_need_it(tmp_path, whole_group):
    """The database ends its own children; those of the others are ended with them."""
    config = parse(tmp_path, Program("one", ("/bin/true",), whole_group=whole_group))
    assert (config.stopasgroup, config.killasgroup) == (whole_group, whole_group)


def test_restarts_are_counted_since_the_last_start_of_the_stack():
    """The first start of a program is none; earlier lives of the stack do not count."""
    assert {"mlflow": 0, "dag-processor": 2} == supervisor.count_restarts(LOG)


def test_restarts_of_an_empty_log_are_none():
    """A log that was just rotated counts nothing."""
    assert {} == supervisor.count_restarts("")


def test_a_stack_that_was_never_started_has_no_daemon(tmp_path):
    """No pid file, no daemon."""
    assert supervisor.daemon(Layout(tmp_path)) is None


def test_a_stale_pid_file_names_no_daemon(tmp_path):
    """A pid that belongs to a process without the stack's mark is not ours to end."""
    layout = Layout(tmp_path)
    layout.run.mkdir()
    (layout.run / "supervisord.pid").write_text("1\n")
    assert supervisor.daemon(layout) is None


@pytest.mark.parametrize("name", ["my #1 project", "a ;b", "100%", "two\nlines"])
def test_a_state_folder_that_would_be_misread_is_refused(tmp_path, name):
    """A path that supervisord would not read as it is, is refused before anything starts."""
    with pytest.raises(SettingsError, match="SWEEPSTAKE_HOME: must hold no"):
        Layout(Path(tmp_path, name)).create()
