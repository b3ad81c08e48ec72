import json

import pytest

from sweepstake.errors import NotFoundError
from sweepstake.intake import daily_files
from sweepstake.intake.daily_files import Daily
from sweepstake.storage.workspace import Workspace

CHURN = Daily("churn", "churn.yaml", "30 6 * * *", "2026-01-10", "Europe/Madrid")
VISITS = Daily("visits", "visits.yaml", "", "", "UTC")


@pytest.fixture
def workspace(tmp_path):
    """An empty workspace."""
    return Workspace(tmp_path)


def test_records_are_those_of_the_last_look(workspace):
    """What is not found any more is taken away, what changed is written again."""
    daily_files.publish([CHURN, VISITS], (), workspace)
    later = Daily("churn", "other.yaml", "0 7 * * *", "", "UTC")
    daily_files.publish([later], (), workspace)
    assert [later] == list(daily_files.published(workspace))


def test_an_undecided_file_keeps_its_record(workspace):
    """A file that is being written, or has mistakes now, does not lose its DAG."""
    daily_files.publish([CHURN, VISITS], (), workspace)
    daily_files.publish([], {"churn.yaml"}, workspace)
    assert [CHURN] == list(daily_files.published(workspace))


def test_a_record_that_did_not_change_is_not_written(workspace):
    """Looking every minute costs no writes."""
    daily_files.publish([CHURN], (), workspace)
    path = workspace.root / "dailies" / "churn.json"
    before = path.stat().st_mtime_ns
    daily_files.publish([CHURN], (), workspace)
    assert before == path.stat().st_mtime_ns


@pytest.mark.parametrize("junk", [{"a": 1}, [], None, "text"])
def test_what_is_no_record_hurts_no_other(workspace, junk):
    """Anything else in the folder is passed over."""
    daily_files.publish([CHURN], (), workspace)
    (workspace.root / "dailies" / "junk.json").write_text(json.dumps(junk))
    assert [CHURN] == list(daily_files.published(workspace))


def test_a_misspelt_name_is_told(workspace):
    """Whoever asks for a sweep that is not there hears of the nearest one."""
    daily_files.publish([CHURN], (), workspace)
    assert CHURN == daily_files.find("churn", workspace)
    with pytest.raises(NotFoundError, match="Did you mean 'churn'"):
        daily_files.find("chrun", workspace)
