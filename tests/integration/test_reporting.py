"""The report of a sweep on a real server: whole, the same again, with its decision in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sweepstake.champions import rounds
from sweepstake.errors import NotFoundError
from sweepstake.gridfile import loader
from sweepstake.mlflow_client.registry import Registry
from sweepstake.mlflow_client.report_run import ReportRun
from sweepstake.reports import decision, report
from sweepstake.sweeps import refining, reporting
from sweepstake.sweeps.planned_sweep import open_planned


@pytest.fixture
def client(mlflow_uri):
    """A client of the server."""
    return MlflowClient(tracking_uri=mlflow_uri)


@pytest.fixture
def page_of(client, settings):
    """A function that reads the report of a sweep from the server, without Plotly's script."""

    def read(sweep_id):
        run = open_planned(sweep_id, settings).plan.parent_run_id
        path = client.download_artifacts(run, report.PAGE)
        text = Path(path).read_text(encoding="utf-8")
        return text.replace(report.page.plotly_script(), "")

    return read


@pytest.fixture
def files_of(client, settings):
    """A function that lists the files of a sweep's parent run."""

    def listed(sweep_id):
        run = open_planned(sweep_id, settings).plan.parent_run_id
        places = (None, report.PICTURES)
        return {file.path for place in places for file in client.list_artifacts(run, place)}

    return listed


def without_decision(text):
    """A report but for what was decided."""
    return re.sub(f"{decision.BEGIN}.*{decision.END}", "", text, flags=re.DOTALL)


def test_a_report_is_whole_and_takes_the_decision_in(run, submit, settings, page_of, files_of):
    """Before the round it says that none was; after it, what came of it, and nothing else moved."""
    sweep_id = run(submit())
    reporting.write(sweep_id, settings)
    before = page_of(sweep_id)
    assert {"report.html", "leaderboard.png", "figures/quality.png"} <= files_of(sweep_id)
    assert ("Not decided yet" in before, "could not be drawn" in before) == (True, False)
    assert "On 120 training rows" in before
    (entry,) = rounds.judge(open_planned(sweep_id, settings).spec.model, settings)
    after = page_of(sweep_id)
    assert (True, True) == (f"v{entry.version} became champion of" in after, "✓ Promoted" in after)
    assert without_decision(before) == without_decision(after)
    reporting.write(sweep_id, settings)
    assert after == page_of(sweep_id)


def test_a_round_that_ends_before_the_report_stands_in_it(run, submit, settings, page_of):
    """Whichever of both is last; the one that ends between its look and its storing, too."""
    sweep_id = run(submit())
    model = open_planned(sweep_id, settings).spec.model
    monkey = pytest.MonkeyPatch()
    made = report.write

    def write(*args):
        rounds.judge(model, settings)
        made(*args)

    with monkey.context() as patched:
        patched.setattr(reporting.report, "write", write)
        reporting.write(sweep_id, settings)
    assert "✓ Promoted" in page_of(sweep_id)


def test_a_round_that_was_killed_draws_its_decision_when_it_is_ended(
    run, submit, settings, page_of, monkeypatch
):
    """Killed after the champion is in service, and before the report says so."""
    sweep_id = run(submit())
    model = open_planned(sweep_id, settings).spec.model
    reporting.write(sweep_id, settings)
    with monkeypatch.context() as patched:
        patched.setattr(ReportRun, "add", _killed)
        with pytest.raises(KeyboardInterrupt):
            rounds.judge(model, settings)
    assert Registry(settings.tracking_uri).champion(model) is not None
    assert "Not decided yet" in page_of(sweep_id)
    rounds.judge(model, settings)
    assert "✓ Promoted" in page_of(sweep_id)


def _killed(*_):
    raise KeyboardInterrupt


def test_a_report_that_cannot_be_drawn_into_keeps_no_round_open(
    run, submit, settings, monkeypatch, caplog
):
    """The champion is in service, the round is over, and the log says what is missing."""
    sweep_id = run(submit())
    reporting.write(sweep_id, settings)
    monkeypatch.setattr(decision, "drawn_in", lambda *_: 1 / 0)
    (entry,) = rounds.judge(open_planned(sweep_id, settings).spec.model, settings)
    assert (True, True) == (entry.complete, "could not be drawn into its report" in caplog.text)


def test_what_the_best_confuses_takes_no_longer_than_it_may(
    run, submit, settings, page_of, monkeypatch
):
    """Where the fits would take too long, the report says so in place of the figures."""
    monkeypatch.setattr("sweepstake.sweeps.out_of_fold.LONGEST", -1.0)
    sweep_id = run(submit())
    reporting.write(sweep_id, settings)
    assert "more than the -1 s that a report may spend" in page_of(sweep_id)


def test_the_next_grid_file_is_finer_and_valid(run, submit, settings):
    """It has a name of its own, the same model and data, and points that are new."""
    sweep_id = run(submit(grid={"criterion": ["gini", "entropy"], "max_depth": [2, 5, 9]}))
    grid = refining.refine(sweep_id, settings)
    spec = loader.parse(grid.text.encode(), grid.file, settings).spec
    planned = open_planned(sweep_id, settings)
    assert (refining.next_name(planned.spec.name), planned.spec.model, planned.spec.data) == (
        spec.name,
        spec.model,
        spec.data,
    )
    (candidate,) = spec.candidates
    assert set(candidate.grids[0]["max_depth"]) - {2, 5, 9}


def test_a_grid_of_one_point_cannot_be_finer(run, submit, settings, page_of):
    """The command says so, and the report in its place."""
    sweep_id = run(submit(grid={"max_depth": [2]}))
    with pytest.raises(NotFoundError, match="must have an axis that can be finer"):
        refining.refine(sweep_id, settings)
    reporting.write(sweep_id, settings)
    assert "must have an axis that can be finer" in page_of(sweep_id)
