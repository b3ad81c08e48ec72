import json

import pytest

from sweepstake.errors import NotFoundError
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps.plan import Plan

PLAN = Plan(
    sweep="digits__0123456789ab",
    file="digits.yaml",
    snapshot="0" * 64,
    experiment_id="7",
    parent_run_id="f" * 32,
    data_digest="d" * 64,
    trial_count=5,
    order=(4, 0, 1),
    reused={2: "run-2", 3: "run-3"},
)


def test_a_plan_comes_back_as_it_was_saved(tmp_path):
    """Numbers stay numbers and the order stays a tuple, though JSON has neither."""
    PLAN.save(Workspace(tmp_path))
    assert Plan.load(Workspace(tmp_path), PLAN.sweep) == PLAN


def test_the_plan_lies_in_its_sweep_s_folder(tmp_path):
    """Plans of different sweeps do not meet, and people can read them."""
    PLAN.save(Workspace(tmp_path))
    text = (tmp_path / "sweeps" / PLAN.sweep / "plan.json").read_text()
    assert PLAN.parent_run_id == json.loads(text)["parent_run_id"]


def test_a_sweep_that_was_never_planned_is_not_found(tmp_path):
    """The error names the sweep that was asked for."""
    with pytest.raises(NotFoundError, match=r"sweeps/other__1/plan\.json: not in the workspace"):
        Plan.load(Workspace(tmp_path), "other__1")
