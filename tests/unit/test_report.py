"""What the end of a sweep says of it: leaderboard files, note and figures."""

from __future__ import annotations

import csv
import json
import math
from urllib.parse import parse_qs

import pytest

from sweepstake.domain.spec import DataSpec, SweepSpec
from sweepstake.domain.trial import Standing, Trial, TrialResult, TrialState
from sweepstake.mlflow_client.comparison import batch_url, has_pages, opening, run_url
from sweepstake.mlflow_client.runs import SweepRun
from sweepstake.reports import report

SWEEP = SweepRun("3", "parent", "digits__abc", {})
SPEC = SweepSpec("digits", "digits", DataSpec("sklearn:digits"), (), "f1_macro")


def standing(number, score=None, **fields):
    """A trial with ``score``, or a failed one."""
    complete = score is not None
    metrics = {"mean_cv_f1_macro": score, "std_cv_f1_macro": 0.01, "test_f1_macro": 0.8}
    given = {
        "number": number,
        "key": f"key{number}",
        "state": TrialState.COMPLETE if complete else TrialState.FAILED,
        "estimator": "sklearn.tree.DecisionTreeClassifier",
        "params": {"max_depth": str(number), "criterion": "gini"},
        "metrics": metrics if complete else {},
        "run_id": f"run{number}",
        "reason": "" if complete else "ValueError: <b>no</b>",
    }
    return Standing(**(given | fields))


STANDINGS = (
    standing(2, 0.9, version="5"),
    standing(0, 0.8, reused_from="old__1"),
    standing(3, math.nan),
    standing(1),
)


def test_the_table_has_a_row_per_trial_and_ranks_the_complete_ones():
    """Rank follows the given order; a failed trial has none."""
    rows = report.table(STANDINGS)
    assert [(1, 2), (2, 0), (3, 3), (None, 1)] == [(row["rank"], row["number"]) for row in rows]


def test_csv_and_json_hold_the_same_figures(tmp_path):
    """Both files have every trial; what is no number is empty in one and null in the other."""
    report.summarise(STANDINGS, SPEC, SWEEP, tmp_path)
    with (tmp_path / "leaderboard.csv").open(newline="") as stream:
        table = [row["mean_cv_f1_macro"] for row in csv.DictReader(stream)]
    records = [
        row.get("mean_cv_f1_macro")
        for row in json.loads((tmp_path / "leaderboard.json").read_text())
    ]
    assert (["0.9", "0.8", "", ""], [0.9, 0.8, None, None]) == (table, records)


def test_the_summary_counts_outcomes_and_carries_the_best_trials_figures(tmp_path):
    """The parent run's metrics are counts, and the head of the leaderboard as ``best_``."""
    assert {
        "best_mean_cv_f1_macro": 0.9,
        "best_std_cv_f1_macro": 0.01,
        "best_test_f1_macro": 0.8,
        "trials_total": 4.0,
        "trials_complete": 3.0,
        "trials_failed": 1.0,
        "trials_skipped": 0.0,
        "trials_cancelled": 0.0,
        "trials_reused": 1.0,
    } == report.summarise(STANDINGS, SPEC, SWEEP, tmp_path).metrics


def test_the_note_tells_the_outcome_in_short(tmp_path):
    """Headline, counts, links and the ten best trials, the same size for any sweep."""
    many = [standing(number, 1 - number / 1000) for number in range(1000)]
    lines = report.summarise(many, SPEC, SWEEP, tmp_path).note.splitlines()
    assert lines[0] == (
        "**Best: trial 0, f1\\_macro 1.0000 ± 0.0100** "
        "(DecisionTreeClassifier criterion=gini, max\\_depth=0)"
    )
    assert "1000 of 1000 trials complete, 0 failed, 0 reused from earlier sweeps." == lines[4]
    assert 11 == len([line for line in lines if line.startswith("| ")])


def test_a_sweep_without_a_ranked_trial_has_a_note_too(tmp_path):
    """All failed: the note says so, nothing raises."""
    summary = report.summarise([standing(0), standing(1)], SPEC, SWEEP, tmp_path)
    assert summary.note.startswith("**No trial was ranked.**")


