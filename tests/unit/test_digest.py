"""Digests: what people are told of a sweep, as text, HTML and JSON."""

import json
from datetime import date

import pytest

from sweepstake.champions.digest import Digest, Status, about
from sweepstake.domain.spec import DataSpec, SweepSpec
from sweepstake.mlflow_client.ledger import LONGEST_TAG
from sweepstake.mlflow_client.runs import Parent
from sweepstake.settings import load_settings
from sweepstake.sweeps.plan import Plan

EVIL = "<script>x</script> {{ 6 * 7 }}\x1b[31m\u202e"


def digest(**changes):
    """A digest with everything in it."""
    given = {
        "sweep": "churn__12ab",
        "status": Status.PROMOTED,
        "reason": "Trial 3 gained 0.02.",
        "model": "churn",
        "day": "2026-01-15",
        "version": "7",
        "trials": 20,
        "failed": 1,
        "metric": "accuracy",
        "best": 0.8871234567,
        "url": "http://mlflow:5000/#/x?a=1&b=2",
    }
    return Digest(**given | changes)


def test_a_digest_is_a_line_and_a_few_more():
    """What happened is in the subject; figures, reason and address follow."""
    assert "churn: v7 is champion now" == digest().subject
    assert [
        "Sweep churn__12ab, day 2026-01-15: 20 trials, 1 failed. Best mean accuracy: 0.887123.",
        "Trial 3 gained 0.02.",
        "http://mlflow:5000/#/x?a=1&b=2",
    ] == digest().text.splitlines()


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_subject(status):
    """It names the sweep or the model, also where nothing else is known."""
    told = Digest(sweep="s__1", status=status, model="m")
    assert {"s__1", "m"} & set(told.subject.replace(":", "").split())
    assert "Sweep s__1." == told.text


def test_no_text_of_a_user_is_markup():
    """In HTML it is escaped, and nothing that steers a terminal is left anywhere."""
    told = digest(reason=EVIL, model=EVIL, url="http://x/<b>")
    assert "&lt;script&gt;x&lt;/script&gt; {{ 6 * 7 }}\\x1b[31m\\u202e" in told.html
    assert '<a href="http://x/&lt;b&gt;">http://x/&lt;b&gt;</a>' in told.html
    assert "<script>" not in told.html
    assert "\x1b" not in told.subject + told.text + told.html


@pytest.mark.parametrize("sign", ['"', "\\\\", "\U000e0067", "\u200b", "\x00", "<", "é"])
def test_a_digest_fits_into_a_tag(tmp_path, sign):
    """However long a reason is and whatever it is made of; figures that are none are left out."""
    data = DataSpec("sklearn:iris", partition=date(2026, 1, 2))
    spec = SweepSpec("s", "m" * 200, data, (), "accuracy")
    plan = Plan("s" * 200, "f", "0" * 64, spec, "1", "r", "0" * 64, 1, (0,), {})
    parent = Parent("FINISHED", "accuracy", {"trials_total": float("nan"), "trials_failed": 2.0})
    settings = load_settings({"SWEEPSTAKE_HOME": str(tmp_path)})
    told = about(plan, parent, Status.KEPT, sign * 9000, settings)
    assert len(told.to_json()) <= LONGEST_TAG
    assert (0, 2) == (told.trials, told.failed)


def test_a_digest_comes_back_from_its_json():
    """JSON has the subject beside the figures, for receivers that show a line alone."""
    told = digest()
    record = json.loads(told.to_json())
    assert (told.subject, "promoted") == (record["subject"], record["status"])
    assert told == Digest.from_json(told.to_json())
