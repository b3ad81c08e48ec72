import shutil

import pytest

from sweepstake.embedded import checks
from sweepstake.errors import SettingsError, StackError


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_supported_pythons_pass(version):
    """Airflow's Pythons are accepted."""
    assert checks.check_python(version) is None


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (4, 0)])
def test_other_pythons_are_refused_in_one_sentence(version):
    """An unsupported Python is named together with those that work."""
    with pytest.raises(SettingsError) as caught:
        checks.check_python(version)
    expected = (
        f"Python: must be from 3.11 to 3.13, but got {version[0]}.{version[1]}. "
        "Install one of these and create .venv again."
    )
    assert str(caught.value) == expected


def test_a_disk_with_too_little_space_is_refused(tmp_path):
    """More bytes than the disk has free are refused, for a folder that does not exist yet too."""
    more = shutil.disk_usage(tmp_path).total + 1
    with pytest.raises(StackError, match="set SWEEPSTAKE_HOME to a folder on another disk"):
        checks.check_disk(tmp_path / "not" / "yet", least=more)


def test_a_disk_with_space_passes(tmp_path):
    """A folder that does not exist yet is checked on the disk it will be on."""
    assert checks.check_disk(tmp_path / "not" / "yet", least=1) is None


def test_root_without_a_way_to_make_a_user_is_refused(monkeypatch):
    """As root, PostgreSQL's own user must exist or be possible to make."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StackError, match="must run as a user of its own, not as root"):
        checks.check_user("a user that nobody has")


def test_an_ordinary_user_needs_no_other(monkeypatch):
    """Without root, PostgreSQL runs as whoever starts it."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", "")
    assert checks.check_user("a user that nobody has") is None