def test_no_text_in_the_csv_is_a_formula(tmp_path):
    """A text that a spreadsheet would run gets an apostrophe; numbers stay as they are."""
    texts = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "a=b"]
    numbers = ["-1", "+5", "-1e-3", "-inf", ""]
    standings = [standing(i, 0.5, params={"p": t}) for i, t in enumerate(texts + numbers)]
    failed = standing(99, reason="=HYPERLINK(A1)")
    report.summarise([*standings, failed], SPEC, SWEEP, tmp_path)
    with (tmp_path / "leaderboard.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    expected = [*(f"'{text}" for text in texts[:-1]), "a=b", *numbers]
    assert expected == [row["param.p"] for row in rows[:-1]]
    assert ("'=HYPERLINK(A1)", "-1") == (rows[-1]["reason"], rows[len(texts)]["param.p"])


def test_texts_in_the_note_are_no_markup(tmp_path):
    """Neither Markdown nor HTML nor signs that turn text around reach those who read it."""
    text = "**b** ~~s~~ [a](http://x) ![i](x) `c` | <script>x</script>\n\n# h \u202e\x1b[31m"
    summary = report.summarise([standing(0, 0.5, params={"p": text})], SPEC, SWEEP, tmp_path)
    shown = r"p=\*\*b\*\* \~\~s\~\~ \[a\](http://x) !\[i\](x) \`c\` \| "
    shown += r"&lt;script&gt;x&lt;/script&gt; # h \\u202e\\x1b\[31m"
    assert shown in summary.note
    assert [] == [sign for sign in "\u202e\x1b" if sign in summary.note]


def test_only_parameters_that_vary_are_compared(tmp_path):
    """The comparison's axes are the parameters that differ, its filter the sweep's own children."""
    view = report.summarise(STANDINGS, SPEC, SWEEP, tmp_path).view
    state = json.loads(json.loads(view.state)["state"])
    assert ["max_depth"] == state["compareRunCharts"][0]["selectedParams"]
    assert "tags.`mlflow.parentRunId` = 'parent'" == state["searchFilter"]
    assert parse_qs(view.link.partition("?")[2])["viewStateShareKey"] == [view.key]


def test_a_confusion_matrix_is_written_where_there_is_one(tmp_path):
    """Labels and counts as JSON; a multilabel trial has no such file."""
    result = TrialResult(Trial(0, "k", None), {}, {}, (), ((3, 1), (0, 4)), ("a", "b"))
    report.write_confusion(result, tmp_path)
    found = json.loads((tmp_path / "confusion_matrix.json").read_text())
    assert {"labels": ["a", "b"], "matrix": [[3, 1], [0, 4]]} == found
    report.write_confusion(TrialResult(Trial(0, "k", None), {}, {}, (), (), ()), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_addresses_of_pages_hold_no_password():
    """A link is shown to people: user and password of the server's address are left out."""
    assert "http://host:5000/#/experiments/3/runs/r1?workflowType=machine_learning" == run_url(
        "http://me:pw@host:5000/", "3", "r1"
    )
    assert batch_url("http://me:pw@host:5000", SWEEP, "mean_cv_f1", "7") == (
        "http://host:5000/#/experiments/3/runs?searchFilter="
        "tags.%60mlflow.parentRunId%60%20%3D%20%27parent%27%20and%20"
        "tags.%60sweepstake.batch%60%20%3D%20%277%27"
        "&orderByKey=metrics.%60mean_cv_f1%60&orderByAsc=false&workflowType=machine_learning"
    )


def test_warnings_about_the_data_stand_on_the_note(tmp_path):
    """As plain text, whatever a column is called."""
    warning = "column '[a](b)' has what alone tells the target."
    note = report.summarise([standing(0, 0.5)], SPEC, SWEEP, tmp_path, [warning]).note
    last = note.splitlines()[-1]
    assert last.startswith("**Warning about the data:** column '")
    assert "[a](b)" not in last


def test_a_database_is_opened_by_a_command():
    """It can be copied as it is; a password is not printed."""
    assert "mlflow ui --backend-store-uri 'sqlite:////tmp/my runs.db'" == (
        opening("sqlite:////tmp/my runs.db")
    )
    assert 'mlflow ui --backend-store-uri "$MLFLOW_TRACKING_URI"' == (
        opening("postgresql://ann:secret@db/mlflow")
    )


@pytest.mark.parametrize(
    ("uri", "page"),
    [
        ("https://ann:secret@mlflow.example.org/x/", "https://mlflow.example.org/x"),
        ("sqlite:////tmp/mlflow.db", "http://127.0.0.1:5000"),
        ("postgresql://ann:secret@db/mlflow", "http://127.0.0.1:5000"),
    ],
)
def test_a_run_has_a_page_that_opens(uri, page):
    """Also where only a database is named, which `mlflow ui` shows; no password is in it."""
    assert f"{page}/#/experiments/1/runs/r?workflowType=machine_learning" == run_url(uri, "1", "r")
    assert (page != "http://127.0.0.1:5000") == has_pages(uri)
