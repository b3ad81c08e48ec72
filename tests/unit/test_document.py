"""Documents: paths and lines."""

from __future__ import annotations

import pytest

from sweepstake.gridfile.document import join, line_of, place

LINES = {"": 1, "grid": 4, "grid.C": 5, "grid.C[1]": 6}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], ""),
        (["grid"], "grid"),
        (["grid", "C", 1], "grid.C[1]"),
        (["candidates", 0, "grid", 2, "C"], "candidates[0].grid[2].C"),
    ],
)
def test_a_path_reads_as_code_does(steps, expected):
    """Keys are joined by dots, positions stand in brackets."""
    assert expected == place(steps)


def test_a_part_is_joined_to_its_path():
    """A step from the root has no leading dot."""
    assert ("a", "a.b", "a[0]") == (join("", "a"), join("a", "b"), join("a", 0))


@pytest.mark.parametrize(
    ("path", "expected"),
    [("grid.C[1]", 6), ("grid.C[7]", 5), ("grid.gamma", 4), ("data.source", 1), ("", 1)],
)
def test_a_place_without_a_line_has_that_of_what_encloses_it(path, expected):
    """A missing key is reported on the line of the mapping it is missing from."""
    assert expected == line_of(LINES, path)
