import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from sweepstake.domain.spec import Candidate, DataSpec, EstimatorSpec, SweepSpec
from sweepstake.domain.spec_record import record_of, spec_of
from sweepstake.errors import NotFoundError
from sweepstake.gridfile import loader
from sweepstake.settings import load_settings
from sweepstake.storage.workspace import Workspace
from sweepstake.sweeps.plan import Plan

VALID = Path(__file__).parents[1] / "grids" / "valid"
GRIDS = sorted(file for file in VALID.iterdir() if file.suffix in {".json", ".yaml", ".yml"})
SPEC = SweepSpec(
    "digits",
    "digits",
    DataSpec("sklearn:digits"),
    (Candidate(EstimatorSpec("sklearn.naive_bayes.GaussianNB")),),
    "accuracy",
)
PLAN = Plan(
    sweep="digits__0123456789ab",
    file="digits.yaml",
    snapshot="0" * 64,
    spec=SPEC,
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


@pytest.fixture
def earlier(tmp_path):
    """A function that stores a plan as earlier releases did, with the bytes of its grid file."""
    workspace = Workspace(tmp_path)

    def store(content):
        plan = replace(PLAN, snapshot=workspace.keep_snapshot(content))
        plan.save(workspace)
        record = workspace.read_record(f"sweeps/{PLAN.sweep}/plan")
        del record["spec"]
        old = {**record, "model": "churn", "partition": "2026-01-02"}
        workspace.write_record(f"sweeps/{PLAN.sweep}/plan", old)
        return Plan.load(workspace, PLAN.sweep)

    return store


def test_a_plan_of_an_earlier_release_reads_its_grid_file(earlier):
    """An upgrade loses no sweep: its champion is served and its versions are judged as before."""
    content = b"{model: churn, data: {source: 'd-{partition}.csv', target: x}, estimator: SVC}"
    plan = earlier(content)
    assert ("churn", "2026-01-02") == (plan.model, plan.partition)


def test_a_plan_of_an_earlier_release_may_be_wrong_by_now(earlier):
    """Then nothing is guessed, and the message says what to do."""
    with pytest.raises(NotFoundError, match=r"unknown key.*submit it again"):
        earlier(b"{data: {source: 'sklearn:iris'}, estimator: SVC, colour: red}")


@pytest.mark.parametrize("file", GRIDS, ids=lambda file: file.name)
def test_the_spec_of_every_grid_file_comes_back_from_its_record(file):
    """Whatever a grid file can say survives JSON: inner classifiers, numbers as keys, days."""
    spec = loader.parse(file.read_bytes(), file.name, load_settings({})).spec
    for each in (spec, spec.at(date(2026, 1, 2))):
        assert each == spec_of(json.loads(json.dumps(record_of(each))))


def test_values_of_parameters_come_back_as_they_were():
    """Mappings keep their keys' types, and mappings that look like classifiers stay mappings."""
    weights = {0: 1.5, "a": 2, True: None}
    inner = {"estimator": EstimatorSpec("sklearn.svm.SVC", {"C": float("inf")}), "pairs": "drop"}
    estimator = EstimatorSpec("sklearn.dummy.DummyClassifier", {"class_weight": [weights, inner]})
    spec = replace(SPEC, candidates=(Candidate(estimator, ({"a__b": (1, 1.0, [2, [3]])},)),))
    assert repr(spec) == repr(spec_of(json.loads(json.dumps(record_of(spec)))))
