"""Keys that came later: what a grid file does not say is in no record and in no trial key."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sweepstake.domain.folding import FoldKind
from sweepstake.domain.spec_record import LATER, LATER_OF_DATA, record_of, spec_of
from sweepstake.domain.task import Task
from sweepstake.gridfile import loader, search_space
from sweepstake.settings import load_settings

PLAIN = "data: {source: d.csv, target: y}\nestimator: SVC\n"


def spec(text):
    """The spec of a grid file's text."""
    return loader.parse(text.encode(), "a.yaml", load_settings({})).spec


def key(text):
    """The key of the first trial."""
    return search_space.trials(spec(text), "digest")[0].key


def test_a_plain_file_leaves_them_out():
    """Its record has the keys that it had, and is read back as the same spec."""
    record = json.loads(json.dumps(record_of(spec(PLAIN))))
    assert (set(), set()) == (
        set(LATER) & record.keys(),
        set(LATER_OF_DATA) & record["data"].keys(),
    )
    assert spec(PLAIN) == spec_of(record)


@pytest.mark.parametrize(
    "more", ["cv: 5\n", "cv: {folds: 5}\n", "cv: {kind: stratified}\n", "metrics: []\n"]
)
def test_what_is_the_same_has_the_same_key(more):
    """The usual folds are one thing, however they are written."""
    assert key(PLAIN) == key(PLAIN + more)


def test_what_is_said_is_kept():
    """Each of the keys comes back from the record, and all of them make other trials."""
    texts = [
        PLAIN,
        PLAIN + "cv: 4\n",
        PLAIN + "cv: {kind: group, by: g}\n",
        PLAIN + "cv: {kind: time, by: g}\n",
        PLAIN + "cv: {kind: repeated, repeats: 3}\n",
        PLAIN + "cv: {kind: repeated, repeats: 4}\n",
        PLAIN + "metrics: [accuracy]\n",
        PLAIN + "metrics: [accuracy, roc_auc]\n",
    ]
    assert len(texts) == len({key(text) for text in texts})
    assert key(PLAIN + "metrics: [roc_auc, accuracy]\n") == key(texts[-1])
    for text in texts:
        assert spec(text) == spec_of(json.loads(json.dumps(record_of(spec(text)))))


def test_the_mapping_says_what_folds_go_by():
    """Rows have the time of their column where none is named, and ``by`` may be a feature."""
    grouped = spec(PLAIN + "cv: {kind: group, folds: 3, by: g, feature: true}\n")
    assert (FoldKind.GROUP, 3, "g", frozenset()) == (
        grouped.fold_kind,
        grouped.cv,
        grouped.data.groups,
        grouped.data.apart,
    )
    timed = spec(
        "data: {source: d.csv, target: y, time_column: t}\nestimator: SVC\ncv: {kind: time}"
    )
    assert ("t", frozenset({"t"})) == (timed.data.times, timed.data.apart)
    weighed = replace(timed.data, weight="w")
    assert frozenset({"t", "w"}) == weighed.apart


@pytest.mark.parametrize(
    ("text", "task", "metric"),
    [
        (PLAIN, Task.CLASSIFICATION, "f1_macro"),
        (PLAIN.replace("SVC", "SVR"), Task.REGRESSION, "r2"),
        (PLAIN.replace("SVC", "sklearn.svm.SVR") + "task: regression\n", Task.REGRESSION, "r2"),
    ],
)
def test_the_task_follows_from_the_estimator(text, task, metric):
    """Regressors predict numbers, by R² unless the file says otherwise."""
    found = spec(text)
    assert (task, metric) == (found.task, found.metric)
