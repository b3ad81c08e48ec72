"""Strict YAML."""

from __future__ import annotations

import math
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sweepstake.errors import GridFileError
from sweepstake.gridfile.yaml_file import read_yaml


def _value(text):
    return read_yaml(text, "a.yaml").value


def _message(text):
    with pytest.raises(GridFileError) as caught:
        read_yaml(text, "a.yaml")
    return str(caught.value)


def _answer(text):
    """The document in words, or the error."""
    try:
        return repr(read_yaml(text, "a.yaml"))
    except GridFileError as error:
        return str(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-3", 0.001),
        ("1.5E+3", 1500.0),
        (".5", 0.5),
        ("-7", -7),
        ("007", 7),
        ("0x1F", 31),
        ("0o17", 15),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("on", "on"),
        ("Yes", "Yes"),
        ("n", "n"),
        ("12:30:00", "12:30:00"),
        ("2026-01-31", "2026-01-31"),
        ("1_000", "1_000"),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("'1'", "1"),
        ('"null"', "null"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_scalar_follows_yaml_1_2(text, expected):
    """Plain scalars are read by the core schema of YAML 1.2, quoted ones are text."""
    actual = _value(f"key: {text}\n")["key"]
    assert (type(expected), expected) == (type(actual), actual)


def test_lines_are_those_of_keys_and_entries():
    """Every place of the file has its one-based line."""
    document = read_yaml("a:\n  b:\n    - 1\n    - c: 2\n", "a.yaml")
    assert {"": 1, "a": 1, "a.b": 2, "a.b[0]": 3, "a.b[1]": 4, "a.b[1].c": 4} == document.lines


def test_whole_numbers_stay_keys_and_other_keys_are_text():
    """Class weights may have numbers as keys; every other key is text."""
    assert [0, "true", "1.5", "null"] == list(_value("{0: a, true: b, 1.5: c, ~: d}"))


def test_a_key_written_twice_keeps_the_first_and_is_reported():
    """Reading goes on after a doubled key, so that other mistakes are found too."""
    document = read_yaml("a: 1\nb: 2\na: {x: [1]}\n", "a.yaml")
    assert {"a": 1, "b": 2} == document.value
    assert ["line 3: a: is written twice, first on line 1. Keep one of them."] == [
        str(problem) for problem in document.problems
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a: !!str 1\n",
        "a: !custom {}\n",
        "!!python/object/apply:os.system ['true']\n",
    ],
)
def test_tags_are_refused(text):
    """What names types or code is refused by name."""
    assert "must not have" in _message(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x [1, 2]\nb: *x", {"a": [1, 2], "b": [1, 2]}),
        ("a: &x 3\nb: *x\nc: &x 4\nd: *x", {"a": 3, "b": 3, "c": 4, "d": 4}),
        ("&k a: 1\nb: *k", {"a": 1, "b": "a"}),
        ("a: &x {k: 1}\nb: {<<: *x, k: 2}", {"a": {"k": 1}, "b": {"k": 2}}),
        ("a: &x {k: 1}\nb: {k: 2, <<: *x}", {"a": {"k": 1}, "b": {"k": 2}}),
        ("a: &x {k: 1}\nb: {<<: [{k: 3, l: 4}, *x]}", {"a": {"k": 1}, "b": {"k": 3, "l": 4}}),
        ("a: {<<: {<<: {k: 1}, l: 2}}", {"a": {"k": 1, "l": 2}}),
        ("'<<': 1", {"<<": 1}),
        ("a: <<", {"a": "<<"}),
    ],
)
def test_anchors_and_merge_keys_are_filled_in(text, expected):
    """An alias stands for its anchor's value; what a mapping writes itself wins over a merge."""
    assert expected == _value(text)


@pytest.mark.parametrize("text", ["a: &x {k: [1]}\nb: *x", "a: &x {k: [1]}\nb: {<<: *x, l: 1}"])
def test_an_aliased_place_has_the_line_of_its_anchor(text):
    """A mistake in a shared value is reported where it is written."""
    assert 1 == read_yaml(text, "a.yaml").lines["b.k[0]"]


def test_values_are_not_shared_between_aliases():
    """Each alias is a value of its own: nothing that changes one changes another."""
    value = _value("a: &x [1]\nb: *x")
    assert value["a"] is not value["b"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: *x", "'*x' has no anchor '&x' before it. Add one, or quote it as text."),
        ("a: &a [*a]", "'*a' must not stand inside its own '&a'."),
        ("<<: 1", "'<<' takes a mapping, but got 1. Name an anchor."),
        ("<<: [[1]]", "'<<' takes a mapping, but got a list of lists. Name an anchor."),
    ],
)
def test_an_alias_without_a_meaning_is_refused(text, expected):
    """What cannot be filled in is told in a sentence."""
    assert f"a.yaml: line 1: {expected}" == _message(text)


def test_a_bomb_of_aliases_counts_what_it_stands_for():
    """The billion laughs end at the values that any file may hold."""
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    assert "must not hold more than 100,000 values" in _message(bomb)


@pytest.mark.parametrize("text", ["[" * 500_000, "{a: " * 100_000, "- " * 200_000, "? " * 9000])
def test_deep_nesting_is_refused_before_it_costs(text):
    """However deep a file nests, it is refused at the thirtieth level or before."""
    assert "a.yaml: line 1: " in _message(text)


def test_too_many_values_are_refused():
    """A file of one megabyte cannot hold half a million values."""
    assert "must not hold more than 100,000 values" in _message(f"[{'1,' * 200_000}]")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
def test_text_that_a_yaml_writer_quotes_is_read_back(text):
    """Text written by PyYAML in quotes comes back as it was."""
    written = yaml.safe_dump({"value": text}, default_style='"', width=1000)
    assert _value(written) == {"value": text}


@given(st.text())
def test_no_text_ends_in_another_error(text):
    """Whatever the text, it is a document or a readable error."""
    assert _answer(text).startswith(("a.yaml: ", "Document("))


def test_dates_do_not_become_objects():
    """A date is text, not a ``date`` that JSON cannot hold."""
    assert not isinstance(_value("2026-01-31"), date)
