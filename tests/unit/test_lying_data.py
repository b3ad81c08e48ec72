"""Data that are not what they seem, through the whole of preflight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sweepstake.errors import GridFileError
from sweepstake.preflight import checks
from sweepstake.settings import load_settings

ROWS = 200
GRID = """\
data:
  source: case.csv
  target: kind
  drop: [row]
estimator: LogisticRegression
grid: {C: [0.1, 1]}
"""


def sound():
    """Two kinds that one number tells apart, most of the time."""
    random = np.random.default_rng(1)
    kind = np.where(np.arange(ROWS) % 2, "odd", "even")
    size = random.normal(0, 1, ROWS) + (kind == "odd")
    return pd.DataFrame({"row": range(ROWS), "size": size, "kind": kind})


def with_categories():
    """A column of which every row has its own text."""
    rows = pd.concat([sound()] * 50, ignore_index=True)
    rows["size"] += np.arange(len(rows)) / 1e6
    return rows.assign(place=[f"place {number}" for number in range(len(rows))])


def with_equal_rows():
    """A third class whose rows are all equal."""
    rare = pd.DataFrame({"row": range(30), "size": [9.0] * 30, "kind": ["third"] * 30})
    return pd.concat([sound(), rare], ignore_index=True)


def check(folder, frame, grid=GRID):
    """The warnings about a frame."""
    frame.to_csv(folder / "case.csv", index=False)
    settings = replace(load_settings({}), data_roots=(folder,))
    return list(checks.inspect(grid.encode(), "case.yaml", settings)[1].warnings)


def problems(folder, frame, grid=GRID):
    """The problems of a frame."""
    with pytest.raises(GridFileError) as caught:
        check(folder, frame, grid)
    return [str(problem) for problem in caught.value.problems]


REFUSED = {
    "target missing": (
        sound().rename(columns={"kind": "knid"}),
        ["line 3: data.target: the data has no column 'kind'. Did you mean 'knid'?"],
    ),
    "target and dropped column missing": (
        sound().drop(columns=["row", "kind"]),
        [
            "line 3: data.target: the data has no column 'kind'. It has 'size'.",
            "line 4: data.drop: the data has no column 'row'. It has 'size'.",
        ],
    ),
    "labels missing and infinite numbers": (
        sound().assign(
            kind=["odd", *[None] * 2, *["even"] * (ROWS - 3)],
            size=[np.inf, *range(ROWS - 1)],
        ),
        [
            (
                "line 2: data.source: numbers must be finite, but 'size' is not in 1 row: 1. Leave "
                "such cells empty, or add drop: [size]."
            ),
            (
                "line 3: data.target: every row needs a label, but 'kind' has none in 2 rows: 2, "
                "3. "
                "Remove these rows or fill in their labels."
            ),
        ],
    ),
    "one class": (
        sound().assign(kind="odd"),
        [
            (
                "line 3: data.target: there must be two classes or more, but 'kind' holds only "
                "'odd'. "
                "Add rows of another class, or name another target column."
            )
        ],
    ),
    "a class with one row": (
        sound().assign(kind=["third", *sound()["kind"][1:]]),
        ["line 1: cv: class 'third' has 1 training row, but cv is 5. Add rows of it."],
    ),
    "a target that names the rows": (
        sound().assign(kind=[f"kind {number}" for number in range(ROWS)]),
        [
            (
                "line 1: data.holdout: a share of 0.2 of 200 rows holds no row out. No class has "
                "two "
                "different rows: name another target column, or add rows."
            )
        ],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_data_that_no_trial_can_use_are_refused(tmp_path, case):
    """Every fault that can be seen at once is told at its line."""
    frame, expected = REFUSED[case]
    assert expected == problems(tmp_path, frame)


WARNED = {
    "sound data": (sound(), []),
    "a column without values": (
        sound().assign(empty=np.nan),
        ["column 'empty' has no value at all. Drop it."],
    ),
    "a constant column": (
        sound().assign(garden="south"),
        ["column 'garden' has the same value in every row. Drop it."],
    ),
    "a copy of the target": (
        sound().assign(code=np.where(sound()["kind"] == "odd", 7, 9)),
        ["column 'code' has the target under another name. Drop it."],
    ),
    "ten thousand categories": (
        with_categories(),
        [
            (
                "column 'place' has more than 100 different texts: the rarest share one column. "
                "Drop it if they only name the rows."
            )
        ],
    ),
    "a class that is on one side only": (
        with_equal_rows(),
        [
            (
                "29 of 230 rows repeat another row. Equal rows stay on one side of the holdout, "
                "but "
                "not of the folds."
            ),
            (
                "class 'third' has no row in the holdout, as its rows are all equal: nothing there "
                "will tell how well it is found. Add different rows of it."
            ),
        ],
    ),
}


@pytest.mark.parametrize("case", WARNED)
def test_data_that_deserve_a_look_are_warned_of(tmp_path, case):
    """The sweep may go on; whoever started it is told."""
    frame, expected = WARNED[case]
    assert expected == check(tmp_path, frame)
