import os
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from packaging.requirements import Requirement

from sweepstake import doctor
from sweepstake.doctor import airflow, answers, host, places
from sweepstake.doctor.finding import Check, Finding, carry_out
from sweepstake.errors import SettingsError, StackError
from sweepstake.settings import load_settings
from sweepstake.storage.store import FolderStore

NOON = 1_767_268_800


def fail(error):
    """A check that ends so."""

    def look():
        raise error

    return look


def test_a_fault_hides_only_what_would_repeat_it():
    """What follows from a failing check is left out; everything else is looked at."""
    dead = Check("a", fail(SettingsError("a: must live. Wake it.")), (Check("b", fail(OSError())),))
    alive = Check("c", lambda: "well", (Check("d", lambda: "too"),))
    expected = [("a", False), ("c", True), ("d", True)]
    found = [each for check in (dead, alive) for each in carry_out(check)]
    assert expected == [(each.name, each.ok) for each in found]


def test_a_host_that_uses_no_server_is_asked_for_none(tmp_path):
    """What a program has no keys for is no fault of its host."""
    (tmp_path / "grids").mkdir()
    environ = {"SWEEPSTAKE_HOME": str(tmp_path), "SWEEPSTAKE_GRIDS": str(tmp_path / "grids")}
    found = doctor.examine({**environ, "SWEEPSTAKE_DOCTOR": "host"})
    expected = ["packages", "estimators", "trusted types", "watched folder"]
    assert expected == [each.name for each in found if each.ok]


def test_whatever_is_raised_is_a_finding():
    """An error that nobody foresaw is a sentence, with its kind and without control characters."""
    (found,) = carry_out(Check("a", fail(KeyError("x\x1b"))))
    assert (
        Finding("a", ok=False, message="a: must be in order, but got KeyError: 'x\\x1b'.") == found
    )


def test_settings_that_cannot_be_read_leave_the_packages():
    """The setting is named, and this host is looked at all the same."""
    packages, settings = doctor.examine({"MLFLOW_TRACKING_URI": "nowhere"})
    assert (True, False) == (packages.ok, settings.ok)
    assert settings.message.startswith("MLFLOW_TRACKING_URI: must be a URL with a scheme")


@pytest.mark.parametrize("buckets", [True, False])
def test_the_locked_packages_are_those_that_are_supported(buckets):
    """What the lock installs, the package's own metadata accepts."""
    assert host.packages(buckets=buckets).startswith("apache-airflow 3.")


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ("scikit-learn<1", "scikit-learn: must be <1, but got 1."),
        ("no-such-package>=2", "no-such-package: must be >=2, but got none."),
    ],
)
def test_packages_of_other_releases_are_named(asked, rule):
    """Each with what it must be, what is there, and what to install."""
    (fault,) = host.faults_of(Requirement(asked))
    assert fault.startswith(rule)
    assert fault.endswith(f"Install '{asked}'.")


def test_types_that_cannot_be_imported_are_named():
    """The setting's own name comes first."""
    assert "1 beside the reviewed list" == host.trusted_types(("collections.OrderedDict",))
    with pytest.raises(SettingsError, match=r"TRUSTED_TYPES: must name what is installed.*'no\.Su"):
        host.trusted_types(("collections.OrderedDict", "no.Such"))


@pytest.mark.parametrize(
    ("before", "after", "ahead"),
    [
        (NOON, NOON, 0),  # the same second
        (NOON + 0.9, NOON + 1.4, 0),  # the second changed on the way
        (NOON - 60, NOON - 58, 58),  # the server's clock is ahead
        (NOON + 60, NOON + 62, -59),  # or behind
    ],
)
def test_a_clock_is_judged_in_its_favour(before, after, ahead):
    """The date has no fractions and the answer takes time: only what they cannot explain counts."""
    told = formatdate(NOON, usegmt=True)
    assert ahead == answers.ahead_seconds(before, after, told)


class Fast(BaseHTTPRequestHandler):
    """A server whose clock goes two minutes ahead."""

    def do_GET(self):
        """Answer with its date."""
        self.send_response(404)
        self.end_headers()

    def date_time_string(self, timestamp=None):
        """The time by its clock."""
        return formatdate(time.time() + 120, usegmt=True)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def fast():
    """The address of a server whose clock goes ahead."""
    server = HTTPServer(("127.0.0.1", 0), Fast)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_clock_that_is_wrong_is_told(fast):
    """With how far and on which side."""
    with pytest.raises(SettingsError, match=r"Airflow at .* but is 1(19|20) s ahead\. Let both"):
        answers.clock("Airflow", fast)


def test_a_server_of_another_kind_is_no_airflow(fast):
    """Whatever answers there, it is not what the setting is about."""
    check = airflow.check(load_settings({"SWEEPSTAKE_AIRFLOW_URL": fast}))
    (found,) = carry_out(check)
    message = f"{fast}: must be Airflow's api-server, but it answers with 404."
    assert (False, message) == (found.ok, found.message[: len(message)])


def test_a_server_that_is_not_there_is_told():
    """With its address and the setting that names it."""
    with pytest.raises(StackError, match=r"S3 at http://127\.0\.0\.1:9: must answer.*Check X\."):
        answers.ask("S3", "http://127.0.0.1:9", "Check X.")


def test_a_folder_that_is_a_workspace_passes_and_is_left_empty(tmp_path):
    """A file went there and back, and nothing of it stays."""
    assert str(tmp_path / "w") == places.workspace(tmp_path / "w")
    assert [] == [path for path in (tmp_path / "w").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("look", "setting"),
    [
        (places.watched_folder, "SWEEPSTAKE_GRIDS"),
        (places.data_root, "SWEEPSTAKE_DATA_ROOTS"),
        (places.workspace, "SWEEPSTAKE_WORKSPACE"),
    ],
)
def test_a_folder_that_cannot_be_used_is_told(look, setting, tmp_path):
    """A file in its place is named by the setting."""
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(SettingsError, match=f"{setting}: must be a folder that can be .*file is"):
        look(path)


class Forgetful(FolderStore):
    """A place whose listings come late."""

    def names(self, folder):
        """Nothing yet."""
        return []


def test_a_place_that_lists_late_is_no_workspace(tmp_path):
    """What was put there must be seen at once."""
    with pytest.raises(SettingsError, match="must give back, list and delete"):
        places.round_trip(Forgetful(tmp_path), "place")


@pytest.mark.parametrize(
    ("environ", "limit"),
    [({}, "700"), ({"AIRFLOW__CORE__MAX_MAP_LENGTH": "900"}, "900")],
)
def test_a_limit_that_airflow_does_not_tell_is_read_on_this_host(
    environ, limit, tmp_path, monkeypatch
):
    """The environment comes before the file, as for Airflow."""
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert (os.environ.get("AIRFLOW__CORE__MAX_MAP_LENGTH")) == airflow.own_limit(tmp_path)
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow" / "airflow.cfg").write_text("[core]\nmax_map_length = 700\nx = %s\n")
    assert limit == airflow.own_limit(tmp_path)
