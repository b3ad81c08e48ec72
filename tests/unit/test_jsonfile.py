"""Strict JSON with lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepstake.errors import GridFileError
from sweepstake.gridfile.json_file import read_json


def _answer(text):
    """The document in words, or the error."""
    try:
        return repr(read_json(text, "a.json"))
    except GridFileError as error:
        return str(error)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]))
TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=25,
)


@given(TREES, st.sampled_from([None, 1]))
def test_what_json_writes_is_read_back(value, indent):
    """Any JSON value of moderate depth comes back as it was."""
    assert read_json(json.dumps(value, indent=indent), "a.json").value == value


@given(st.text())
def test_no_text_ends_in_another_error(text):
    """Whatever the text, it is a document or a readable error."""
    assert _answer(text).startswith(("a.json: ", "Document("))


def test_lines_are_those_of_keys_and_entries():
    """Every place of the file has its one-based line, escaped quotes and braces notwithstanding."""
    text = '{\n "a": "\\"}\\n",\n "b": [1,\n  {"c": 2}]\n}'
    assert {
        "": 1, "a": 2, "b": 3, "b[0]": 3, "b[1]": 4, "b[1].c": 4,
    } == read_json(text, "a.json").lines  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n[NaN]", "line 2: must not hold NaN, which is not JSON. Use a number or null."),
        (
            "[-Infinity]",
            "line 1: must not hold -Infinity, which is not JSON. Use a number or null.",
        ),
        (f"[{'9' * 5000}]", "line 1: must not hold a number of 5,000 digits. Use fewer."),
        ("[" * 100_000, "line 1: must not nest deeper than 30 levels. Flatten it."),
        ("[" * 40 + "]" * 40, "line 1: must not nest deeper than 30 levels. Flatten it."),
    ],
)
def test_what_json_readers_let_pass_is_refused(text, expected):
    """NaN, endless numbers and deep nesting get a sentence of their own."""
    assert expected in _answer(text)


def test_a_key_written_twice_keeps_the_first_and_is_reported():
    """Reading goes on after a doubled key, so that other mistakes are found too."""
    document = read_json('{"a": 1,\n "a": [2]}', "a.json")
    assert {"a": 1} == document.value
    assert ["line 2: a: is written twice, first on line 1. Keep one of them."] == [
        str(problem) for problem in document.problems
    ]
